//! Does an upstream balance as its strategy promises? The right question differs per strategy: a
//! test of equal counts would call perfect round robin suspicious and good least connections broken.
//!
//! * round robin: over any window a backend is within one request of `n * weight / total`, and what
//!   remains is explained to the request by the smooth weights at both ends.
//! * least connections: in-flight requests are even; shares follow from speed and are no error.
//! * ip hash: clients decide; one client with a large part is a property of the clients.
//! * hash: keys decide; what chance does not explain is a property of the keys.
//! * random: chance decides, and how far it goes is known.
//! * least time: the fastest has the most, for its weight.

use crate::balance::fit;
use crate::control::wire::{BackendRow, UpstreamRow};

use super::{Model, attention, traffic};

/// In-flight averages may differ by this factor, or by this many requests where there are few.
const SPREAD_MAX: f64 = 1.25;
const SPREAD_REQUESTS_MAX: f64 = 1.0;
/// One client network above this share makes a hash uneven by itself.
const CLIENT_SHARE_MAX: f64 = 0.25;
/// Counts are read while requests run: so much of the window may be unexplained.
const UNEXPLAINED_MAX: f64 = 0.01;
/// Beyond so many standard deviations it is not chance: one window in fifteen thousand.
const DEVIATIONS_MAX: f64 = 4.0;
/// Times within a step of 20 ms count as one, so the fastest may have a little less than another.
const NEAR_SHARE: f64 = 0.8;
/// Seconds that in-flight averages are taken over.
const AVERAGE_SECONDS: usize = 60;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    TooFew,
    Fits,
    /// Uneven for a reason that lies with the clients.
    Skewed,
    Off,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fit {
    pub(crate) verdict: Verdict,
    /// `exact ±0.4`, `even ×1.04`, `top client 31%`.
    pub(crate) short: String,
    /// What is tested, in words.
    pub(crate) rule: &'static str,
    /// Requests in the window.
    pub(crate) picks: u64,
    pub(crate) findings: Vec<Finding>,
}

/// One tested claim.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Finding {
    pub(crate) verdict: Verdict,
    pub(crate) label: &'static str,
    pub(crate) value: String,
    pub(crate) note: String,
}

pub(crate) fn fit(model: &Model, upstream: &UpstreamRow) -> Fit {
    let members: Vec<&BackendRow> = model.backends_of(&upstream.name).collect();
    let picks = members.iter().map(|row| row.window_picks).sum();
    let (rule, mut findings) = match upstream.strategy.as_str() {
        "least_conn" => ("even in-flight, not even shares", least_connections(model, &members)),
        "ip_hash" => ("each client keeps its backend", hash(upstream, &members)),
        "hash" | "hash_consistent" => {
            ("each key keeps its backend", vec![drawn(&members, picks, Verdict::Skewed, KEYS)])
        }
        "random" => {
            ("the weights, within chance", vec![drawn(&members, picks, Verdict::Off, DRAWS)])
        }
        "random_two" => {
            ("idle: two drawn alike", vec![drawn(&members, picks, Verdict::Skewed, LOADS)])
        }
        "least_time" => ("nearest answer first", vec![nearest(&members)]),
        _ => ("within one request of the weights, always", round_robin(&members, picks)),
    };
    findings.push(retried(upstream));
    if picks < fit::PICKS_MIN {
        for finding in &mut findings {
            finding.verdict = Verdict::TooFew;
        }
        return Fit {
            verdict: Verdict::TooFew,
            short: "too few yet".to_owned(),
            rule,
            picks,
            findings,
        };
    }
    let (verdict, short) = short(&upstream.strategy, &findings);
    Fit { verdict, short, rule, picks, findings }
}

/// The first claim is the strategy's promise: it decides.
fn short(strategy: &str, findings: &[Finding]) -> (Verdict, String) {
    let first = &findings[0];
    let text = match (strategy, first.verdict) {
        ("ip_hash", _) => format!("top client {}", first.value),
        ("hash" | "hash_consistent" | "random" | "random_two", Verdict::Fits) => {
            format!("chance {}", first.value)
        }
        ("least_time", _) => format!("fastest {}", first.value),
        ("hash" | "hash_consistent" | "random_two", _) | (_, Verdict::Off) => {
            format!("uneven {}", first.value)
        }
        ("least_conn", _) => format!("even {}", first.value),
        _ => format!("exact {}", first.value),
    };
    (first.verdict, text)
}

fn round_robin(members: &[&BackendRow], picks: u64) -> Vec<Finding> {
    let picks = picks as f64;
    let served: Vec<fit::Served> = eligible(members)
        .map(|row| fit::Served {
            picks: row.window_picks,
            weight: row.backend.weight,
            weight_start: row.window_weight_start,
            weight_end: row.current_weight,
        })
        .collect();
    let worst = fit::worst(&served, fit::beyond_due);
    let unexplained = fit::worst(&served, fit::residual);
    let is_close = worst < 1.0 || worst <= picks * UNEXPLAINED_MAX;
    vec![
        Finding {
            verdict: if is_close { Verdict::Fits } else { Verdict::Off },
            label: "furthest from its share",
            value: format!("±{worst:.1}"),
            note: "requests; promised is less than 1".to_owned(),
        },
        Finding {
            verdict: if unexplained < 1.0 { Verdict::Fits } else { Verdict::Skewed },
            label: "not explained by the turn",
            value: format!("{unexplained:.1}"),
            note: "requests, by retries and ejections".to_owned(),
        },
    ]
}

fn least_connections(model: &Model, members: &[&BackendRow]) -> Vec<Finding> {
    let loads: Vec<f64> = eligible(members)
        .map(|row| average_active(model, row.key) / f64::from(row.backend.weight.max(1)))
        .collect();
    let most = loads.iter().copied().fold(0.0, f64::max);
    let least = loads.iter().copied().fold(f64::INFINITY, f64::min).min(most);
    let is_even = most - least <= SPREAD_REQUESTS_MAX || most <= least * SPREAD_MAX;
    let value = if most - least <= SPREAD_REQUESTS_MAX {
        format!("±{:.1}", most - least)
    } else {
        format!("×{:.2}", most / least.max(0.01))
    };
    let slowest = eligible(members).max_by_key(|row| row.backend.latency_us.p50);
    let fewest = eligible(members).min_by_key(|row| row.window_picks);
    let mut findings = vec![Finding {
        verdict: if is_even { Verdict::Fits } else { Verdict::Off },
        label: "in flight, busiest to idlest",
        value,
        note: format!("averages {least:.1} to {most:.1}; fine within 1 or under ×{SPREAD_MAX:.2}"),
    }];
    if let (Some(slowest), Some(fewest)) = (slowest, fewest) {
        findings.push(Finding {
            verdict: if slowest.key == fewest.key { Verdict::Fits } else { Verdict::Skewed },
            label: "fewest requests go to",
            value: format!("{:.1}%", fewest.backend.actual_share * 100.0),
            note: if slowest.key == fewest.key {
                format!("{}, which is the slowest", fewest.backend.name)
            } else {
                format!("{}; the slowest is {}", fewest.backend.name, slowest.backend.name)
            },
        });
    }
    findings
}

fn hash(upstream: &UpstreamRow, members: &[&BackendRow]) -> Vec<Finding> {
    let top = upstream.top_client_share;
    let largest =
        eligible(members).max_by(|a, b| a.backend.actual_share.total_cmp(&b.backend.actual_share));
    let mut findings = vec![Finding {
        verdict: if top <= CLIENT_SHARE_MAX { Verdict::Fits } else { Verdict::Skewed },
        label: "busiest client network",
        value: format!("{:.0}%", top * 100.0),
        note: "of the requests; it can't be split without moving the client".to_owned(),
    }];
    if let Some(largest) = largest {
        findings.push(Finding {
            verdict: Verdict::Fits,
            label: "largest share",
            value: format!("{:.1}%", largest.backend.actual_share * 100.0),
            note: format!("{}; shares are the clients' doing", largest.backend.name),
        });
    }
    findings
}

/// What else than chance moves shares that chance should spread.
const KEYS: &str = "busy keys; one can't be split";
const DRAWS: &str = "retries, ejections, slow start";
const LOADS: &str = "loads; the busier of two is left out";

/// Shares that are random: each backend's picks are within a few standard deviations of its due.
fn drawn(members: &[&BackendRow], picks: u64, beyond: Verdict, causes: &str) -> Finding {
    let off = |row: &BackendRow| (row.backend.actual_share - row.backend.expected_share).abs();
    let spread = |row: &BackendRow| {
        let share = row.backend.expected_share;
        (share * (1.0 - share) / picks.max(1) as f64).sqrt()
    };
    // A thousandth for what is read while requests run.
    let is_chance = |row: &BackendRow| off(row) <= DEVIATIONS_MAX * spread(row) + 0.001;
    let worst = eligible(members).map(off).fold(0.0, f64::max);
    Finding {
        verdict: if eligible(members).all(is_chance) { Verdict::Fits } else { beyond },
        label: "furthest from its share",
        value: format!("±{:.1}%", worst * 100.0),
        note: format!("chance explains {DEVIATIONS_MAX:.0} deviations; beyond it: {causes}"),
    }
}

/// The fastest backend has the largest share, in proportion to weight.
fn nearest(members: &[&BackendRow]) -> Finding {
    let portion =
        |row: &BackendRow| row.backend.actual_share / f64::from(row.backend.weight.max(1));
    let largest = eligible(members).max_by(|a, b| portion(a).total_cmp(&portion(b)));
    let fastest = eligible(members).min_by_key(|row| row.backend.latency_us.p50);
    let (Some(largest), Some(fastest)) = (largest, fastest) else {
        return Finding {
            verdict: Verdict::TooFew,
            label: "share of the fastest",
            value: "-".to_owned(),
            note: "no backend takes requests".to_owned(),
        };
    };
    let is_it = largest.key == fastest.key || portion(fastest) >= portion(largest) * NEAR_SHARE;
    Finding {
        verdict: if is_it { Verdict::Fits } else { Verdict::Skewed },
        label: "share of the fastest",
        value: format!("{:.0}%", fastest.backend.actual_share * 100.0),
        note: format!("{}; most go to {}", fastest.backend.name, largest.backend.name),
    }
}

fn retried(upstream: &UpstreamRow) -> Finding {
    let beyond = upstream.admission.queue.as_ref().map_or(0, |it| it.overflows + it.timeouts);
    let is_well = upstream.refused + upstream.retries_withheld + upstream.overflows + beyond == 0;
    Finding {
        verdict: if is_well { Verdict::Fits } else { Verdict::Off },
        label: "moved by retries",
        value: upstream.retries.to_string(),
        note: retry_note(upstream),
    }
}

/// What is wrong comes first: a narrow screen shows whole clauses, as many as fit.
fn retry_note(upstream: &UpstreamRow) -> String {
    let UpstreamRow { requests, retries, retries_withheld, refused, overflows, .. } = *upstream;
    let mut clauses = Vec::new();
    if retries_withheld > 0 {
        clauses.push(format!("budget withheld {retries_withheld}"));
    }
    if overflows > 0 {
        clauses.push(format!("{overflows} beyond connections_max"));
    }
    if let Some(queue) = &upstream.admission.queue {
        let told = [(queue.overflows, "found the queue full"), (queue.timeouts, "queued in vain")];
        let told = told.iter().filter(|(count, _)| *count > 0);
        clauses.extend(told.map(|(count, what)| format!("{count} {what}")));
    }
    if retries <= requests {
        clauses.push(format!("{:.1}% of all", retries as f64 * 100.0 / requests.max(1) as f64));
    }
    clauses.push(format!("{refused} found no backend"));
    clauses.join("; ")
}

fn eligible<'a>(members: &'a [&BackendRow]) -> impl Iterator<Item = &'a BackendRow> {
    members.iter().copied().filter(|row| attention::takes_requests(row.backend.state))
}

fn average_active(model: &Model, key: u32) -> f64 {
    let recent = traffic::backend_samples(model, key).rev().take(AVERAGE_SECONDS);
    let (sum, count) = recent
        .fold((0_u64, 0_u64), |(sum, count), sample| (sum + u64::from(sample.active), count + 1));
    if count == 0 { 0.0 } else { sum as f64 / count as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::wire::{Backend, BackendSample, BackendState, Latency, Responses, Sample};
    use crate::tui::model::Size;

    /// A backend of upstream `u` by weight, picks and the smooth weight it ends with.
    fn row(key: u32, weight: u32, picks: u64, current_weight: i64) -> BackendRow {
        BackendRow {
            upstream: "u".to_owned(),
            backend: Backend {
                name: format!("b{key}"),
                address: String::new(),
                state: BackendState::Up,
                weight,
                active: 0,
                requests: picks,
                expected_share: 0.0,
                actual_share: 0.0,
                responses: Responses::default(),
                failures: 0,
                latency_us: Latency::default(),
                bytes_in: 0,
                bytes_out: 0,
                program: None,
                host: None,
                capacity: crate::control::capacity::Capacity::default(),
                check: None,
                reason: String::new(),
                drain: None,
                cuts: 0,
            },
            key,
            file_weight: weight,
            since_ms: 0,
            reason: String::new(),
            window_picks: picks,
            window_weight_start: 0,
            current_weight,
            active_by_worker: Vec::new(),
            check: String::new(),
        }
    }

    #[test]
    fn a_spent_budget_is_the_first_thing_said_of_retries() {
        let row = UpstreamRow { requests: 1000, retries: 25, ..UpstreamRow::default() };
        assert_eq!(retry_note(&row), "2.5% of all; 0 found no backend");
        let row = UpstreamRow { requests: 0, retries: 25, retries_withheld: 7, ..row };
        assert_eq!(retry_note(&row), "budget withheld 7; 0 found no backend");
        assert_eq!(retried(&row).verdict, Verdict::Off);
        let row = UpstreamRow { overflows: 3, retries_withheld: 0, ..row };
        assert_eq!(retry_note(&row), "3 beyond connections_max; 0 found no backend");
    }

    fn check(strategy: &str, rows: Vec<BackendRow>, active: &[u32], expected: (Verdict, &str)) {
        let mut model = Model::new(Size::default(), 0);
        let total: u32 = rows.iter().map(|row| row.backend.weight).sum();
        model.live.backends = rows;
        for row in &mut model.live.backends {
            row.backend.expected_share = f64::from(row.backend.weight) / f64::from(total);
        }
        let backends = (0..).zip(active);
        let backends = backends.map(|(key, active)| BackendSample {
            key,
            active: *active,
            ..Default::default()
        });
        model.history.push_back(Sample { backends: backends.collect(), ..Sample::default() });
        let upstream = UpstreamRow {
            name: "u".to_owned(),
            strategy: strategy.to_owned(),
            top_client_share: 0.31,
            ..UpstreamRow::default()
        };
        let fit = fit(&model, &upstream);
        assert_eq!((fit.verdict, fit.short.as_str()), expected);
    }

    #[test]
    fn round_robin_is_exact_or_it_is_off() {
        let three = |a, b, c| vec![row(0, 3, a, 0), row(1, 1, b, 0), row(2, 1, c, 0)];
        check("round_robin", three(60, 20, 20), &[], (Verdict::Fits, "exact ±0.0"));
        check("round_robin", three(70, 15, 15), &[], (Verdict::Off, "uneven ±10.0"));
        check("round_robin", three(3, 1, 1), &[], (Verdict::TooFew, "too few yet"));
    }

    #[test]
    fn least_connections_looks_at_what_is_in_flight() {
        let two = || vec![row(0, 1, 90, 0), row(1, 1, 10, 0)];
        check("least_conn", two(), &[1, 1], (Verdict::Fits, "even ±0.0"));
        check("least_conn", two(), &[58, 56], (Verdict::Fits, "even ×1.04"));
        check("least_conn", two(), &[40, 10], (Verdict::Off, "uneven ×4.00"));
    }

    #[test]
    fn chance_is_allowed_what_it_takes() {
        let two = |a, b| {
            let mut rows = vec![row(0, 1, a, 0), row(1, 1, b, 0)];
            for row in &mut rows {
                row.backend.actual_share = row.window_picks as f64 / (a + b) as f64;
            }
            rows
        };
        check("random", two(520, 480), &[], (Verdict::Fits, "chance ±2.0%"));
        check("random", two(620, 380), &[], (Verdict::Off, "uneven ±12.0%"));
        check("hash", two(620, 380), &[], (Verdict::Skewed, "uneven ±12.0%"));
        check("hash_consistent", two(510, 490), &[], (Verdict::Fits, "chance ±1.0%"));
        check("random_two", two(700, 300), &[], (Verdict::Skewed, "uneven ±20.0%"));
    }

    #[test]
    fn least_time_looks_at_the_fastest() {
        let mut two = vec![row(0, 1, 90, 0), row(1, 1, 10, 0)];
        two[0].backend.actual_share = 0.9;
        two[1].backend.actual_share = 0.1;
        two[1].backend.latency_us.p50 = 900;
        check("least_time", two.clone(), &[], (Verdict::Fits, "fastest 90%"));
        two[0].backend.latency_us.p50 = 9_000;
        check("least_time", two, &[], (Verdict::Skewed, "fastest 10%"));
    }

    #[test]
    fn a_hash_is_the_clients_doing() {
        let two = vec![row(0, 1, 90, 0), row(1, 1, 10, 0)];
        check("ip_hash", two, &[], (Verdict::Skewed, "top client 31%"));
    }
}

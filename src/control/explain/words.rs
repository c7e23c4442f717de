//! Findings, verdicts and causes in an operator's words: the same on the screen and in a script's
//! output. Signs of our own (`±`, `×`) are the caller's to replace where they cannot be shown.

use super::{Cause, CauseKind, Claim, Finding, Fit, Held, Limit, Promise, Verdict};

/// The verdict in one short piece: `exact ±0.4`, `even ×1.04`, `top client 31%`.
pub(crate) fn short(fit: &Fit) -> String {
    let Some(first) = fit.findings.first() else { return "too few yet".to_owned() };
    let value = value(&first.claim);
    match (fit.verdict, fit.promise) {
        (Verdict::TooFew, _) => "too few yet".to_owned(),
        (Verdict::Skewed, _) | (Verdict::Fits, Promise::Client) => {
            format!("top client {}", top_client(fit))
        }
        (Verdict::Deviates, Promise::Exact | Promise::Even) => format!("uneven {value}"),
        (Verdict::Deviates, Promise::Client) => "clients moved".to_owned(),
        (Verdict::Deviates, Promise::Chance) => format!("unlikely {value}"),
        (Verdict::Fits, Promise::Exact) => format!("exact {value}"),
        (Verdict::Fits, Promise::Even) => format!("even {value}"),
        (Verdict::Fits, Promise::Chance) => format!("as drawn {value}"),
        (Verdict::Deviates, Promise::Swift) => "slow one busy".to_owned(),
        (Verdict::Fits, Promise::Swift) => "swift first".to_owned(),
    }
}

fn top_client(fit: &Fit) -> String {
    let claims = fit.findings.iter().map(|finding| &finding.claim);
    claims.filter(|claim| matches!(claim, Claim::TopClient { .. })).map(value).collect()
}

/// What is tested.
pub(crate) fn rule(promise: Promise) -> &'static str {
    match promise {
        Promise::Exact => "exact to the request, by the weights",
        Promise::Even => "even in-flight, not even shares",
        Promise::Client => "each client keeps its backend",
        Promise::Chance => "shares as drawn, within chance",
        Promise::Swift => "the faster answer, the more requests",
    }
}

pub(crate) fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::TooFew => "too few",
        Verdict::Fits => "fits",
        Verdict::Skewed => "skewed by clients",
        Verdict::Deviates => "deviates",
    }
}

/// The test's name.
pub(crate) fn label(claim: &Claim) -> &'static str {
    match claim {
        Claim::ExactBound { .. } => "furthest from its share",
        Claim::Unexplained { .. } => "not explained by the turn",
        Claim::InFlightSpread { .. } => "in flight, busiest to idlest",
        Claim::SlowestGetsFewest { .. } => "fewest requests go to",
        Claim::HashShare { .. } => "requests to the hash's share",
        Claim::TopClient { .. } => "busiest client network",
        Claim::ClientKept { .. } => "clients at their backend",
        Claim::GTest { .. } => "G-test against the weights",
        Claim::Retries { .. } => "moved by retries",
    }
}

/// What was found.
pub(crate) fn value(claim: &Claim) -> String {
    match claim {
        Claim::ExactBound { value, .. } => format!("±{value:.1}"),
        Claim::Unexplained { value, .. } => format!("{value:.1}"),
        Claim::InFlightSpread { least, most, limit_requests, .. }
            if most - least <= *limit_requests =>
        {
            format!("±{:.1}", most - least)
        }
        Claim::InFlightSpread { value, .. } => format!("×{value:.2}"),
        Claim::SlowestGetsFewest { value, .. } | Claim::HashShare { value, .. } => {
            format!("{:.1}%", value * 100.0)
        }
        Claim::TopClient { value, .. } => format!("{:.0}%", value * 100.0),
        Claim::ClientKept { value, .. } | Claim::Retries { value, .. } => value.to_string(),
        Claim::GTest { p, .. } => format!("p={p:.3}"),
    }
}

/// What it is held to, and whom it is about; clauses, the most telling first.
pub(crate) fn note(finding: &Finding) -> String {
    let is_open = finding.verdict == Verdict::TooFew;
    match &finding.claim {
        Claim::ExactBound { limit, .. } => {
            format!("requests; its smooth weight accounts for {limit:.1}")
        }
        Claim::Unexplained { .. } => "requests; promised is 0".to_owned(),
        Claim::InFlightSpread { least, most, limit, .. } => {
            format!("averages {least:.1} to {most:.1}; fine within 1 or under ×{limit:.2}")
        }
        Claim::SlowestGetsFewest { slowest, .. } if is_open => {
            format!("not tested: too little in flight, or none much slower than {slowest}")
        }
        Claim::SlowestGetsFewest { fewest, slowest, .. } if fewest == slowest => {
            format!("{fewest}, which is the slowest")
        }
        Claim::SlowestGetsFewest { fewest, slowest, .. } => {
            format!("{fewest}; the slowest is {slowest}")
        }
        Claim::HashShare { hash_share, backend, .. } => {
            format!("{backend}, with {:.1}% of the hash; clients decide", hash_share * 100.0)
        }
        Claim::TopClient { network, .. } if network.is_empty() => "of the requests".to_owned(),
        Claim::TopClient { network, .. } => {
            format!("{network}; it can't be split without moving the client")
        }
        Claim::ClientKept { limit, .. } => format!("of {limit} requests looked at"),
        Claim::GTest { .. } if is_open => "a backend expects fewer than 5 requests".to_owned(),
        Claim::GTest { value, degrees, effect, .. } => {
            format!("effect {effect:.3}; G {value:.1} with {degrees} degrees of freedom")
        }
        Claim::Retries { value, requests, withheld, refused, overflows, .. } => {
            retries(*value, *requests, [*withheld, *overflows, *refused])
        }
    }
}

/// What is wrong comes first: a narrow screen shows whole clauses, as many as fit.
fn retries(retries: u64, requests: u64, [withheld, overflows, refused]: [u64; 3]) -> String {
    let mut clauses = Vec::new();
    if withheld > 0 {
        clauses.push(format!("budget withheld {withheld}"));
    }
    if overflows > 0 {
        clauses.push(format!("{overflows} beyond connections_max"));
    }
    if retries <= requests {
        clauses.push(format!("{:.1}% of all", retries as f64 * 100.0 / requests.max(1) as f64));
    }
    clauses.push(format!("{refused} found no backend"));
    clauses.join("; ")
}

/// The cause by its name: `drain of 10.0.3.5:8080`, `retry`.
pub(crate) fn cause(cause: &Cause) -> String {
    let name = match cause.kind {
        CauseKind::SlowStart => "slow start",
        CauseKind::Retry => "retry",
        CauseKind::Failure => "failures lowered a weight",
        CauseKind::Ejection => "ejection",
        CauseKind::CheckFailure => "check failure",
        CauseKind::Return => "return to rotation",
        CauseKind::Drain => "drain",
        CauseKind::Down => "taken down",
        CauseKind::WeightChange => "weight change",
        CauseKind::StrategyChange => "strategy change",
        CauseKind::Membership => "change of backends",
        CauseKind::Reload => "reload",
        CauseKind::Unknown => "nothing that is known of",
    };
    if cause.backend.is_empty() { name.to_owned() } else { format!("{name}: {}", cause.backend) }
}

/// `1,024 arrivals, the last 0.9 s of 60 s (72,611 requests): no more is kept`.
pub(crate) fn held(held: &Held) -> String {
    let why = match held.limit {
        Limit::None => return held_short(held),
        Limit::Kept => "no more is kept",
        Limit::Work => "a replay takes no more",
    };
    let (covered, wanted) = (seconds(held.covered_ms), seconds(held.wanted_ms));
    let (arrivals, finished) = (grouped(held.arrivals), grouped(held.finished));
    format!("{arrivals} arrivals, the last {covered} of {wanted} ({finished} requests): {why}")
}

/// `1,024 arrivals, 0.9 s of 60 s`.
pub(crate) fn held_short(held: &Held) -> String {
    let arrivals = grouped(held.arrivals);
    let (covered, wanted) = (seconds(held.covered_ms), seconds(held.wanted_ms));
    match held.limit {
        Limit::None => format!("{arrivals} arrivals of the last {wanted}"),
        Limit::Kept | Limit::Work => format!("{arrivals} arrivals, {covered} of {wanted}"),
    }
}

fn seconds(ms: u64) -> String {
    match ms {
        0..10_000 => format!("{:.1} s", ms as f64 / 1000.0),
        _ => format!("{} s", ms / 1000),
    }
}

fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(verdict: Verdict, promise: Promise, claims: &[Claim]) -> Fit {
        let findings =
            claims.iter().map(|claim| Finding { verdict, claim: claim.clone() }).collect();
        Fit { verdict, promise, findings, cause: None }
    }

    #[test]
    fn a_verdict_in_short() {
        let due = Claim::ExactBound { value: 0.44, limit: 0.4 };
        let spread = |least: f64, most: f64| Claim::InFlightSpread {
            value: most / least,
            limit: 1.25,
            least,
            most,
            limit_requests: 1.0,
        };
        let hash = || Claim::HashShare {
            value: 0.5,
            hash_share: 0.3,
            limit: 0.1,
            backend: "one".to_owned(),
        };
        let top = || Claim::TopClient { value: 0.31, limit: 0.25, network: "10.1.1.0".to_owned() };
        let kept = Claim::ClientKept { value: 90, limit: 100 };
        for (verdict, promise, claims, expected) in [
            (Verdict::Fits, Promise::Exact, vec![due.clone()], "exact ±0.4"),
            (Verdict::Deviates, Promise::Exact, vec![due.clone()], "uneven ±0.4"),
            (Verdict::TooFew, Promise::Exact, vec![due], "too few yet"),
            (Verdict::Fits, Promise::Even, vec![spread(56.0, 58.0)], "even ×1.04"),
            (Verdict::Fits, Promise::Even, vec![spread(0.1, 0.9)], "even ±0.8"),
            (Verdict::Deviates, Promise::Even, vec![spread(10.0, 40.0)], "uneven ×4.00"),
            (Verdict::Skewed, Promise::Client, vec![hash(), top()], "top client 31%"),
            (Verdict::Deviates, Promise::Client, vec![hash(), top(), kept], "clients moved"),
        ] {
            assert_eq!(short(&fit(verdict, promise, &claims)), expected);
        }
        assert_eq!(short(&Fit::default()), "too few yet");
    }

    #[test]
    fn a_spent_budget_is_the_first_thing_said_of_retries() {
        assert_eq!(retries(25, 1000, [0, 0, 0]), "2.5% of all; 0 found no backend");
        assert_eq!(retries(25, 0, [7, 0, 0]), "budget withheld 7; 0 found no backend");
        assert_eq!(retries(2, 0, [0, 3, 1]), "3 beyond connections_max; 1 found no backend");
    }

    #[test]
    fn what_was_replayed_is_said_honestly() {
        let all =
            Held { arrivals: 1_204, covered_ms: 59_000, wanted_ms: 60_000, ..Held::default() };
        assert_eq!(held(&all), "1,204 arrivals of the last 60 s");
        let kept = Held { covered_ms: 900, finished: 72_611, limit: Limit::Kept, ..all };
        assert_eq!(
            held(&kept),
            "1,204 arrivals, the last 0.9 s of 60 s (72,611 requests): no more is kept"
        );
        assert_eq!(held_short(&kept), "1,204 arrivals, 0.9 s of 60 s");
    }

    #[test]
    fn a_cause_has_a_name() {
        let drain = Cause { kind: CauseKind::Drain, backend: "10.0.3.5:8080".to_owned(), at_ms: 7 };
        assert_eq!(cause(&drain), "drain: 10.0.3.5:8080");
        assert_eq!(cause(&Cause::default()), "nothing that is known of");
    }
}

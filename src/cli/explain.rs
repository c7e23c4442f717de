//! `pilothouse upstream explain`: does an upstream balance as its strategy promises, why not, and
//! what another strategy would have done with the same requests.

use super::backend;
use super::failure::Failure;
use super::out::{Out, Tone};
use super::place::Place;
use super::table::{Align, Cell, Table};
use crate::control::call::Query;
use crate::control::explain::{Explanation, Modelled, Promise, Service, Verdict, words};
use crate::control::text;
use crate::tui::widget::number;

pub(super) async fn run(
    place: &Place,
    out: Out,
    upstream: String,
    is_json: bool,
) -> Result<(), Failure> {
    let query = Query::Explain { upstream };
    let explanation: Explanation =
        place.client().document(&query).await.map_err(|error| place.explain(error))?;
    if is_json {
        let json = serde_json::to_string_pretty(&explanation);
        return out.line(&json.expect("an explanation is plain data"));
    }
    out.text(&report(&explanation, out))
}

fn report(explanation: &Explanation, out: Out) -> String {
    let mut sections = vec![
        head(explanation, out),
        backends(explanation).text(out),
        findings(explanation).text(out),
    ];
    if explanation.fit.promise == Promise::Client && !explanation.clients.is_empty() {
        sections.push(clients(explanation).text(out));
    }
    let what_if = &explanation.what_if;
    let title = out.paint(Tone::Strong, "what if");
    sections.push(format!(
        "{title}  {}\n         {}\n{}",
        words::held(&what_if.held),
        what_if.label,
        strategies(explanation).text(out)
    ));
    if what_if.held.arrivals > 0 {
        sections.push(modelled(explanation).text(out));
    }
    sections.join("\n")
}

fn head(explanation: &Explanation, out: Out) -> String {
    let Explanation { upstream, strategy, window, fit, .. } = explanation;
    let verdict = format!("{}, {}", words::verdict(fit.verdict), words::short(fit));
    let mut lines = vec![
        ("upstream", out.paint(Tone::Strong, &text::plain(upstream))),
        ("strategy", format!("{}: {}", text::plain(strategy), words::rule(fit.promise))),
        (
            "window",
            format!("{}, n = {}", number::age(window.lasted_ms), number::count(window.picks)),
        ),
        ("verdict", out.paint(tone(fit.verdict), &verdict)),
    ];
    if let Some(cause) = &fit.cause {
        let at = match cause.at_ms {
            0 => String::new(),
            at_ms => format!(" at {}Z", number::clock(at_ms)),
        };
        lines.push(("cause", format!("{}{at}", text::plain(&words::cause(cause)))));
    }
    lines.iter().fold(String::new(), |text, (name, value)| format!("{text}{name:<9}{value}\n"))
}

fn tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::TooFew => Tone::Quiet,
        Verdict::Fits => Tone::Good,
        Verdict::Skewed => Tone::Warn,
        Verdict::Deviates => Tone::Bad,
    }
}

fn backends(explanation: &Explanation) -> Table {
    let mut table = Table::new(&[
        ("BACKEND", Align::Left),
        ("STATE", Align::Left),
        ("WEIGHT", Align::Right),
        ("EXPECTED", Align::Right),
        ("ACTUAL", Align::Right),
        ("REQUESTS", Align::Right),
        ("DEVIATION", Align::Right),
        ("IN FLIGHT", Align::Right),
        ("MEAN TIME", Align::Right),
    ]);
    for part in &explanation.backends {
        let active = match part.active_mean {
            Some(mean) => format!("{mean:.1}"),
            None => part.active.to_string(),
        };
        let took = part.service_mean_us.map_or_else(|| "-".to_owned(), |us| took(us as u32));
        table.row([
            part.name.as_str().into(),
            backend::word(part.state).into(),
            part.weight.to_string().into(),
            number::percent(part.expected_share).into(),
            number::percent(part.actual_share).into(),
            number::count(part.picks).into(),
            format!("{:+.1}", part.deviation_picks).into(),
            active.into(),
            took.into(),
        ]);
    }
    table
}

fn findings(explanation: &Explanation) -> Table {
    let mut table = Table::new(&[
        ("TEST", Align::Left),
        ("VALUE", Align::Right),
        ("VERDICT", Align::Left),
        ("", Align::Left),
    ]);
    for finding in &explanation.fit.findings {
        table.row([
            words::label(&finding.claim).into(),
            words::value(&finding.claim).into(),
            Cell::toned(tone(finding.verdict), words::verdict(finding.verdict)),
            Cell::toned(Tone::Quiet, words::note(finding)),
        ]);
    }
    table
}

fn clients(explanation: &Explanation) -> Table {
    let columns =
        [("CLIENT NETWORK", Align::Left), ("REQUESTS", Align::Right), ("SHARE", Align::Right)];
    let mut table = Table::new(&columns);
    for client in &explanation.clients {
        table.row([
            client.network.as_str().into(),
            number::count(client.requests).into(),
            number::percent(client.share).into(),
        ]);
    }
    table
}

/// One row a strategy; the running one says so.
fn strategies(explanation: &Explanation) -> Table {
    let mut table = Table::new(&[
        ("STRATEGY", Align::Left),
        ("MAX SHARE", Align::Right),
        ("MAX IN FLIGHT", Align::Right),
        ("P50", Align::Right),
        ("P95", Align::Right),
        ("P99", Align::Right),
        ("CLIENTS SPLIT", Align::Right),
        ("", Align::Left),
    ]);
    for row in &explanation.what_if.strategies {
        let remark = match (row.is_running, row.impossible.as_str()) {
            (true, _) => "running".to_owned(),
            (false, "") => String::new(),
            (false, why) => format!("not possible: the upstream {why}"),
        };
        let [p50, p95, p99] = quantiles(&row.service_us);
        let name = row.strategy.as_str();
        let split = number::percent(row.clients_split);
        let (share, most) = (number::percent(row.max_share), row.in_flight_max.to_string());
        let cells = [share, most, p50, p95, p99, split];
        let is_modelled = row.impossible.is_empty() && explanation.what_if.held.arrivals > 0;
        let [share, most, p50, p95, p99, split] =
            if is_modelled { cells } else { cells.map(|_| "-".to_owned()) };
        table.row([
            Cell::toned(if row.is_running { Tone::Strong } else { Tone::Plain }, name),
            share.into(),
            most.into(),
            p50.into(),
            p95.into(),
            p99.into(),
            split.into(),
            Cell::toned(Tone::Quiet, remark),
        ]);
    }
    table
}

/// What each backend would have got under each strategy.
fn modelled(explanation: &Explanation) -> Table {
    let mut table = Table::new(&[
        ("STRATEGY", Align::Left),
        ("BACKEND", Align::Left),
        ("SHARE", Align::Right),
        ("REQUESTS", Align::Right),
        ("MAX IN FLIGHT", Align::Right),
        ("MEAN", Align::Right),
        ("P50", Align::Right),
        ("P99", Align::Right),
    ]);
    let possible = |row: &&Modelled| row.impossible.is_empty();
    for row in explanation.what_if.strategies.iter().filter(possible) {
        for (backend, part) in explanation.what_if.backends.iter().zip(&row.parts) {
            let [p50, _, p99] = quantiles(&part.service_us);
            table.row([
                row.strategy.as_str().into(),
                backend.as_str().into(),
                number::percent(part.share).into(),
                number::count(part.requests).into(),
                part.in_flight_max.to_string().into(),
                took(part.service_us.mean as u32).into(),
                p50.into(),
                p99.into(),
            ]);
        }
    }
    table
}

fn quantiles(service: &Service) -> [String; 3] {
    [service.p50, service.p95, service.p99].map(took)
}

fn took(us: u32) -> String {
    if us == 0 { "-".to_owned() } else { number::latency(u64::from(us)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::arguments::When;
    use crate::control::explain::{
        Cause, CauseKind, Claim, Client, Finding, Fit, Held, Limit, ModelledPart, Part, WhatIf,
        Window,
    };

    fn explanation() -> Explanation {
        let part = |name: &str, picks| Part {
            name: name.to_owned(),
            weight: 1,
            picks,
            expected_share: 0.5,
            actual_share: picks as f64 / 100.0,
            deviation_picks: picks as f64 - 50.0,
            ..Part::default()
        };
        let hash = Claim::HashShare {
            value: 0.9,
            hash_share: 0.5,
            limit: 0.1,
            backend: "10.0.0.1:80".to_owned(),
        };
        let modelled = |strategy: &str, is_running| Modelled {
            strategy: strategy.to_owned(),
            is_running,
            max_share: 0.9,
            in_flight_max: 7,
            parts: vec![ModelledPart { share: 0.9, requests: 90, ..ModelledPart::default() }; 2],
            ..Modelled::default()
        };
        let mut impossible = modelled("least_conn", false);
        impossible.impossible = "has\u{1b}[2J no use for it".to_owned();
        Explanation {
            upstream: "api".to_owned(),
            strategy: "ip_hash".to_owned(),
            window: Window { since_ms: 0, lasted_ms: 61_000, picks: 100 },
            backends: vec![part("10.0.0.1:80", 90), part("10.0.0.2:80", 10)],
            fit: Fit {
                verdict: Verdict::Skewed,
                promise: Promise::Client,
                findings: vec![Finding { verdict: Verdict::Skewed, claim: hash }],
                cause: Some(Cause { kind: CauseKind::Drain, ..Cause::default() }),
            },
            clients: vec![Client { network: "10.1.2.0".to_owned(), requests: 90, share: 0.9 }],
            what_if: WhatIf {
                label: crate::control::explain::LABEL.to_owned(),
                held: Held { arrivals: 100, limit: Limit::Kept, ..Held::default() },
                backends: vec!["10.0.0.1:80".to_owned(), "10.0.0.2:80".to_owned()],
                strategies: vec![modelled("ip_hash", true), impossible],
            },
        }
    }

    #[test]
    fn everything_is_named_and_nothing_moves_the_cursor() {
        let text = report(&explanation(), Out::new(When::Never));
        for words in [
            "strategy ip_hash: each client keeps its backend",
            "window   1m01s, n = 100",
            "verdict  skewed by clients",
            "cause    drain",
            "10.0.0.1:80",
            "+40.0",
            "10.1.2.0",
            "a model, not a promise",
            "no more is kept",
            "running",
            "not possible: the upstream has",
        ] {
            assert!(text.contains(words), "{words:?} is missing in\n{text}");
        }
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }

    #[test]
    fn it_survives_json() {
        let json = serde_json::to_string(&explanation()).unwrap();
        assert!(json.contains(r#""test":"hash_share""#) && json.contains(r#""verdict":"skewed""#));
        assert_eq!(serde_json::from_str::<Explanation>(&json).unwrap(), explanation());
    }
}

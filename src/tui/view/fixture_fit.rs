//! Fits and an explanation for the engine that the screens are tested with.

use crate::control::explain::{
    Cause, CauseKind, Claim, Explanation, Finding, Fit, Held, LABEL, Limit, Modelled, ModelledPart,
    Promise, Service, Verdict, WhatIf,
};
use crate::control::wire::Snapshot;

pub(super) fn fit(strategy: &str, retries: u64) -> Fit {
    let fits = |claim| Finding { verdict: Verdict::Fits, claim };
    let retried = fits(Claim::Retries {
        value: retries,
        requests: 72_611,
        failures: 0,
        withheld: 0,
        refused: 0,
        overflows: 0,
    });
    let (verdict, promise, mut findings) = match strategy {
        "least_conn" => {
            let spread = Claim::InFlightSpread {
                value: 60.0 / 58.0,
                limit: 1.25,
                least: 58.0,
                most: 60.0,
                limit_requests: 1.0,
            };
            let slowest = Claim::SlowestGetsFewest {
                value: 0.319,
                fewest: "10.0.3.4:8080".to_owned(),
                slowest: "10.0.3.4:8080".to_owned(),
            };
            (Verdict::Fits, Promise::Even, vec![fits(spread), fits(slowest)])
        }
        "ip_hash" => {
            let hash = Claim::HashShare {
                value: 0.41,
                hash_share: 0.25,
                limit: 0.1,
                backend: "10.0.5.1:7000".to_owned(),
            };
            let skewed = |claim| Finding { verdict: Verdict::Skewed, claim };
            let client =
                Claim::TopClient { value: 0.31, limit: 0.25, network: "203.0.113.0".to_owned() };
            (Verdict::Skewed, Promise::Client, vec![skewed(hash), skewed(client)])
        }
        _ => {
            let due = Claim::ExactBound { value: 0.25, limit: 0.25 };
            let unexplained = Claim::Unexplained { value: 0.0, limit: 0.0 };
            (Verdict::Fits, Promise::Exact, vec![fits(due), fits(unexplained)])
        }
    };
    findings.push(retried);
    Fit { verdict, promise, findings, cause: None }
}

/// A weighted upstream whose turns were disturbed by a backend that was drained.
pub(super) fn deviating() -> Fit {
    let deviates = |claim| Finding { verdict: Verdict::Deviates, claim };
    let mut fit = fit("round_robin", 3);
    fit.verdict = Verdict::Deviates;
    fit.findings[0] = deviates(Claim::ExactBound { value: 812.4, limit: 0.4 });
    fit.findings[1] = deviates(Claim::Unexplained { value: 812.0, limit: 0.0 });
    let backend = "10.0.4.2:9000".to_owned();
    fit.cause =
        Some(Cause { kind: CauseKind::Drain, backend, at_ms: super::fixture::NOW_MS - 12_000 });
    fit
}

/// Of `api`.
pub(super) fn explanation(live: &Snapshot) -> Explanation {
    let backends: Vec<String> = live
        .backends
        .iter()
        .filter(|row| row.upstream == "api")
        .map(|row| row.backend.name.clone())
        .collect();
    let modelled = |strategy: &str, shares: [f64; 5], in_flight: u32, p95| {
        let service = |p95: u32| Service { mean: 9_000.0, p50: 4_100, p95, p99: p95 * 3 };
        let part = |share: f64| ModelledPart {
            share,
            requests: (share * 1_024.0) as u64,
            in_flight_max: (f64::from(in_flight) * share / shares[0]) as u32,
            service_us: if share > 0.0 { service(p95) } else { Service::default() },
        };
        Modelled {
            strategy: strategy.to_owned(),
            is_running: strategy == "least_conn",
            impossible: String::new(),
            max_share: shares.into_iter().fold(0.0, f64::max),
            in_flight_max: in_flight,
            service_us: service(p95),
            clients_split: if strategy == "ip_hash" { 0.0 } else { 0.97 },
            parts: shares.map(part).to_vec(),
        }
    };
    let mut hash = modelled("ip_hash", [0.0; 5], 0, 0);
    hash.impossible = "has backup backends".to_owned();
    Explanation {
        upstream: "api".to_owned(),
        strategy: "least_conn".to_owned(),
        what_if: WhatIf {
            label: LABEL.to_owned(),
            held: Held {
                arrivals: 1_980,
                covered_ms: 1_300,
                wanted_ms: 60_000,
                finished: 72_611,
                limit: Limit::Kept,
            },
            backends,
            strategies: vec![
                modelled("round_robin", [0.333, 0.333, 0.334, 0.0, 0.0], 74, 26_000),
                modelled("least_conn", [0.341, 0.336, 0.323, 0.0, 0.0], 61, 22_000),
                hash,
            ],
        },
        ..Explanation::default()
    }
}

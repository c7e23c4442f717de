//! Families of limits and guards, of all workers together.

use super::figures::Figures;
use super::series::Kind::{Counter, Gauge};
use super::series::{Labels, Text, Value};
use crate::control::limit::Limit;

type Count = fn(&Limit) -> u64;

/// What became of requests.
const RESULTS: [(&str, Count); 5] = [
    ("passed", |limit| limit.passed),
    ("delayed", |limit| limit.delayed),
    ("refused", |limit| limit.refused),
    ("delayed_dry_run", |limit| limit.delayed_dry_run),
    ("refused_dry_run", |limit| limit.refused_dry_run),
];

pub(super) fn write(text: &mut Text, figures: &Figures) {
    let head = &figures.snapshot.head;
    let mut family = text.family(
        "pilothouse_refused_requests_total",
        Counter,
        "Requests that a guard let go no further, by the guard.",
    );
    for refused in &head.refused {
        let labels = Labels::none().with("guard", &refused.guard);
        family.sample(&labels, Value::Count(refused.requests));
    }
    let rows: Vec<(Labels, &Limit)> = head
        .limits
        .iter()
        .map(|limit| (Labels::none().with("limit", &limit.name).with("kind", &limit.kind), limit))
        .collect();
    let mut family = text.family(
        "pilothouse_limit_requests_total",
        Counter,
        "Requests that a limit counted or refused, by what became of them.",
    );
    for (labels, limit) in &rows {
        let results = RESULTS.iter().map(|(name, count)| (*name, Value::Count(count(limit))));
        family.each(labels, "result", results);
    }
    let counters: [(&'static str, &str, Count); 2] = [
        (
            "pilothouse_limit_evicted_keys_total",
            "Keys that gave way to others before their time: more come than the limit has room for.",
            |limit| limit.evicted,
        ),
        (
            "pilothouse_limit_uncounted_requests_total",
            "Requests that passed because they could not be counted.",
            |limit| limit.uncounted,
        ),
    ];
    for (name, help, count) in counters {
        let mut family = text.family(name, Counter, help);
        for (labels, limit) in &rows {
            family.sample(labels, Value::Count(count(limit)));
        }
    }
    let mut family = text.family(
        "pilothouse_limit_requests_in_progress",
        Gauge,
        "Requests in progress that a limit of connections counts.",
    );
    for (labels, limit) in rows.iter().filter(|(_, limit)| limit.kind == "connections") {
        family.sample(labels, Value::Count(limit.in_progress));
    }
}

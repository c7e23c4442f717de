//! Families of the firewall, of all workers together. Rules are a closed list.

use super::series::Kind::Counter;
use super::series::{Labels, Text, Value};
use crate::config::model::firewall::Rule;
use crate::scoreboard::firewall::Figures;

pub(super) fn write(text: &mut Text, figures: &Figures) {
    let none = Labels::none();
    text.family(
        "pilothouse_firewall_inspected_requests_total",
        Counter,
        "Requests that a firewall looked at.",
    )
    .sample(&none, Value::Count(figures.inspected));
    let (detected, blocked) = (Value::Count(figures.detected), Value::Count(figures.blocked));
    text.family(
        "pilothouse_firewall_attacks_total",
        Counter,
        "Requests taken for attacks: let pass where a route only watches (detected), or blocked.",
    )
    .each(&none, "verdict", [("detected", detected), ("blocked", blocked)]);
    text.family(
        "pilothouse_firewall_cut_bodies_total",
        Counter,
        "Bodies of which a firewall could not look at all.",
    )
    .sample(&none, Value::Count(figures.cut_bodies));
    let [late, busy] = figures.unanswered.map(Value::Count);
    text.family(
        "pilothouse_firewall_unanswered_requests_total",
        Counter,
        "Requests that the core rules gave no answer to: not in time (late), or too many waiting (busy).",
    )
    .each(&none, "cause", [("late", late), ("busy", busy)]);
    let mut family = text.family(
        "pilothouse_firewall_findings_total",
        Counter,
        "Findings in requests taken for attacks, by the rule that found them.",
    );
    for rule in Rule::ALL {
        let labels = Labels::none().with("rule", rule.name());
        let found = |verdict: usize| {
            let counts = figures.found[verdict].get(rule as usize);
            Value::Count(counts.copied().unwrap_or_default())
        };
        family.each(&labels, "verdict", [("detected", found(0)), ("blocked", found(1))]);
    }
}

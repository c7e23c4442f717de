//! `limits = [{ zone = "per_ip", burst = 20, delay = 5 }]`: nginx's `limit_req` and `limit_conn`.

use super::super::limits::guards::{BURST_MAX, LIMITS_PER_ROUTE_MAX};
use super::super::model::guard::{Bound, Limit};
use super::super::report::Located;
use super::super::section::Section;
use super::zone::Use;

/// nginx's.
const STATUS: u32 = 503;

/// `None` where the key is not given; an empty list limits nobody, whatever the server says.
pub(super) fn read(section: &mut Section<'_>, zones: &mut Vec<Located<Use>>) -> Option<Vec<Limit>> {
    let items = section.items("limits");
    section.key_span("limits")?;
    let report = section.report;
    if let Some(first) = items.get(LIMITS_PER_ROUTE_MAX) {
        let message = format!("{} limits, more than {LIMITS_PER_ROUTE_MAX}", items.len());
        report.error(&first.span(), message, "");
    }
    let mut seen: Vec<String> = Vec::new();
    let mut limits = Vec::new();
    for item in items {
        let Some(limit) = section.item("limits", item).and_then(|table| limit(table, zones)) else {
            continue;
        };
        if seen.contains(&limit.zone) {
            let message = format!("`{}` limits this twice", limit.zone);
            report.error(&item.span(), message, "one bound of a zone is enough");
        }
        seen.push(limit.zone.clone());
        limits.push(limit);
    }
    Some(limits)
}

fn limit(mut table: Section<'_>, zones: &mut Vec<Located<Use>>) -> Option<Limit> {
    let zone = table.text("zone");
    if table.key_span("zone").is_none() {
        table.missing("zone", "the name of a [limit.NAME]");
    }
    let most = table.integer("connections", 1..=u32::from(u16::MAX));
    let bound = match table.key_span("connections") {
        Some(_) => connections(&mut table, most),
        None => Some(burst(&mut table)),
    };
    let status = table.integer("status", 400..=599).unwrap_or(STATUS) as u16;
    let is_dry = table.flag("dry_run").unwrap_or(false);
    table.finish(&[("conn", "connections"), ("name", "zone")]);
    let (zone, bound) = (zone?, bound?);
    let counts_rates = matches!(bound, Bound::Burst { .. });
    let name = zone.value.clone();
    zones.push(Located { value: Use { name: zone.value, counts_rates }, span: zone.span });
    Some(Limit { zone: name, bound, status, is_dry })
}

fn connections(table: &mut Section<'_>, most: Option<u32>) -> Option<Bound> {
    for key in ["burst", "delay", "nodelay"] {
        // Asked for, so that it is not told to be unknown, too.
        let _value = table.value(key);
        if let Some(span) = table.key_span(key) {
            let hint = "a limit is of requests in progress or of how fast they come";
            table.report.error(&span, format!("`{key}` beside `connections`"), hint);
        }
    }
    most.map(Bound::Connections)
}

fn burst(table: &mut Section<'_>) -> Bound {
    let burst = table.integer("burst", 0..=BURST_MAX).unwrap_or(0);
    let delay = table.integer("delay", 0..=BURST_MAX);
    let nodelay = table.flag("nodelay").unwrap_or(false);
    if let (true, Some(span)) = (nodelay, table.key_span("delay")) {
        let hint = "with `nodelay` nobody waits";
        table.report.error(&span, "`delay` beside `nodelay`", hint);
    }
    Bound::Burst { burst, at_once: if nodelay { None } else { Some(delay.unwrap_or(0)) } }
}

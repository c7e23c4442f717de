//! `roll`: how a rolling restart goes where the command line says nothing else.

use super::super::limits;
use super::super::model::program::Roll;
use super::super::section::Section;

pub(super) fn read(section: &mut Section<'_>) -> Roll {
    let mut roll =
        Roll { max_unavailable: 1, max_surge: 0, min_ready_ms: 0, stops_on_failure: true };
    let Some(mut table) = section.section("roll") else { return roll };
    let count_max = limits::PROGRAM_INSTANCES_MAX;
    let unavailable = table.integer("max_unavailable", 0..=count_max);
    let surge = table.integer("max_surge", 0..=count_max);
    if (unavailable, surge.unwrap_or(0)) == (Some(0), 0) {
        let span = table.key_span("max_unavailable").unwrap_or_default();
        let message = "`max_unavailable` and `max_surge` are both 0, so nothing could be restarted";
        table.report.error(&span, message, "at least one of them must be more");
    }
    roll.max_unavailable = unavailable.unwrap_or(u32::from(surge.is_none_or(|surge| surge == 0)));
    roll.max_surge = surge.unwrap_or(0);
    roll.min_ready_ms = table.duration("min_ready").unwrap_or(0);
    roll.stops_on_failure = table.flag("stop_on_failure").unwrap_or(true);
    table.finish(&[("batch", "max_unavailable"), ("parallelism", "max_unavailable")]);
    roll
}

//! Waiting for drains on the command line: until nothing is left, or until their time is over.
//!
//! How it goes is shown on standard error while that is a terminal; what came of it goes where
//! answers go, and into the exit status.

use super::arguments::BackendName;
use super::backend::word;
use super::failure::Failure;
use super::out::Out;
use super::place::Place;
use super::ticker::Ticker;
use crate::control::call::Query;
use crate::control::drain::Drain;
use crate::control::rate::Rate;
use crate::control::wire::{BackendRow, BackendState, EventRecord, Frame, Severity, Snapshot};
use crate::control::{delta, text};
use crate::tui::widget::number;

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    Drained,
    /// Drained and off its upstream.
    Gone,
}

/// A drain that was asked for at `asked_ms`, before the answer came.
pub(super) struct Wait<'a> {
    pub(super) name: &'a BackendName,
    pub(super) goal: Goal,
    pub(super) asked_ms: u64,
}

/// Watches until the drain is over. It ends by itself: the engine holds its time limit. Fails when
/// requests were cut.
pub(super) async fn wait(place: &Place, out: Out, wait: Wait<'_>) -> Result<(), Failure> {
    let shown = text::plain(&format!("{}/{}", wait.name.upstream, wait.name.backend)).into_owned();
    let query = Query::Watch { rate: Rate::Full };
    let mut lines = place.client().lines(&query).await.map_err(|error| place.explain(error))?;
    let mut snapshot = Snapshot::default();
    let mut cut = None;
    let mut ticker = Ticker::default();
    while let Some(frame) = lines.next::<Frame>().await? {
        match frame {
            Frame::Snapshot { snapshot: first, events, .. } => {
                snapshot = *first;
                cut = events.into_iter().rev().find_map(|event| wait.cut(event));
            }
            Frame::Delta { delta } => delta::apply(&mut snapshot, *delta),
            // The event comes before the rows that show its result.
            Frame::Event { event } => {
                cut = wait.cut(*event).or(cut);
                continue;
            }
            Frame::Sample { .. } => continue,
        }
        let row = wait.row(&snapshot);
        if let Some(drain) = row.and_then(|row| row.backend.drain.as_ref()) {
            ticker.show(&format!("{shown}: {}", progress(drain, snapshot.head.wall_ms)));
        }
        let Some(end) = end(row.map(|row| row.backend.state), wait.goal) else { continue };
        ticker.clear();
        return match (end, cut) {
            (Ok(_), Some(cut)) => Err(Failure::Failed(format!("{shown}: {}", text::plain(&cut)))),
            (Ok(done), None) => out.line(&format!("{shown}: {done}")),
            (Err(undone), _) => Err(Failure::Failed(format!("{shown}: {undone}"))),
        };
    }
    Err(Failure::Failed(format!("{shown}: the engine ended before the drain did")))
}

/// What has come of it, if anything has.
fn end(state: Option<BackendState>, goal: Goal) -> Option<Result<&'static str, String>> {
    match (state, goal) {
        (Some(BackendState::Draining), _) | (Some(BackendState::Drained), Goal::Gone) => None,
        (Some(BackendState::Drained), Goal::Drained) => Some(Ok("drained")),
        (None, Goal::Gone) => Some(Ok("drained and removed")),
        (Some(other), _) => Some(Err(format!("the drain was undone, it is {}", word(other)))),
        (None, Goal::Drained) => Some(Err("left its upstream meanwhile".to_owned())),
    }
}

impl Wait<'_> {
    fn row<'s>(&self, snapshot: &'s Snapshot) -> Option<&'s BackendRow> {
        let is_meant = |row: &&BackendRow| {
            row.upstream == self.name.upstream && row.backend.name == self.name.backend
        };
        snapshot.backends.iter().find(is_meant)
    }

    /// What the event tells, if it is this drain's end by its time limit.
    fn cut(&self, event: EventRecord) -> Option<String> {
        let is_end = event.verb == "drained"
            && event.severity == Severity::Warn
            && event.wall_ms >= self.asked_ms
            && event.target == format!("{}/{}", self.name.upstream, self.name.backend);
        is_end.then_some(event.result)
    }
}

/// `17 in flight, oldest 8.1s, empty in about 9s, cut in 18s`
fn progress(drain: &Drain, now_ms: u64) -> String {
    let seconds = |ms: u64| format!("{:.1}s", ms as f64 / 1000.0);
    let mut parts = vec![format!("{} in flight", number::count(drain.in_flight.into()))];
    if drain.upgraded > 0 {
        parts.push(format!("{} upgraded", number::count(drain.upgraded.into())));
    }
    parts.extend(drain.oldest_ms.map(|oldest_ms| format!("oldest {}", seconds(oldest_ms))));
    match drain.eta_ms {
        Some(0) | None => {}
        Some(eta_ms) => parts.push(format!("empty in about {}s", eta_ms.div_ceil(1000))),
    }
    let left_ms = drain.deadline_ms.saturating_sub(now_ms);
    parts.push(format!("cut in {}s", left_ms.div_ceil(1000)));
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_tells_what_is_known() {
        let drain = Drain { in_flight: 17, deadline_ms: 20_000, ..Drain::default() };
        assert_eq!(progress(&drain, 2_000), "17 in flight, cut in 18s");
        let drain = Drain {
            upgraded: 3,
            oldest_ms: Some(8_100),
            eta_ms: Some(8_200),
            deadline_ms: 20_000,
            ..drain
        };
        let expected = "17 in flight, 3 upgraded, oldest 8.1s, empty in about 9s, cut in 18s";
        assert_eq!(progress(&drain, 2_000), expected);
    }
}

//! Going back in time and forth again, by key.

use crate::control::wire::Severity;
use crate::tui::model::past::{Reached, Step};
use crate::tui::model::{Model, past, rows};

use super::cursor::{self, Cause};

/// Into the past, or back to now.
pub(super) fn pause(model: &mut Model) {
    if model.past.is_some() {
        leave(model);
        return;
    }
    match past::enter(model) {
        Reached::Moment => arrived(model),
        Reached::Present | Reached::Nothing => {
            model.say(Severity::Info, "nothing is kept yet: the engine sends a second at a time");
        }
    }
}

pub(super) fn leave(model: &mut Model) {
    past::leave(model);
    model.explained.forget("");
    cursor::settle(model, Cause::Data);
}

pub(super) fn travel(model: &mut Model, step: Step) {
    match past::step(model, step) {
        Reached::Moment => arrived(model),
        Reached::Present => leave(model),
        Reached::Nothing => {
            let text = match step {
                Step::EventAfter | Step::Seconds(1..) => "this is the present",
                Step::EventBefore => "no event before this one is kept",
                Step::Seconds(..1) => "this is the oldest second that is kept",
                Step::To(_) => "that is longer ago than what is kept",
            };
            model.say(Severity::Info, text);
        }
    }
}

/// To when the row under the cursor happened, or began.
pub(super) fn then(model: &mut Model) {
    let began_ms = match rows::selected(model) {
        Some(rows::Row::Event(event)) => event.wall_ms,
        Some(rows::Row::Attention(attention)) => attention.since_ms,
        Some(
            rows::Row::Upstream(_)
            | rows::Row::Backend(_)
            | rows::Row::Program(_)
            | rows::Row::Worker(_)
            | rows::Row::Request(_)
            | rows::Row::Plan(_)
            | rows::Row::Alarm(_)
            | rows::Row::Record(_),
        )
        | None => 0,
    };
    if began_ms == 0 {
        return model.say(Severity::Info, "when this began is not known");
    }
    // The first second whose end shows it.
    let later = model.past.iter().flat_map(|past| &past.samples);
    let shows = |ms: &u64| *ms >= began_ms;
    let second = model.history.iter().chain(later).map(|sample| sample.wall_ms).find(shows);
    travel(model, Step::To(second.filter(|_| is_kept(model, began_ms)).unwrap_or(0)));
}

fn is_kept(model: &Model, ms: u64) -> bool {
    model.span_ms().is_some_and(|(oldest_ms, _)| ms >= oldest_ms)
}

fn arrived(model: &mut Model) {
    model.explained.forget("told of the present only: p comes back to now");
    cursor::settle(model, Cause::Data);
}

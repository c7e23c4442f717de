//! The past, while it is looked at: the moment that is shown is then one of the last quarter of an
//! hour, and the present goes on aside, unseen.
//!
//! Samples and events up to that moment stay where every view looks for them; those after it are
//! kept here. So no view knows about time: it shows the moment, as ever.

use std::collections::VecDeque;

use crate::control::sample::Sample;
use crate::control::wire::{BackendState, EventRecord, ProgramState, Severity, Snapshot};

use super::{Model, figures};

/// What is not shown, since it came after the moment that is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Past {
    /// The second that is looked at.
    pub(crate) at_ms: u64,
    /// The newest state of the engine.
    pub(crate) present: Snapshot,
    /// Oldest first, all younger than `at_ms`.
    pub(crate) samples: VecDeque<Sample>,
    pub(crate) events: VecDeque<EventRecord>,
}

/// A step through the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    /// Seconds; negative: back.
    Seconds(i64),
    /// To the event before this moment, or after it.
    EventBefore,
    EventAfter,
    /// To the second in which this happened.
    To(u64),
}

/// Where a step leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reached {
    Moment,
    /// Past the newest second: back in the present.
    Present,
    /// Nothing is kept from there.
    Nothing,
}

impl Model {
    /// The newest state of the engine, whatever is shown.
    pub(crate) fn present_mut(&mut self) -> &mut Snapshot {
        match &mut self.past {
            Some(past) => &mut past.present,
            None => &mut self.moment,
        }
    }

    pub(crate) fn present(&self) -> &Snapshot {
        self.past.as_ref().map_or(&self.moment, |past| &past.present)
    }

    /// How long ago what is shown was.
    pub(crate) fn ago_ms(&self) -> u64 {
        self.past.as_ref().map_or(0, |past| self.now_ms.saturating_sub(past.at_ms))
    }

    /// The first and the last second there is, whatever is shown.
    pub(crate) fn span_ms(&self) -> Option<(u64, u64)> {
        let later = self.past.as_ref().map(|past| &past.samples);
        let oldest = self.history.front().or_else(|| later?.front())?;
        let newest = later.and_then(VecDeque::back).or_else(|| self.history.back())?;
        Some((oldest.wall_ms, newest.wall_ms))
    }

    /// Every event there is, oldest first, whatever is shown.
    pub(crate) fn all_events(&self) -> impl DoubleEndedIterator<Item = &EventRecord> {
        self.events.iter().chain(self.past.iter().flat_map(|past| &past.events))
    }
}

/// Shows the newest second, and holds it.
pub(crate) fn enter(model: &mut Model) -> Reached {
    match model.span_ms() {
        Some((_, newest_ms)) => go_to(model, newest_ms),
        None => Reached::Nothing,
    }
}

pub(crate) fn step(model: &mut Model, step: Step) -> Reached {
    let Some((oldest_ms, newest_ms)) = model.span_ms() else { return Reached::Nothing };
    let at_ms = model.past.as_ref().map_or(newest_ms, |past| past.at_ms);
    let Some(to_ms) = aim(model, step, at_ms) else { return Reached::Nothing };
    if to_ms > newest_ms {
        return leave(model);
    }
    // From the very beginning on, further back is nowhere.
    let has_room = at_ms > oldest_ms || to_ms >= at_ms;
    if to_ms < oldest_ms && (!has_room || matches!(step, Step::To(_))) {
        return Reached::Nothing;
    }
    go_to(model, to_ms.max(oldest_ms))
}

/// Where a step from there leads, be it before or after what is kept; none: nowhere.
fn aim(model: &Model, step: Step, at_ms: u64) -> Option<u64> {
    // The second in which something happened is the first that shows it.
    let seconds = || model.all_events().filter_map(|event| second_of(model, event.wall_ms));
    match step {
        Step::Seconds(seconds) => Some(at_ms.saturating_add_signed(seconds * 1000)),
        Step::To(ms) => Some(ms),
        Step::EventBefore => seconds().rev().find(|ms| *ms < at_ms),
        Step::EventAfter => {
            let beyond = model.past.is_some().then_some(u64::MAX);
            seconds().find(|ms| *ms > at_ms).or(beyond)
        }
    }
}

/// The first second that holds what happened then.
fn second_of(model: &Model, wall_ms: u64) -> Option<u64> {
    let later = model.past.iter().flat_map(|past| &past.samples);
    let (oldest_ms, _) = model.span_ms()?;
    if wall_ms < oldest_ms {
        return None;
    }
    model.history.iter().chain(later).map(|sample| sample.wall_ms).find(|ms| *ms >= wall_ms)
}

pub(crate) fn leave(model: &mut Model) -> Reached {
    if let Some(past) = model.past.take() {
        model.moment = past.present;
        model.history.extend(past.samples);
        model.events.extend(past.events);
    }
    bound_tails(model, None);
    Reached::Present
}

/// The last second at or before `ms`.
fn go_to(model: &mut Model, ms: u64) -> Reached {
    let mut past = model
        .past
        .take()
        .unwrap_or_else(|| Past { present: std::mem::take(&mut model.moment), ..Past::default() });
    shift(&mut model.history, &mut past.samples, |sample| sample.wall_ms <= ms);
    past.at_ms = model.history.back().map_or(ms, |sample| sample.wall_ms);
    shift(&mut model.events, &mut past.events, |event| event.wall_ms <= past.at_ms);
    let rows = if model.nodes.are_several() {
        model.nodes.at(past.at_ms)
    } else {
        model.tape.at(past.at_ms)
    };
    model.moment = figures::filled(rows, &past, &model.history);
    let at_ms = past.at_ms;
    model.past = Some(past);
    bound_tails(model, Some(at_ms));
    Reached::Moment
}

fn bound_tails(model: &mut Model, until_ms: Option<u64>) {
    model.log.until_ms = until_ms;
    if let Some(logs) = &mut model.logs {
        logs.until_ms = until_ms;
    }
    model.requests.show_until(until_ms);
}

/// Moves what is of the past to the end of `before`, and what is not to the beginning of `after`.
fn shift<T>(before: &mut VecDeque<T>, after: &mut VecDeque<T>, is_past: impl Fn(&T) -> bool) {
    while let Some(next) = after.pop_front_if(|next| is_past(next)) {
        before.push_back(next);
    }
    while let Some(last) = before.pop_back_if(|last| !is_past(last)) {
        after.push_front(last);
    }
}

/// What is wrong in the present, in few words: `1 FATAL 2 FAILED`; empty when nothing is.
pub(crate) fn trouble(present: &Snapshot) -> String {
    let fatal =
        present.programs.iter().filter(|row| row.program.state == ProgramState::Fatal).count();
    let failed =
        present.backends.iter().filter(|row| row.backend.state == BackendState::Failed).count();
    let words = [(fatal, "FATAL"), (failed, "FAILED")];
    let words = words.iter().filter(|(count, _)| *count > 0);
    words.map(|(count, word)| format!("{count} {word}")).collect::<Vec<_>>().join(" ")
}

/// Where on a line of `width` places a moment lies; none: outside of what is kept.
pub(crate) fn place(model: &Model, wall_ms: u64, width: u16) -> Option<u16> {
    let (oldest_ms, newest_ms) = model.span_ms()?;
    let last = u64::from(width.checked_sub(1)?);
    if wall_ms < oldest_ms || wall_ms > newest_ms {
        return None;
    }
    let span_ms = (newest_ms - oldest_ms).max(1);
    Some(((wall_ms - oldest_ms) * last / span_ms) as u16)
}

/// The worst that happened in each place of a line of `width`.
pub(crate) fn marks(model: &Model, width: u16) -> Vec<Option<Severity>> {
    let mut marks = vec![None; usize::from(width)];
    for event in model.all_events() {
        let Some(at) = place(model, event.wall_ms, width) else { continue };
        let mark = &mut marks[usize::from(at)];
        if mark.is_none_or(|severity| weight(severity) < weight(event.severity)) {
            *mark = Some(event.severity);
        }
    }
    marks
}

fn weight(severity: Severity) -> u8 {
    match severity {
        Severity::Info => 0,
        Severity::Good => 1,
        Severity::Warn => 2,
        Severity::Bad => 3,
    }
}

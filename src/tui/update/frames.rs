//! What comes over the link: snapshots, changes, samples, events, and its loss.

use std::collections::VecDeque;

use crate::control::delta;
use crate::control::sample::Sample;
use crate::control::tape::Tape;
use crate::control::wire::{EventRecord, Frame, Role, Severity, Snapshot};
use crate::tui::model::key::Key;
use crate::tui::model::pending::Stage;
use crate::tui::model::{EVENTS_MAX, Link, Model, SAMPLES_MAX, past};
use crate::tui::msg::Effect;

use super::{alarms, cursor, logs, requests};

/// The engine sends a sample every second; a line that is quiet for longer is not live.
const SILENCE_MS: u64 = 3_500;

pub(super) fn apply(model: &mut Model, frame: Frame) -> Vec<Effect> {
    let mut effects = Vec::new();
    model.heard_ms = model.now_ms;
    if let (Link::Stale { .. }, Frame::Delta { .. } | Frame::Sample { .. } | Frame::Event { .. }) =
        (&model.link, &frame)
    {
        // Only silence was noticed: the stream goes on where it was.
        model.link = Link::Live;
    }
    match frame {
        Frame::Snapshot { role, snapshot, history, events, tape } => {
            model.role = if model.is_read_only { Role::Read } else { role };
            effects = attached(model, *snapshot, Kept { history, events, tape });
        }
        Frame::Delta { delta } => delta::apply(model.present_mut(), *delta),
        Frame::Sample { sample } => push_sample(model, *sample),
        Frame::Event { event } => effects.extend(push_event(model, *event)),
    }
    forget_gone_marks(model);
    cursor::settle(model, cursor::Cause::Data);
    effects
}

pub(super) fn lost(model: &mut Model, why: String) {
    model.link = after_loss(&model.link, model.now_ms, why);
}

pub(super) fn after_loss(link: &Link, now_ms: u64, why: String) -> Link {
    match link {
        Link::Live => Link::Stale { since_ms: now_ms, why },
        Link::Stale { since_ms, .. } => Link::Stale { since_ms: *since_ms, why },
        Link::Connecting { .. } => Link::Connecting { why },
    }
}

/// A stream that is open but says nothing: a stopped engine, a line that hangs.
pub(super) fn notice_silence(model: &mut Model) {
    notice_silence_of(&mut model.link, model.heard_ms, model.now_ms);
}

pub(super) fn notice_silence_of(link: &mut Link, heard_ms: u64, now_ms: u64) {
    let is_silent = now_ms.saturating_sub(heard_ms) > SILENCE_MS;
    if *link == Link::Live && is_silent {
        let why = "the engine is silent".to_owned();
        *link = Link::Stale { since_ms: heard_ms, why };
    }
}

/// The effect that makes the log that of a row.
pub(super) fn follow(of: Option<&Key>) -> Effect {
    match of {
        Some(Key::Program { name, instance }) => {
            Effect::FollowLog { name: name.clone(), instance: *instance }
        }
        Some(
            Key::Upstream { .. }
            | Key::Backend { .. }
            | Key::Worker { .. }
            | Key::Event { .. }
            | Key::Request { .. }
            | Key::Plan { .. }
            | Key::Alarm { .. }
            | Key::Record { .. }
            | Key::Config
            | Key::Node { .. },
        )
        | None => Effect::StopLog,
    }
}

/// What the engine has kept of the last quarter of an hour.
struct Kept {
    history: Vec<Sample>,
    events: Vec<EventRecord>,
    tape: Tape,
}

/// Everything anew, as at the first attach; the log's stream ended with the old connection. Who was
/// looking at the past is brought back: what they saw may not be kept any more.
fn attached(model: &mut Model, snapshot: Snapshot, kept: Kept) -> Vec<Effect> {
    let is_back = matches!(model.link, Link::Stale { .. });
    let Kept { history, events, tape } = kept;
    past::leave(model);
    model.link = Link::Live;
    model.moment = snapshot;
    model.history = joined(std::mem::take(&mut model.history), history);
    model.events = events.into();
    model.tape = tape;
    keep_newest(model);
    for pending in &mut model.pending {
        if pending.stage == Stage::Sent && is_back {
            let message = "the line was lost: look whether it was done".to_owned();
            pending.stage = Stage::Failed { at_ms: model.now_ms, message };
        }
    }
    if is_back {
        model.say(Severity::Good, "attached again");
    }
    requests::attached(model);
    let mut effects = Vec::new();
    if let Some(of) = model.log.of.clone() {
        model.log.turn_to(Some(of.clone()));
        effects.push(follow(Some(&of)));
    }
    if let Some(logs) = &mut model.logs {
        logs.turn_to(None);
        effects.push(Effect::FollowAllLogs);
    }
    logs::begin(model);
    effects
}

/// The engine's samples, after those seen here before: a master that was started anew has none.
fn joined(seen: VecDeque<Sample>, sent: Vec<Sample>) -> VecDeque<Sample> {
    let first_ms = sent.first().map_or(u64::MAX, |sample| sample.wall_ms);
    seen.into_iter().filter(|sample| sample.wall_ms < first_ms).chain(sent).collect()
}

fn push_sample(model: &mut Model, sample: Sample) {
    let mut tape = std::mem::take(&mut model.tape);
    tape.record(sample.wall_ms, model.present());
    model.tape = tape;
    newest_samples(model).push_back(sample);
    keep_newest(model);
}

/// Where the newest second belongs, whatever is shown.
pub(super) fn newest_samples(model: &mut Model) -> &mut VecDeque<Sample> {
    match &mut model.past {
        Some(past) => &mut past.samples,
        None => &mut model.history,
    }
}

pub(super) fn newest_events(model: &mut Model) -> &mut VecDeque<EventRecord> {
    match &mut model.past {
        Some(past) => &mut past.events,
        None => &mut model.events,
    }
}

fn push_event(model: &mut Model, event: EventRecord) -> Option<Effect> {
    // The snapshot and the stream may both hold the event that happened between them.
    if model.all_events().next_back().is_some_and(|last| last.seq >= event.seq) {
        return None;
    }
    let alarm = alarms::of(model, &event);
    logs::happened(model, &event);
    newest_events(model).push_back(event);
    keep_newest(model);
    alarm
}

/// The oldest go. What is looked at stays as long as there is anything else to go.
pub(super) fn keep_newest(model: &mut Model) {
    let (later_samples, later_events) =
        model.past.as_ref().map_or((0, 0), |past| (past.samples.len(), past.events.len()));
    let surplus = (model.history.len() + later_samples).saturating_sub(SAMPLES_MAX);
    model.history.drain(..surplus.min(model.history.len()));
    let surplus = (model.events.len() + later_events).saturating_sub(EVENTS_MAX);
    model.events.drain(..surplus.min(model.events.len()));
    if let (Some(past), None) = (&model.past, model.history.back()) {
        // The moment that was looked at is over the edge: the oldest there is takes its place.
        let oldest_ms = past.samples.front().map_or(0, |sample| sample.wall_ms);
        let _there_is_one = past::step(model, past::Step::To(oldest_ms));
    }
}

/// A mark on a row that is gone would come alive with a row of the same name.
pub(super) fn forget_gone_marks(model: &mut Model) {
    if model.marks.is_empty() {
        return;
    }
    let marks = std::mem::take(&mut model.marks);
    model.marks = marks
        .into_iter()
        .filter(|key| match key {
            Key::Backend { key, .. } => model.backend(*key).is_some(),
            Key::Program { name, instance } => model.program(name, *instance).is_some(),
            Key::Upstream { .. }
            | Key::Worker { .. }
            | Key::Event { .. }
            | Key::Request { .. }
            | Key::Plan { .. }
            | Key::Alarm { .. }
            | Key::Record { .. }
            | Key::Config
            | Key::Node { .. } => false,
        })
        .collect();
}

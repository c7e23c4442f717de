//! What comes over the link: snapshots, changes, samples, events, and its loss.

use std::collections::VecDeque;

use crate::control::delta;
use crate::control::wire::{EventRecord, Frame, Role, Sample, Severity, Snapshot};
use crate::tui::model::key::Key;
use crate::tui::model::pending::Stage;
use crate::tui::model::{EVENTS_MAX, Link, Model, SAMPLES_MAX};
use crate::tui::msg::Effect;

use super::{cursor, requests};

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
        Frame::Snapshot { role, snapshot, history, events } => {
            effects = attached(model, role, *snapshot, history, events);
        }
        Frame::Delta { delta } => delta::apply(&mut model.moment, *delta),
        Frame::Sample { sample } => push_sample(model, *sample),
        Frame::Event { event } => push_event(model, *event),
    }
    forget_gone_marks(model);
    cursor::settle(model, cursor::Cause::Data);
    effects
}

pub(super) fn lost(model: &mut Model, why: String) {
    model.link = match std::mem::replace(&mut model.link, Link::Live) {
        Link::Live => Link::Stale { since_ms: model.now_ms, why },
        Link::Stale { since_ms, .. } => Link::Stale { since_ms, why },
        Link::Connecting { .. } => Link::Connecting { why },
    };
}

/// A stream that is open but says nothing: a stopped engine, a line that hangs.
pub(super) fn notice_silence(model: &mut Model) {
    let is_silent = model.now_ms.saturating_sub(model.heard_ms) > SILENCE_MS;
    if model.link == Link::Live && is_silent {
        let why = "the engine is silent".to_owned();
        model.link = Link::Stale { since_ms: model.heard_ms, why };
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
            | Key::Config,
        )
        | None => Effect::StopLog,
    }
}

/// Everything anew, as at the first attach; the log's stream ended with the old connection.
fn attached(
    model: &mut Model,
    role: Role,
    snapshot: Snapshot,
    history: Vec<Sample>,
    events: Vec<EventRecord>,
) -> Vec<Effect> {
    let is_back = matches!(model.link, Link::Stale { .. });
    model.link = Link::Live;
    model.role = if model.is_read_only { Role::Read } else { role };
    model.moment = snapshot;
    model.history = joined(std::mem::take(&mut model.history), history);
    model.events = events.into();
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
    effects
}

/// The engine's samples, after those seen here before: a master that was started anew has none.
fn joined(seen: VecDeque<Sample>, sent: Vec<Sample>) -> VecDeque<Sample> {
    let first_ms = sent.first().map_or(u64::MAX, |sample| sample.wall_ms);
    seen.into_iter().filter(|sample| sample.wall_ms < first_ms).chain(sent).collect()
}

fn push_sample(model: &mut Model, sample: Sample) {
    model.history.push_back(sample);
    keep_newest(model);
}

fn push_event(model: &mut Model, event: EventRecord) {
    // The snapshot and the stream may both hold the event that happened between them.
    if model.events.back().is_some_and(|last| last.seq >= event.seq) {
        return;
    }
    model.events.push_back(event);
    keep_newest(model);
}

fn keep_newest(model: &mut Model) {
    let samples = model.history.len().saturating_sub(SAMPLES_MAX);
    model.history.drain(..samples);
    let events = model.events.len().saturating_sub(EVENTS_MAX);
    model.events.drain(..events);
}

/// A mark on a row that is gone would come alive with a row of the same name.
fn forget_gone_marks(model: &mut Model) {
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
            | Key::Config => false,
        })
        .collect();
}

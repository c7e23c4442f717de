//! The one place where the model changes: a message in, the changed model and effects out.
//!
//! Pure: no clock (a `Tick` brings the time), no input or output (effects are carried out by the
//! run loop). One file per domain.

#![deny(clippy::wildcard_enum_match_arm)]

mod actions;
mod alarms;
pub(crate) mod attach;
mod copy;
mod cursor;
mod explain;
mod folds;
mod frames;
mod log_find;
mod logs;
mod marks;
mod nodes;
mod orders;
mod overlays;
mod past;
mod plan;
mod pointer;
mod requests;
mod signals;
mod sorting;
#[cfg(test)]
mod tests;

use super::action;
use super::model::log_tail::{LogTail, Whose};
use super::model::overlay::Overlay;
use super::model::panel::{Panel, View};
use super::model::{Link, Model, NOTICE_MS, NOTICE_READ_MS, Welcome};
use super::msg::{Effect, Msg, Press};

pub(crate) fn update(model: &mut Model, msg: Msg) -> Vec<Effect> {
    let mut effects = match msg {
        Msg::Press(press) => pressed(model, press),
        Msg::Pointer { hit, act } => pointer::came(model, hit, act),
        Msg::Paste(text) => {
            overlays::paste(model, &text);
            Vec::new()
        }
        Msg::Resize(size) => {
            model.size = size;
            cursor::settle(model, cursor::Cause::Operator);
            vec![Effect::Repaint]
        }
        Msg::Tick { now_ms } => {
            tick(model, now_ms);
            Vec::new()
        }
        Msg::Of { node, msg } => nodes::came(model, node, *msg),
        Msg::Frame(frame) => frames::apply(model, *frame),
        Msg::LinkLost { why } => {
            frames::lost(model, why);
            Vec::new()
        }
        Msg::Measured { rtt_ms } => {
            model.rtt_ms = Some(rtt_ms);
            Vec::new()
        }
        Msg::Answered { id, outcome } => {
            orders::answered(model, id, outcome);
            Vec::new()
        }
        Msg::LogLines { of, lines } => {
            if let Some(log) = model.log_of(&of) {
                match of {
                    Whose::One(_) => lines.into_iter().for_each(|line| log.push(line)),
                    Whose::All => lines.into_iter().for_each(|line| log.insert(line)),
                }
            }
            Vec::new()
        }
        Msg::LogEnded { of, why } => {
            if let Some(log) = model.log_of(&of) {
                log.ended = why;
            }
            Vec::new()
        }
        Msg::Requests { number, records, lost } => {
            requests::came(model, number, records, lost);
            Vec::new()
        }
        Msg::Explained { upstream, outcome } => {
            explain::came(model, &upstream, outcome);
            Vec::new()
        }
        Msg::Planned { outcome } => {
            plan::came(model, outcome);
            cursor::settle(model, cursor::Cause::Data);
            Vec::new()
        }
        Msg::RequestsEnded { number, why } => {
            requests::ended(model, number, why);
            Vec::new()
        }
    };
    attach::end_with_its_life(model);
    effects.extend(follow_selected(model));
    effects.extend(follow_all(model));
    effects.extend(requests::follow(model));
    effects.extend(explain::follow(model));
    effects.extend(plan::follow(model));
    effects
}

fn pressed(model: &mut Model, press: Press) -> Vec<Effect> {
    make_room(model);
    let mut effects = Vec::new();
    if model.welcome == Welcome::Shown {
        model.welcome = Welcome::Seen;
        effects.push(Effect::Welcomed);
    }
    let is_attached = matches!(model.overlay, Some(Overlay::Attached(_)));
    if model.keys.is_key(action::Id::Detach, press.chord) && !is_attached {
        effects.push(Effect::Detach);
        return effects;
    }
    if model.overlay.is_some() {
        effects.extend(overlays::press(model, press));
        return effects;
    }
    if let Some(action) = action::for_key(model, press.chord) {
        effects.extend(actions::perform(model, action.id, None));
    }
    effects
}

/// The next key, or click, makes room for the keys again, once what was said could be read.
fn make_room(model: &mut Model) {
    if model.notice.as_ref().is_some_and(|notice| model.now_ms >= notice.at_ms + NOTICE_READ_MS) {
        model.notice = None;
    }
}

fn tick(model: &mut Model, now_ms: u64) {
    model.now_ms = now_ms;
    model.pending.retain(|pending| !pending.is_over(now_ms));
    if model.notice.as_ref().is_some_and(|notice| now_ms >= notice.at_ms + NOTICE_MS) {
        model.notice = None;
    }
    if model.nodes.are_several() {
        nodes::notice_silence(model);
    } else {
        frames::notice_silence(model);
    }
    // Attention lines come and go with time alone.
    cursor::settle(model, cursor::Cause::Data);
}

/// In the Programs view the log is that of the selected program; elsewhere it stays as it is, so
/// that coming back finds it where it was left.
fn follow_selected(model: &mut Model) -> Option<Effect> {
    if !model.is_in_view(View::Programs) {
        return None;
    }
    let wanted = model.lists.of(Panel::ProgramTable).cursor.clone();
    if wanted == model.log.of {
        return None;
    }
    model.log.turn_to(wanted.clone());
    Some(frames::follow(wanted.as_ref()))
}

/// The lines of all programs come from when they are looked at first, also while other views are open.
fn follow_all(model: &mut Model) -> Option<Effect> {
    let is_wanted = model.is_in_view(View::Logs) && !matches!(model.link, Link::Connecting { .. });
    if !is_wanted || model.logs.is_some() {
        return None;
    }
    let mut logs = LogTail::default();
    logs.until_ms = model.past.as_ref().map(|past| past.at_ms);
    model.logs = Some(logs);
    self::logs::begin(model);
    Some(Effect::FollowAllLogs)
}

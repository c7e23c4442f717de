//! What came from one of several nodes, brought into the words of all; and which of them are shown.

use crate::control::delta;
use crate::control::sample::Sample;
use crate::control::wire::{EventRecord, Frame, Role, Severity};
use crate::tui::action::chord::{Chord, Reading};
use crate::tui::model::key::Key;
use crate::tui::model::log_tail::Whose;
use crate::tui::model::nodes::{self, tag};
use crate::tui::model::overlay::Overlay;
use crate::tui::model::pending::Stage;
use crate::tui::model::{Link, Model, past};
use crate::tui::msg::{Effect, Msg};

use super::cursor::{self, Cause};
use super::{alarms, frames, logs, overlays, requests};

/// Clocks that differ by less are taken for the same: a snapshot is under way for some time.
const SAME_CLOCK_MS: i64 = 2_000;

pub(super) fn came(model: &mut Model, at: usize, msg: Msg) -> Vec<Effect> {
    let Some(node) = model.nodes.all.get_mut(at) else { return Vec::new() };
    let msg = match msg {
        Msg::Frame(frame) => return framed(model, at, *frame),
        Msg::LinkLost { why } => {
            node.link = frames::after_loss(&node.link, model.now_ms, why);
            stand(model);
            return Vec::new();
        }
        Msg::Measured { rtt_ms } => {
            node.rtt_ms = Some(rtt_ms);
            model.rtt_ms = model.nodes.rtt_ms();
            return Vec::new();
        }
        Msg::Explained { upstream, outcome } => {
            Msg::Explained { upstream: tag::name(&upstream, &node.name), outcome }
        }
        Msg::LogLines { of, lines } => {
            let lines = lines.into_iter().map(|line| tag::line(node, line)).collect();
            Msg::LogLines { of: whose(of, &node.name), lines }
        }
        Msg::LogEnded { of: Whose::All, why } => {
            // The others go on; that this one does not is told with its link.
            Msg::LogEnded { of: Whose::All, why: format!("{}: {why}", node.name) }
        }
        Msg::LogEnded { of, why } => Msg::LogEnded { of: whose(of, &node.name), why },
        Msg::Requests { number, records, lost } => {
            let records =
                records.into_iter().map(|record| tag::request(at, node, record)).collect();
            Msg::Requests { number, records, lost }
        }
        Msg::RequestsEnded { number, why } => {
            Msg::RequestsEnded { number, why: format!("{}: {why}", node.name) }
        }
        // One node's, or of this console: told apart by its number, or asked of the chosen node only.
        other @ (Msg::Answered { .. }
        | Msg::Planned { .. }
        | Msg::Press(_)
        | Msg::Pointer { .. }
        | Msg::Paste(_)
        | Msg::Resize(_)
        | Msg::Tick { .. }
        | Msg::Of { .. }) => other,
    };
    super::update(model, msg)
}

fn whose(of: Whose, node: &str) -> Whose {
    match of {
        Whose::One(Key::Program { name, instance }) => {
            Whose::One(Key::Program { name: tag::name(&name, node), instance })
        }
        other @ (Whose::One(_) | Whose::All) => other,
    }
}

fn framed(model: &mut Model, at: usize, frame: Frame) -> Vec<Effect> {
    let is_shown = model.nodes.is_shown(at);
    let now_ms = model.now_ms;
    let node = &mut model.nodes.all[at];
    node.heard_ms = now_ms;
    let mut effects = Vec::new();
    match frame {
        Frame::Snapshot { role, snapshot, history, events, tape } => {
            let is_back = matches!(node.link, Link::Stale { .. });
            node.role = if model.is_read_only { Role::Read } else { role };
            let ahead_ms = now_ms as i64 - snapshot.head.wall_ms as i64;
            node.ahead_ms = if ahead_ms.abs() < SAME_CLOCK_MS { 0 } else { ahead_ms };
            node.snapshot = *snapshot;
            node.tape = tape;
            let ahead_ms = node.ahead_ms;
            node.history = history.into_iter().map(|sample| shifted(sample, ahead_ms)).collect();
            node.events = events.into_iter().map(|event| told(event, ahead_ms)).collect();
            node.link = Link::Live;
            effects = attached(model, at, is_back);
        }
        Frame::Delta { delta } => delta::apply(&mut node.snapshot, *delta),
        Frame::Sample { sample } => {
            node.tape.record(sample.wall_ms, &node.snapshot);
            let sample = shifted(*sample, node.ahead_ms);
            let shown = is_shown.then(|| tag::sample(at, &sample));
            node.history.push_back(sample);
            node.keep_newest();
            if let Some(sample) = shown {
                nodes::add(frames::newest_samples(model), sample);
            }
        }
        Frame::Event { event } => {
            let event = told(*event, node.ahead_ms);
            if node.events.back().is_none_or(|last| last.seq < event.seq) {
                let shown = is_shown.then(|| tag::event(at, node, &event));
                node.events.push_back(event);
                node.keep_newest();
                if let Some(event) = shown {
                    effects.extend(alarms::of(model, &event));
                    logs::happened(model, &event);
                    frames::newest_events(model).push_back(event);
                }
            }
        }
    }
    // Where only silence was noticed, the stream goes on where it was.
    model.nodes.all[at].link = Link::Live;
    stand(model);
    *model.present_mut() = model.nodes.present();
    frames::keep_newest(model);
    frames::forget_gone_marks(model);
    cursor::settle(model, Cause::Data);
    effects
}

fn shifted(sample: Sample, ahead_ms: i64) -> Sample {
    Sample { wall_ms: sample.wall_ms.saturating_add_signed(ahead_ms), ..sample }
}

fn told(event: EventRecord, ahead_ms: i64) -> EventRecord {
    EventRecord { wall_ms: event.wall_ms.saturating_add_signed(ahead_ms), ..event }
}

/// The node is there, or there again: what is streamed is asked for anew.
fn attached(model: &mut Model, at: usize, is_back: bool) -> Vec<Effect> {
    if is_back {
        let Model { nodes, pending, .. } = model;
        for pending in pending {
            if pending.stage == Stage::Sent && nodes.of(&pending.key) == Some(at) {
                let message = "the line was lost: look whether it was done".to_owned();
                pending.stage = Stage::Failed { at_ms: model.now_ms, message };
            }
        }
        let name = model.nodes.all[at].name.clone();
        model.say(Severity::Good, format!("{name}: attached again"));
    }
    show(model)
}

/// Everything that is shown, from what is known of the nodes.
fn show(model: &mut Model) -> Vec<Effect> {
    past::leave(model);
    stand(model);
    model.moment = model.nodes.present();
    model.history = model.nodes.history();
    model.events = model.nodes.events();
    requests::attached(model);
    let mut effects = Vec::new();
    if let Some(of) = model.log.of.clone() {
        model.log.turn_to(Some(of.clone()));
        effects.push(frames::follow(Some(&of)));
    }
    if let Some(logs) = &mut model.logs {
        logs.turn_to(None);
        effects.push(Effect::FollowAllLogs);
    }
    logs::begin(model);
    cursor::settle(model, Cause::Data);
    effects
}

/// Where those that are shown stand together.
fn stand(model: &mut Model) {
    model.link = model.nodes.link();
    model.role = model.nodes.role();
    model.rtt_ms = model.nodes.rtt_ms();
    let heard = model.nodes.shown().map(|(_, node)| node.heard_ms).max();
    model.heard_ms = heard.unwrap_or(model.now_ms);
}

pub(super) fn notice_silence(model: &mut Model) {
    let now_ms = model.now_ms;
    for node in &mut model.nodes.all {
        frames::notice_silence_of(&mut node.link, node.heard_ms, now_ms);
    }
    stand(model);
}

pub(super) fn open(model: &mut Model) {
    if !model.nodes.are_several() {
        let text = "one engine is here; pilothouse console TARGET TARGET attaches to several";
        return model.say(Severity::Info, text);
    }
    let selected = model.nodes.chosen.map_or(0, |at| at + 1);
    model.overlay = Some(Overlay::Nodes { selected });
}

pub(super) fn press(model: &mut Model, chord: Chord, selected: usize) -> Vec<Effect> {
    match chord.reading() {
        Reading::Accept => choose(model, selected.checked_sub(1)),
        Reading::Close => Vec::new(),
        Reading::Other if chord.is_any("q@") => Vec::new(),
        reading @ (Reading::Step(_) | Reading::Aside(_) | Reading::Other) => {
            let count = model.nodes.all.len() + 1;
            let selected = overlays::chosen(selected, reading, chord, count);
            model.overlay = Some(Overlay::Nodes { selected });
            Vec::new()
        }
    }
}

/// One of them alone, or all.
pub(super) fn choose(model: &mut Model, chosen: Option<usize>) -> Vec<Effect> {
    model.nodes.chosen = chosen;
    model.marks.clear();
    // An upstream of another node's is not shown any more.
    model.balance_of = None;
    let mut effects = vec![Effect::ChooseNode(chosen)];
    if model.planned.is_asked {
        model.planned.ask(false);
        effects.push(Effect::StopPlanning);
    }
    effects.extend(show(model));
    effects
}

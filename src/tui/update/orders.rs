//! Orders: made, asked about, sent, answered, taken back.

use crate::control::wire::{Answer, Outcome, Severity};
use crate::tui::action::typed::Typed;
use crate::tui::action::{self, Id};
use crate::tui::model::key::Key;
use crate::tui::model::order::{Change, Confirmed, Judged};
use crate::tui::model::overlay::Overlay;
use crate::tui::model::pending::{Pending, Stage};
use crate::tui::model::{Model, UNDO_MAX};
use crate::tui::msg::Effect;

/// Orders on the way or just answered; older ones are forgotten first.
const PENDING_MAX: usize = 256;

pub(super) fn order(model: &mut Model, id: Id, target: Option<&Key>) -> Vec<Effect> {
    let judged = action::order::make(model, id, target);
    take(model, judged)
}

pub(super) fn strategy(model: &mut Model, upstream: &str, strategy: &str) -> Vec<Effect> {
    let judged = action::order::strategy(model, upstream, strategy);
    take(model, judged)
}

pub(super) fn signal(model: &mut Model, targets: &[Key], name: &str) -> Vec<Effect> {
    let judged = action::order::signal(model, targets, name);
    take(model, judged)
}

/// A line for a program that is spoken to.
pub(super) fn input(model: &mut Model, key: &Key, incarnation: u32, bytes: Vec<u8>) -> Vec<Effect> {
    let judged = action::attach::input(model, key, incarnation, bytes);
    take(model, judged)
}

pub(super) fn typed(model: &mut Model, typed: Typed) -> Vec<Effect> {
    let judged = action::order::typed(model, typed);
    take(model, judged)
}

fn take(model: &mut Model, judged: Result<Judged, String>) -> Vec<Effect> {
    match judged {
        Ok(Judged::Free(confirmed)) => send(model, confirmed),
        Ok(Judged::Ask(question)) => {
            model.overlay = Some(Overlay::Confirm(question));
            Vec::new()
        }
        Err(why) => {
            model.say(Severity::Info, why);
            Vec::new()
        }
    }
}

/// The only maker of `Effect::Send`; takes what only `model::order` can make.
pub(super) fn send(model: &mut Model, order: Confirmed) -> Vec<Effect> {
    let first_id = model.next_order;
    for (id, change) in (first_id..).zip(order.changes()) {
        forget_undo(model, change);
        model.pending.push(Pending {
            id,
            key: change.key.clone(),
            command: change.command.clone(),
            verb: change.verb,
            sent_ms: model.now_ms,
            stage: Stage::Sent,
            undo: change.undo.clone(),
        });
    }
    model.next_order += order.changes().len() as u64;
    let surplus = model.pending.len().saturating_sub(PENDING_MAX);
    model.pending.drain(..surplus);
    model.marks.clear();
    vec![Effect::Send { first_id, order }]
}

/// What is ordered anyway needs no taking back any more, whether by `u` or by its own key.
fn forget_undo(model: &mut Model, change: &Change) {
    let is_same = |undo: &crate::tui::model::order::Undo| {
        undo.key == change.key && undo.command == change.command
    };
    if model.undo.back().is_some_and(is_same) {
        model.undo.pop_back();
    }
}

pub(super) fn answered(model: &mut Model, id: u64, outcome: Result<Answer, String>) {
    let at_ms = model.now_ms;
    let Some(pending) = model.pending.iter_mut().find(|pending| pending.id == id) else { return };
    let (verb, key) = (pending.verb, pending.key.clone());
    let (stage, severity, text, undo) = match outcome {
        Ok(Answer { outcome: Outcome::Changed, message }) => (
            Stage::Done { at_ms, message: message.clone() },
            Severity::Good,
            message,
            pending.undo.take().filter(|_| pending.verb != "undo"),
        ),
        Ok(Answer { outcome: Outcome::Unchanged, message }) => {
            (Stage::Done { at_ms, message: message.clone() }, Severity::Info, message, None)
        }
        Ok(Answer { outcome: Outcome::Unknown | Outcome::Refused, message }) | Err(message) => {
            (Stage::Failed { at_ms, message: message.clone() }, Severity::Bad, message, None)
        }
    };
    pending.stage = stage;
    if let Some(undo) = undo {
        model.undo.push_back(undo);
        let surplus = model.undo.len().saturating_sub(UNDO_MAX);
        model.undo.drain(..surplus);
    }
    model.say(severity, told(verb, &key, &text));
}

/// An answer with the name of its row in it once: the engine names a backend without its upstream.
fn told(verb: &str, key: &Key, answer: &str) -> String {
    let label = key.label();
    let name = match key {
        Key::Backend { name, .. } => name,
        Key::Upstream { .. }
        | Key::Program { .. }
        | Key::Worker { .. }
        | Key::Event { .. }
        | Key::Request { .. }
        | Key::Plan { .. }
        | Key::Alarm { .. }
        | Key::Record { .. }
        | Key::Config
        | Key::Node { .. } => &label,
    };
    match answer.strip_prefix(name.as_str()) {
        _ if answer.is_empty() => format!("{verb} {label}"),
        Some(rest) if rest.starts_with(' ') => format!("{label}{rest}"),
        Some(_) | None if answer.contains(&label) => answer.to_owned(),
        Some(_) | None => format!("{verb} {label}: {answer}"),
    }
}

#[cfg(test)]
mod tests {
    use super::told;
    use crate::tui::model::key::Key;

    #[test]
    fn an_answer_names_its_row_once() {
        let name = "10.0.0.1:80".to_owned();
        let backend = Key::Backend { upstream: "api".to_owned(), name, key: 1 };
        let program = Key::Program { name: "web".to_owned(), instance: 0 };
        for (key, answer, expected) in [
            (&backend, "10.0.0.1:80 draining, 7 left", "api/10.0.0.1:80 draining, 7 left"),
            (&backend, "no backend is left", "drain api/10.0.0.1:80: no backend is left"),
            (&backend, "", "drain api/10.0.0.1:80"),
            (&program, "web:0 is RUNNING", "web:0 is RUNNING"),
            (&program, "already so: web:0 is RUNNING", "already so: web:0 is RUNNING"),
        ] {
            assert_eq!(told("drain", key, answer), expected);
        }
    }
}

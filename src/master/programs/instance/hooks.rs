//! The side commands of an instance: begun, listened to, ended when nobody waits for them.

use std::rc::Rc;

use tokio::task::JoinHandle;

use super::super::desk::{Desk, Tone};
use super::super::errand::{self, Errand, Outcome};
use super::super::event::Report;
use super::Instance;
use crate::config::model::restart::OnFatal;
use crate::supervise::policy::{Ending, Hook};
use crate::supervise::state::Cause;
use crate::supervise::step::{Event, Verdict};
use crate::sys::pidfd::Exit;

/// The exit code of `post_stop` that means: do not try again (s6's).
const HOPELESS: i32 = 125;

/// A side command under way; it is ended when this is dropped.
pub(super) struct Aside(JoinHandle<()>);

impl Drop for Aside {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Instance {
    /// `HookDone` at once when the configuration knows of no such command any more.
    pub(super) fn run(&mut self, hook: Hook, desk: &mut Desk) -> Option<Event> {
        let life = self.state.life;
        let Some(words) = self.definition.hook(hook).map(<[String]>::to_vec) else {
            return Some(Event::HookDone { life, hook, verdict: Verdict::Done });
        };
        if hook == Hook::PreStart {
            // It may ask where its program is going to serve.
            self.port = self.port.or(self.definition.port(self.id.instance));
        }
        let order = errand::Order {
            timeout_ms: self.definition.hook_ms(hook),
            ..self.order(hook.name(), &words, Vec::new(), desk)
        };
        let errand = errand::start(order, desk.room());
        let reporter = desk.reporter(&self.id, life);
        self.hook = Some(Aside(tokio::task::spawn_local(async move {
            let outcome = errand.outcome().await;
            reporter.report(Report::HookDone { hook, outcome }).await;
        })));
        None
    }

    /// What the end of a side command means; what is not as it should be is told.
    pub(super) fn verdict(&self, hook: Hook, outcome: &Outcome, desk: &mut Desk) -> Verdict {
        if outcome.is_success() {
            return Verdict::Done;
        }
        self.tell_failed(hook.name(), outcome, desk);
        match (hook, outcome) {
            (Hook::PostStop, Outcome::Ended(Exit::Code(HOPELESS))) => {
                Verdict::Hopeless(outcome.to_string())
            }
            (Hook::PreStart | Hook::PreStop | Hook::StopCommand | Hook::PostStop, _) => {
                Verdict::Failed(outcome.to_string())
            }
        }
    }

    /// Nothing waits for it: the program runs, whatever becomes of the command.
    pub(super) fn begin_post_start(&mut self, desk: &Desk) {
        if let Some(words) = self.definition.program.hooks.post_start.clone() {
            let hooks = &self.definition.program.hooks;
            let timeout_ms = hooks.own.post_start_ms.unwrap_or(hooks.timeout_ms);
            let order = self.order("post_start", &words, Vec::new(), desk);
            self.begin_aside(errand::Order { timeout_ms, ..order }, desk);
        }
    }

    /// What is run once it has given up.
    pub(in crate::master::programs) fn begin_on_fatal(&mut self, desk: &Desk) {
        let OnFatal::Command(words) = self.definition.program.on_fatal.clone() else { return };
        let told = vec![
            ("GROUP", self.definition.program.group_name().to_owned()),
            ("REASON", self.reason()),
        ];
        self.begin_aside(self.order("on_fatal", &words, told, desk), desk);
    }

    fn begin_aside(&mut self, order: errand::Order, desk: &Desk) {
        let label = order.label;
        let errand = errand::start(order, desk.room());
        let reporter = desk.reporter(&self.id, self.state.life);
        self.aside = Some(Aside(tokio::task::spawn_local(async move {
            let outcome = errand.outcome().await;
            reporter.report(Report::AsideDone { label, outcome }).await;
        })));
    }

    pub(super) fn aside_is_done(&self, label: &'static str, outcome: &Outcome, desk: &mut Desk) {
        if !outcome.is_success() {
            self.tell_failed(label, outcome, desk);
        }
    }

    fn tell_failed(&self, label: &str, outcome: &Outcome, desk: &mut Desk) {
        let text = format!("{label}: {outcome}");
        self.output.borrow_mut().mark(text.clone());
        self.note(Tone::Warn, "hook", text, desk);
    }

    /// A side command of this instance, in the words of the configuration.
    pub(in crate::master::programs) fn errand(
        &self,
        label: &'static str,
        command: &[String],
        desk: &Desk,
    ) -> Errand {
        errand::start(self.order(label, command, Vec::new(), desk), desk.room())
    }

    /// `told`: beyond what every side command is told.
    fn order(
        &self,
        label: &'static str,
        command: &[String],
        told: Vec<(&'static str, String)>,
        desk: &Desk,
    ) -> errand::Order {
        let mut variables = self.variables(desk);
        variables.extend(told);
        if let Cause::Exit { ending, .. } = self.state.cause {
            match ending {
                Ending::Code(code) => variables.push(("PILOTHOUSE_EXIT_CODE", code.to_string())),
                Ending::Signal(number) => {
                    variables.push(("PILOTHOUSE_EXIT_SIGNAL", number.to_string()));
                }
                Ending::Unknown => {}
            }
        }
        errand::Order {
            label,
            command: command.to_vec(),
            definition: self.definition.clone(),
            variables,
            timeout_ms: self.definition.program.hooks.timeout_ms,
            output: Some(Rc::clone(&self.output)),
        }
    }
}

//! The side commands of an instance: begun, listened to, ended when nobody waits for them.

use std::rc::Rc;

use tokio::task::JoinHandle;

use super::super::desk::{Desk, Tone};
use super::super::errand::{self, Errand, Outcome};
use super::super::event::Report;
use super::Instance;
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
        let errand = self.errand(hook.name(), &words, self.hook_timeout_ms(), desk);
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
        let text = format!("{}: {outcome}", hook.name());
        self.output.borrow_mut().mark(text.clone());
        self.note(Tone::Warn, "hook", text, desk);
        match (hook, outcome) {
            (Hook::PostStop, Outcome::Ended(Exit::Code(HOPELESS))) => {
                Verdict::Hopeless(outcome.to_string())
            }
            (Hook::PreStart | Hook::PreStop | Hook::StopCommand | Hook::PostStop, _) => {
                Verdict::Failed(outcome.to_string())
            }
        }
    }

    /// Nothing waits for it; its failure is told in the log.
    pub(super) fn begin_post_start(&mut self, desk: &Desk) {
        let Some(words) = self.definition.program.hooks.post_start.clone() else { return };
        let errand = self.errand("post_start", &words, self.hook_timeout_ms(), desk);
        let output = Rc::clone(&self.output);
        self.post_start = Some(Aside(tokio::task::spawn_local(async move {
            let outcome = errand.outcome().await;
            if !outcome.is_success() {
                output.borrow_mut().mark(format!("post_start: {outcome}"));
            }
        })));
    }

    pub(in crate::master::programs) fn hook_timeout_ms(&self) -> u64 {
        self.definition.program.hooks.timeout_ms
    }

    /// A side command of this instance, in the words of the configuration.
    pub(in crate::master::programs) fn errand(
        &self,
        label: &'static str,
        command: &[String],
        timeout_ms: u64,
        desk: &Desk,
    ) -> Errand {
        let mut variables = self.variables(desk);
        if let Cause::Exit { ending, .. } = self.state.cause {
            match ending {
                Ending::Code(code) => variables.push(("PILOTHOUSE_EXIT_CODE", code.to_string())),
                Ending::Signal(number) => {
                    variables.push(("PILOTHOUSE_EXIT_SIGNAL", number.to_string()));
                }
                Ending::Unknown => {}
            }
        }
        let order = errand::Order {
            label,
            command: command.to_vec(),
            definition: self.definition.clone(),
            variables,
            timeout_ms,
            output: Some(Rc::clone(&self.output)),
        };
        errand::start(order, desk.room())
    }
}

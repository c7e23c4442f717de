//! Before the first spawn: addresses that must answer, lines that others wait for.

use std::rc::Rc;

use tokio::task::JoinHandle;

use super::super::desk::{Desk, Tone};
use super::super::event::Report;
use super::super::pulse::SharedPulse;
use super::super::question::Question;
use super::super::readiness;
use super::Instance;
use crate::config::model::route::Case;
use crate::config::model::vitals::Need;
use crate::config::pattern;
use crate::supervise::state::{Cause, Phase};

/// An address that is asked until something listens there; dropping it ends that.
pub(in crate::master::programs) struct Waiter {
    place: String,
    pulse: SharedPulse,
    task: Option<JoinHandle<()>>,
}

/// A line that is looked for in what this life prints; dropping it ends that.
pub(super) struct LineWatch(JoinHandle<()>);

impl Drop for LineWatch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Instance {
    pub(in crate::master::programs) fn is_waiting(&self) -> bool {
        self.state.phase == Phase::Waiting
    }

    /// Begins to ask at the addresses that must answer, in place of what began before.
    pub(in crate::master::programs) fn watch_needed(&mut self, desk: &Desk) {
        self.waiters.clear();
        if !self.is_waiting() {
            return;
        }
        let needs = self.definition.program.needs.iter();
        let waiters = needs.filter_map(|need| match need {
            Need::Listening(place) => Some(self.waiter(place, desk)),
            Need::Program { .. } | Need::Line { .. } => None,
        });
        self.waiters = waiters.collect();
    }

    fn waiter(&self, place: &str, desk: &Desk) -> Waiter {
        let pulse = SharedPulse::default();
        let task = match self.address(place, desk) {
            Ok(address) => {
                let (reporter, beats) =
                    (desk.reporter(&self.id, self.state.life), Rc::clone(&pulse));
                Some(tokio::task::spawn_local(async move {
                    let question = Question::of_connection(address);
                    readiness::until_good(&question, 1, &beats).await;
                    reporter.report(Report::NeedsChanged).await;
                }))
            }
            Err(why) => {
                pulse.borrow_mut().await_word(why);
                None
            }
        };
        Waiter { place: place.to_owned(), pulse, task }
    }

    /// Why something that must listen there does not yet; `None`: it does.
    pub(in crate::master::programs) fn awaited(&self, place: &str) -> Option<String> {
        let waiter = self.waiters.iter().find(|waiter| waiter.place == place);
        match waiter.map(|waiter| waiter.pulse.borrow()) {
            Some(pulse) if pulse.is_good() => None,
            Some(pulse) => Some(pulse.to_string()),
            None => Some(String::new()),
        }
    }

    pub(in crate::master::programs) fn give_up_waiting(&self, error: &str, desk: &mut Desk) {
        self.output.borrow_mut().mark(error.to_owned());
        self.note(Tone::Bad, "start", error.to_owned(), desk);
    }

    /// Begins to look for the lines that others wait for, as far as they were not seen; in place of
    /// what began before.
    pub(in crate::master::programs) fn watch_lines(&mut self, desk: &Desk) {
        self.line_watches.clear();
        if self.state.spawned_us().is_none() {
            return;
        }
        for expression in self.definition.lines_wanted.clone() {
            if self.lines_seen.contains(&expression) {
                continue;
            }
            let Ok(regex) = pattern::compile(&expression, Case::Sensitive) else { continue };
            let mut output = self.output.borrow_mut();
            if output.has_said(&regex) {
                self.lines_seen.push(expression);
                continue;
            }
            let (line, reporter) = (output.seek(regex), desk.reporter(&self.id, self.state.life));
            let task = tokio::task::spawn_local(async move {
                if line.await.is_ok() {
                    reporter.report(Report::Line(expression)).await;
                }
            });
            drop(output);
            self.line_watches.push(LineWatch(task));
        }
    }

    /// Ready, and known to be alive where that is asked.
    pub(in crate::master::programs) fn is_healthy(&self) -> bool {
        let is_asked = self.definition.program.vitals.live.is_some();
        matches!(self.state.phase, Phase::Ready { .. })
            && (!is_asked || self.live.borrow().is_good())
    }

    /// Its last life ended as one should.
    pub(in crate::master::programs) fn has_ended_well(&self) -> bool {
        match self.state.cause {
            Cause::Exit { ending, fault: None, .. } => self.policy.is_expected(ending),
            Cause::Exit { fault: Some(_), .. } | Cause::Spawn { .. } | Cause::None => false,
        }
    }
}

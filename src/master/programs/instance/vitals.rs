//! Whether the process is ready and alive: the questions that its definition says, and what it says
//! itself.

use std::rc::Rc;

use super::super::definition::loopback;
use super::super::desk::{Desk, Tone};
use super::super::errand;
use super::super::liveness::{self, Probing};
use super::super::question::Question;
use super::super::readiness::{self, Standing, Way};
use super::super::texts;
use super::Instance;
use crate::config;
use crate::config::model::Address;
use crate::config::model::route::Case;
use crate::config::model::vitals::{Asked, Asking, Ready};
use crate::config::pattern;
use crate::supervise::notify::Word;
use crate::supervise::state::{After, Fault, Phase, StartCheck};
use crate::supervise::step::Event;
use crate::sys::watched::Watched;

/// What a program last said of its course, beside its status text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::master::programs) enum Course {
    #[default]
    Steady,
    Reloading,
    Stopping,
}

impl Instance {
    /// Begins to find out whether the process is ready, or whether it still is; in place of what
    /// began before.
    pub(in crate::master::programs) fn watch_ready(&mut self, desk: &Desk) {
        // Who waits at a descriptor goes on: that can be taken only once.
        let is_at_descriptor = self.definition.program.vitals.descriptor().is_some();
        if let Some(process) = self.process.as_mut().filter(|_| !is_at_descriptor) {
            process.set_prober(None);
        }
        let standing = match self.state.phase {
            Phase::Starting { check: StartCheck::Probe { .. }, .. } => Standing::NotReady,
            Phase::Unready { .. } if self.course != Course::Stopping => Standing::NotReady,
            Phase::Ready { .. } if self.is_asked_on() => Standing::Ready,
            Phase::Unready { .. }
            | Phase::Ready { .. }
            | Phase::Idle
            | Phase::Waiting
            | Phase::PreStart
            | Phase::Held { .. }
            | Phase::PostStop { .. }
            | Phase::Spawning { .. }
            | Phase::Starting { check: StartCheck::AliveAt { .. }, .. }
            | Phase::Delay { .. }
            | Phase::Stopping { .. }
            | Phase::Sweeping { .. }
            | Phase::Done
            | Phase::GaveUp
            | Phase::Gone => return,
        };
        let way = match self.way(desk) {
            Ok(Some(way)) => way,
            Ok(None) => return,
            Err(why) => return self.ready.borrow_mut().await_word(why),
        };
        let reporter = desk.reporter(&self.id, self.state.life);
        let task = readiness::follow(way, standing, Rc::clone(&self.ready), reporter);
        if let Some(process) = &mut self.process {
            process.set_prober(Some(tokio::task::spawn_local(task)));
        }
    }

    /// Whether it is asked even while it is ready.
    fn is_asked_on(&self) -> bool {
        matches!(self.definition.program.vitals.ready, Some(Ready::Asked(_)))
    }

    /// Nothing: it will say so itself, and it is heard anyhow.
    fn way(&mut self, desk: &Desk) -> Result<Option<Way>, String> {
        let ready = self.definition.program.vitals.ready.clone();
        let is_unready = matches!(self.state.phase, Phase::Unready { .. });
        Ok(Some(match ready {
            None => match (&self.definition.serving, self.port) {
                (Some(serving), Some(port)) => {
                    let address = Address::Tcp(loopback(port));
                    match &serving.check {
                        Some(check) => Way::Asked {
                            question: Question::of_check(&address, check),
                            rise: check.rise.max(1),
                        },
                        None => Way::Asked { question: Question::of_connection(address), rise: 1 },
                    }
                }
                // Its main process is looked for, and ready by its age.
                (_, _) if self.definition.is_forked() && !is_unready => return Ok(None),
                (_, _) => Way::AtOnce,
            },
            Some(Ready::Notify) => {
                self.ready.borrow_mut().await_word("it has not said READY=1");
                return Ok(None);
            }
            Some(Ready::Descriptor(number)) => {
                // Taken once: the watch that began goes on.
                let Some(descriptor) = self.ready_pipe.take() else { return Ok(None) };
                let words = format!("no newline on descriptor {number}");
                self.ready.borrow_mut().await_word(words);
                Way::Newline(Watched::new(descriptor).map_err(|error| error.to_string())?)
            }
            Some(Ready::Log(expression)) => {
                self.ready.borrow_mut().await_word(format!("no line matches /{expression}/"));
                let regex = pattern::compile(&expression, Case::Sensitive)?;
                Way::Line(self.output.borrow_mut().seek(regex))
            }
            Some(Ready::Listening(place)) => {
                let question = Question::of_connection(self.address(&place, desk)?);
                Way::Asked { question, rise: 1 }
            }
            Some(Ready::Asked(asking)) => {
                Way::Watched { question: self.question(&asking, desk)?, asking }
            }
        }))
    }

    /// Begins to ask whether the process is alive, unless it is being asked.
    pub(in crate::master::programs) fn watch_live(&mut self, desk: &mut Desk) {
        let vitals = self.definition.program.vitals.clone();
        if let Some(process) = &mut self.process {
            process.set_live_prober(None);
        }
        let Some(live) = vitals.live else { return self.live.borrow_mut().clear() };
        let probing = |instance: &Self, asking: Asking| {
            Ok::<_, String>(Probing { question: instance.question(&asking, desk)?, asking })
        };
        let asked = probing(self, live).and_then(|live| {
            let startup = vitals.startup.map(|startup| probing(self, startup)).transpose()?;
            Ok((startup, live))
        });
        let (startup, live) = match asked {
            Ok(asked) => asked,
            Err(why) => return self.note(Tone::Bad, "live", why, desk),
        };
        let reporter = desk.reporter(&self.id, self.state.life);
        let task = liveness::follow(startup, live, Rc::clone(&self.live), reporter);
        if let Some(process) = &mut self.process {
            process.set_live_prober(Some(tokio::task::spawn_local(task)));
        }
    }

    fn question(&self, asking: &Asking, desk: &Desk) -> Result<Question, String> {
        match &asking.asked {
            Asked::Check { check, address: Some(place) } => {
                Ok(Question::of_check(&self.address(place, desk)?, check))
            }
            Asked::Command(command) => {
                let order = errand::Order {
                    label: "probe",
                    command: command.clone(),
                    definition: self.definition.clone(),
                    variables: self.variables(desk),
                    timeout_ms: asking.timeout_ms,
                    output: None,
                };
                Ok(Question::of_command(order, desk.probe_room()))
            }
            Asked::Check { check, address: None } => match self.port {
                Some(port) => Ok(Question::of_check(&Address::Tcp(loopback(port)), check)),
                None => Err("a check has no address to ask at".to_owned()),
            },
        }
    }

    /// With the instance's variables in place.
    pub(in crate::master::programs) fn address(
        &self,
        place: &str,
        desk: &Desk,
    ) -> Result<Address, String> {
        let failed = |error: &dyn std::fmt::Display| format!("address \"{place}\": {error}");
        let lookup = |name: &str| self.variable(name, desk);
        let text = config::expand(place, &lookup).map_err(|error| failed(&error))?;
        config::address(&text).map_err(|error| failed(&error))
    }

    /// What one of its processes says of it.
    pub(in crate::master::programs) fn told(&mut self, word: Word, desk: &mut Desk) {
        let life = self.state.life;
        match word {
            Word::Ready => {
                self.course = Course::Steady;
                if self.definition.program.vitals.ready == Some(Ready::Notify) {
                    self.ready.borrow_mut().succeeded();
                    self.say(Event::Ready { life }, desk);
                }
            }
            Word::Reloading => {
                self.course = Course::Reloading;
                // Who does not say when it is ready does not say when that is over.
                if self.definition.program.vitals.ready == Some(Ready::Notify) {
                    self.say(Event::Reloading { life }, desk);
                }
            }
            Word::Stopping => {
                self.course = Course::Stopping;
                self.say(Event::Unready { life }, desk);
            }
            Word::Status(text) => self.status = text,
            Word::MainPid(pid) => self.main_pid_told(pid, desk),
            Word::Watchdog => self.say(Event::Heartbeat { life }, desk),
            Word::WatchdogTrigger => {
                self.say(Event::Unfit { life, fault: Fault::Silent { for_us: 0 } }, desk);
            }
            Word::ExtendTimeout { us } => self.say(Event::Extend { life, us }, desk),
        }
        desk.changed();
    }

    /// What a new phase means for the questions.
    pub(super) fn follow_phase(&mut self, before: Phase, desk: &mut Desk) {
        let is_stopping = |phase| matches!(phase, Phase::Stopping { .. });
        if matches!(before, Phase::Spawning { .. }) {
            self.watch_ready(desk);
            self.watch_lines(desk);
        }
        if self.is_waiting() != (before == Phase::Waiting) {
            self.watch_needed(desk);
        }
        if is_stopping(self.state.phase) && !is_stopping(before) {
            self.say_unfit(desk);
            if let Some(process) = &mut self.process {
                process.leave_in_peace();
            }
        }
    }

    /// It begins to be ended because it is unfit: said aloud once.
    fn say_unfit(&self, desk: &mut Desk) {
        if let Phase::Stopping { after: After::Unfit(fault), .. } = self.state.phase {
            let text = texts::fault(fault, &self.doubt(fault));
            self.output.borrow_mut().mark(format!("{text}, ended"));
            self.note(Tone::Bad, "unfit", text, desk);
        }
    }

    /// What was last known about that.
    pub(in crate::master::programs) fn doubt(&self, fault: Fault) -> String {
        match fault {
            Fault::Late { .. } => self.ready.borrow().to_string(),
            Fault::Liveness => self.live.borrow().to_string(),
            Fault::Silent { .. } => String::new(),
        }
    }
}

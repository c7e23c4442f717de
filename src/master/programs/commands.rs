//! What operators ask for: which instances are meant, what is said to them, what is answered at
//! once. Answers that must wait for a process are `callers`'.

use tokio::sync::oneshot;

use super::callers::{Asked, Caller, Goal};
use super::desk::Tone;
use super::errand::Errand;
use super::event::InstanceId;
use super::handoff::Wish;
use super::instance::Instance;
use super::process::Process;
use super::remote::Told;
use super::roll::Planned;
use super::texts;
use super::{Course, Programs};
use crate::config;
use crate::config::limits::{PROGRAM_CALLERS_MAX, PROGRAM_JOB_WAIT_MS, PROGRAM_READY_WAIT_MS};
use crate::control::call::{ALL, Command, ProgramTarget, ProgramVerb};
use crate::control::line;
use crate::control::wire::Answer;
use crate::supervise::policy::Kind;
use crate::supervise::state::Shown;
use crate::supervise::step::Event;
use crate::sys;

/// How an answer reaches who asked; dropped unread when they are gone.
pub(crate) enum Reply {
    Answer(oneshot::Sender<Answer>),
    /// With the state of the one instance it is about.
    Told {
        id: InstanceId,
        reply: oneshot::Sender<Told>,
    },
}

impl From<oneshot::Sender<Answer>> for Reply {
    fn from(reply: oneshot::Sender<Answer>) -> Self {
        Self::Answer(reply)
    }
}

impl Programs {
    /// Every call gets exactly one answer, when what it asked for is so or can not become so. Writes
    /// its own line to the audit trail. `by`: who asks, as the trail names them.
    pub(crate) fn command(
        &mut self,
        target: &ProgramTarget,
        verb: &ProgramVerb,
        by: &str,
        reply: impl Into<Reply>,
    ) {
        let command = Command::Program { target: target.clone(), verb: verb.clone() };
        let asked = Asked { by: by.to_owned(), line: line::of(&command) };
        let outcome = if self.callers.len() + self.rolls.len() < PROGRAM_CALLERS_MAX {
            self.try_command(target, verb, &asked)
        } else {
            Err(Answer::refused("too many others are waiting for programs"))
        };
        self.conclude(outcome.unwrap_or_else(Outcome::Answer), asked, reply.into());
        self.settle();
    }

    /// Answers now, or keeps the caller until there is an answer.
    pub(super) fn conclude(&mut self, outcome: Outcome, asked: Asked, reply: Reply) {
        match outcome {
            Outcome::Answer(answer) => self.answer(&asked, reply, answer),
            Outcome::Wait { ids, along, goal, is_changed, until_us } => {
                let caller = Caller { asked, ids, along, goal, is_changed, until_us, reply };
                self.callers.push(caller);
            }
            Outcome::Reload(errands) => self.reload(&asked, errands, reply),
            Outcome::Roll(planned) => self.begin_roll(asked, planned, reply),
        }
    }

    /// After instances were added: answers when they run, or can not.
    pub(crate) fn answer_when_running(
        &mut self,
        command: &Command,
        instances: std::ops::Range<u32>,
        by: &str,
        reply: impl Into<Reply>,
    ) {
        let Command::Scale { program, .. } = command else { return };
        let asked = Asked { by: by.to_owned(), line: line::of(command) };
        let ids: Vec<InstanceId> = instances
            .map(|instance| InstanceId { program: program.clone(), instance })
            .filter(|id| self.instances.contains_key(id))
            .collect();
        let waits_us = ids.iter().map(|id| self.instances[id].wait_us());
        let until_us = sys::clock::monotonic_us() + waits_us.max().unwrap_or(0);
        let (goal, is_changed, reply) = (Goal::Running, true, reply.into());
        let along = Vec::new();
        self.callers.push(Caller { asked, ids, along, goal, is_changed, until_us, reply });
        self.settle();
    }

    pub(super) fn try_command(
        &mut self,
        target: &ProgramTarget,
        verb: &ProgramVerb,
        asked: &Asked,
    ) -> Result<Outcome, Answer> {
        let ids = self.resolve(target)?;
        match verb {
            ProgramVerb::Start => {
                self.check_running()?;
                Ok(self.say_to(self.staying(ids)?, &Event::Start, Goal::Running, asked))
            }
            ProgramVerb::Restart => {
                self.check_running()?;
                Ok(self.say_to(self.staying(ids)?, &Event::Restart, Goal::Running, asked))
            }
            ProgramVerb::Stop => Ok(self.say_to(ids, &Event::Stop, Goal::Stopped, asked)),
            ProgramVerb::Kill => self.kill(&ids).map(Outcome::Answer),
            ProgramVerb::Clear => self.clear(&ids, &asked.by).map(Outcome::Answer),
            ProgramVerb::Reload => self.plan_reload(&ids),
            ProgramVerb::Signal { signal } => self.signal(&ids, signal).map(Outcome::Answer),
            ProgramVerb::Input { bytes } => match self.write_stdin(target, bytes) {
                Ok(written) => Ok(Outcome::Answer(Answer::changed(written))),
                Err(error) => Err(Answer::refused(error.to_string())),
            },
            ProgramVerb::Roll(pace) => {
                self.check_running()?;
                self.plan_roll(&self.staying(ids)?, pace).map(Outcome::Roll)
            }
        }
    }

    /// Those of them that are to run at all: one that is no longer wanted may take its time to leave.
    fn staying(&self, ids: Vec<InstanceId>) -> Result<Vec<InstanceId>, Answer> {
        let (staying, leaving): (Vec<_>, Vec<_>) = ids.into_iter().partition(|id| self.stays(id));
        match leaving.first() {
            Some(id) if staying.is_empty() => Err(Answer::refused(format!(
                "{id} is leaving: the program has fewer instances now"
            ))),
            Some(_) | None => Ok(staying),
        }
    }

    /// Says it to each, and what the operator decided is remembered.
    fn say_to(
        &mut self,
        ids: Vec<InstanceId>,
        event: &Event,
        goal: Goal,
        asked: &Asked,
    ) -> Outcome {
        let now_us = sys::clock::monotonic_us();
        let along = match goal {
            Goal::Running => self.start_needed(&ids),
            Goal::Stopped => Vec::new(),
        };
        let mut is_changed = !along.is_empty();
        let mut until_us = now_us;
        for id in &self.in_order(&ids, goal) {
            let Some(instance) = self.instances.get_mut(id) else { continue };
            let before = (instance.state.phase, instance.state.life);
            let (wish, is_default) = match goal {
                Goal::Running => (Wish::Up, instance.definition.program.autostart),
                Goal::Stopped => (Wish::Down, !instance.definition.program.autostart),
            };
            if self.intent.set(id, wish, is_default) {
                self.desk.changed();
            }
            if goal == Goal::Stopped && instance.shown() != Shown::Stopped {
                instance.asked = format!("stopped by {}", asked.by);
            }
            instance.say(event.clone(), &mut self.desk);
            is_changed |= before != (instance.state.phase, instance.state.life);
            until_us = until_us.max(now_us + instance.wait_us());
        }
        Outcome::Wait { ids, along, goal, is_changed, until_us }
    }

    /// As they start, or the other way round.
    fn in_order(&self, ids: &[InstanceId], goal: Goal) -> Vec<InstanceId> {
        let mut ordered = ids.to_vec();
        ordered.sort_by_cached_key(|id| {
            let rank = self.instances.get(id).map(|instance| instance.definition.rank());
            (rank, id.instance)
        });
        match goal {
            Goal::Running => {}
            Goal::Stopped => ordered.reverse(),
        }
        ordered
    }

    fn kill(&mut self, ids: &[InstanceId]) -> Result<Answer, Answer> {
        let mut said = Vec::new();
        for id in ids {
            let Some(instance) = self.instances.get_mut(id) else { continue };
            if let Some(pid) = instance.process.as_ref().map(Process::main_pid) {
                instance.say(Event::Kill, &mut self.desk);
                let pid = pid.map_or_else(String::new, |pid| format!(" (pid {pid})"));
                said.push(format!("{id}{pid} killed"));
            } else if instance.birth.is_some() {
                instance.say(Event::Kill, &mut self.desk);
                said.push(format!("{id}: its start was ended"));
            }
        }
        self.spoken(&said, ids)
    }

    fn signal(&mut self, ids: &[InstanceId], signal: &str) -> Result<Answer, Answer> {
        let number = sys::signal::parse(signal).ok_or_else(|| no_signal(signal))?;
        let mut said = Vec::new();
        for id in ids {
            let process = self.instances.get(id).and_then(|instance| instance.process.as_ref());
            // Of one that is being looked for, none can be signalled.
            let Some(process) = process.filter(|process| !process.is_between()) else { continue };
            let name = sys::signal::name(number);
            process
                .signal(number)
                .map_err(|error| Answer::refused(format!("send {name} to {id}: {error}")))?;
            said.push(format!("{name} sent to {id} (pid {})", process.pid));
        }
        self.spoken(&said, ids)
    }

    /// The answer of a verb that needs a running process.
    pub(super) fn spoken(&self, said: &[String], ids: &[InstanceId]) -> Result<Answer, Answer> {
        if !said.is_empty() {
            return Ok(Answer::changed(said.join(", ")));
        }
        let states: Vec<String> = ids
            .iter()
            .filter_map(|id| Some(format!("{id} is {}", texts::state_name(self.shown(id)?))))
            .collect();
        Err(Answer::refused(format!("not running: {}", states.join(", "))))
    }

    fn check_running(&self) -> Result<(), Answer> {
        match self.course {
            Course::Running => Ok(()),
            Course::ShuttingDown => Err(Answer::refused("the engine is stopping")),
        }
    }

    /// The instances that a target means; a row that was seen in an earlier life is refused.
    pub(super) fn resolve(&self, target: &ProgramTarget) -> Result<Vec<InstanceId>, Answer> {
        let ids: Vec<InstanceId> = self
            .instances
            .values()
            .filter(|instance| is_meant(instance, &target.name))
            .map(|instance| &instance.id)
            .filter(|id| target.instance.is_none_or(|instance| id.instance == instance))
            .cloned()
            .collect();
        if ids.is_empty() {
            return Err(self.unknown(target));
        }
        if let (Some(seen), [id]) = (target.incarnation, ids.as_slice())
            && self.instances[id].state.life != seen
        {
            return Err(Answer::refused(format!("{id} has been started again since then")));
        }
        Ok(ids)
    }

    fn unknown(&self, target: &ProgramTarget) -> Answer {
        let of_name = self.instances.keys().filter(|id| id.program == target.name).count();
        if let (Some(instance), 1..) = (target.instance, of_name) {
            let last = of_name - 1;
            let text = format!("{} has no instance {instance}, the last is {last}", target.name);
            return Answer::unknown(text);
        }
        let mut names: Vec<&str> = self.instances.keys().map(|id| id.program.as_str()).collect();
        names.dedup();
        let has = if names.is_empty() {
            "there are no programs".to_owned()
        } else {
            format!("there {} {}", if names.len() == 1 { "is" } else { "are" }, names.join(", "))
        };
        let hint = config::did_you_mean(&target.name, names.into_iter());
        Answer::unknown(format!("no program is called {}{hint}; {has}", target.name))
    }

    /// Answers, and writes what was answered to the audit trail.
    pub(super) fn answer(&mut self, asked: &Asked, reply: Reply, answer: Answer) {
        let tone = if answer.is_done() { Tone::Info } else { Tone::Warn };
        self.desk.note_of(asked, answer.message.clone(), tone);
        // Who asked may have hung up; what they asked for was done all the same.
        match reply {
            Reply::Answer(reply) => {
                let _hung_up = reply.send(answer);
            }
            Reply::Told { id, reply } => {
                let _hung_up = reply.send(Told { answer, shown: self.shown(&id) });
            }
        }
    }
}

fn no_signal(word: &str) -> Answer {
    let upper = word.to_ascii_uppercase();
    let bare = upper.strip_prefix("SIG").unwrap_or(&upper);
    let hint = config::did_you_mean(bare, sys::signal::names());
    let usual = sys::signal::USUAL;
    Answer::refused(format!(
        "no signal is called {word}{hint}; there are {usual} and others, and numbers from 1 to 64"
    ))
}

/// Whether a name means this instance: its program's, a group's as Supervisor's users type it
/// (`group:*`, `group:program`, `group:process`), or everybody's.
fn is_meant(instance: &Instance, name: &str) -> bool {
    let program = &instance.definition.program;
    if name == ALL || name == program.name {
        return true;
    }
    name.split_once(':').is_some_and(|(group, member)| {
        group == program.group_name()
            && (member == "*"
                || member == program.name
                || member == program.supervisor_name(instance.id.instance))
    })
}

pub(super) enum Outcome {
    /// The commands that the caller waits for.
    Reload(Vec<(InstanceId, Errand)>),
    Answer(Answer),
    Wait {
        ids: Vec<InstanceId>,
        along: Vec<InstanceId>,
        goal: Goal,
        is_changed: bool,
        until_us: u64,
    },
    Roll(Planned),
}

/// Beyond what the configuration allows for: scheduling, probes, the sweep.
const SLACK_US: u64 = 5_000_000;

impl super::instance::Instance {
    /// How long a stop and a start of this instance may take altogether.
    pub(super) fn wait_us(&self) -> u64 {
        let drain_us = match self.policy.serving {
            crate::supervise::policy::Serving::No => 0,
            crate::supervise::policy::Serving::Yes { drain_us } => drain_us,
        };
        let limit_us = self.policy.start_timeout_us.unwrap_or(0).max(self.policy.start_us);
        let start_us = match self.policy.kind {
            Kind::Service => limit_us.max(PROGRAM_READY_WAIT_MS * 1000),
            // Whoever started a job waits for its end.
            Kind::OneShot => PROGRAM_JOB_WAIT_MS * 1000,
        };
        drain_us + self.policy.stop_us() + start_us + SLACK_US
    }
}

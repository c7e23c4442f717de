//! Instances for those who ask in another protocol than ours: what each is as plain values, and
//! verbs whose answer tells the state they led to, not only words.

use std::path::PathBuf;

use tokio::sync::oneshot;

use super::Programs;
use super::callers::Asked;
use super::commands::{Outcome, Reply};
use super::event::InstanceId;
use super::executable;
use super::instance::Instance;
use super::output::Source;
use crate::config;
use crate::config::limits::PROGRAM_ASKED_MAX;
use crate::config::model::output::LogTarget;
use crate::config::model::program::Program;
use crate::control::call::{Command, ProgramTarget, ProgramVerb};
use crate::control::line;
use crate::control::wire::Answer;
use crate::supervise::policy::Ending;
use crate::supervise::state::{Cause, Shown};
use crate::sys::blocking::{Begun, PATIENCE, Place};

pub(crate) use super::executable::NotExecutable;

/// What an instance is.
#[derive(Clone, Debug)]
pub(crate) struct View {
    pub(crate) id: InstanceId,
    pub(crate) shown: Shown,
    pub(crate) pid: u32,
    /// Seconds since 1970; 0: never.
    pub(crate) started_s: u64,
    pub(crate) stopped_s: u64,
    /// Why it does not run, where nobody wanted that.
    pub(crate) trouble: String,
    /// Of the last life; -1 where a signal or nobody knows what ended it.
    pub(crate) exit_status: i64,
}

/// What a verb led to: the answer in words, and the state at that moment.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) answer: Answer,
    /// Nothing when the instance is no more.
    pub(crate) shown: Option<Shown>,
}

impl Programs {
    /// In order of name and instance.
    pub(crate) fn views(&self) -> impl Iterator<Item = View> + '_ {
        self.instances.values().map(Instance::view)
    }

    pub(crate) fn view(&self, id: &InstanceId) -> Option<View> {
        self.instances.get(id).map(Instance::view)
    }

    /// The definition the instance was made from.
    pub(crate) fn program(&self, id: &InstanceId) -> Option<&Program> {
        self.instances.get(id).map(|instance| &instance.definition.program)
    }

    /// The file that a stream of the instance goes to, if it goes to one.
    pub(crate) fn log_file(&self, id: &InstanceId, source: Source) -> Option<PathBuf> {
        let instance = self.instances.get(id)?;
        let output = &instance.definition.program.output;
        let target = match source {
            Source::Stdout => &output.stdout,
            // It goes where stdout does, and is no log of its own.
            Source::Stderr if output.redirect_stderr => return None,
            Source::Stderr => &output.stderr,
        };
        self.file_of(instance, target)
    }

    fn file_of(&self, instance: &Instance, target: &LogTarget) -> Option<PathBuf> {
        let path = target.file.as_ref()?.to_string_lossy();
        let variables = instance.variables(&self.desk);
        let lookup = |name: &str| {
            let (_, value) = variables.iter().find(|(known, _)| *known == name)?;
            Some(value.clone())
        };
        config::expand(&path, &lookup).ok().map(PathBuf::from)
    }

    /// What of the stream is kept in memory.
    pub(crate) fn kept_text(&self, id: &InstanceId, source: Source) -> Option<String> {
        self.instances.get(id).map(|instance| instance.output.borrow().text(source))
    }

    /// Whatever the stream brings from here on, until the receiver is dropped; nothing when too many
    /// read along already.
    pub(crate) fn tap(
        &mut self,
        id: &InstanceId,
        source: Source,
    ) -> Option<tokio::sync::mpsc::Receiver<bytes::Bytes>> {
        self.instances.get_mut(id)?.output.borrow_mut().tap(source)
    }

    /// Whether its command can be run at all, before anything is tried.
    pub(crate) fn check_executable(&self, id: &InstanceId) -> Result<(), NotExecutable> {
        let Some(instance) = self.instances.get(id) else { return Ok(()) };
        let program = &instance.definition.program;
        let Some(word) = program.command.first().cloned() else { return Ok(()) };
        let (process, variables) = (program.process.clone(), instance.variables(&self.desk));
        let check = move || executable::check(&word, &process, &variables);
        match self.desk.pool().call_at(Place::named(&program.name), PATIENCE, check) {
            Ok(Begun::Done(checked)) => checked,
            // That a file system does not answer is found out by the start itself.
            Ok(Begun::Late(_)) | Err(_) => Ok(()),
        }
    }

    /// Says the verb to each instance; the receivers get what it led to, each once.
    pub(crate) fn ask_each(
        &mut self,
        ids: &[InstanceId],
        verb: &ProgramVerb,
        by: &str,
    ) -> Vec<oneshot::Receiver<Told>> {
        let receivers = ids.iter().map(|id| self.ask_one(id, verb, by)).collect();
        self.settle();
        receivers
    }

    fn ask_one(
        &mut self,
        id: &InstanceId,
        verb: &ProgramVerb,
        by: &str,
    ) -> oneshot::Receiver<Told> {
        let target = ProgramTarget {
            name: id.program.clone(),
            instance: Some(id.instance),
            incarnation: None,
        };
        let line = line::of(&Command::Program { target: target.clone(), verb: verb.clone() });
        let asked = Asked { by: by.to_owned(), line };
        let (sender, receiver) = oneshot::channel();
        let reply = Reply::Told { id: id.clone(), reply: sender };
        let outcome = if self.callers.len() < PROGRAM_ASKED_MAX {
            self.try_command(&target, verb, &asked)
        } else {
            Err(Answer::refused("too many others are waiting for programs"))
        };
        self.conclude(outcome.unwrap_or_else(Outcome::Answer), asked, reply);
        receiver
    }

    /// Forgets what the operator decided about the program's instances: it is no more, or begins anew.
    pub(crate) fn forget_intent(&mut self, program: &str) {
        self.intent.forget(program);
        self.desk.changed();
    }
}

impl Instance {
    fn view(&self) -> View {
        let seconds = |ms: u64| ms / 1000;
        View {
            id: self.id.clone(),
            shown: self.shown(),
            pid: self.process.as_ref().map_or(0, |process| process.pid),
            started_s: seconds(self.stamps.started_wall_ms),
            stopped_s: seconds(self.stamps.stopped_wall_ms),
            trouble: self.trouble(),
            exit_status: self.exit_status(),
        }
    }

    /// In Supervisor's words where it has some.
    fn trouble(&self) -> String {
        match (self.shown(), &self.state.cause) {
            (Shown::Backoff | Shown::Fatal, Cause::Exit { lived_us, .. })
                if *lived_us < self.policy.start_us =>
            {
                "Exited too quickly (process log may have details)".to_owned()
            }
            (Shown::Backoff | Shown::Fatal, _) => self.cause(),
            (Shown::Exited, Cause::Exit { ending, .. }) => match *ending {
                expected if self.policy.is_expected(expected) => String::new(),
                Ending::Code(code) => format!("Bad exit code {code}"),
                Ending::Signal(_) | Ending::Unknown => "Bad exit code -1".to_owned(),
            },
            (
                Shown::Exited | Shown::Stopped | Shown::Starting | Shown::Running | Shown::Stopping,
                _,
            ) => String::new(),
        }
    }

    fn exit_status(&self) -> i64 {
        match (&self.process, &self.state.cause) {
            (None, Cause::Exit { ending: Ending::Code(code), .. }) => i64::from(*code),
            (None, Cause::Exit { ending: Ending::Signal(_) | Ending::Unknown, .. }) => -1,
            (Some(_), _) | (None, Cause::Spawn { .. } | Cause::None) => 0,
        }
    }
}

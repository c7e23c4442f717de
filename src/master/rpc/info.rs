//! How processes are, in the structs that Supervisor's clients read.

use super::super::Master;
use super::super::programs::Source;
use super::super::programs::event::InstanceId;
use super::super::programs::remote::View;
use super::names::Member;
use crate::control::rpc::fault::{Code, Fault};
use crate::control::rpc::shape::{ProcessInfo, State};
use crate::control::rpc::value::Value;
use crate::supervise::state::Shown;
use crate::sys::clock;

impl Master {
    pub(super) fn process_info(&self, name: &str) -> Result<Value, Fault> {
        let member = self.process_named(name)?;
        let view = self.programs.view(&member.id).ok_or_else(|| Code::BadName.of(name))?;
        Ok(self.info(&member, &view).value())
    }

    pub(super) fn all_process_info(&self) -> Value {
        let info = |member: Member| {
            let view = self.programs.view(&member.id)?;
            Some(self.info(&member, &view).value())
        };
        Value::Array(self.members().into_iter().filter_map(info).collect())
    }

    fn info(&self, member: &Member, view: &View) -> ProcessInfo {
        ProcessInfo {
            name: member.process.clone(),
            group: member.group.clone(),
            start: view.started_s,
            stop: view.stopped_s,
            stop_local: clock::local(view.stopped_s),
            now: clock::wall_ms() / 1000,
            state: state(view.shown),
            spawn_error: view.trouble.clone(),
            exit_status: view.exit_status,
            stdout_file: self.file_text(&member.id, Source::Stdout),
            stderr_file: self.file_text(&member.id, Source::Stderr),
            pid: view.pid,
        }
    }

    fn file_text(&self, id: &InstanceId, source: Source) -> String {
        self.programs
            .log_file(id, source)
            .map_or_else(String::new, |path| path.display().to_string())
    }

    /// `None` for an instance that has left meanwhile.
    pub(super) fn state_of(&self, member: &Member) -> Option<State> {
        self.programs.view(&member.id).map(|view| state(view.shown))
    }
}

pub(super) fn state(shown: Shown) -> State {
    match shown {
        Shown::Stopped => State::Stopped,
        Shown::Starting => State::Starting,
        Shown::Running => State::Running,
        Shown::Backoff => State::Backoff,
        Shown::Stopping => State::Stopping,
        Shown::Exited => State::Exited,
        Shown::Fatal => State::Fatal,
    }
}

//! What an event says beyond its name: Supervisor's words. Announces nothing.

use crate::config::model::listener::Subject;
use crate::supervise::state::Shown;

/// What every event about a process says of it.
pub(super) struct Named<'a> {
    pub(super) process: &'a str,
    pub(super) group: &'a str,
}

impl Named<'_> {
    pub(super) fn state(&self, from: Shown, about: &str) -> String {
        let Self { process, group } = self;
        let from = state(from);
        let space = if about.is_empty() { "" } else { " " };
        format!("processname:{process} groupname:{group} from_state:{from}{space}{about}")
    }
}

pub(super) fn group(name: &str) -> String {
    format!("groupname:{name}\n")
}

pub(super) fn tick(when_s: u64) -> String {
    format!("when:{when_s}")
}

pub(super) fn remote(kind: &str, data: &str) -> String {
    format!("type:{kind}\n{data}")
}

fn state(shown: Shown) -> &'static str {
    match shown {
        Shown::Stopped => "STOPPED",
        Shown::Starting => "STARTING",
        Shown::Running => "RUNNING",
        Shown::Backoff => "BACKOFF",
        Shown::Stopping => "STOPPING",
        Shown::Exited => "EXITED",
        Shown::Fatal => "FATAL",
    }
}

pub(super) fn subject(shown: Shown) -> Subject {
    match shown {
        Shown::Stopped => Subject::ProcessStateStopped,
        Shown::Starting => Subject::ProcessStateStarting,
        Shown::Running => Subject::ProcessStateRunning,
        Shown::Backoff => Subject::ProcessStateBackoff,
        Shown::Stopping => Subject::ProcessStateStopping,
        Shown::Exited => Subject::ProcessStateExited,
        Shown::Fatal => Subject::ProcessStateFatal,
    }
}

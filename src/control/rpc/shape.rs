//! The structs of answers, with the keys that clients look up, and the words they show as they are.

use super::fault::{Fault, SUCCESS};
use super::value::Value;
use crate::sys::clock::Local;

/// Supervisor's states by name, number and what clients may expect of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Stopped = 0,
    Starting = 10,
    Running = 20,
    Backoff = 30,
    Stopping = 40,
    Exited = 100,
    Fatal = 200,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Stopped => "STOPPED",
            Self::Starting => "STARTING",
            Self::Running => "RUNNING",
            Self::Backoff => "BACKOFF",
            Self::Stopping => "STOPPING",
            Self::Exited => "EXITED",
            Self::Fatal => "FATAL",
        }
    }

    /// Something runs, or will without being asked: a start is refused, a stop is not.
    pub(crate) fn is_up(self) -> bool {
        matches!(self, Self::Starting | Self::Running | Self::Backoff)
    }

    /// There is a process that takes signals.
    pub(crate) fn is_signallable(self) -> bool {
        matches!(self, Self::Starting | Self::Running | Self::Stopping)
    }
}

/// What `getProcessInfo` tells. Times are seconds since 1970, 0 for never.
#[derive(Clone, Debug)]
pub(crate) struct ProcessInfo {
    pub(crate) name: String,
    pub(crate) group: String,
    pub(crate) start: u64,
    pub(crate) stop: u64,
    /// When it stopped, as the clocks on the machine's wall say.
    pub(crate) stop_local: Local,
    pub(crate) now: u64,
    pub(crate) state: State,
    pub(crate) spawn_error: String,
    pub(crate) exit_status: i64,
    pub(crate) stdout_file: String,
    pub(crate) stderr_file: String,
    pub(crate) pid: u32,
}

impl ProcessInfo {
    pub(crate) fn value(&self) -> Value {
        let text = |text: &str| Value::text(text);
        members([
            ("name", text(&self.name)),
            ("group", text(&self.group)),
            ("start", seconds(self.start)),
            ("stop", seconds(self.stop)),
            ("now", seconds(self.now)),
            ("state", Value::Int(self.state as i64)),
            ("statename", text(self.state.name())),
            ("spawnerr", text(&self.spawn_error)),
            ("exitstatus", Value::Int(self.exit_status)),
            ("logfile", text(&self.stdout_file)),
            ("stdout_logfile", text(&self.stdout_file)),
            ("stderr_logfile", text(&self.stderr_file)),
            ("pid", Value::Int(self.pid.into())),
            ("description", Value::Text(self.description())),
        ])
    }

    fn description(&self) -> String {
        match self.state {
            State::Running => {
                format!("pid {}, uptime {}", self.pid, uptime(self.now.saturating_sub(self.start)))
            }
            State::Fatal | State::Backoff if self.spawn_error.is_empty() => {
                format!("unknown error (try \"tail {}\")", self.name)
            }
            State::Fatal | State::Backoff => self.spawn_error.clone(),
            State::Stopped | State::Exited if self.start == 0 => "Not started".to_owned(),
            State::Stopped | State::Exited => date(self.stop_local),
            State::Starting | State::Stopping => String::new(),
        }
    }
}

/// `Nov 22 06:29 AM`.
fn date(local: Local) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let Local { month, day, hour, minute } = local;
    let month = MONTHS.get((month as usize).wrapping_sub(1)).copied().unwrap_or("???");
    let half = if hour < 12 { "AM" } else { "PM" };
    let hour = if hour % 12 == 0 { 12 } else { hour % 12 };
    format!("{month} {day:02} {hour:02}:{minute:02} {half}")
}

/// `0:01:05`, `1 day, 2:03:04`: as Python writes a span of time.
fn uptime(seconds: u64) -> String {
    let days = match seconds / 86_400 {
        0 => String::new(),
        1 => "1 day, ".to_owned(),
        days => format!("{days} days, "),
    };
    let (hours, minutes) = (seconds % 86_400 / 3600, seconds % 3600 / 60);
    format!("{days}{hours}:{minutes:02}:{:02}", seconds % 60)
}

/// The protocol's integers have 32 bits.
fn seconds(seconds: u64) -> Value {
    Value::Int(i64::from(i32::try_from(seconds).unwrap_or(i32::MAX)))
}

/// What became of one process of several.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) group: String,
    pub(crate) process: String,
    pub(crate) result: Result<(), Fault>,
}

impl Outcome {
    pub(crate) fn value(&self) -> Value {
        let (status, description) = match &self.result {
            Ok(()) => (SUCCESS, "OK".to_owned()),
            Err(fault) => (fault.number(), fault.text()),
        };
        members([
            ("name", Value::text(&self.process)),
            ("group", Value::text(&self.group)),
            ("status", Value::Int(status)),
            ("description", Value::Text(description)),
        ])
    }
}

/// What `getState` tells of an engine that runs; one that stops answers with a fault.
pub(crate) fn running() -> Value {
    members([("statecode", Value::Int(1)), ("statename", Value::text("RUNNING"))])
}

/// What `reloadConfig` tells: the protocol has it in a list of its own.
pub(crate) fn changes(added: Vec<String>, changed: Vec<String>, removed: Vec<String>) -> Value {
    let lists = [added, changed, removed].map(Value::texts);
    Value::Array(vec![Value::Array(lists.into())])
}

pub(crate) fn members<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Struct(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_written_as_supervisor_does() {
        let local = |hour| Local { month: 11, day: 2, hour, minute: 5 };
        assert_eq!(date(local(0)), "Nov 02 12:05 AM");
        assert_eq!(date(local(12)), "Nov 02 12:05 PM");
        assert_eq!(date(local(23)), "Nov 02 11:05 PM");
    }

    #[test]
    fn a_span_of_time_is_written_as_python_does() {
        for (seconds, text) in [
            (0, "0:00:00"),
            (65, "0:01:05"),
            (3600 * 23 + 59, "23:00:59"),
            (86_405, "1 day, 0:00:05"),
            (3 * 86_400 + 3600, "3 days, 1:00:00"),
        ] {
            assert_eq!(uptime(seconds), text);
        }
    }
}

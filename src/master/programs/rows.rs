//! Instances as rows for consoles and scripts.

use super::Programs;
use super::instance::Instance;
use super::process::Process;
use super::texts;
use crate::config::veil;
use crate::control::sample::ProgramSample;
use crate::control::{standing, wire};
use crate::supervise::policy::{Ending, Serving};
use crate::supervise::state::{Cause, Phase, Shown, StartCheck};

impl Programs {
    /// In order of name and instance.
    pub(crate) fn rows_at(&self, now_us: u64, wall_ms: u64) -> Vec<wire::ProgramRow> {
        let hub = self.desk.events.borrow();
        let row = |instance: &Instance| {
            let mut row = instance.row(now_us, wall_ms);
            let listening = hub.describe(&instance.id);
            let reasons = [self.reason(instance)].into_iter().chain(listening);
            let reasons: Vec<String> = reasons.filter(|reason| !reason.is_empty()).collect();
            row.program.reason = reasons.join("; ");
            row.standing.rolling = self.rolling(&instance.id);
            row
        };
        self.instances.values().map(row).collect()
    }

    /// What those that run used when they were weighed last.
    pub(crate) fn used(&self) -> Vec<ProgramSample> {
        let of_instance = |instance: &Instance| {
            Some(ProgramSample {
                pid: instance.process.as_ref().and_then(Process::main_pid)?,
                cpu_percent: instance.used.cpu_percent,
                rss_bytes: instance.used.resident_bytes(),
            })
        };
        self.instances.values().filter_map(of_instance).collect()
    }
}

impl Instance {
    pub(super) fn reason(&self) -> String {
        let reason = match self.state.phase {
            Phase::Done if self.has_succeeded() => "completed".to_owned(),
            _ => texts::reason(self),
        };
        let reason = match (self.state.phase, self.next_run()) {
            (Phase::Idle, Some(next)) => next,
            (Phase::Done | Phase::GaveUp, Some(next)) => format!("{reason}; {next}"),
            _ => reason,
        };
        match (self.excess(), reason.as_str()) {
            ("", _) => reason,
            (excess, "") => excess.to_owned(),
            (excess, reason) => format!("{excess}; {reason}"),
        }
    }

    /// What last ended or prevented a life.
    pub(super) fn cause(&self) -> String {
        let doubt = match self.state.cause {
            Cause::Exit { fault: Some(fault), .. } => self.doubt(fault),
            Cause::Exit { fault: None, .. } | Cause::Spawn { .. } | Cause::None => String::new(),
        };
        texts::cause(&self.state.cause, &doubt)
    }

    fn row(&self, now_us: u64, wall_ms: u64) -> wire::ProgramRow {
        let (exit_code, exit_signal) = match self.state.cause {
            Cause::Exit { ending: Ending::Code(code), .. } => (Some(code), None),
            Cause::Exit { ending: Ending::Signal(number), .. } => (None, Some(number)),
            Cause::Exit { ending: Ending::Unknown, .. } | Cause::Spawn { .. } | Cause::None => {
                (None, None)
            }
        };
        let (log_degraded, log_lost_bytes) = self.output.borrow().trouble();
        // Of whole milliseconds on both sides, so that it goes on exactly as the engine's own does.
        let up_since = |since_us: u64| (now_us / 1000).saturating_sub(since_us / 1000);
        let retry_at_ms = match self.state.phase {
            Phase::Delay { until_us } => wall_ms + until_us.saturating_sub(now_us) / 1000,
            Phase::Idle
            | Phase::Waiting
            | Phase::PreStart
            | Phase::PostStop { .. }
            | Phase::Held { .. }
            | Phase::Spawning { .. }
            | Phase::Starting { .. }
            | Phase::Ready { .. }
            | Phase::Unready { .. }
            | Phase::Stopping { .. }
            | Phase::Sweeping { .. }
            | Phase::Done
            | Phase::GaveUp
            | Phase::Gone => 0,
        };
        wire::ProgramRow {
            program: wire::Program {
                name: self.id.program.clone(),
                instance: self.id.instance,
                state: state(self.shown()),
                pid: self.process.as_ref().and_then(Process::main_pid),
                uptime_ms: self.state.spawned_us().map_or(0, up_since),
                restarts: self.restarts,
                exit_code,
                exit_signal,
                reason: self.reason(),
                cpu_percent: self.used.cpu_percent,
                rss_bytes: self.used.resident_bytes(),
                backend: self
                    .open_backend()
                    .map(|joined| format!("{}/{}", joined.upstream, joined.address)),
                // The whole program's to tell.
                differs: String::new(),
                log_degraded,
                log_lost_bytes,
                tracking: self.tree.as_ref().map_or("", |tree| tree.rung().word()).to_owned(),
            },
            incarnation: self.state.life,
            since_ms: self.since_wall_ms,
            retry_at_ms,
            next_run_ms: self.next_run_ms(),
            start_failures: self.state.fails,
            start_retries: self.policy.start_retries,
            command: veil::text(&self.definition.program.command.join(" ")),
            user: self.definition.program.process.user.clone().unwrap_or_default(),
            last_line: self.output.borrow().last_line(),
            is_drain_first: self.policy.serving != Serving::No,
            instances: self.definition.program.instances,
            standing: standing::Standing {
                readiness: self.readiness(),
                rolling: None,
                is_listening: self.is_listening(),
            },
        }
    }

    fn readiness(&self) -> standing::Readiness {
        match self.state.phase {
            Phase::Waiting => standing::Readiness::Waiting,
            Phase::Starting { check: StartCheck::Probe { .. }, .. } => standing::Readiness::Asked,
            Phase::Unready { .. } => standing::Readiness::Lost,
            Phase::Idle
            | Phase::PreStart
            | Phase::PostStop { .. }
            | Phase::Held { .. }
            | Phase::Spawning { .. }
            | Phase::Starting { check: StartCheck::AliveAt { .. }, .. }
            | Phase::Ready { .. }
            | Phase::Delay { .. }
            | Phase::Stopping { .. }
            | Phase::Sweeping { .. }
            | Phase::Done
            | Phase::GaveUp
            | Phase::Gone => standing::Readiness::Plain,
        }
    }
}

fn state(shown: Shown) -> wire::ProgramState {
    match shown {
        Shown::Stopped => wire::ProgramState::Stopped,
        Shown::Starting => wire::ProgramState::Starting,
        Shown::Running => wire::ProgramState::Running,
        Shown::Backoff => wire::ProgramState::Backoff,
        Shown::Stopping => wire::ProgramState::Stopping,
        Shown::Exited => wire::ProgramState::Exited,
        Shown::Fatal => wire::ProgramState::Fatal,
    }
}

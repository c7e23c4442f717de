//! The end of the engine: requests under way finish, programs stop, nothing is left behind.
//!
//! Workers first, since it is programs that answer their requests; then the programs, with the time
//! they were promised as far as `shutdown_timeout` has room for it. Where the file does not say, it
//! has.

use super::{Master, Phase, WHO, audit, programs, rights, service};
use crate::config::limits::{SHUTDOWN_TIMEOUT_MS, SHUTDOWN_TIMEOUT_MS_MAX};
use crate::config::model::Config;
use crate::control::wire::Severity;
use crate::sys::{clock, log};

/// A worker that was told a deadline gets this much longer to be gone.
const WORKER_GRACE_US: u64 = 500_000;
/// How long killed processes may take to be gone; the kernel needs far less.
const KILLED_US: u64 = 2_000_000;

/// What an engine ends with that a program's failure has stopped.
const FAILED: u8 = 1;

impl Master {
    /// A program's failure is the engine's: it stops as if it were told to, and ends with a status
    /// that says so. While it stops anyway, that is no news.
    pub(super) fn fail(&mut self, why: &str) {
        if self.phase == Phase::Running {
            self.status = FAILED;
            self.begin_stop(why);
        }
    }

    /// The first time gracefully, the second time at once.
    pub(super) fn begin_stop(&mut self, why: &str) {
        match self.phase {
            Phase::Running => {
                log::notice!(WHO, "stop {why}");
                service::stops();
                self.announce_patience();
                self.keeper.stopping();
                self.note(audit::Entry {
                    who: audit::ENGINE.to_owned(),
                    verb: "stop".to_owned(),
                    target: self.options.name.clone(),
                    result: why.to_owned(),
                    severity: Severity::Warn,
                    cli: String::new(),
                });
                let now_us = clock::monotonic_us();
                let times = self.stop_times();
                let whole_us = times.whole_us;
                let drain_us = now_us + times.requests_us;
                self.phase = Phase::Draining {
                    drained_us: drain_us + WORKER_GRACE_US,
                    deadline_us: now_us + whole_us + WORKER_GRACE_US,
                };
                self.listeners.close(&self.keeper);
                self.workers.drain_all(drain_us);
            }
            Phase::Draining { .. } | Phase::Stopping { .. } => self.kill("told twice"),
            Phase::Killing { .. } | Phase::Over | Phase::MakingWay => {}
        }
    }

    /// Tells the keeper how long a stop of this configuration takes at most.
    pub(super) fn announce_patience(&self) {
        const OWN_US: u64 = WORKER_GRACE_US + KILLED_US;
        self.keeper.set_patience_ms((self.stop_times().whole_us + OWN_US) / 1000);
    }

    /// Tells what of the configuration will not go as it says.
    pub(super) fn warn(&self) {
        if let Some(text) = too_short(&self.generation.config) {
            log::warning!(WHO, "{text}");
        }
        for text in rights::out_of_reach(&self.generation.config) {
            log::warning!(WHO, "{text}");
        }
    }

    fn stop_times(&self) -> Times {
        let set_ms = self.generation.config.engine.shutdown_timeout_ms;
        Times::of(set_ms, self.programs.stop_us())
    }

    /// Takes the next step of a stop when the last one is done or out of time.
    pub(super) fn advance_stop(&mut self) {
        let now_us = clock::monotonic_us();
        match self.phase {
            Phase::Running | Phase::Over | Phase::MakingWay => {}
            Phase::Draining { drained_us, deadline_us } => {
                if self.workers.is_empty() || now_us >= drained_us {
                    self.workers.kill_all();
                    self.programs.shutdown();
                    self.phase = Phase::Stopping { deadline_us };
                    self.advance_stop();
                }
            }
            Phase::Stopping { deadline_us } => {
                if self.is_empty() {
                    self.phase = Phase::Over;
                } else if now_us >= deadline_us {
                    self.kill("shutdown_timeout is over");
                }
            }
            Phase::Killing { deadline_us } => {
                if self.is_empty() {
                    self.phase = Phase::Over;
                } else if now_us >= deadline_us {
                    log::error!(WHO, "some processes would not die");
                    self.phase = Phase::Over;
                }
            }
        }
    }

    /// By which others find an engine that there is none of any more.
    pub(super) fn remove_own_files(&mut self) {
        self.control.remove();
        self.pid_file.remove();
    }

    fn is_empty(&self) -> bool {
        self.workers.is_empty() && self.programs.is_stopped()
    }

    fn kill(&mut self, why: &str) {
        log::warning!(WHO, "kill what is left: {why}");
        self.workers.kill_all();
        self.programs.shutdown_now();
        self.phase = Phase::Killing { deadline_us: clock::monotonic_us() + KILLED_US };
    }
}

/// How a stop's time is shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Times {
    whole_us: u64,
    /// For requests; the programs have the rest, and what requests leave.
    requests_us: u64,
}

impl Times {
    /// Of the time that the file sets, programs have what they were promised, but no more than half.
    /// Without one, requests have half of the usual time at least, and programs all of theirs.
    fn of(set_ms: Option<u64>, promised_us: u64) -> Self {
        const USUAL_US: u64 = SHUTDOWN_TIMEOUT_MS * 1000;
        let (whole_us, programs_us) = if let Some(set_ms) = set_ms {
            (set_ms * 1000, promised_us.min(set_ms * 1000 / 2))
        } else {
            let whole_us = promised_us.saturating_add(USUAL_US / 2);
            let whole_us = whole_us.clamp(USUAL_US, SHUTDOWN_TIMEOUT_MS_MAX * 1000);
            (whole_us, promised_us.min(whole_us - USUAL_US / 2))
        };
        Self { whole_us, requests_us: whole_us - programs_us }
    }
}

/// What the file's `shutdown_timeout` cuts short, if it does: whom, and what they were promised.
pub(crate) fn too_short(config: &Config) -> Option<String> {
    let set_ms = config.engine.shutdown_timeout_ms?;
    let promised = programs::Promised::of(config);
    let times = Times::of(Some(set_ms), promised.all_us());
    let left_us = times.whole_us - times.requests_us;
    let names = promised.longer_than(left_us)?;
    let [set, left, all] =
        [times.whole_us, left_us, promised.all_us()].map(programs::texts::duration);
    Some(format!(
        "`shutdown_timeout` is {set}, of which programs have {left} at least, and they may take {all} \
         to end: {names} may be killed before"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000;

    #[test]
    fn programs_have_what_they_were_promised_unless_the_file_says_less() {
        let seconds = |set_s: Option<u64>, promised_s: u64| {
            let times = Times::of(set_s.map(|set_s| set_s * 1000), promised_s * SECOND);
            (times.whole_us / SECOND, times.requests_us / SECOND)
        };
        assert_eq!(seconds(None, 0), (30, 30));
        assert_eq!(seconds(None, 10), (30, 20));
        assert_eq!(seconds(None, 15), (30, 15));
        assert_eq!(seconds(None, 600), (615, 15));
        assert_eq!(seconds(None, 100_000), (3_600, 15), "within bounds");
        assert_eq!(seconds(Some(30), 10), (30, 20));
        assert_eq!(seconds(Some(30), 600), (30, 15));
        assert_eq!(seconds(Some(0), 10), (0, 0));
    }

    #[test]
    fn whom_the_file_leaves_too_little_time_is_named() {
        let said = |engine: &str| {
            let text = format!(
                "[engine]\n{engine}\n[program.db]\ncommand = \"a\"\nstop_seconds = 60\n\
                 [program.web]\ncommand = \"a\"\nstop_seconds = 1"
            );
            too_short(&crate::config::parse(&text, "test.toml").unwrap())
        };
        assert_eq!(said(""), None);
        assert_eq!(said("shutdown_timeout = \"3m\""), None);
        let text = said("shutdown_timeout = \"30s\"").unwrap();
        assert_eq!(
            text,
            "`shutdown_timeout` is 30 s, of which programs have 15 s at least, and they may take 63 s \
             to end: db may be killed before"
        );
    }
}

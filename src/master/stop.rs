//! The end of the engine: requests under way finish, programs stop, nothing is left behind.
//!
//! Workers first, since it is programs that answer their requests; then the programs, with the time
//! they were promised as far as `shutdown_timeout` has room for it.

use super::{Master, Phase, WHO, audit};
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
                let whole_us = self.generation.config.engine.shutdown_timeout_ms * 1000;
                let drain_us = now_us + whole_us - self.programs_share_us(whole_us);
                self.phase = Phase::Draining {
                    drained_us: drain_us + WORKER_GRACE_US,
                    deadline_us: now_us + whole_us + WORKER_GRACE_US,
                };
                self.listeners.retain(&[], &self.keeper);
                self.workers.drain_all(drain_us);
            }
            Phase::Draining { .. } | Phase::Stopping { .. } => self.kill("told twice"),
            Phase::Killing { .. } | Phase::Over | Phase::MakingWay => {}
        }
    }

    /// Tells the keeper how long a stop of this configuration takes at most.
    pub(super) fn announce_patience(&self) {
        const OWN_US: u64 = WORKER_GRACE_US + KILLED_US;
        let whole_ms = self.generation.config.engine.shutdown_timeout_ms;
        self.keeper.set_patience_ms(whole_ms.saturating_add(OWN_US / 1000));
    }

    /// What programs were promised for their ends, one tier after another, but no more than half.
    fn programs_share_us(&self, whole_us: u64) -> u64 {
        self.programs.stop_us().min(whole_us / 2)
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

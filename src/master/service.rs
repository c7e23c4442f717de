//! What a service manager is told of the engine (systemd's `Type=notify-reload`, `WatchdogSec=`).
//!
//! The main process is the keeper, and its master speaks: a unit says `NotifyAccess=all`.

use super::WHO;
use crate::sys::{clock, log, service};

pub(super) struct Service {
    is_ready: bool,
    /// Between two signs of life.
    pause_us: Option<u64>,
    next_us: u64,
}

impl Service {
    pub(super) fn new() -> Self {
        // Twice as often as it is wanted, as sd_watchdog_enabled(3) asks for.
        let pause_us = service::watchdog_us().map(|within_us| within_us / 2);
        Self { is_ready: false, pause_us, next_us: clock::monotonic_us() }
    }

    /// A worker serves. Once told, it is not news any more.
    pub(super) fn serves(&mut self) {
        if !self.is_ready {
            self.is_ready = true;
            tell("READY=1");
        }
    }

    pub(super) fn due_us(&self) -> u64 {
        self.pause_us.map_or(u64::MAX, |_| self.next_us)
    }

    /// A sign of life when one is due.
    pub(super) fn beat(&mut self) {
        let (Some(pause_us), now_us) = (self.pause_us, clock::monotonic_us()) else { return };
        if now_us >= self.next_us {
            self.next_us = now_us + pause_us;
            // A manager that does not listen has been told of otherwise, and needs no line a beat.
            let _nobody_listens = service::tell("WATCHDOG=1");
        }
    }
}

pub(super) fn reloads() {
    tell(&format!("RELOADING=1\nMONOTONIC_USEC={}", clock::monotonic_us()));
}

/// After a reload, taken or refused.
pub(super) fn has_reloaded(said: &str) {
    let line = said.lines().next().unwrap_or_default();
    tell(&format!("READY=1\nSTATUS={line}"));
}

pub(super) fn stops() {
    tell("STOPPING=1");
}

/// The keeper is gone, and this process is the main one now.
pub(super) fn leads() {
    tell(&format!("MAINPID={}", std::process::id()));
}

fn tell(text: &str) {
    if let Err(error) = service::tell(text) {
        log::warning!(WHO, "tell the service manager: {error}");
    }
}

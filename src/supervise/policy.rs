//! What the configuration says about an instance, in the terms the steps decide with, and the
//! arithmetic of restarts: what counts as unexpected, how long a pause is, when restarts are too
//! frequent. Holds no state of an instance except the sliding window type.

/// When an exit after the instance was running leads to a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Restart {
    Never,
    /// After a signal or an exit status that is not in `exit_codes`.
    Unexpected,
    Always,
}

/// What makes a started instance count as running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readiness {
    /// It is alive after `start_us`.
    Alive,
    /// A probe says so, however long that takes.
    Probed,
}

/// Whether a running instance has requests to finish before it is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Serving {
    No,
    Yes { drain_us: u64 },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Policy {
    pub(crate) restart: Restart,
    pub(crate) exit_codes: Vec<i32>,
    pub(crate) readiness: Readiness,
    pub(crate) serving: Serving,
    /// An exit earlier than this after the spawn is a failed start.
    pub(crate) start_us: u64,
    /// Failed starts in a row that are tried again; one more gives up.
    pub(crate) start_retries: u32,
    /// How long the stop signal may take before the whole process group is killed.
    pub(crate) stop_us: u64,
}

/// How a life ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Code(i32),
    Signal(i32),
    /// It died while nobody could collect the status.
    Unknown,
}

impl Policy {
    pub(crate) fn wants_restart(&self, ending: Ending) -> bool {
        match self.restart {
            Restart::Never => false,
            Restart::Always => true,
            Restart::Unexpected => match ending {
                Ending::Code(code) => !self.exit_codes.contains(&code),
                Ending::Signal(_) | Ending::Unknown => true,
            },
        }
    }

    /// How long an instance must run before its earlier failed starts are forgotten.
    pub(crate) fn stable_us(&self) -> u64 {
        self.start_us.max(STABLE_US)
    }
}

const SECOND_US: u64 = 1_000_000;
const STABLE_US: u64 = 30 * SECOND_US;
const PAUSE_US_MAX: u64 = 60 * SECOND_US;

/// The pause after the `fails`th failed start in a row: 1, 2, 3 ... seconds, as Supervisor does, but
/// never more than a minute.
pub(crate) fn pause_us(fails: u32) -> u64 {
    (u64::from(fails.max(1)) * SECOND_US).min(PAUSE_US_MAX)
}

/// The pause before a spawn is tried again that the machine was too busy for.
pub(crate) const BUSY_PAUSE_US: u64 = SECOND_US;

const WINDOW_RESTARTS: usize = 5;
const WINDOW_US: u64 = 10 * SECOND_US;

/// The last restarts that happened without a pause. When it is full, the next exit counts as a
/// failed start, so a program that dies right after it came up never becomes a hot loop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Window {
    restarts_us: [Option<u64>; WINDOW_RESTARTS],
    oldest: usize,
}

impl Window {
    /// Records a restart at `now_us`, unless as many as fit happened within the window.
    #[must_use]
    pub(crate) fn admit(&mut self, now_us: u64) -> bool {
        let is_full = self.restarts_us[self.oldest]
            .is_some_and(|restart_us| now_us.saturating_sub(restart_us) < WINDOW_US);
        if !is_full {
            self.restarts_us[self.oldest] = Some(now_us);
            self.oldest = (self.oldest + 1) % WINDOW_RESTARTS;
        }
        !is_full
    }
}

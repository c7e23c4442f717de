//! What the configuration says about an instance, in the terms the steps decide with, and which
//! ends of a life lead to another. Holds no state of an instance; how long the pauses are is
//! `pause`'s.

use super::dice::Dice;
use super::pause::{Backoff, CrashLimit};

/// When an exit after the instance was running leads to a restart: Supervisor's words and systemd's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Restart {
    Never,
    OnSuccess,
    /// After an end that is not among the expected ones (systemd's `on-failure`).
    Unexpected,
    /// After a signal that is not expected, or when nobody knows how it ended.
    OnAbnormal,
    /// Only after a signal that is not expected.
    OnAbort,
    Always,
}

/// What becomes of a spawn that would fail the same way again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hopeless {
    /// It is tried again like any other: somebody may put right what is wrong.
    Retried,
    GivenUp,
}

/// What makes a started instance count as running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readiness {
    /// It is alive after `start_us`.
    Alive,
    /// A probe or the program itself says so, within `start_timeout_us` when there is one.
    Probed,
}

/// Whether others must have come so far before a first spawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    Nothing,
    Others,
}

/// Whether a running instance has requests to finish before it is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Serving {
    No,
    Yes { drain_us: u64 },
}

/// What the program is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It should run; an end is never what it is for.
    Service,
    /// It should end, and end well: it counts as running from its spawn on, and an end that is not
    /// expected is a failed try.
    OneShot,
}

/// What a run that is due does while the last one still goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Overlap {
    Skip,
    /// It waits for the end of the last one; any further one is the same one.
    Queue,
    /// It takes the place of the last one, which is stopped as an operator would.
    Kill,
}

/// How old a running instance gets before it is started anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MaxAge {
    pub(crate) after_us: u64,
    /// By up to so much later, so that instances do not all go at once.
    pub(crate) jitter_us: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Policy {
    pub(crate) kind: Kind,
    pub(crate) overlap: Overlap,
    pub(crate) max_age: Option<MaxAge>,
    pub(crate) restart: Restart,
    /// The ends that are as they should be.
    pub(crate) exit_codes: Vec<i32>,
    pub(crate) exit_signals: Vec<i32>,
    pub(crate) needs: Needs,
    pub(crate) readiness: Readiness,
    /// Not ready so long after the spawn is a failed start.
    pub(crate) start_timeout_us: Option<u64>,
    /// What a process may ask for in one life beyond the times of its start, reloads and stop.
    pub(crate) extend_us_max: u64,
    /// Once ready it must say so often that it is alive.
    pub(crate) watchdog_us: Option<u64>,
    pub(crate) serving: Serving,
    /// An exit earlier than this after the spawn is a failed start.
    pub(crate) start_us: u64,
    /// Spawns that would fail the same way again.
    pub(crate) hopeless: Hopeless,
    /// Failed starts in a row that are tried again; one more gives up. `None`: never.
    pub(crate) start_retries: Option<u32>,
    pub(crate) backoff: Backoff,
    pub(crate) crash_limit: CrashLimit,
    /// From the end of a running instance to the next spawn.
    pub(crate) restart_delay_us: u64,
    pub(crate) stop: Stop,
    pub(crate) hooks: Hooks,
    pub(crate) together: Together,
    /// `None`: that it has given up is nobody else's matter.
    pub(crate) on_fatal: Option<Escalation>,
}

/// How a process is made to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stop {
    /// The signals of the ladder, by how long each may take before the next; then comes SIGKILL.
    pub(crate) rungs_us: Vec<u64>,
    /// How long it may take to end after the stop command.
    pub(crate) command_us: u64,
}

/// The side commands that belong to a life, and how long each may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hooks {
    pub(crate) all: Vec<Hook>,
    pub(crate) timeout_us: u64,
    /// What those that belong to a stop may take together.
    pub(crate) stop_us: u64,
}

/// A side command that the next step waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hook {
    /// A life begins once it has succeeded.
    PreStart,
    PreStop,
    /// Stands for the first signal.
    StopCommand,
    /// What follows from an end follows once it is done.
    PostStop,
}

impl Hook {
    pub(crate) const ALL: [Self; 4] =
        [Self::PreStart, Self::PreStop, Self::StopCommand, Self::PostStop];

    /// As the configuration calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::PreStart => "pre_start",
            Self::PreStop => "pre_stop",
            Self::StopCommand => "stop_command",
            Self::PostStop => "post_stop",
        }
    }
}

/// What follows for others once an instance has given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Escalation {
    StopGroup,
    /// Itself included, with every try anew.
    RestartGroup,
    /// A command is run.
    Command,
    /// The engine ends, and says by its status that it failed.
    Shutdown,
}

/// Whether an end that leads to another life concerns the rest of its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Together {
    Alone,
    /// The next life waits until the group says so.
    WithGroup,
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
        let is_expected = self.is_expected(ending);
        match self.restart {
            Restart::Never => false,
            Restart::Always => true,
            Restart::OnSuccess => is_expected,
            Restart::Unexpected => !is_expected,
            Restart::OnAbnormal => match ending {
                Ending::Code(_) => false,
                Ending::Signal(_) | Ending::Unknown => !is_expected,
            },
            Restart::OnAbort => match ending {
                Ending::Code(_) | Ending::Unknown => false,
                Ending::Signal(_) => !is_expected,
            },
        }
    }

    /// Whether a life ended as it should.
    pub(crate) fn is_expected(&self, ending: Ending) -> bool {
        match ending {
            Ending::Code(code) => self.exit_codes.contains(&code),
            Ending::Signal(number) => self.exit_signals.contains(&number),
            Ending::Unknown => false,
        }
    }

    pub(crate) fn has(&self, hook: Hook) -> bool {
        self.hooks.all.contains(&hook)
    }

    /// How long a stop takes at most, from the end of its drain to the last SIGKILL.
    pub(crate) fn stop_us(&self) -> u64 {
        let hooks_us = self.hooks.stop_us;
        let rungs_us = self.stop.rungs_us.iter().fold(hooks_us, |all, us| all.saturating_add(*us));
        let command_us = if self.has(Hook::StopCommand) { self.stop.command_us } else { 0 };
        rungs_us.saturating_add(command_us)
    }

    /// How long an instance must run before its earlier failed starts are forgotten.
    pub(crate) fn stable_us(&self) -> u64 {
        self.start_us.max(STABLE_US)
    }

    /// The instant at which an instance that was spawned at `spawned_us` is too old.
    pub(crate) fn old_at_us(&self, spawned_us: u64, dice: &mut Dice) -> Option<u64> {
        let MaxAge { after_us, jitter_us } = self.max_age?;
        Some(spawned_us.saturating_add(after_us).saturating_add(dice.up_to(jitter_us)))
    }
}

const SECOND_US: u64 = 1_000_000;
const STABLE_US: u64 = 30 * SECOND_US;

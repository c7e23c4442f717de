//! Where an instance stands: its phase with the deadlines that belong to it, and what must be
//! remembered from one phase to the next. Knows nothing of what leads from phase to phase
//! (`step`), of process ids or of descriptors (the master's).

use super::dice::Dice;
use super::pause::Window;
use super::policy::{Ending, Hook};

/// An instant that does not come.
pub(crate) const NEVER_US: u64 = u64::MAX;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) phase: Phase,
    /// Rises with every spawn; what is reported about an earlier life is dropped.
    pub(crate) life: u32,
    /// Failed starts in a row.
    pub(crate) fails: u32,
    pub(crate) cause: Cause,
    pub(crate) window: Window,
    /// Restarts of its whole group that it has led to of late.
    pub(crate) rescues: Window,
    /// What pauses are spread with.
    pub(crate) dice: Dice,
    /// A scheduled run came while the last one was not over, and waits for its end.
    pub(crate) is_run_waiting: bool,
    /// When the running process is too old.
    pub(crate) old_at_us: Option<u64>,
    /// When a running instance that must say that it is alive has been silent for too long.
    pub(crate) watchdog_at_us: Option<u64>,
    /// When it should have read its configuration again, while it does.
    pub(crate) reload_until_us: Option<u64>,
    /// What it has asked for in this life beyond its times.
    pub(crate) extended_us: u64,
    pub(crate) course: Course,
}

/// Whether the present life may be followed by another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Course {
    #[default]
    Lasting,
    /// The engine is ending.
    Last,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Never started, or stopped by the operator.
    Idle,
    /// Is to be spawned once what it needs has come so far.
    Waiting,
    /// What must be done before the life it belongs to runs.
    PreStart,
    /// The spawn was asked for and has not answered; `asked` is a stop that came meanwhile.
    Spawning {
        asked: Option<After>,
    },
    Starting {
        spawned_us: u64,
        check: StartCheck,
    },
    Ready {
        spawned_us: u64,
        stable_at_us: u64,
    },
    /// Runs, and was ready, but is not ready any more.
    Unready {
        spawned_us: u64,
        stable_at_us: u64,
    },
    /// Waits out the pause after a failed start.
    Delay {
        until_us: u64,
    },
    /// Is to live again as soon as its group says so, but not before.
    Held {
        until_us: u64,
    },
    /// Asked to stop; at `deadline_us` the next stage begins.
    Stopping {
        spawned_us: u64,
        stage: Stage,
        deadline_us: u64,
        after: After,
    },
    /// The main process is gone, others that it left behind are not yet.
    Sweeping {
        look_at_us: u64,
        stage: Sweep,
        next: Next,
    },
    /// What is done after a life runs.
    PostStop {
        next: Next,
    },
    /// Ended by itself and is not restarted.
    Done,
    /// Failed to start too often.
    GaveUp,
    /// Removed from the configuration and stopped: its row can be dropped.
    Gone,
}

/// What turns a starting instance into a ready one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StartCheck {
    AliveAt {
        at_us: u64,
    },
    /// Without an instant: however long it takes.
    Probe {
        until_us: Option<u64>,
    },
}

/// How far a stop has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Its backend takes no new request; the running ones finish.
    Draining,
    /// A command that belongs to the stop runs.
    Hook { hook: Hook },
    /// The signal of that place in the ladder was sent.
    Terminating { rung: u8 },
    /// SIGKILL was sent, so many times.
    Killing { kills: u32 },
}

/// What was done about those that the main process left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sweep {
    /// Nobody has looked yet.
    Look,
    Terminate {
        until_us: u64,
    },
    Kill {
        until_us: u64,
    },
    /// Not even SIGKILL ends them.
    Hopeless,
}

/// What a stop is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    Idle,
    Again,
    /// Again, but not before its group says so.
    Held,
    Gone,
    /// It was found unfit: the restart policy decides.
    Unfit(Fault),
}

/// What was wrong with a process that had to be ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Not ready in time: a failed start.
    Late { after_us: u64 },
    /// The liveness probe failed too often.
    Liveness,
    /// Did not say in time that it is alive.
    Silent { for_us: u64 },
}

/// What an exit leads to, once nobody is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Spawn,
    /// The pause was decided at the exit; it runs from there.
    Delay {
        until_us: u64,
    },
    /// When the group says so, and the pause is over.
    Held {
        until_us: u64,
    },
    Idle,
    Done,
    GaveUp,
    Gone,
}

/// What last ended or prevented a life: for people, and for the exit status of the row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    None,
    Spawn { error: String },
    Exit { ending: Ending, lived_us: u64, fault: Option<Fault> },
}

/// The states the world sees: Supervisor's names and meanings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    Stopped,
    Starting,
    Running,
    Backoff,
    Stopping,
    Exited,
    Fatal,
}

impl State {
    pub(crate) fn new() -> Self {
        Self {
            phase: Phase::Idle,
            life: 0,
            fails: 0,
            cause: Cause::None,
            window: Window::default(),
            rescues: Window::default(),
            dice: Dice::default(),
            is_run_waiting: false,
            old_at_us: None,
            watchdog_at_us: None,
            reload_until_us: None,
            extended_us: 0,
            course: Course::default(),
        }
    }

    pub(crate) fn shown(&self) -> Shown {
        match self.phase {
            Phase::Idle | Phase::Gone => Shown::Stopped,
            Phase::Waiting
            | Phase::PreStart
            | Phase::Spawning { asked: None }
            | Phase::Starting { .. } => Shown::Starting,
            Phase::Ready { .. } | Phase::Unready { .. } => Shown::Running,
            Phase::Delay { .. } | Phase::Held { .. } => Shown::Backoff,
            Phase::Spawning { asked: Some(_) }
            | Phase::Stopping { .. }
            | Phase::Sweeping { .. }
            | Phase::PostStop { .. } => Shown::Stopping,
            Phase::Done => Shown::Exited,
            Phase::GaveUp => Shown::Fatal,
        }
    }

    /// The side command that the next step waits for.
    pub(crate) fn hook(&self) -> Option<Hook> {
        match self.phase {
            Phase::PreStart => Some(Hook::PreStart),
            Phase::Stopping { stage: Stage::Hook { hook }, .. } => Some(hook),
            Phase::PostStop { .. } => Some(Hook::PostStop),
            Phase::Stopping { .. }
            | Phase::Idle
            | Phase::Spawning { .. }
            | Phase::Waiting
            | Phase::Starting { .. }
            | Phase::Ready { .. }
            | Phase::Unready { .. }
            | Phase::Delay { .. }
            | Phase::Held { .. }
            | Phase::Sweeping { .. }
            | Phase::Done
            | Phase::GaveUp
            | Phase::Gone => None,
        }
    }

    /// Whether it ends for good, whatever it is told from here on.
    pub(crate) fn is_leaving(&self) -> bool {
        matches!(
            self.phase,
            Phase::Spawning { asked: Some(After::Gone) }
                | Phase::Stopping { after: After::Gone, .. }
                | Phase::Sweeping { next: Next::Gone, .. }
                | Phase::PostStop { next: Next::Gone }
                | Phase::Gone
        )
    }

    /// Whether nothing of it runs and nothing will by itself.
    pub(crate) fn is_at_rest(&self) -> bool {
        matches!(self.phase, Phase::Idle | Phase::Done | Phase::GaveUp | Phase::Gone)
    }

    /// When the main process was spawned; nothing when there is none.
    pub(crate) fn spawned_us(&self) -> Option<u64> {
        match self.phase {
            Phase::Starting { spawned_us, .. }
            | Phase::Ready { spawned_us, .. }
            | Phase::Unready { spawned_us, .. }
            | Phase::Stopping { spawned_us, .. } => Some(spawned_us),
            Phase::Idle
            | Phase::Waiting
            | Phase::PreStart
            | Phase::Spawning { .. }
            | Phase::Delay { .. }
            | Phase::Held { .. }
            | Phase::Sweeping { .. }
            | Phase::PostStop { .. }
            | Phase::Done
            | Phase::GaveUp
            | Phase::Gone => None,
        }
    }

    /// When the state wants a `Tick`; nothing when only an event can change it.
    pub(crate) fn deadline_us(&self) -> Option<u64> {
        match self.phase {
            Phase::Starting { check: StartCheck::AliveAt { at_us }, .. } => Some(at_us),
            Phase::Starting { check: StartCheck::Probe { until_us }, .. } => until_us,
            Phase::Ready { stable_at_us, .. } | Phase::Unready { stable_at_us, .. } => {
                let forgotten_us = (self.fails > 0).then_some(stable_at_us);
                let is_ever = |at_us: &u64| *at_us != NEVER_US;
                let dues =
                    [forgotten_us, self.old_at_us, self.watchdog_at_us, self.reload_until_us];
                dues.into_iter().flatten().filter(is_ever).min()
            }
            Phase::Delay { until_us } => Some(until_us),
            Phase::Stopping { deadline_us, .. } => (deadline_us < NEVER_US).then_some(deadline_us),
            Phase::Sweeping { look_at_us, .. } => Some(look_at_us),
            Phase::Idle
            | Phase::Waiting
            | Phase::PreStart
            | Phase::Spawning { .. }
            | Phase::Held { .. }
            | Phase::PostStop { .. }
            | Phase::Done
            | Phase::GaveUp
            | Phase::Gone => None,
        }
    }
}

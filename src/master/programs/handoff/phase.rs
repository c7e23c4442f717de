//! The phase and the cause of an instance for the wire; instants stay true, since the monotonic clock
//! is the machine's.

use serde::{Deserialize, Serialize};

use crate::supervise::policy::{Ending, Hook};
use crate::supervise::state::{After, Cause, Fault, Next, Phase, Stage, StartCheck, Sweep};

/// `Phase` for the wire; its instants stay true, since the monotonic clock is the machine's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum SavedPhase {
    Idle,
    Waiting,
    /// Without an instant: until its probe answers, at the latest until the other one.
    Starting {
        spawned_us: u64,
        alive_at_us: Option<u64>,
        until_us: Option<u64>,
    },
    Ready {
        spawned_us: u64,
        stable_at_us: u64,
    },
    Unready {
        spawned_us: u64,
        stable_at_us: u64,
    },
    Delay {
        until_us: u64,
    },
    Held {
        until_us: u64,
    },
    Stopping {
        spawned_us: u64,
        stage: SavedStage,
        deadline_us: u64,
        after: SavedAfter,
    },
    Sweeping {
        next: SavedNext,
    },
    Done,
    GaveUp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum SavedNext {
    Spawn,
    Delay { until_us: u64 },
    Held { until_us: u64 },
    Idle,
    Done,
    GaveUp,
    Gone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum SavedStage {
    Draining,
    PreStop,
    StopCommand,
    Terminating { rung: u8 },
    Killing { kills: u32 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum SavedAfter {
    Idle,
    Again,
    Held,
    Gone,
    Unfit(SavedFault),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum SavedFault {
    Late { after_us: u64 },
    Liveness,
    Silent { for_us: u64 },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum SavedCause {
    None,
    Spawn { error: String },
    Exit { how: SavedEnding, lived_us: u64, fault: Option<SavedFault> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum SavedEnding {
    Code(i32),
    Signal(i32),
    Unknown,
}

impl SavedPhase {
    pub(super) fn of(phase: Phase) -> Self {
        match phase {
            Phase::Idle
            | Phase::Gone
            | Phase::Spawning { asked: Some(After::Idle | After::Gone) } => Self::Idle,
            Phase::Waiting => Self::Waiting,
            Phase::Spawning { asked: Some(After::Held) } => Self::Held { until_us: 0 },
            // A new master would spawn it.
            Phase::Spawning { asked: None | Some(After::Again | After::Unfit(_)) }
            | Phase::PreStart => Self::Delay { until_us: 0 },
            Phase::Starting { spawned_us, check } => {
                let (alive_at_us, until_us) = match check {
                    StartCheck::AliveAt { at_us } => (Some(at_us), None),
                    StartCheck::Probe { until_us } => (None, until_us),
                };
                Self::Starting { spawned_us, alive_at_us, until_us }
            }
            Phase::Ready { spawned_us, stable_at_us } => Self::Ready { spawned_us, stable_at_us },
            Phase::Unready { spawned_us, stable_at_us } => {
                Self::Unready { spawned_us, stable_at_us }
            }
            Phase::Delay { until_us } => Self::Delay { until_us },
            Phase::Held { until_us } => Self::Held { until_us },
            Phase::Stopping { spawned_us, stage, deadline_us, after } => {
                let stage = match stage {
                    Stage::Draining => SavedStage::Draining,
                    Stage::Hook { hook: Hook::StopCommand } => SavedStage::StopCommand,
                    Stage::Hook { .. } => SavedStage::PreStop,
                    Stage::Terminating { rung } => SavedStage::Terminating { rung },
                    Stage::Killing { kills } => SavedStage::Killing { kills },
                };
                let after = match after {
                    After::Idle => SavedAfter::Idle,
                    After::Again => SavedAfter::Again,
                    After::Held => SavedAfter::Held,
                    After::Gone => SavedAfter::Gone,
                    After::Unfit(fault) => SavedAfter::Unfit(SavedFault::of(fault)),
                };
                Self::Stopping { spawned_us, stage, deadline_us, after }
            }
            // A command that ran ended with the master.
            Phase::Sweeping { next, .. } | Phase::PostStop { next } => {
                Self::Sweeping { next: SavedNext::of(next) }
            }
            Phase::Done => Self::Done,
            Phase::GaveUp => Self::GaveUp,
        }
    }

    pub(super) fn revive(self) -> Phase {
        match self {
            Self::Idle => Phase::Idle,
            Self::Waiting => Phase::Waiting,
            Self::Starting { spawned_us, alive_at_us, until_us } => Phase::Starting {
                spawned_us,
                check: match alive_at_us {
                    Some(at_us) => StartCheck::AliveAt { at_us },
                    None => StartCheck::Probe { until_us },
                },
            },
            Self::Unready { spawned_us, stable_at_us } => {
                Phase::Unready { spawned_us, stable_at_us }
            }
            Self::Ready { spawned_us, stable_at_us } => Phase::Ready { spawned_us, stable_at_us },
            Self::Delay { until_us } => Phase::Delay { until_us },
            Self::Held { until_us } => Phase::Held { until_us },
            Self::Stopping { spawned_us, stage, deadline_us, after } => {
                // A command that ran ended with the earlier master, as a failure.
                let (stage, deadline_us) = match stage {
                    SavedStage::Draining => (Stage::Draining, deadline_us),
                    SavedStage::PreStop => (Stage::Hook { hook: Hook::PreStop }, 0),
                    SavedStage::StopCommand => (Stage::Hook { hook: Hook::StopCommand }, 0),
                    SavedStage::Terminating { rung } => (Stage::Terminating { rung }, deadline_us),
                    SavedStage::Killing { kills } => (Stage::Killing { kills }, deadline_us),
                };
                let after = match after {
                    SavedAfter::Idle => After::Idle,
                    SavedAfter::Again => After::Again,
                    SavedAfter::Held => After::Held,
                    SavedAfter::Gone => After::Gone,
                    SavedAfter::Unfit(fault) => After::Unfit(fault.revive()),
                };
                Phase::Stopping { spawned_us, stage, deadline_us, after }
            }
            // At worst those that are left get the terminating signal twice.
            Self::Sweeping { next } => {
                Phase::Sweeping { look_at_us: 0, stage: Sweep::Look, next: next.revive() }
            }
            Self::Done => Phase::Done,
            Self::GaveUp => Phase::GaveUp,
        }
    }
}

impl SavedNext {
    fn of(next: Next) -> Self {
        match next {
            Next::Spawn => Self::Spawn,
            Next::Delay { until_us } => Self::Delay { until_us },
            Next::Held { until_us } => Self::Held { until_us },
            Next::Idle => Self::Idle,
            Next::Done => Self::Done,
            Next::GaveUp => Self::GaveUp,
            Next::Gone => Self::Gone,
        }
    }

    fn revive(self) -> Next {
        match self {
            Self::Spawn => Next::Spawn,
            Self::Delay { until_us } => Next::Delay { until_us },
            Self::Held { until_us } => Next::Held { until_us },
            Self::Idle => Next::Idle,
            Self::Done => Next::Done,
            Self::GaveUp => Next::GaveUp,
            Self::Gone => Next::Gone,
        }
    }
}

impl SavedFault {
    fn of(fault: Fault) -> Self {
        match fault {
            Fault::Late { after_us } => Self::Late { after_us },
            Fault::Liveness => Self::Liveness,
            Fault::Silent { for_us } => Self::Silent { for_us },
        }
    }

    fn revive(self) -> Fault {
        match self {
            Self::Late { after_us } => Fault::Late { after_us },
            Self::Liveness => Fault::Liveness,
            Self::Silent { for_us } => Fault::Silent { for_us },
        }
    }
}

impl SavedCause {
    pub(super) fn of(cause: &Cause) -> Self {
        match cause {
            Cause::None => Self::None,
            Cause::Spawn { error } => Self::Spawn { error: error.clone() },
            Cause::Exit { ending, lived_us, fault } => {
                let how = match *ending {
                    Ending::Code(code) => SavedEnding::Code(code),
                    Ending::Signal(number) => SavedEnding::Signal(number),
                    Ending::Unknown => SavedEnding::Unknown,
                };
                Self::Exit { how, lived_us: *lived_us, fault: fault.map(SavedFault::of) }
            }
        }
    }

    pub(super) fn revive(self) -> Cause {
        match self {
            Self::None => Cause::None,
            Self::Spawn { error } => Cause::Spawn { error },
            Self::Exit { how, lived_us, fault } => {
                let ending = match how {
                    SavedEnding::Code(code) => Ending::Code(code),
                    SavedEnding::Signal(number) => Ending::Signal(number),
                    SavedEnding::Unknown => Ending::Unknown,
                };
                Cause::Exit { ending, lived_us, fault: fault.map(SavedFault::revive) }
            }
        }
    }
}

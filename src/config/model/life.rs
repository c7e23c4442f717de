//! When the lives of a program begin and end by themselves: what it is for, its schedule, its age.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Life {
    pub(crate) kind: Kind,
    pub(crate) schedule: Option<Schedule>,
    pub(crate) max_age: Option<MaxAge>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    Service,
    /// It ends, and well.
    OneShot,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MaxAge {
    pub(crate) after_ms: u64,
    pub(crate) jitter_ms: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Schedule {
    pub(crate) when: When,
    /// By up to so much later.
    pub(crate) jitter_ms: u64,
    pub(crate) overlap: Overlap,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum When {
    Every {
        period_ms: u64,
    },
    Cron {
        cron: Cron,
        /// An IANA name; `None`: the machine's own zone.
        zone: Option<String>,
    },
}

/// What a run that is due does while the last one goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Overlap {
    Skip,
    Queue,
    Kill,
}

/// A cron line: a bit for each value of a field; bit 0 of `weekdays` is Sunday.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cron {
    pub(crate) minutes: u64,
    pub(crate) hours: u32,
    pub(crate) days: u32,
    pub(crate) months: u16,
    pub(crate) weekdays: u8,
    /// Day of the month and of the week are both restricted, and either will do.
    pub(crate) is_either_day: bool,
}

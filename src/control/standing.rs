//! Where an instance of a program stands beyond its state: what it waits for, where it is in a
//! rolling restart, whether it can be spoken to. In `wire::ProgramRow`.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Standing {
    pub(crate) readiness: Readiness,
    /// While a roll of the program is under way.
    pub(crate) rolling: Option<Rolling>,
    /// It runs, and its standard input takes what is written there.
    pub(crate) is_listening: bool,
}

/// What its being ready hangs on; the row's reason says it in words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Readiness {
    /// Nothing that its state does not tell.
    #[default]
    Plain,
    /// It is not started before others have come so far.
    Waiting,
    /// Started, and not found ready so far.
    Asked,
    /// Was ready, and is not any more.
    Lost,
}

/// A roll of its program, as seen from one instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Rolling {
    /// Of all instances that the roll is about.
    pub(crate) done: u32,
    pub(crate) of: u32,
    pub(crate) place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Place {
    /// Its turn has not come.
    Waits,
    /// It restarts, or has still to run for long enough.
    Turn,
    Done,
    Failed,
    /// It is left alone: it does not run, or was not asked for.
    Left,
    /// It runs beside the others for as long as the roll takes.
    Extra,
}

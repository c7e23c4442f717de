//! A frame as it is read from its line.
//!
//! An enum with its tag among its fields would be kept aside whole, value by value, until the tag is
//! known: ten times the memory of a quarter of an hour of samples. The fields of all frames have names
//! of their own, so they are read into their types at once.

use serde::Deserialize;

use super::delta::Delta;
use super::sample::Sample;
use super::tape::Tape;
use super::wire::{EventRecord, Frame, Role, Snapshot};

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
enum Kind {
    Snapshot,
    Delta,
    Sample,
    Event,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Fields {
    frame: Kind,
    role: Option<Role>,
    snapshot: Option<Box<Snapshot>>,
    history: Option<Vec<Sample>>,
    events: Option<Vec<EventRecord>>,
    #[serde(default)]
    tape: Tape,
    delta: Option<Box<Delta>>,
    sample: Option<Box<Sample>>,
    event: Option<Box<EventRecord>>,
}

impl TryFrom<Fields> for Frame {
    type Error = String;

    fn try_from(fields: Fields) -> Result<Self, String> {
        let missing = |name: &str| format!("missing field `{name}`");
        Ok(match fields.frame {
            Kind::Snapshot => Self::Snapshot {
                role: fields.role.ok_or_else(|| missing("role"))?,
                snapshot: fields.snapshot.ok_or_else(|| missing("snapshot"))?,
                history: fields.history.ok_or_else(|| missing("history"))?,
                events: fields.events.ok_or_else(|| missing("events"))?,
                tape: fields.tape,
            },
            Kind::Delta => Self::Delta { delta: fields.delta.ok_or_else(|| missing("delta"))? },
            Kind::Sample => {
                Self::Sample { sample: fields.sample.ok_or_else(|| missing("sample"))? }
            }
            Kind::Event => Self::Event { event: fields.event.ok_or_else(|| missing("event"))? },
        })
    }
}

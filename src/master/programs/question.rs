//! One question about an instance, ready to be asked again and again.

use std::rc::Rc;

use super::errand;
use crate::config::model::Address;
use crate::config::model::health::Check;
use crate::master::probe::{self, Probe};

const PROBE_PAUSE_MS_MIN: u64 = 10;
/// A process costs more than a connection.
const COMMAND_PAUSE_MS_MIN: u64 = 250;
const CONNECT_TIMEOUT_MS: u64 = 1_000;

pub(super) struct Question {
    asked: Asked,
    /// Where it is asked, for people.
    place: String,
    /// Between two questions that are asked as quickly as may be.
    pub(super) pause_ms_min: u64,
}

impl Question {
    pub(super) fn of_check(address: &Address, check: &Check) -> Self {
        let question = Rc::new(probe::Question::new(check));
        Self {
            asked: Asked::Probe(Probe::of_check(address, check, question)),
            place: address.to_string(),
            pause_ms_min: PROBE_PAUSE_MS_MIN,
        }
    }

    /// An accepted connection is answer enough.
    pub(super) fn of_connection(address: Address) -> Self {
        let place = address.to_string();
        let asked = Asked::Probe(Probe::of_connection(address, CONNECT_TIMEOUT_MS));
        Self { asked, place, pause_ms_min: PROBE_PAUSE_MS_MIN }
    }

    /// A command that ends well is answer enough.
    pub(super) fn of_command(order: errand::Order, room: errand::Room) -> Self {
        let place = order.command.join(" ");
        let asked = Asked::Command { order: Box::new(order), room };
        Self { asked, place, pause_ms_min: COMMAND_PAUSE_MS_MIN }
    }

    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// The error says why not.
    pub(super) async fn ask(&self) -> Result<(), String> {
        match &self.asked {
            Asked::Probe(probe) => probe.ask().await.map(drop).map_err(|error| error.to_string()),
            Asked::Command { order, room } => {
                let errand = errand::start(errand::Order::clone(order), room.clone());
                match errand.outcome().await {
                    outcome if outcome.is_success() => Ok(()),
                    outcome => Err(outcome.to_string()),
                }
            }
        }
    }
}

enum Asked {
    Probe(Probe),
    Command { order: Box<errand::Order>, room: errand::Room },
}

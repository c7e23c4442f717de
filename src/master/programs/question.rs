//! One question about an instance, ready to be asked again and again.

use std::rc::Rc;

use crate::config::model::Address;
use crate::config::model::health::Check;
use crate::master::probe::{self, Probe};

const PROBE_PAUSE_MS_MIN: u64 = 10;
const CONNECT_TIMEOUT_MS: u64 = 1_000;

pub(super) struct Question {
    probe: Probe,
    /// Where it is asked, for people.
    place: String,
    /// Between two questions that are asked as quickly as may be.
    pub(super) pause_ms_min: u64,
}

impl Question {
    pub(super) fn of_check(address: &Address, check: &Check) -> Self {
        let question = Rc::new(probe::Question::new(check));
        Self {
            probe: Probe::of_check(address, check, question),
            place: address.to_string(),
            pause_ms_min: PROBE_PAUSE_MS_MIN,
        }
    }

    /// An accepted connection is answer enough.
    pub(super) fn of_connection(address: Address) -> Self {
        let place = address.to_string();
        let probe = Probe::of_connection(address, CONNECT_TIMEOUT_MS);
        Self { probe, place, pause_ms_min: PROBE_PAUSE_MS_MIN }
    }

    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// The error says why not.
    pub(super) async fn ask(&self) -> Result<(), String> {
        self.probe.ask().await.map(drop).map_err(|error| error.to_string())
    }
}

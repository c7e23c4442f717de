//! Asks a started instance whether it is ready, quickly at first, until it is.
//!
//! Ends with the first good answer (`rise` of them in a row where the upstream has a check):
//! afterwards the upstream's active check watches it, like any backend.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::task::JoinHandle;

use super::event::Report;
use super::process::Reporter;
use crate::config::model::Address;
use crate::config::model::health::Check;
use crate::master::probe::{Probe, Question};

const PAUSE_MS_MIN: u64 = 10;
const PAUSE_MS_MAX: u64 = 250;
const CONNECT_TIMEOUT_MS: u64 = 1_000;

pub(super) fn begin(
    check: Option<&Check>,
    address: SocketAddr,
    reporter: Reporter,
) -> JoinHandle<()> {
    let address = Address::Tcp(address);
    let (probe, rise) = if let Some(check) = check {
        let question = Rc::new(Question::new(check));
        (Probe::of_check(&address, check, question), check.rise.max(1))
    } else {
        (Probe::of_connection(address, CONNECT_TIMEOUT_MS), 1)
    };
    tokio::task::spawn_local(ask_until_ready(probe, rise, reporter))
}

async fn ask_until_ready(probe: Probe, rise: u32, reporter: Reporter) {
    let (mut good, mut pause_ms) = (0, PAUSE_MS_MIN);
    let mut said = String::new();
    while good < rise {
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        match probe.ask().await {
            // The next of a row is asked for as quickly as the first.
            Ok(_) => (good, pause_ms) = (good + 1, PAUSE_MS_MIN),
            Err(error) => {
                (good, pause_ms) = (0, (pause_ms * 2).min(PAUSE_MS_MAX));
                let why = error.to_string();
                if why != said {
                    said.clone_from(&why);
                    reporter.report(Report::NotReady(why)).await;
                }
            }
        }
    }
    reporter.report(Report::Ready).await;
}

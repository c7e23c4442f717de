//! Asks a running instance again and again whether it still does its work; the first `fall` bad
//! answers in a row end this with the report that it is unfit.
//!
//! With `startup` that question is asked first, and `live` does not count before it has succeeded.

use std::time::Duration;

use super::event::Report;
use super::process::Reporter;
use super::pulse::SharedPulse;
use super::question::Question;
use crate::config::model::vitals::Asking;
use crate::sys::clock;

/// The machine slept for longer than this while an answer was awaited: it proves nothing.
const SUSPENDED_US: u64 = 1_000_000;

pub(super) struct Probing {
    pub(super) question: Question,
    pub(super) asking: Asking,
}

pub(super) async fn follow(
    startup: Option<Probing>,
    live: Probing,
    pulse: SharedPulse,
    reporter: Reporter,
) {
    if let Some(startup) = startup
        && until("startup probe", &startup, Until::Good, &pulse).await == Until::Bad
    {
        return reporter.report(Report::Unfit).await;
    }
    if until("liveness", &live, Until::Good, &pulse).await == Until::Good {
        reporter.report(Report::Healthy).await;
        until("liveness", &live, Until::Bad, &pulse).await;
    }
    reporter.report(Report::Unfit).await;
}

/// What ends the asking: `Bad` always does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Until {
    Good,
    Bad,
}

async fn until(what: &'static str, probing: &Probing, wanted: Until, pulse: &SharedPulse) -> Until {
    let Probing { question, asking } = probing;
    let mut good = 0;
    loop {
        let suspended_us = clock::suspended_us();
        tokio::time::sleep(Duration::from_millis(asking.interval_ms)).await;
        match question.ask().await {
            Ok(()) => {
                good += 1;
                pulse.borrow_mut().succeeded();
                if wanted == Until::Good && good >= asking.rise {
                    return Until::Good;
                }
            }
            Err(_) if clock::suspended_us() > suspended_us + SUSPENDED_US => {}
            Err(why) => {
                good = 0;
                if pulse.borrow_mut().failed(what, question.place(), why) >= asking.fall {
                    return Until::Bad;
                }
            }
        }
    }
}

//! Finds out whether a started instance is ready, quickly at first, until it is; where it is asked
//! by the program's own `ready`, also whether it still is.
//!
//! A program that serves and says nothing else ends this with the first good answer (`rise` of them
//! in a row where the upstream has a check): afterwards the upstream's active check watches it,
//! like any backend.

use std::time::Duration;

use tokio::sync::oneshot;

use super::event::Report;
use super::process::Reporter;
use super::pulse::SharedPulse;
use super::question::Question;
use crate::config::model::vitals::Asking;
use crate::sys;
use crate::sys::watched::Watched;

const PAUSE_MS_MAX: u64 = 250;
/// What is read of a descriptor that should say a line's end, at a time.
const PIECE_BYTES: usize = 256;

/// How it shows that it is ready.
pub(super) enum Way {
    /// It answers so many times in a row.
    Asked { question: Question, rise: u32 },
    /// The same, and is asked on.
    Watched { question: Question, asking: Asking },
    /// It prints a line that was sought.
    Line(oneshot::Receiver<()>),
    /// It writes a line's end here.
    Newline(Watched),
    /// Nobody is left to say so.
    AtOnce,
}

/// Where it stands when this begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    NotReady,
    Ready,
}

pub(super) async fn follow(way: Way, standing: Standing, pulse: SharedPulse, reporter: Reporter) {
    match way {
        Way::Watched { question, asking } => {
            if standing == Standing::NotReady {
                until_ready(&question, asking.rise, &pulse, &reporter).await;
            }
            watch(&question, &asking, &pulse, &reporter).await;
        }
        Way::Asked { question, rise } if standing == Standing::NotReady => {
            until_ready(&question, rise, &pulse, &reporter).await;
        }
        Way::Line(line) if standing == Standing::NotReady => {
            if line.await.is_ok() {
                is_ready(&pulse, &reporter).await;
            }
        }
        Way::Newline(descriptor) if standing == Standing::NotReady => {
            match until_newline(&descriptor).await {
                Said::Newline => is_ready(&pulse, &reporter).await,
                Said::Nothing => {
                    let text = "the readiness descriptor was closed without a newline";
                    pulse.borrow_mut().await_word(text);
                }
            }
        }
        Way::AtOnce if standing == Standing::NotReady => is_ready(&pulse, &reporter).await,
        Way::Asked { .. } | Way::Line(_) | Way::Newline(_) | Way::AtOnce => {}
    }
}

async fn is_ready(pulse: &SharedPulse, reporter: &Reporter) {
    pulse.borrow_mut().succeeded();
    reporter.report(Report::Ready).await;
}

async fn until_ready(question: &Question, rise: u32, pulse: &SharedPulse, reporter: &Reporter) {
    until_good(question, rise, pulse).await;
    is_ready(pulse, reporter).await;
}

/// Asks quickly at first, until it is answered well so many times in a row.
pub(super) async fn until_good(question: &Question, rise: u32, pulse: &SharedPulse) {
    let (mut good, mut pause_ms) = (0, question.pause_ms_min);
    while good < rise {
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        match question.ask().await {
            // The next of a row is asked for as quickly as the first.
            Ok(()) => (good, pause_ms) = (good + 1, question.pause_ms_min),
            Err(why) => {
                let most_ms = PAUSE_MS_MAX.max(question.pause_ms_min);
                (good, pause_ms) = (0, (pause_ms * 2).min(most_ms));
                pulse.borrow_mut().failed("probe", question.place(), why);
            }
        }
    }
    pulse.borrow_mut().succeeded();
}

/// For as long as the process lives.
async fn watch(question: &Question, asking: &Asking, pulse: &SharedPulse, reporter: &Reporter) {
    let mut standing = Standing::Ready;
    let mut good = 0;
    loop {
        tokio::time::sleep(Duration::from_millis(asking.interval_ms)).await;
        let answer = question.ask().await;
        match (standing, answer) {
            (Standing::Ready, Ok(())) => pulse.borrow_mut().succeeded(),
            (Standing::Ready, Err(why)) => {
                let times = pulse.borrow_mut().failed("probe", question.place(), why);
                if times >= asking.fall {
                    (standing, good) = (Standing::NotReady, 0);
                    reporter.report(Report::Unready).await;
                }
            }
            (Standing::NotReady, Ok(())) => {
                good += 1;
                if good >= asking.rise {
                    standing = Standing::Ready;
                    is_ready(pulse, reporter).await;
                }
            }
            (Standing::NotReady, Err(why)) => {
                good = 0;
                pulse.borrow_mut().failed("probe", question.place(), why);
            }
        }
    }
}

enum Said {
    Newline,
    /// It closed the descriptor.
    Nothing,
}

async fn until_newline(descriptor: &Watched) -> Said {
    let mut piece = [0; PIECE_BYTES];
    loop {
        // What can not be read says nothing any more.
        let read = descriptor.read(|descriptor| sys::pipe::read(descriptor, &mut piece)).await;
        let count = read.unwrap_or(0);
        if count == 0 {
            return Said::Nothing;
        }
        if piece[..count].contains(&b'\n') {
            return Said::Newline;
        }
    }
}

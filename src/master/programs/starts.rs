//! Starts that are under way. A start is waited for a moment, in which nearly every one is over; one that
//! a file system holds up goes on beside the loop, and can be given up at any time.
//!
//! Knows nothing of what a start is for.

use std::sync::Arc;

use super::event::Report;
use super::launch::{Launched, Plan};
use super::process::Reporter;
use crate::supervise::step::SpawnError;
use crate::sys;
use crate::sys::blocking::{self, Late, PATIENCE, Place, Pool};
use crate::sys::spawn::birth::{Birth, GivenUp};

type Answer = Result<Launched, SpawnError>;

pub(super) enum Begun {
    Over(Answer),
    Underway(Underway),
}

pub(super) struct Underway {
    birth: Arc<Birth>,
    late: Late<Answer>,
    /// The control group that it is born in, or is to be.
    leaf: Option<String>,
}

pub(super) fn begin(pool: &Pool, plan: Plan) -> Begun {
    let birth = Arc::new(Birth::default());
    let leaf = plan.leaf().map(|leaf| leaf.name().to_owned());
    let known = Arc::clone(&birth);
    // A program that is started again and again leaves threads for the others.
    let place = Place::named(plan.name());
    match pool.call_at(place, PATIENCE, move || plan.carry_out(&known)) {
        Ok(blocking::Begun::Done(answer)) => Begun::Over(answer),
        Ok(blocking::Begun::Late(late)) => Begun::Underway(Underway { birth, late, leaf }),
        Err(error) => Begun::Over(Err(SpawnError::Busy(format!("begin a start: {error}")))),
    }
}

impl Underway {
    /// Tells when there is an answer.
    pub(super) fn report_to(&self, reporter: Reporter) {
        let coming = self.late.coming();
        tokio::task::spawn_local(async move {
            coming.notified().await;
            reporter.report(Report::Launched).await;
        });
    }

    pub(super) fn answer(&self) -> Option<Answer> {
        self.late.answer()
    }

    pub(super) async fn answered(&self) -> Answer {
        self.late.answered().await
    }

    pub(super) fn leaf_name(&self) -> Option<&str> {
        self.leaf.as_deref()
    }

    /// Ends what is there of it: the answer comes as soon as the kernel lets go, unless there is nothing.
    pub(super) fn kill(&self) -> GivenUp {
        self.birth.give_up().unwrap_or_else(|error| {
            sys::log::error!("programs", "end a start that is under way: {error}");
            GivenUp::Child
        })
    }

    /// Nobody wants it any more, whatever comes of it.
    pub(super) fn give_up(self) {
        if self.kill() == GivenUp::Nothing {
            return;
        }
        tokio::task::spawn_local(async move {
            if let Ok(launched) = self.answered().await {
                // Its status is nobody's, so it is collected as any orphan's.
                let _already_ended = sys::pidfd::signal(&launched.child.pidfd, sys::signal::KILL);
            }
        });
    }
}

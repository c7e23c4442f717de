//! What a new configuration means for an instance of the old one.

use super::super::definition::{Change, Shared};
use super::super::desk::Desk;
use super::Instance;
use crate::supervise::policy::Kind;
use crate::supervise::state::{Phase, Shown};
use crate::supervise::step::Event;

impl Instance {
    /// Puts the definition of a new configuration in place. `is_wanted`: by the operator, else by the
    /// file; what is over is begun again only then, and a job not because of that.
    pub(in crate::master::programs) fn redefine(
        &mut self,
        definition: Shared,
        is_wanted: bool,
        desk: &mut Desk,
    ) {
        let change = self.definition.change(&definition);
        let is_started_now = !self.definition.program.autostart && definition.program.autostart;
        let is_job = self.is_scheduled_job() && definition.program.life.schedule.is_some();
        if change == Change::Restart && self.state.spawned_us().is_some() && !is_job {
            // What was started and joined as the old definition says is drained as it says.
            self.say_restart_once(desk);
            self.define(definition);
            return;
        }
        self.define(definition);
        self.watch_needed(desk);
        match (change, self.state.phase) {
            (Change::Live | Change::Restart, Phase::Idle) if is_started_now => self.begin(desk),
            // The run that goes on ends as it began; the next one is the new definition's.
            (Change::Restart, _) if is_job => {}
            (Change::Restart, Phase::Delay { .. } | Phase::Spawning { .. }) => {
                self.say(Event::Restart, desk);
            }
            (Change::Restart, Phase::Done | Phase::GaveUp)
                if is_wanted && self.is_begun_by_file() =>
            {
                self.say(Event::Restart, desk);
            }
            // Asked anew, in the new words.
            (Change::Live, _) => {
                self.open_files(desk);
                self.watch_ready(desk);
                self.watch_lines(desk);
                if self.shown() == Shown::Running {
                    self.watch_live(desk);
                }
            }
            // Nothing to do, or what comes next is made from the new definition anyhow.
            (
                Change::Nothing | Change::Restart,
                Phase::Idle
                | Phase::Waiting
                | Phase::PreStart
                | Phase::PostStop { .. }
                | Phase::Held { .. }
                | Phase::Spawning { .. }
                | Phase::Starting { .. }
                | Phase::Ready { .. }
                | Phase::Unready { .. }
                | Phase::Delay { .. }
                | Phase::Stopping { .. }
                | Phase::Sweeping { .. }
                | Phase::Done
                | Phase::GaveUp
                | Phase::Gone,
            ) => {}
        }
    }

    /// A job that is started by hand is run by hand.
    fn is_begun_by_file(&self) -> bool {
        match self.policy.kind {
            Kind::Service => true,
            Kind::OneShot => self.definition.program.autostart,
        }
    }

    /// A stop under way ends in what it was for, which uses the new definition.
    pub(super) fn say_restart_once(&mut self, desk: &mut Desk) {
        if self.shown() != Shown::Stopping {
            self.say(Event::Restart, desk);
        }
    }

    pub(super) fn define(&mut self, definition: Shared) {
        let before = std::mem::replace(&mut self.definition, definition);
        self.policy = self.definition.policy();
        self.bound();
        self.reschedule(&before);
        if before.program.life.max_age != self.definition.program.life.max_age {
            let spawned_us = self.state.spawned_us();
            let dice = &mut self.state.dice;
            self.state.old_at_us = spawned_us.and_then(|us| self.policy.old_at_us(us, dice));
        }
    }
}

//! The end of all programs: those that started last stop first, in parallel within a tier.

use super::instance::Instance;
use super::{Course, Programs};
use crate::supervise::order::{self, Left, Rank};
use crate::supervise::state::Shown;
use crate::supervise::step::Event;

impl Programs {
    /// Stops everything, after a drain where it serves; nothing is started any more.
    pub(crate) fn shutdown(&mut self) {
        self.tell_that_it_stops();
        self.course = Course::ShuttingDown;
        for instance in self.instances.values_mut() {
            instance.say(Event::Retire, &mut self.desk);
            "the engine is stopping".clone_into(&mut instance.asked);
        }
        self.settle();
    }

    /// No drain, no stop signal: what still runs is killed with its group.
    pub(crate) fn shutdown_now(&mut self) {
        self.shutdown();
        for instance in self.instances.values_mut() {
            // In this order, so that no stop signal comes first.
            instance.say(Event::Kill, &mut self.desk);
            instance.say(Event::Stop, &mut self.desk);
        }
    }

    pub(crate) fn is_stopped(&self) -> bool {
        let is_stopped = |it: &Instance| it.process.is_none() && it.shown() != Shown::Stopping;
        self.instances.values().all(is_stopped)
    }

    /// Nobody is left, or is left on purpose.
    pub(crate) fn clear_away(&mut self) {
        self.instances.clear();
        self.desk.surroundings().ladder.remove();
    }

    /// How long a shutdown takes at most from when nothing is left to drain.
    pub(crate) fn stop_us(&self) -> u64 {
        let stops: Vec<(Rank, u64)> = self
            .instances
            .values()
            .map(|instance| (instance.definition.rank(), instance.policy.stop_us()))
            .collect();
        order::stop_us(stops.iter().map(|(rank, us)| (rank, *us)))
    }

    /// Stops whose turn it is. Whoever others need goes on until those have ended, whatever the
    /// priorities say.
    pub(super) fn advance_shutdown(&mut self) {
        loop {
            let needed = self.needed_by_running();
            let is_left = |it: &Instance| {
                let is_stopping = it.shown() == Shown::Stopping;
                !it.state.is_at_rest() && (is_stopping || !needed.contains(&it.id))
            };
            let left = self.instances.values().filter(|instance| is_left(instance));
            let next: Left = left.map(|instance| instance.definition.rank()).collect();
            let mut told = 0;
            for instance in self.instances.values_mut() {
                let is_next = is_left(instance) && next.is_next(&instance.definition.rank());
                if is_next && instance.shown() != Shown::Stopping {
                    instance.say(Event::Stop, &mut self.desk);
                    told += 1;
                }
            }
            // Each of them stops or is stopped now, so the loop ends.
            if told == 0 {
                return;
            }
        }
    }
}

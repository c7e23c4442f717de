//! The end of all programs: those that started last stop first, in parallel within a tier.

use std::collections::BTreeMap;

use super::definition::Definition;
use super::instance::Instance;
use super::{Course, Programs};
use crate::config::model::Config;
use crate::config::model::vitals::Need;
use crate::supervise::order::{self, Left, Rank};
use crate::supervise::policy::Policy;
use crate::supervise::state::Shown;
use crate::supervise::step::Event;

/// What the left-overs of a main process may take beyond its own end.
const SWEEP_US: u64 = 3_000_000;
/// Programs that are named one by one.
const NAMED_MAX: usize = 8;

/// How long programs may take to end, and whom each needs till then.
pub(in crate::master) struct Promised(Vec<Promise>);

struct Promise {
    rank: Rank,
    us: u64,
    needs: Vec<String>,
}

impl Promise {
    fn of(definition: &Definition, policy: &Policy) -> Self {
        let us = policy.stop_us().saturating_add(SWEEP_US);
        let needs = definition.program.needs.iter().filter_map(|need| match need {
            Need::Program { name, .. } | Need::Line { program: name, .. } => Some(name.clone()),
            Need::Listening(_) => None,
        });
        Self { rank: definition.rank(), us, needs: needs.collect() }
    }
}

impl Promised {
    pub(in crate::master) fn of(config: &Config) -> Self {
        let all = Definition::all(config);
        Self(all.iter().map(|it| Promise::of(it, &it.policy())).collect())
    }

    /// All of them, one tier after the other, and whoever is needed after those that need it.
    pub(in crate::master) fn all_us(&self) -> u64 {
        let tiers_us = order::stop_us(self.0.iter().map(|it| (&it.rank, it.us)));
        let mut chains_us = BTreeMap::new();
        let longest = self.0.iter().map(|it| self.chain_us(&it.rank.program, &mut chains_us));
        let longest_us = longest.max().unwrap_or(0);
        let single_us = self.0.iter().map(|it| it.us).max().unwrap_or(0);
        tiers_us.saturating_add(longest_us.saturating_sub(single_us))
    }

    /// From the end of one to that of the last that it needs; the file was checked for circles.
    fn chain_us(&self, program: &str, known: &mut BTreeMap<String, u64>) -> u64 {
        if let Some(known_us) = known.get(program) {
            return *known_us;
        }
        // Two configurations together may have one: it ends here.
        known.insert(program.to_owned(), 0);
        let of_program = self.0.iter().filter(|it| it.rank.program == program);
        let (mut own_us, mut rest_us) = (0, 0);
        for promise in of_program {
            own_us = own_us.max(promise.us);
            for needed in &promise.needs {
                rest_us = rest_us.max(self.chain_us(needed, known));
            }
        }
        let chain_us = own_us.saturating_add(rest_us);
        known.insert(program.to_owned(), chain_us);
        chain_us
    }

    /// Who does not fit by itself, else everybody when they do not fit together; else nothing.
    pub(in crate::master) fn longer_than(&self, us: u64) -> Option<String> {
        if self.all_us() <= us {
            return None;
        }
        let long = self.0.iter().filter(|it| it.us > us).collect::<Vec<_>>();
        let named = if long.is_empty() { self.0.iter().collect() } else { long };
        let names = named.iter().take(NAMED_MAX).map(|it| it.rank.program.as_str());
        let mut names = names.collect::<Vec<_>>().join(", ");
        if let Some(more @ 1..) = named.len().checked_sub(NAMED_MAX) {
            names = format!("{names} and {more} more");
        }
        Some(names)
    }
}

impl Programs {
    /// Stops everything, after a drain where it serves; nothing is started any more.
    pub(crate) fn shutdown(&mut self) {
        self.tell_that_it_stops();
        self.course = Course::ShuttingDown;
        self.break_off_rolls();
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
        let is_stopped = |it: &Instance| {
            it.process.is_none() && it.birth.is_none() && it.shown() != Shown::Stopping
        };
        self.instances.values().all(is_stopped)
    }

    /// Nobody is left, or is left on purpose.
    pub(crate) fn clear_away(&mut self) {
        self.instances.clear();
        self.desk.doors.remove();
        self.desk.surroundings().ladder.remove();
    }

    /// How long a shutdown takes at most from when nothing is left to drain.
    pub(crate) fn stop_us(&self) -> u64 {
        let promise = |it: &Instance| Promise::of(&it.definition, &it.policy);
        Promised(self.instances.values().map(promise).collect()).all_us()
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

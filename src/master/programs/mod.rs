//! Programs: starts, watches, stops and restarts what the configuration lists.
//!
//! `supervise` decides, this folder acts. It never waits: processes, probes and pipes report as
//! events, deadlines are read by the loop. It never touches the scoreboard, the keeper or the state
//! file either; what it needs from them it leaves as [`want::Want`]s.
//!
//! After every call that takes `&mut self` the loop carries out [`Programs::take_wants`] and sleeps
//! no longer than [`Programs::next_deadline_us`].

pub(crate) mod event;
pub(crate) mod handoff;
pub(crate) mod launch;
pub(crate) mod notices;
pub(crate) mod remote;
pub(crate) mod tree;
pub(crate) mod want;

mod callers;
mod commands;
mod definition;
mod desk;
pub(in crate::master) mod errand;
mod escalation;
mod events;
mod executable;
mod foresee;
mod instance;
mod liveness;
mod logs;
mod needs;
mod output;
mod process;
mod pulse;
mod question;
mod readiness;
mod recovery;
mod reload;
mod restarts;
mod roll;
mod rows;
mod schedule;
mod shutdown;
pub(crate) mod sockets;
mod starts;
pub(crate) mod stdin;
#[cfg(test)]
mod tests;
pub(in crate::master) mod texts;

use std::collections::BTreeMap;

use self::callers::Caller;
use self::definition::{Definition, Shared};
use self::desk::Desk;
use self::event::InstanceId;
use self::handoff::Intent;
use self::instance::Instance;
use self::recovery::Recovery;
use self::roll::Roll;
use self::tree::ladder::Rung;
use crate::config::model::{Config, Tracking};
use crate::master;
use crate::supervise::state::Shown;
use crate::supervise::step;
use crate::sys;

pub(crate) use self::foresee::Foreseen;
pub(in crate::master) use self::output::Output;
pub(crate) use self::output::left::Left;
pub(crate) use self::output::{Follow, Source};
pub(in crate::master) use self::shutdown::Promised;

pub(crate) struct Programs {
    desk: Desk,
    definitions: Vec<Shared>,
    instances: BTreeMap<InstanceId, Instance>,
    intent: Intent,
    callers: Vec<Caller>,
    rolls: Vec<Roll>,
    recoveries: Vec<Recovery>,
    course: Course,
    ahead: schedule::Ahead,
    complement: Complement,
    consequences: Consequences,
}

/// Whether there is an instance for each that the definitions want.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Complement {
    Full,
    Short,
}

/// Whether something has happened whose consequences were not drawn yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Consequences {
    Drawn,
    Due,
}

/// How old what was read of an instance may be for whoever asks.
const WEIGHED_US: u64 = 1_000_000;

/// Reading a thousand trees of processes takes time that nobody sees anything of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weighed {
    /// Those that have bounds to keep.
    Bounded,
    /// And the others in turn.
    Watched,
}

/// Programs without bounds read a second at most: where there are more, their figures are some seconds
/// old.
const WEIGHED_A_SECOND_MAX: usize = 64;

/// Whether anything may still be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Course {
    Running,
    ShuttingDown,
}

impl Programs {
    pub(crate) fn new(post: master::event::Post, surroundings: launch::Surroundings) -> Self {
        Self {
            desk: Desk::new(post, surroundings),
            definitions: Vec::new(),
            instances: BTreeMap::new(),
            intent: Intent::default(),
            callers: Vec::new(),
            rolls: Vec::new(),
            recoveries: Vec::new(),
            course: Course::Running,
            ahead: schedule::Ahead::of(schedule::now()),
            complement: Complement::Full,
            consequences: Consequences::Drawn,
        }
    }

    /// Makes the instances be what the configuration says: changed programs restart (after a drain
    /// when they serve), removed ones stop, new ones start, the others are left alone.
    pub(crate) fn apply_config(&mut self, config: &Config) {
        self.desk.allow(match config.engine.tracking {
            Tracking::Auto => Rung::Cgroup,
            Tracking::Session => Rung::Session,
            Tracking::Group => Rung::Group,
        });
        self.definitions = Definition::all(config);
        self.complement = Complement::Short;
        self.desk.events.borrow_mut().configure(config);
        let Self { definitions, instances, desk, intent, .. } = self;
        for (id, instance) in instances.iter_mut() {
            match definition_of(definitions, id) {
                Some(definition) => {
                    let is_wanted = match intent.of(id) {
                        Some(wish) => wish == handoff::Wish::Up,
                        None => definition.program.autostart,
                    };
                    instance.redefine(definition.clone(), is_wanted, desk);
                }
                None => instance.say(step::Event::Remove, desk),
            }
        }
        self.settle();
        self.tell_that_it_runs();
    }

    /// How many instances the operator wants; `None`: as many as the file says.
    pub(crate) fn scale(&mut self, program: &str, instances: Option<u32>) {
        self.intent.scale(program, instances);
        self.desk.changed();
    }

    pub(crate) fn on_event(&mut self, event: event::Event) {
        let event::Event { id, life, report } = event;
        if let Some(instance) = self.instances.get_mut(&id)
            && instance.state.life == life
        {
            instance.report(report, &mut self.desk);
        }
        self.consequences = Consequences::Due;
    }

    /// The keeper tells how a process ended that had been re-parented to it. Not ours: no matter.
    pub(crate) fn on_keeper_exited(&mut self, pid: u32, exit: sys::pidfd::Exit) {
        let of_pid = |instance: &&mut Instance| {
            let process = instance.process.as_ref();
            process.is_some_and(|process| process.pid == pid && process.is_of_earlier_master())
        };
        if let Some(instance) = self.instances.values_mut().find(of_pid) {
            instance.exited_at_keeper(exit, &mut self.desk);
        }
        self.consequences = Consequences::Due;
    }

    /// Nobody could say anything for so long.
    pub(crate) fn stood_still(&mut self, for_us: u64) {
        self.instances.values_mut().for_each(|instance| instance.state.stood_still(for_us));
    }

    /// The backend has no request left, or its drain has timed out.
    pub(crate) fn on_drained(&mut self, upstream: &str, backend: &str) {
        let of_backend = |instance: &&mut Instance| {
            instance.is_draining()
                && instance.joined.as_ref().is_some_and(|joined| {
                    joined.upstream == upstream && joined.address.to_string() == backend
                })
        };
        if let Some(instance) = self.instances.values_mut().find(of_backend) {
            let life = instance.state.life;
            instance.say(step::Event::Drained { life }, &mut self.desk);
        }
        self.consequences = Consequences::Due;
    }

    /// Does what is due. Early or late calls do no harm.
    pub(crate) fn on_deadline(&mut self) {
        let now_us = sys::clock::monotonic_us();
        for instance in self.instances.values_mut() {
            if instance.state.deadline_us().is_some_and(|deadline_us| deadline_us <= now_us) {
                instance.say(step::Event::Tick, &mut self.desk);
            }
        }
        self.keep_time_of_listeners(now_us);
        self.run_what_is_due();
        for file in self.desk.open_files() {
            file.borrow_mut().tick(now_us);
        }
        self.consequences = Consequences::Due;
    }

    /// Once a second: reads what these use, and acts where it is too much, for bounds count the looks;
    /// and notices a clock that was set, or a sleep of the machine, by which nothing is due.
    pub(crate) fn weigh(&mut self, whose: Weighed) {
        self.run_what_is_due();
        let now_us = sys::clock::monotonic_us();
        let mut others = Vec::new();
        for instance in self.instances.values_mut() {
            // Of one without a process there is nothing to read.
            let has_bounds = instance.definition.program.tree.bounds.has_any();
            if has_bounds || (whose == Weighed::Watched && instance.process.is_none()) {
                instance.weigh(now_us, &mut self.desk);
            } else if whose == Weighed::Watched {
                others.push(instance);
            }
        }
        others.sort_by_key(|instance| instance.weighed_us());
        for instance in others.into_iter().take(WEIGHED_A_SECOND_MAX) {
            instance.weigh(now_us, &mut self.desk);
        }
        if self.desk.has_news() {
            self.consequences = Consequences::Due;
        }
    }

    /// Now and then: control groups that nobody is in any more.
    pub(crate) fn tidy(&mut self) {
        let now_us = sys::clock::monotonic_us();
        if self.desk.is_tidy(now_us) {
            return;
        }
        let in_use: Vec<&str> = self.instances.values().filter_map(Instance::leaf_name).collect();
        self.desk.surroundings().ladder.tidy(&in_use);
    }

    /// Somebody wants to see what they use: reads what nobody has read for a second.
    pub(crate) fn weigh_again(&mut self) {
        let now_us = sys::clock::monotonic_us();
        for instance in self.instances.values_mut() {
            let has_bounds = instance.definition.program.tree.bounds.has_any();
            if !has_bounds && instance.weighed_us() < now_us.saturating_sub(WEIGHED_US) {
                instance.weigh(now_us, &mut self.desk);
            }
        }
    }

    /// On the monotonic clock; nothing when only an event can change anything.
    pub(crate) fn next_deadline_us(&self) -> Option<u64> {
        let instances = self.instances.values().filter_map(Instance::deadline_us);
        let files = self.desk.open_files().filter_map(|file| file.borrow().deadline_us());
        let callers = self.callers.iter().map(|caller| caller.until_us);
        let rolls = self.rolls.iter().filter_map(Roll::deadline_us);
        let others = files.chain(callers).chain(rolls).chain(self.listeners_deadline_us());
        instances.chain(others).min()
    }

    /// What the rest of the master should do, in this order. Many events of one turn have their
    /// consequences together, so that a thousand ends at once are not a thousand looks at everybody.
    pub(crate) fn take_wants(&mut self) -> Vec<want::Want> {
        if self.consequences == Consequences::Due {
            self.settle();
        }
        self.desk.take_wants()
    }

    /// What follows from any change: rows of removed instances go, missing ones come, callers that
    /// waited are answered, rolls go on.
    fn settle(&mut self) {
        self.consequences = Consequences::Drawn;
        self.reconcile();
        match self.course {
            Course::Running => self.settle_running(),
            Course::ShuttingDown => self.advance_shutdown(),
        }
        self.advance_rolls();
        self.close_sockets();
        self.tell_listeners();
        self.answer_callers();
    }

    /// Who waits in vain gives up, which may concern others, who may be waited for. Each round ends
    /// somebody's wait, or restarts a group, which is bounded; so this ends.
    fn settle_running(&mut self) {
        loop {
            self.advance_groups();
            self.settle_waiting();
            if !self.escalate() {
                return;
            }
        }
    }

    fn reconcile(&mut self) {
        let Self { definitions, instances, desk, intent, course, complement, .. } = self;
        instances.retain(|id, instance| {
            if instance.is_gone() {
                desk.forget(id);
                desk.changed();
                // A definition may want one in its place.
                *complement = Complement::Short;
            }
            !instance.is_gone()
        });
        if *course == Course::ShuttingDown || *complement == Complement::Full {
            return;
        }
        *complement = Complement::Full;
        for definition in definitions {
            for instance in 0..definition.program.instances {
                let id = InstanceId { program: definition.program.name.clone(), instance };
                if instances.contains_key(&id) {
                    continue;
                }
                let hub = desk.hub().clone();
                let mut instance = Instance::new(id.clone(), definition.clone(), hub);
                match intent.of(&id) {
                    Some(handoff::Wish::Down) => {
                        "stopped by the operator".clone_into(&mut instance.asked);
                    }
                    Some(handoff::Wish::Up) => instance.begin(desk),
                    None if definition.program.autostart => {
                        instance.begin(desk);
                    }
                    None => {}
                }
                instances.insert(id, instance);
            }
        }
    }

    /// Whether the configuration has such an instance.
    fn stays(&self, id: &InstanceId) -> bool {
        definition_of(&self.definitions, id).is_some()
    }

    fn shown(&self, id: &InstanceId) -> Option<Shown> {
        self.instances.get(id).map(Instance::shown)
    }
}

fn definition_of<'a>(definitions: &'a [Shared], id: &InstanceId) -> Option<&'a Shared> {
    definitions.iter().find(|definition| {
        definition.program.name == id.program && id.instance < definition.program.instances
    })
}

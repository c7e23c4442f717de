//! Who waits for whom: what each waiting instance still needs, when its wait is over, and what is
//! started along with a program because it needs it.
//!
//! Looked at after every event; nothing is asked again by the clock, but addresses that nobody here
//! answers for.

use std::collections::BTreeSet;

use super::Programs;
use super::event::InstanceId;
use super::handoff::Wish;
use super::instance::{Instance, NOT_STARTED};
use super::texts;
use crate::config::model::vitals::{Need, Until};
use crate::supervise::policy::Kind;
use crate::supervise::state::{Cause, Phase};
use crate::supervise::step::Event;

/// How a need stands.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Standing {
    Met,
    /// What is missing, for people.
    Missing(String),
    /// It will not come by itself any more.
    Never(String),
}

impl Programs {
    /// Starts those that wait no longer, and gives up those that would wait in vain. Each of these
    /// steps ends one wait, so this ends.
    pub(super) fn settle_waiting(&mut self) {
        loop {
            if !self.instances.values().any(Instance::is_waiting) {
                return;
            }
            self.start_needed_by_waiting();
            let waiting = self.instances.values().filter(|instance| instance.is_waiting());
            let over = waiting
                .map(|instance| (instance.id.clone(), self.standing_of(instance)))
                .filter_map(|(id, standing)| match standing {
                    Standing::Met => Some((id, Event::NeedsMet)),
                    Standing::Never(error) => Some((id, Event::NeedsFailed { error })),
                    Standing::Missing(_) => None,
                });
            let over: Vec<(InstanceId, Event)> = over.collect();
            if over.is_empty() {
                return;
            }
            for (id, event) in over {
                let Some(instance) = self.instances.get_mut(&id) else { continue };
                if let Event::NeedsFailed { error } = &event {
                    instance.give_up_waiting(error, &mut self.desk);
                }
                instance.say(event, &mut self.desk);
            }
        }
    }

    /// Whom those that run need.
    pub(super) fn needed_by_running(&self) -> BTreeSet<InstanceId> {
        let running = self.instances.values().filter(|instance| instance.process.is_some());
        running.flat_map(|instance| self.needed_by(&instance.id)).map(|(id, _)| id).collect()
    }

    /// What a waiting instance waits for, else why it is as it is.
    pub(super) fn reason(&self, instance: &Instance) -> String {
        if !instance.is_waiting() {
            return instance.reason();
        }
        match self.standing_of(instance) {
            Standing::Met => String::new(),
            Standing::Missing(what) => format!("waiting for {what}"),
            Standing::Never(why) => why,
        }
    }

    /// Starts what these need and what that needs, where it is at rest; which that were. What the
    /// operator had stopped is wanted again.
    pub(super) fn start_needed(&mut self, ids: &[InstanceId]) -> Vec<InstanceId> {
        let mut started = Vec::new();
        let mut looked_at = ids.to_vec();
        let mut next = 0;
        while let Some(id) = looked_at.get(next).cloned() {
            next += 1;
            for (needed, until) in self.needed_by(&id) {
                if looked_at.contains(&needed) {
                    continue;
                }
                looked_at.push(needed.clone());
                let Some(instance) = self.instances.get_mut(&needed) else { continue };
                let is_startable = match instance.state.phase {
                    Phase::Idle | Phase::GaveUp => true,
                    // What it was for is done.
                    Phase::Done => !matches!(until, Until::Completed | Until::Succeeded),
                    Phase::Waiting
                    | Phase::PreStart
                    | Phase::Held { .. }
                    | Phase::PostStop { .. }
                    | Phase::Spawning { .. }
                    | Phase::Starting { .. }
                    | Phase::Ready { .. }
                    | Phase::Unready { .. }
                    | Phase::Delay { .. }
                    | Phase::Stopping { .. }
                    | Phase::Sweeping { .. }
                    | Phase::Gone => false,
                };
                if is_startable {
                    let is_default = instance.definition.program.autostart;
                    if self.intent.of(&needed) == Some(Wish::Down) {
                        self.intent.set(&needed, Wish::Up, is_default);
                    }
                    instance.say(Event::Start, &mut self.desk);
                    self.desk.changed();
                    started.push(needed);
                }
            }
        }
        started
    }

    /// Nobody asked for them, but for those that wait: what was never started is, and what the
    /// operator has stopped stays so.
    fn start_needed_by_waiting(&mut self) {
        let waiting: Vec<InstanceId> = self
            .instances
            .values()
            .filter(|instance| instance.is_waiting())
            .map(|instance| instance.id.clone())
            .collect();
        for (needed, _) in waiting.iter().flat_map(|id| self.needed_by(id)).collect::<Vec<_>>() {
            let is_stopped = self.intent.of(&needed) == Some(Wish::Down);
            if let Some(instance) = self.instances.get_mut(&needed)
                && instance.state.phase == Phase::Idle
                && instance.asked == NOT_STARTED
                && !is_stopped
            {
                instance.say(Event::Start, &mut self.desk);
            }
        }
    }

    /// The instances that one needs, and how far.
    fn needed_by(&self, id: &InstanceId) -> Vec<(InstanceId, Until)> {
        let Some(instance) = self.instances.get(id) else { return Vec::new() };
        let needs = instance.definition.program.needs.iter();
        let named = needs.filter_map(|need| match need {
            Need::Program { name, until } => Some((name, *until)),
            Need::Line { program, .. } => Some((program, Until::Ready)),
            Need::Listening(_) => None,
        });
        named
            .flat_map(|(name, until)| self.of_program(name).map(move |other| (other, until)))
            .map(|(other, until)| (other.id.clone(), until))
            .collect()
    }

    fn of_program<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Instance> {
        let first = InstanceId { program: name.to_owned(), instance: 0 };
        let after = self.instances.range(first..);
        after.map(|(_, instance)| instance).take_while(move |other| other.id.program == name)
    }

    fn standing_of(&self, instance: &Instance) -> Standing {
        let mut missing = None;
        for need in &instance.definition.program.needs {
            match self.standing(instance, need) {
                Standing::Met => {}
                Standing::Never(why) => return Standing::Never(why),
                Standing::Missing(what) => missing = missing.or(Some(what)),
            }
        }
        missing.map_or(Standing::Met, Standing::Missing)
    }

    fn standing(&self, instance: &Instance, need: &Need) -> Standing {
        let (name, expression, until) = match need {
            Need::Listening(place) => {
                return match instance.awaited(place) {
                    None => Standing::Met,
                    Some(why) if why.is_empty() => Standing::Missing(place.clone()),
                    Some(why) => Standing::Missing(format!("{place}: {why}")),
                };
            }
            Need::Program { name, until } => (name, None, *until),
            Need::Line { program, expression } => (program, Some(expression), Until::Ready),
        };
        let mut missing = None;
        let mut is_there = false;
        for other in self.of_program(name) {
            is_there = true;
            let standing = match expression {
                Some(expression) => self.line_of(other, expression),
                None => self.progress_of(other, until),
            };
            match standing {
                Standing::Met => {}
                Standing::Never(why) => return Standing::Never(why),
                Standing::Missing(what) => missing = missing.or(Some(what)),
            }
        }
        match missing {
            _ if !is_there => Standing::Missing(format!("{name}, which is not there")),
            None => Standing::Met,
            Some(what) => Standing::Missing(what),
        }
    }

    fn line_of(&self, other: &Instance, expression: &str) -> Standing {
        if other.lines_seen.iter().any(|seen| seen == expression) {
            return Standing::Met;
        }
        let missing = format!("{}: no line matches /{expression}/", called(other));
        match other.state.phase {
            Phase::Ready { .. } => Standing::Missing(missing),
            Phase::Done | Phase::GaveUp => Standing::Never(self.ended(other)),
            Phase::Idle
            | Phase::Waiting
            | Phase::PreStart
            | Phase::Held { .. }
            | Phase::PostStop { .. }
            | Phase::Spawning { .. }
            | Phase::Starting { .. }
            | Phase::Unready { .. }
            | Phase::Delay { .. }
            | Phase::Stopping { .. }
            | Phase::Sweeping { .. }
            | Phase::Gone => Standing::Missing(self.underway(other)),
        }
    }

    fn progress_of(&self, other: &Instance, until: Until) -> Standing {
        // A job is there for its end.
        let until = match (other.policy.kind, until) {
            (Kind::OneShot, Until::Ready | Until::Healthy) => Until::Succeeded,
            (Kind::OneShot | Kind::Service, until) => until,
        };
        let has_run = matches!(other.state.cause, Cause::Exit { .. });
        let is_met = match (until, other.state.phase) {
            (
                Until::Started,
                Phase::Starting { .. } | Phase::Ready { .. } | Phase::Unready { .. },
            )
            | (Until::Started | Until::Completed, Phase::Done)
            | (Until::Ready, Phase::Ready { .. }) => true,
            (Until::Healthy, Phase::Ready { .. }) => other.is_healthy(),
            (Until::Completed, Phase::GaveUp) => has_run,
            (Until::Succeeded, Phase::Done) => other.has_ended_well(),
            (
                Until::Started
                | Until::Ready
                | Until::Healthy
                | Until::Completed
                | Until::Succeeded,
                _,
            ) => false,
        };
        match other.state.phase {
            _ if is_met => Standing::Met,
            Phase::Done | Phase::GaveUp => Standing::Never(self.ended(other)),
            Phase::Idle
            | Phase::Waiting
            | Phase::PreStart
            | Phase::Held { .. }
            | Phase::PostStop { .. }
            | Phase::Spawning { .. }
            | Phase::Starting { .. }
            | Phase::Ready { .. }
            | Phase::Unready { .. }
            | Phase::Delay { .. }
            | Phase::Stopping { .. }
            | Phase::Sweeping { .. }
            | Phase::Gone => Standing::Missing(self.underway(other)),
        }
    }

    fn underway(&self, other: &Instance) -> String {
        match (other.state.phase, self.reason(other)) {
            (Phase::Ready { .. }, reason) if reason.is_empty() => {
                format!("{}, which is still running", called(other))
            }
            (_, reason) if reason.is_empty() => {
                let state = texts::state_name(other.shown()).to_lowercase();
                format!("{}: {state}", called(other))
            }
            (_, reason) => format!("{}: {reason}", called(other)),
        }
    }

    fn ended(&self, other: &Instance) -> String {
        let state = texts::state_name(other.shown());
        format!("needs {}, which is {state}: {}", called(other), self.reason(other))
    }
}

/// By its program alone when it is the only one.
fn called(other: &Instance) -> String {
    match other.definition.program.instances {
        1 => other.id.program.clone(),
        _ => other.id.to_string(),
    }
}

//! Groups whose members live and die together: when the end of one leads to another life of it, the
//! others that its strategy concerns are stopped in reverse order, and then all start in order. The
//! same order holds where one that has given up takes its whole group along.
//!
//! `supervise::group` says who is concerned. A successor of the master goes on where this one was.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Programs;
use super::desk::Tone;
use super::event::InstanceId;
use super::instance::Instance;
use crate::config::model::group::GroupStrategy;
use crate::supervise::group::{Place, Strategy};
use crate::supervise::order::Left;
use crate::supervise::state::{Phase, Shown};
use crate::supervise::step::Event;

pub(super) struct Recovery {
    group: String,
    members: BTreeSet<InstanceId>,
    then: Then,
}

/// What follows once all of them are stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Then {
    Start,
    Rest {
        /// In the words of a row.
        why: String,
    },
}

impl Programs {
    pub(super) fn advance_groups(&mut self) {
        self.begin_recoveries();
        for recovery in std::mem::take(&mut self.recoveries) {
            if !self.is_recovered(&recovery) {
                self.recoveries.push(recovery);
            }
        }
    }

    fn begin_recoveries(&mut self) {
        let is_known = |id: &InstanceId| self.recoveries.iter().any(|it| it.members.contains(id));
        let ended: Vec<InstanceId> = self
            .instances
            .values()
            .filter(|instance| instance.is_held() && !is_known(&instance.id))
            .map(|instance| instance.id.clone())
            .collect();
        for id in ended {
            let (strategy, place) = (self.instances[&id].strategy(), self.instances[&id].place());
            let concerned = self
                .instances
                .values()
                .filter(|other| other.id == id || strategy.concerns(&place, &other.place()));
            let members: BTreeSet<InstanceId> = concerned.map(|other| other.id.clone()).collect();
            let group = place.0.group;
            let text = format!("{} of group {group} restart together", members.len());
            self.desk.note(&id, Tone::Warn, "group", text);
            match self.recoveries.iter_mut().find(|it| it.group == group) {
                Some(recovery) => recovery.members.extend(members),
                None => self.recoveries.push(Recovery { group, members, then: Then::Start }),
            }
        }
    }

    /// Everybody of the group is stopped, and what then follows; a group that is to rest stays so.
    /// Who they are.
    pub(super) fn regroup(&mut self, group: &str, then: Then) -> BTreeSet<InstanceId> {
        let is_member = |it: &&Instance| it.definition.program.group_name() == group;
        let of_group = self.instances.values().filter(is_member);
        let members: BTreeSet<InstanceId> = of_group.map(|it| it.id.clone()).collect();
        let before = self.recoveries.iter().position(|it| it.group == group);
        let before = before.map(|at| self.recoveries.swap_remove(at).then);
        let then = match (before, then) {
            (Some(rest @ Then::Rest { .. }), Then::Start) => rest,
            (Some(Then::Start | Then::Rest { .. }) | None, then) => then,
        };
        let group = group.to_owned();
        self.recoveries.push(Recovery { group, members: members.clone(), then });
        members
    }

    /// What of that a successor is told, by instance.
    pub(super) fn recovering(&self) -> BTreeMap<&InstanceId, &Then> {
        let mut all = BTreeMap::new();
        for recovery in &self.recoveries {
            all.extend(recovery.members.iter().map(|id| (id, &recovery.then)));
        }
        all
    }

    /// The inverse.
    pub(super) fn go_on_recovering(&mut self, id: InstanceId, then: Then) {
        let Some(instance) = self.instances.get(&id) else { return };
        let group = instance.definition.program.group_name().to_owned();
        match self.recoveries.iter_mut().find(|it| it.group == group) {
            Some(recovery) => drop(recovery.members.insert(id)),
            None => self.recoveries.push(Recovery { group, members: BTreeSet::from([id]), then }),
        }
    }

    /// Stops whose turn it is; once nobody runs any more, what is to follow does.
    fn is_recovered(&mut self, recovery: &Recovery) -> bool {
        loop {
            let members = recovery.members.iter().filter_map(|id| self.instances.get(id));
            let left: Vec<&Instance> = members.filter(|it| recovery.then.concerns(it)).collect();
            if left.is_empty() {
                match recovery.then {
                    Then::Start => self.release(recovery),
                    Then::Rest { .. } => {}
                }
                return true;
            }
            let next: Left = left.iter().map(|instance| instance.definition.rank()).collect();
            let told: Vec<InstanceId> = left
                .iter()
                .filter(|it| it.shown() != Shown::Stopping && next.is_next(&it.definition.rank()))
                .map(|instance| instance.id.clone())
                .collect();
            if told.is_empty() {
                return false;
            }
            // Each of them stops, is held or rests now, so the loop ends.
            for id in told {
                let Some(instance) = self.instances.get_mut(&id) else { continue };
                match &recovery.then {
                    Then::Start => instance.say(Event::Hold, &mut self.desk),
                    Then::Rest { why } => {
                        instance.asked.clone_from(why);
                        instance.say(Event::Stop, &mut self.desk);
                    }
                }
            }
        }
    }

    fn release(&mut self, recovery: &Recovery) {
        let members = recovery.members.iter().filter_map(|id| self.instances.get(id));
        let mut members: Vec<(Place, InstanceId)> =
            members.map(|instance| (instance.place(), instance.id.clone())).collect();
        members.sort();
        for (_, id) in members {
            if let Some(instance) = self.instances.get_mut(&id) {
                instance.say(Event::Release, &mut self.desk);
            }
        }
    }
}

impl Then {
    /// Whether there is something to wait for before it.
    fn concerns(&self, member: &Instance) -> bool {
        match self {
            Self::Start => !member.state.is_at_rest() && !member.is_held(),
            Self::Rest { .. } => !member.state.is_at_rest(),
        }
    }
}

impl Instance {
    fn is_held(&self) -> bool {
        matches!(self.state.phase, Phase::Held { .. })
    }

    fn place(&self) -> Place {
        (self.definition.rank(), self.id.instance)
    }

    fn strategy(&self) -> Strategy {
        match self.definition.group.strategy {
            GroupStrategy::OneForOne => Strategy::OneForOne,
            GroupStrategy::OneForAll => Strategy::OneForAll,
            GroupStrategy::RestForOne => Strategy::RestForOne,
        }
    }
}

//! Groups whose members live and die together: when the end of one leads to another life of it, the
//! others that its strategy concerns are stopped in reverse order, and then all start in order.
//!
//! `supervise::group` says who is concerned. A successor of the master knows of no recovery: there,
//! each member that was held back starts by itself.

use std::collections::BTreeSet;

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
                None => self.recoveries.push(Recovery { group, members }),
            }
        }
    }

    /// Stops whose turn it is; once nobody runs any more, all may start.
    fn is_recovered(&mut self, recovery: &Recovery) -> bool {
        loop {
            let running =
                |instance: &&Instance| !instance.state.is_at_rest() && !instance.is_held();
            let members = recovery.members.iter().filter_map(|id| self.instances.get(id));
            let left: Vec<&Instance> = members.filter(running).collect();
            if left.is_empty() {
                self.release(recovery);
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
            // Each of them stops or is held now, so the loop ends.
            for id in told {
                if let Some(instance) = self.instances.get_mut(&id) {
                    instance.say(Event::Hold, &mut self.desk);
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

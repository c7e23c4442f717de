//! What follows from instances that have given up: `on_fatal`. Which of them have, and how often a
//! group may be restarted for that, is `supervise::step`'s.

use super::desk::Tone;
use super::event::InstanceId;
use super::handoff::Wish;
use super::recovery::Then;
use super::want::Want;
use super::{Course, Programs};
use crate::config::model::restart::OnFatal;
use crate::supervise::policy::Escalation;
use crate::supervise::state::Phase;
use crate::supervise::step::Event;

impl Programs {
    /// Carries out what has come up; true when that was anything.
    pub(super) fn escalate(&mut self) -> bool {
        let due = std::mem::take(&mut self.desk.escalations);
        let is_any = !due.is_empty();
        for (id, escalation) in due {
            // A stop of the engine stops everything anyhow.
            if self.course == Course::Running {
                self.carry_out(&id, escalation);
            }
        }
        is_any
    }

    fn carry_out(&mut self, id: &InstanceId, escalation: Escalation) {
        let Some(instance) = self.instances.get_mut(id) else { return };
        let group = instance.definition.program.group_name().to_owned();
        let is_too_often = instance.definition.program.on_fatal == OnFatal::RestartGroup;
        let text = match escalation {
            Escalation::Command => {
                instance.begin_on_fatal(&self.desk);
                "FATAL: its command is run".to_owned()
            }
            Escalation::Shutdown => {
                let why = format!("for {id} is FATAL: {}", instance.reason());
                self.desk.want(Want::Stop { why });
                "FATAL: the engine stops".to_owned()
            }
            Escalation::StopGroup => {
                self.regroup(&group, Then::Rest { why: format!("stopped for {id} is FATAL") });
                let why = if is_too_often { ", restarted too often for that" } else { "" };
                format!("FATAL: group {group} is stopped{why}")
            }
            Escalation::RestartGroup => {
                let members = self.regroup(&group, Then::Start);
                for member in members {
                    // Those that run are stopped in their order, and what the operator stopped rests.
                    let is_unwanted = self.intent.of(&member) == Some(Wish::Down);
                    if let Some(instance) = self.instances.get_mut(&member)
                        && instance.state.phase == Phase::GaveUp
                        && !is_unwanted
                    {
                        instance.say(Event::Hold, &mut self.desk);
                    }
                }
                format!("FATAL: group {group} is restarted")
            }
        };
        self.desk.note(id, Tone::Bad, "on_fatal", text);
    }
}

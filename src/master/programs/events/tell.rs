//! Between the hub and the instances: gives events out, ends who does not answer, and tells people
//! what was lost.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::super::desk::Tone;
use super::super::event::InstanceId;
use super::super::{Course, Programs};
use super::{channel, payload};
use crate::config::model::listener::Subject;
use crate::supervise::state::Shown;
use crate::sys;

impl Programs {
    /// An event that somebody outside sends.
    pub(crate) fn announce_remote(&mut self, kind: &str, data: &str) {
        self.desk.announce(Subject::RemoteCommunication, || payload::remote(kind, data));
        self.settle();
    }

    /// What follows from any change: groups that came and went are announced, and who is ready gets
    /// what waits.
    pub(in crate::master::programs) fn tell_listeners(&mut self) {
        let Self { instances, desk, .. } = self;
        if desk.events.borrow().hears_groups() {
            let name = |instance: &super::super::instance::Instance| {
                instance.definition.program.group_name().to_owned()
            };
            let groups: BTreeSet<String> = instances.values().map(name).collect();
            desk.events.borrow_mut().see_groups(groups);
        }
        let hub = Rc::clone(&desk.events);
        hub.borrow_mut().attend();
        // Ends: each turn takes an event from those that wait, and makes one listener busy.
        loop {
            let is_running = |id: &InstanceId| {
                instances.get(id).is_some_and(|instance| instance.shown() == Shown::Running)
            };
            let now_us = sys::clock::monotonic_us();
            let delivery = hub.borrow_mut().next_delivery(now_us, is_running);
            let Some(delivery) = delivery else { break };
            desk.changed();
            let Some(instance) = instances.get_mut(&delivery.id) else { continue };
            let stdin = instance.process.as_ref().and_then(|process| process.stdin.as_ref());
            match stdin.map(|stdin| channel::write(stdin, delivery.envelope)) {
                Some(Ok(writer)) => {
                    if let Some(writer) = writer {
                        hub.borrow_mut().writes_on(&delivery.id, writer);
                    }
                }
                Some(Err(error)) => {
                    instance.give_up_listening(&format!("can not be told: {error}"), desk);
                }
                None => instance.give_up_listening("can not be told", desk),
            }
        }
        for (program, dropped) in hub.borrow_mut().take_losses() {
            let text = format!("{dropped} events dropped: nobody took them in time");
            desk.note(&InstanceId { program, instance: 0 }, Tone::Warn, "listener", text);
        }
    }

    /// What the clock makes due.
    pub(in crate::master::programs) fn keep_time_of_listeners(&mut self, now_us: u64) {
        let Self { instances, desk, .. } = self;
        desk.events.borrow_mut().tick();
        let late = desk.events.borrow().late(now_us);
        for (id, why) in late {
            if let Some(instance) = instances.get_mut(&id) {
                instance.give_up_listening(&why, desk);
            }
        }
    }

    pub(in crate::master::programs) fn listeners_deadline_us(&self) -> Option<u64> {
        self.desk.events.borrow().deadline_us()
    }

    /// After a configuration was applied; the first time it means that the engine runs.
    pub(in crate::master::programs) fn tell_that_it_runs(&mut self) {
        self.desk.events.borrow_mut().begin_to_run();
        self.tell_listeners();
    }

    pub(in crate::master::programs) fn tell_that_it_stops(&mut self) {
        if self.course == Course::Running {
            self.desk.announce(Subject::SupervisorStateChangeStopping, String::new);
        }
    }
}

//! What a successor is told of an instance's schedule and age, so that no run is lost and none comes
//! twice. Instants stay true, since both clocks are the machine's.

use serde::{Deserialize, Serialize};

use super::super::instance::Instance;
use super::super::schedule;
use crate::supervise::timetable::Run;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SavedTimes {
    next: Option<SavedRun>,
    last: Option<u64>,
    is_run_waiting: bool,
    old_at_us: Option<u64>,
    #[serde(default)]
    reload_until_us: Option<u64>,
    #[serde(default)]
    extended_us: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct SavedRun {
    at_us: u64,
    nominal: u64,
    jitter_us: u64,
}

impl SavedTimes {
    pub(super) fn of(instance: &Instance) -> Self {
        let timetable = instance.timetable.as_ref();
        let saved = |Run { at_us, nominal, jitter_us }| SavedRun { at_us, nominal, jitter_us };
        Self {
            next: timetable.and_then(|timetable| timetable.next).map(saved),
            last: timetable.and_then(|timetable| timetable.last),
            is_run_waiting: instance.state.is_run_waiting,
            old_at_us: instance.state.old_at_us,
            reload_until_us: instance.state.reload_until_us,
            extended_us: instance.state.extended_us,
        }
    }

    pub(super) fn revive(self, instance: &mut Instance) {
        instance.state.is_run_waiting = self.is_run_waiting;
        instance.state.old_at_us = self.old_at_us;
        instance.state.reload_until_us = self.reload_until_us;
        instance.state.extended_us = self.extended_us;
        let Some(timetable) = &mut instance.timetable else { return };
        let run = |SavedRun { at_us, nominal, jitter_us }| Run { at_us, nominal, jitter_us };
        timetable.next = self.next.map(run);
        timetable.last = self.last;
        // The clock may have been set while nobody looked.
        timetable.clock_set(schedule::now(), &mut instance.state.dice);
    }
}

//! The machine, or this process, stood still for a while: nobody could say anything meanwhile, so what
//! was waited for gets that time again. Clocks that a sleep of the machine stops need none of this;
//! a paused virtual machine's go on.

use super::state::{Phase, StartCheck, State};

impl State {
    pub(crate) fn stood_still(&mut self, for_us: u64) {
        if let Some(at_us) = &mut self.watchdog_at_us {
            *at_us = at_us.saturating_add(for_us);
        }
        if let Phase::Starting { check: StartCheck::Probe { until_us: Some(until_us) }, .. } =
            &mut self.phase
        {
            *until_us = until_us.saturating_add(for_us);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_must_say_something_has_as_long_again_and_nothing_else_changes() {
        let check = StartCheck::Probe { until_us: Some(70) };
        let phase = Phase::Starting { spawned_us: 5, check };
        let before = State { phase, watchdog_at_us: Some(100), ..State::new() };
        let mut state = before.clone();
        state.stood_still(1000);
        let check = StartCheck::Probe { until_us: Some(1070) };
        let phase = Phase::Starting { spawned_us: 5, check };
        assert_eq!(state, State { phase, watchdog_at_us: Some(1100), ..before });
        let idle = State::new();
        let mut state = idle.clone();
        state.stood_still(1000);
        assert_eq!(state, idle);
    }
}

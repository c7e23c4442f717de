//! What a successor is told of restarts of late, so that a program that dies again and again is slowed
//! across a change of masters, too. Instants stay true, since the monotonic clock is the machine's.

use serde::{Deserialize, Serialize};

use crate::supervise::pause::Window;
use crate::supervise::state::State;

/// Restarts of each window that are told, the last ones; all of them would outgrow the room there is
/// for all instances.
const RESTARTS_MAX: usize = 64;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SavedWindows {
    restarts: SavedWindow,
    rescues: SavedWindow,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct SavedWindow {
    at_us: Vec<u64>,
    beyond: u32,
}

impl SavedWindows {
    pub(super) fn of(state: &State) -> Self {
        Self { restarts: SavedWindow::of(&state.window), rescues: SavedWindow::of(&state.rescues) }
    }

    pub(super) fn revive(self, state: &mut State) {
        state.window = self.restarts.revive();
        state.rescues = self.rescues.revive();
    }
}

impl SavedWindow {
    fn of(window: &Window) -> Self {
        let last = window.restarts_us.len().saturating_sub(RESTARTS_MAX);
        let at_us = window.restarts_us.iter().skip(last).copied().collect();
        Self { at_us, beyond: window.beyond }
    }

    fn revive(self) -> Window {
        Window { restarts_us: self.at_us.into(), beyond: self.beyond }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervise::pause::{Beyond, CrashLimit};

    #[test]
    fn a_successor_counts_what_was() {
        let limit = CrashLimit { restarts: 2, within_us: 10_000, then: Beyond::Pause };
        let mut state = State::new();
        assert!([1, 2].map(|us| state.window.admit(us, limit)).iter().all(|is_in| *is_in));
        assert!(!state.window.admit(3, limit) && state.rescues.admit(4, limit));
        let saved = serde_json::to_string(&SavedWindows::of(&state)).unwrap();
        let mut next = State::new();
        serde_json::from_str::<SavedWindows>(&saved).unwrap().revive(&mut next);
        assert_eq!((&next.window, &next.rescues), (&state.window, &state.rescues));
        assert!(!next.window.admit(5, limit), "there is no room yet");
    }

    #[test]
    fn of_many_the_last_ones_are_told() {
        let limit = CrashLimit { restarts: 1_000, within_us: 10_000, then: Beyond::Pause };
        let mut state = State::new();
        assert!((0..100).all(|us| state.window.admit(us, limit)));
        let mut next = State::new();
        SavedWindows::of(&state).revive(&mut next);
        assert!(next.window.restarts_us.iter().copied().eq(36..100));
    }
}

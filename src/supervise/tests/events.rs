//! What is told of a course (invariant 8): each event leads on from the state of the one before, along
//! a way that Supervisor's listeners know.

use proptest::prelude::*;

use super::super::state::{Phase, Shown};
use super::invariants::{World, happenings, policies};

/// Supervisor's own ways, and ours: who waits for others, for a command or for its group can be stopped
/// without a process, and a pause may follow on an end that was no failed start.
fn leads_on(from: Shown, to: Shown) -> bool {
    let supervisors: &[Shown] = match from {
        Shown::Stopped | Shown::Exited | Shown::Fatal => &[Shown::Starting],
        Shown::Starting => &[Shown::Running, Shown::Backoff, Shown::Stopping],
        Shown::Running => &[Shown::Exited, Shown::Stopping],
        Shown::Backoff => &[Shown::Starting, Shown::Fatal, Shown::Stopped],
        Shown::Stopping => &[Shown::Stopped],
    };
    let ours: &[Shown] = match from {
        Shown::Stopped => &[Shown::Backoff, Shown::Exited, Shown::Fatal],
        Shown::Exited => &[Shown::Backoff, Shown::Stopped, Shown::Fatal],
        Shown::Starting | Shown::Fatal => &[Shown::Stopped],
        Shown::Running | Shown::Backoff | Shown::Stopping => &[],
    };
    supervisors.contains(&to) || ours.contains(&to)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_is_told_is_a_course(policy in policies(), happenings in happenings()) {
        let world = World::run(&policy, &happenings, 0);
        for pair in world.bench.told.windows(2) {
            prop_assert!(leads_on(pair[0], pair[1]), "{:?} in {:?}", pair, world.bench.told);
        }
        // Whoever listens knows where it stands, but for what Supervisor has no state for.
        let (phase, shown) = (world.bench.state.phase, world.bench.state.shown());
        if shown != Shown::Stopping && !matches!(phase, Phase::Held { .. }) {
            prop_assert_eq!(world.bench.told.last(), Some(&shown));
        }
    }
}

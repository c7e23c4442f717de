//! What is told of an instance's course to those who follow it by Supervisor's events: every change
//! as one of Supervisor's steps, so that each event's state follows from that of the one before.
//!
//! Our phases skip states that Supervisor passes through (an end is followed by the next start at
//! once), and know one that it does not have (left-overs being swept); this is the translation.

use super::state::{Phase, Shown, State};

/// Whether a step was the end of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    No,
    /// A failed start.
    TooSoon,
    AfterStart,
}

impl End {
    /// Of a process whose exit led from that many failed starts to this state.
    pub(crate) fn of_exit(fails_before: u32, after: &State) -> Self {
        if after.fails > fails_before { Self::TooSoon } else { Self::AfterStart }
    }
}

/// The states to tell, in their order, to who was last told `told`.
pub(crate) fn states(told: Shown, end: End, after: &State) -> Vec<Shown> {
    let mut states = ends(told, end);
    let told = states.last().copied().unwrap_or(told);
    states.extend(leads(told, after));
    states
}

fn ends(told: Shown, end: End) -> Vec<Shown> {
    match (told, end) {
        (Shown::Running, End::TooSoon | End::AfterStart) => vec![Shown::Exited],
        (Shown::Stopping, End::TooSoon | End::AfterStart) => vec![Shown::Stopped],
        (Shown::Starting, End::AfterStart) => vec![Shown::Running, Shown::Exited],
        (_, End::No)
        | (Shown::Starting, End::TooSoon)
        | (Shown::Stopped | Shown::Backoff | Shown::Exited | Shown::Fatal, _) => Vec::new(),
    }
}

fn leads(told: Shown, after: &State) -> Vec<Shown> {
    // The main process is gone and its end was told; what follows has no state in Supervisor.
    if matches!(after.phase, Phase::Sweeping { .. } | Phase::PostStop { .. } | Phase::Gone) {
        return Vec::new();
    }
    let is_held = matches!(after.phase, Phase::Held { .. });
    let shown = after.shown();
    match (told, shown) {
        _ if told == shown => Vec::new(),
        // It rests until its group starts, which no failed start of its own has led to.
        (Shown::Stopped | Shown::Exited | Shown::Fatal, _) if is_held => Vec::new(),
        (Shown::Starting, Shown::Exited) => vec![Shown::Running, Shown::Exited],
        (Shown::Starting, Shown::Fatal) => vec![Shown::Backoff, Shown::Fatal],
        _ => vec![shown],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELAY: Phase = Phase::Delay { until_us: 9 };
    const SPAWNING: Phase = Phase::Spawning { asked: None };
    const READY: Phase = Phase::Ready { spawned_us: 0, stable_at_us: 9 };

    #[track_caller]
    fn check(told: Shown, end: End, phase: Phase, expected: &[Shown]) {
        let after = State { phase, ..State::new() };
        assert_eq!(states(told, end, &after), expected, "from {told:?} to {phase:?}");
    }

    #[test]
    fn a_course_is_one_of_supervisors() {
        use Shown::{Backoff, Exited, Fatal, Running, Starting, Stopped};
        check(Stopped, End::No, SPAWNING, &[Starting]);
        check(Starting, End::No, SPAWNING, &[]);
        check(Starting, End::No, READY, &[Running]);
        check(Starting, End::TooSoon, DELAY, &[Backoff]);
        check(Starting, End::TooSoon, Phase::GaveUp, &[Backoff, Fatal]);
        check(Starting, End::AfterStart, SPAWNING, &[Running, Exited, Starting]);
        check(Starting, End::AfterStart, Phase::Done, &[Running, Exited]);
        check(Running, End::AfterStart, SPAWNING, &[Exited, Starting]);
        check(Running, End::AfterStart, Phase::Done, &[Exited]);
        check(Backoff, End::No, SPAWNING, &[Starting]);
        check(Backoff, End::No, Phase::Idle, &[Stopped]);
        check(Shown::Stopping, End::AfterStart, SPAWNING, &[Stopped, Starting]);
        check(Shown::Stopping, End::AfterStart, Phase::Gone, &[Stopped]);
        check(Exited, End::No, Phase::Gone, &[]);
        check(Fatal, End::No, Phase::Held { until_us: 9 }, &[]);
        check(Running, End::AfterStart, Phase::Held { until_us: 9 }, &[Exited]);
    }

    #[test]
    fn a_failed_start_is_one_that_was_counted() {
        let after = State { fails: 2, ..State::new() };
        assert_eq!(End::of_exit(1, &after), End::TooSoon);
        assert_eq!(End::of_exit(2, &after), End::AfterStart);
    }
}

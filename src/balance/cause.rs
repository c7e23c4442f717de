//! Why requests went another way than the strategy's: the named cause of a deviation.
//!
//! Pure: what happened in the window in, one cause out. What is going on weighs more than what was
//! counted, and that more than what was changed; of changes the latest counts.

use super::judge::Trouble;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// A backend takes less than its share while it warms up.
    SlowStart,
    /// Failed requests went to a further backend out of turn.
    Retry,
    /// Failures lowered a weight, which recovers pick by pick.
    Failure,
    /// Failures of requests took a backend out.
    Ejection,
    /// An active check took a backend out.
    CheckFailure,
    /// A backend came back.
    Return,
    Drain,
    Down,
    WeightChange,
    StrategyChange,
    /// Backends were found, joined or left.
    Membership,
    Reload,
    Unknown,
}

/// Something that was decided about an upstream or came over it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) cause: Cause,
    /// The backend, or empty for the upstream as a whole.
    pub(crate) subject: String,
    pub(crate) at_ms: u64,
}

/// The cause, and the change it is, if it is one.
pub(crate) fn name<'a>(
    changes: impl DoubleEndedIterator<Item = &'a Change>,
    window_since_ms: u64,
    is_warming: bool,
    trouble: Trouble,
) -> (Cause, Option<&'a Change>) {
    let latest = changes.rev().find(|change| change.at_ms >= window_since_ms);
    let counted = if is_warming {
        Some(Cause::SlowStart)
    } else if trouble.retries > 0 {
        Some(Cause::Retry)
    } else if trouble.failures > 0 {
        Some(Cause::Failure)
    } else {
        None
    };
    match (counted, latest) {
        (Some(cause), latest) => (cause, latest.filter(|change| change.cause == cause)),
        (None, Some(change)) => (change.cause, Some(change)),
        (None, None) => (Cause::Unknown, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(changes: &[(Cause, u64)], is_warming: bool, trouble: Trouble, expected: Cause) {
        let changes: Vec<Change> = changes
            .iter()
            .map(|(cause, at_ms)| Change { cause: *cause, subject: String::new(), at_ms: *at_ms })
            .collect();
        assert_eq!(name(changes.iter(), 100, is_warming, trouble).0, expected);
    }

    #[test]
    fn what_goes_on_before_what_was_counted_before_what_was_changed() {
        let calm = Trouble::default();
        let retried = Trouble { retries: 3, failures: 3, ..calm };
        let failed = Trouble { failures: 1, ..calm };
        let changes = [(Cause::Reload, 90), (Cause::Drain, 100), (Cause::WeightChange, 150)];
        check(&changes, true, retried, Cause::SlowStart);
        check(&changes, false, retried, Cause::Retry);
        check(&changes, false, failed, Cause::Failure);
        check(&changes, false, calm, Cause::WeightChange);
        check(&changes[..2], false, calm, Cause::Drain);
        check(&changes[..1], false, calm, Cause::Unknown);
        check(&[], false, calm, Cause::Unknown);
    }
}

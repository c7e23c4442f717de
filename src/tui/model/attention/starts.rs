//! Which of its starts a failing program has before it, in words.

use crate::control::wire::ProgramRow;

/// `; start 3 of 4`, without an end when it is tried for ever; empty when no start has failed.
pub(super) fn next(row: &ProgramRow) -> String {
    let start = u64::from(row.start_failures) + 1;
    match row.start_retries {
        _ if row.start_failures == 0 => String::new(),
        Some(retries) => format!("; start {start} of {}", u64::from(retries) + 1),
        None => format!("; start {start}"),
    }
}

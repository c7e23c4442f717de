//! Whom the kernel ends first when memory runs out: not what keeps everything else alive.
//!
//! The score is inherited, so every child is given back what was ours before (`spawn`).

use std::fs;
use std::sync::OnceLock;

const PATH: &str = "/proc/self/oom_score_adj";
/// Of the processes that hold the others together; -1000 would be never, whatever they take.
const PROTECTED: i32 = -900;

static ORIGINAL: OnceLock<Option<i32>> = OnceLock::new();

/// Makes this process one of the last to be ended, once a process. Without the right to, nothing
/// changes; a lower score that somebody chose stays.
pub(crate) fn protect() {
    let own = fs::read_to_string(PATH).ok().and_then(|text| text.trim().parse().ok());
    let Some(score) = own.filter(|score| *score > PROTECTED) else { return };
    if fs::write(PATH, PROTECTED.to_string()).is_ok() {
        ORIGINAL.get_or_init(|| Some(score));
    }
}

/// Back to what it was before `protect`.
pub(crate) fn restore() {
    if let Some(score) = original() {
        // It was ours, and a higher score is anybody's to take.
        let _always_allowed = fs::write(PATH, score.to_string());
    }
}

/// What it was before `protect`; `None` when nothing was changed.
pub(crate) fn original() -> Option<i32> {
    ORIGINAL.get().copied().flatten()
}

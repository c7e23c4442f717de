//! What an origin answers to a target. Pure: the paths are for tests and for trying things by hand.

use std::time::Duration;

/// A response, before it has a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// A line that names the origin and the request.
    Text { status: u16, wait: Duration },
    /// So many bytes of filler.
    Bytes(u64),
    /// The request's own body.
    Echo,
}

const WAIT_MS_MAX: u64 = 600_000;

/// The end of the path decides, so that routes may put what they like before it: `/status/503`,
/// `/slow/250` (milliseconds), `/bytes/1000000`, `/echo`. Everything else is a plain 200.
pub(super) fn answer(target: &str) -> Answer {
    let path = target.split('?').next().unwrap_or(target);
    let mut words = path.rsplit('/');
    let (last, before) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let number: Option<u64> = last.parse().ok();
    match (before, last, number) {
        ("status", _, Some(status @ 200..=599)) => {
            Answer::Text { status: status as u16, wait: Duration::ZERO }
        }
        ("slow", _, Some(wait_ms)) => {
            Answer::Text { status: 200, wait: Duration::from_millis(wait_ms.min(WAIT_MS_MAX)) }
        }
        ("bytes", _, Some(count)) => Answer::Bytes(count),
        (_, "echo", _) => Answer::Echo,
        _ => Answer::Text { status: 200, wait: Duration::ZERO },
    }
}

/// The words behind a status; the number alone says the rest.
pub(super) fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        404 => "Not Found",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Demonstrated",
    }
}

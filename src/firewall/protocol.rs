//! What the grammar of HTTP lets pass and nobody means well by: line ends that would begin a header,
//! ranges upon ranges, a character set that hides script.

use super::Judgement;
use super::rule::{CRITICAL, NOTICE, WARNING};

/// Ranges of one request that a player or a reader of documents may ask for.
const RANGES_MAX: usize = 8;
/// Names in one line of a list that no client has so many of.
const ELEMENTS_MAX: usize = 64;

/// Lines behind a line end in a value, as they would begin a header or an answer.
#[rustfmt::skip]
const LINES: [&[u8]; 19] = [
    b"\nset-cookie", b"\nlocation:", b"\ncontent-", b"\nhttp/1", b"\nhost:", b"\ntransfer-encoding",
    b"\nconnection:", b"\nrefresh:", b"\naccess-control-", b"\nbcc:", b"\nx-forwarded", b"\nx-xss",
    b"\nlast-modified:", b"\netag:", b"\nserver:", b"\nstatus:", b"\nlink:", b"\nx-injected", b"\ncc:",
];

pub(super) fn header_injection(value: &[u8]) -> (Judgement, usize) {
    for line in LINES {
        if let Some(at) = memchr::memmem::find(value, line) {
            // Letters of a text and messages that people forward have such lines, too.
            let is_message =
                memchr::memchr_iter(b' ', &value[..at]).count() > SPACES_OF_ADDRESS_MAX;
            let judgement = if is_message { Judgement::Odd } else { Judgement::Attack };
            return (judgement, at);
        }
    }
    (Judgement::Clean, 0)
}

/// Of another path or method than the one that was judged.
const OVERRIDES: [&str; 4] =
    ["x-original-url", "x-rewrite-url", "x-http-method", "x-method-override"];

/// White space before a line end in what is no message.
const SPACES_OF_ADDRESS_MAX: usize = 3;

/// The points of what is odd about one header line, told by its name.
pub(super) fn header(name: &[u8], value: &[u8]) -> u32 {
    if name.eq_ignore_ascii_case(b"range") || name.eq_ignore_ascii_case(b"request-range") {
        let ranges = value.split(|byte| *byte == b',').take(ELEMENTS_MAX).count();
        return if ranges > RANGES_MAX { WARNING } else { 0 };
    }
    if name.eq_ignore_ascii_case(b"content-type") {
        let is_hiding = [&b"utf-7"[..], b"ibm037", b"ibm500", b"ibm1026", b"utf-16", b"utf-32"]
            .iter()
            .any(|charset| {
                value.windows(charset.len()).any(|window| window.eq_ignore_ascii_case(charset))
            });
        // No detector reads such a body.
        return if is_hiding { CRITICAL } else { 0 };
    }
    if OVERRIDES.iter().any(|other| name.eq_ignore_ascii_case(other.as_bytes())) {
        return NOTICE;
    }
    0
}

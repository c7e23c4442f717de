//! What is read by header lines known is read as if nothing were known.

use crate::http::repeats::Repeats;
use crate::http::request::{Parsed, Request};

/// Changes tried on one head.
const CHANGES_MAX: usize = 48;

/// First lines that others' header lines are met behind.
const FIRST_LINES: [&str; 6] = [
    "GET / HTTP/1.1\r\n",
    "HEAD /a/longer/path?with=query HTTP/1.1\n",
    "OPTIONS * HTTP/1.1\r\n",
    "POST http://own.example/ HTTP/1.1\r\n",
    "GET / HTTP/1.0\r\n",
    "gET / HTTP/1.1\r\n",
];

/// The head at the front of `bytes`, its lines behind other first lines, and ones that differ in a byte.
pub(super) fn changes_are_read_anew(bytes: &[u8], target_bytes_max: usize) {
    let mut known = Repeats::default();
    let mut request = Request::default();
    let mut check = |bytes: &[u8]| {
        let mut anew = Request::default();
        let expected = anew.parse(bytes, target_bytes_max);
        let parsed = request.parse_again(bytes, target_bytes_max, &mut known);
        assert_eq!(parsed, expected, "{}", bytes.escape_ascii());
        if parsed == Ok(Parsed::Complete) {
            assert_eq!(request, anew, "{}", bytes.escape_ascii());
        }
        anew.head_bytes
    };
    let head_bytes = check(bytes);
    // Known from the second time on.
    let head = bytes.get(..head_bytes).unwrap_or(bytes);
    for bytes in [head, head, head, bytes] {
        check(bytes);
    }
    let first_line_bytes = memchr::memchr(b'\n', head).map_or(0, |at| at + 1);
    for first in FIRST_LINES {
        check(&[first.as_bytes(), &head[first_line_bytes..]].concat());
    }
    let stride = head.len() / CHANGES_MAX + 1;
    for at in (head.len() % stride..head.len()).step_by(stride) {
        let mut changed = head.to_vec();
        changed[at] = changed[at].wrapping_add(1);
        check(&changed);
    }
}

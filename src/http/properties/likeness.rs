//! What is read by its likeness to a head known is read as if nothing were known.

use crate::http::likeness::Likenesses;
use crate::http::response::{Asked, Response};

/// Changes tried on one head: enough to meet each kind of place in time.
const CHANGES_MAX: usize = 48;

/// What stands for something in heads, or for nothing.
const BYTES: &[u8] = b" \t\r\n:0a9Z\x00\x7f\x80\xff";

/// The head at the front of `bytes`, and ones that differ from it in a byte or two.
pub(super) fn changes_are_read_anew(bytes: &[u8], asked: Asked) {
    let mut known = Likenesses::default();
    let mut response = Response::default();
    let first = response.parse_alike(bytes, asked, &mut known);
    assert_eq!(first, Response::default().parse(bytes, asked));
    let mut changed = bytes.to_vec();
    let stride = bytes.len() / CHANGES_MAX + 1;
    for (turn, at) in (bytes.len() % stride..bytes.len()).step_by(stride).enumerate() {
        changed[at] = BYTES[(turn + bytes.len()) % BYTES.len()];
        if turn % 3 == 2 {
            changed.copy_from_slice(bytes);
            changed[at] = changed[at].wrapping_add(1);
        }
        let mut anew = Response::default();
        let expected = anew.parse(&changed, asked);
        assert_eq!(
            response.parse_alike(&changed, asked, &mut known),
            expected,
            "{}",
            changed.escape_ascii()
        );
        if expected.is_ok_and(|parsed| parsed == crate::http::request::Parsed::Complete) {
            assert_eq!(response, anew, "{}", changed.escape_ascii());
        }
    }
}

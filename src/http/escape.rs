//! Percent-escapes: what may stand where in a target, a header line or a URL, and the escaping of
//! what may not.
//!
//! Works on the tail of what is being written, in place; a text without such bytes costs one look
//! at each of them.

/// Where a text is going to stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A header's value: whatever would end the line.
    Line,
    /// A path, of which the text is the decoded form (nginx's `NGX_ESCAPE_URI`).
    Path,
    /// One argument, of which the text is the decoded form (nginx's `NGX_ESCAPE_ARGS`).
    Argument,
    /// A target that is escaped already, as it came in or was written: what no target can hold.
    Target,
    /// The same for a whole URL, which may end in a fragment.
    Url,
    /// One segment of a path, of which the text is the decoded form, whatever stands around it
    /// (nginx's `NGX_ESCAPE_URI_COMPONENT`).
    Component,
}

impl Place {
    fn may_hold(self, byte: u8) -> bool {
        match self {
            Self::Line => byte == b'\t' || (byte >= b' ' && byte != 0x7f),
            Self::Path => byte.is_ascii_graphic() && !b"\"#%<>?\\^`{|}".contains(&byte),
            Self::Argument => byte.is_ascii_graphic() && !b"\"#%&+;<>?\\^`{|}".contains(&byte),
            Self::Target => byte.is_ascii_graphic() && byte != b'#',
            Self::Url => byte.is_ascii_graphic(),
            Self::Component => byte.is_ascii_alphanumeric() || b"-._~".contains(&byte),
        }
    }
}

const DIGITS: &[u8; 16] = b"0123456789ABCDEF";

/// Escapes what `place` may not hold in the part of `out` from `start` on.
pub(crate) fn tail(out: &mut Vec<u8>, start: usize, place: Place) {
    let count = out[start..].iter().filter(|byte| !place.may_hold(**byte)).count();
    if count == 0 {
        return;
    }
    // From the end, so that nothing is overwritten before it was moved.
    let mut read = out.len();
    let mut write = read + 2 * count;
    out.resize(write, 0);
    while read > start {
        read -= 1;
        let byte = out[read];
        if place.may_hold(byte) {
            write -= 1;
            out[write] = byte;
        } else {
            write -= 3;
            let escape = [b'%', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
            out[write..write + 3].copy_from_slice(&escape);
        }
    }
}

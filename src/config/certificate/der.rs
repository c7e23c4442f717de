//! Values in the distinguished encoding of ASN.1, one after another: as much of it as certificates
//! need. Bytes of anybody: what is cut short or too long is no value.

#[derive(Clone, Copy)]
pub(super) struct Der<'a> {
    rest: &'a [u8],
}

impl<'a> Der<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next value's tag and content.
    pub(super) fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.rest.split_first()?;
        let (&first, mut rest) = rest.split_first()?;
        let length = if first < 0x80 {
            usize::from(first)
        } else {
            let (bytes, after) = rest.split_at_checked(usize::from(first & 0x7f))?;
            rest = after;
            // Four bytes would be more than any message of a handshake.
            if bytes.is_empty() || bytes.len() > 3 {
                return None;
            }
            bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte))
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.rest = rest;
        Some((tag, content))
    }

    /// The next value's content, if it has that tag; else nothing is taken.
    pub(super) fn content(&mut self, tag: u8) -> Option<&'a [u8]> {
        let mut ahead = *self;
        let (found, content) = ahead.next()?;
        (found == tag).then(|| {
            *self = ahead;
            content
        })
    }

    /// The values in the next one, if it has that tag.
    pub(super) fn expect(&mut self, tag: u8) -> Option<Self> {
        self.content(tag).map(Self::new)
    }

    /// Passes over a value that may be left out.
    pub(super) fn skip(&mut self, tag: u8) {
        self.content(tag);
    }

    /// The values in the next one with that tag, past others.
    pub(super) fn find(&mut self, tag: u8) -> Option<Self> {
        while let Some((found, content)) = self.next() {
            if found == tag {
                return Some(Self::new(content));
            }
        }
        None
    }
}

//! Supervisor's capture mode: what a program writes between two marks is a message to listeners and
//! no part of its log.
//!
//! Pure: says what the next bytes of a stream are, in whatever pieces they come, and keeps a bounded
//! message. Where text and messages go is the caller's matter.

use std::collections::VecDeque;

/// Supervisor's marks. In neither does a part of it stand twice, so what does not go on as a mark is
/// none, and only what follows it may begin one.
const BEGIN: &[u8] = b"<!--XSUPERVISOR:BEGIN-->";
const END: &[u8] = b"<!--XSUPERVISOR:END-->";

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Capture {
    bytes_max: usize,
    /// The message that has begun.
    message: Option<VecDeque<u8>>,
    /// How much of a mark has come and was taken, before it could be known for one.
    held: usize,
}

/// What a stream's next bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// What was held back is no mark: it is text, before these bytes.
    Held,
    /// So many bytes of text, of the log or of a message.
    Text(usize),
    /// With so many bytes a mark is whole.
    Mark(usize),
    /// All of them, so many, may be the beginning of a mark.
    Begun(usize),
}

impl Capture {
    /// Of a message, its last `bytes_max` bytes are kept.
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, message: None, held: 0 }
    }

    pub(crate) fn set_bytes_max(&mut self, bytes_max: usize) {
        self.bytes_max = bytes_max;
    }

    /// Whether what comes next belongs to a message.
    pub(crate) fn is_within(&self) -> bool {
        self.message.is_some()
    }

    /// `bytes`: at least one.
    pub(crate) fn next(&self, bytes: &[u8]) -> Piece {
        let mark = self.mark();
        if self.held > 0 {
            let rest = &mark[self.held..];
            return match bytes.len() {
                count if rest.starts_with(bytes) && count < rest.len() => Piece::Begun(count),
                _ if bytes.starts_with(rest) => Piece::Mark(rest.len()),
                _ => Piece::Held,
            };
        }
        let begins = memchr::memchr_iter(mark[0], bytes).find(|at| {
            let rest = &bytes[*at..];
            rest.starts_with(mark) || mark.starts_with(rest)
        });
        match begins {
            None => Piece::Text(bytes.len()),
            Some(0) if bytes.len() < mark.len() => Piece::Begun(bytes.len()),
            Some(0) => Piece::Mark(mark.len()),
            Some(at) => Piece::Text(at),
        }
    }

    /// Whether the message that these bytes begin, mark included, ends within them.
    pub(crate) fn is_whole(bytes: &[u8]) -> bool {
        memchr::memmem::find(bytes, END).is_some()
    }

    /// So many more bytes that may be of a mark were taken.
    pub(crate) fn hold(&mut self, count: usize) {
        self.held += count;
        debug_assert!(self.held < self.mark().len(), "a whole mark is passed");
    }

    /// What was held back, given up as text.
    pub(crate) fn take_held(&mut self) -> &'static [u8] {
        &self.mark()[..std::mem::take(&mut self.held)]
    }

    /// Text of the message.
    pub(crate) fn keep(&mut self, bytes: &[u8]) {
        let Some(message) = &mut self.message else { return };
        message.extend(&bytes[bytes.len().saturating_sub(self.bytes_max)..]);
        let surplus = message.len().saturating_sub(self.bytes_max);
        message.drain(..surplus);
    }

    /// A mark was taken: a message begins, or is whole.
    pub(crate) fn pass_mark(&mut self) -> Option<Vec<u8>> {
        self.held = 0;
        let message = self.message.take();
        if message.is_none() {
            self.message = Some(VecDeque::new());
        }
        message.map(Vec::from)
    }

    /// The stream has ended: how much of a message that was never ended is lost.
    pub(crate) fn end(&mut self) -> Option<usize> {
        self.held = 0;
        self.message.take().map(|message| message.len())
    }

    fn mark(&self) -> &'static [u8] {
        if self.is_within() { END } else { BEGIN }
    }
}

#[cfg(test)]
mod tests;

//! Buffers of the data path and their pool.
//!
//! A connection holds a buffer only while bytes are in it: one that waits, or is parked idle, holds
//! none. Buffers come in two sizes; the large one is for bodies that filled a small one, and only
//! so many are out at a time, so that memory stays bounded whatever clients do.

use std::io;
use std::task::{Context, Poll};

use super::stream::Stream;
use crate::config::limits;
use crate::http;

/// Room before the content for a chunk's size line, and after it for the ends of chunk and body.
const BEFORE_BYTES: usize = http::chunk::SIZE_LINE_BYTES_MAX;
const AFTER_BYTES: usize = http::chunk::PAYLOAD_END.len() + http::chunk::LAST.len();

const SMALL_BYTES: usize = BEFORE_BYTES + limits::BODY_BUFFER_BYTES_MIN + AFTER_BYTES;
const LARGE_BYTES: usize = BEFORE_BYTES + limits::BODY_BUFFER_BYTES_MAX + AFTER_BYTES;

/// A whole head must fit one buffer, and so must all trailers.
const _: () = assert!(limits::HEAD_BYTES_MAX <= limits::BODY_BUFFER_BYTES_MIN);
const _: () = assert!(http::TRAILER_BYTES_MAX < limits::BODY_BUFFER_BYTES_MIN);

pub(crate) struct Buffer {
    bytes: Box<[u8]>,
    shelf: Shelf,
    start: usize,
    end: usize,
}

/// Where a buffer waits for its next use.
#[derive(Clone, Copy, PartialEq)]
enum Shelf {
    Heads,
    Bodies,
    Large,
}

impl Buffer {
    fn new(shelf: Shelf) -> Self {
        let bytes = if shelf == Shelf::Large { LARGE_BYTES } else { SMALL_BYTES };
        let bytes = vec![0; bytes].into_boxed_slice();
        Self { bytes, shelf, start: BEFORE_BYTES, end: BEFORE_BYTES }
    }

    pub(crate) fn content(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    pub(crate) fn content_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..self.end]
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    pub(crate) fn is_full(&self) -> bool {
        self.end == self.bytes.len() - AFTER_BYTES
    }

    pub(crate) fn is_large(&self) -> bool {
        self.shelf == Shelf::Large
    }

    /// Drops `count` bytes from the front.
    pub(crate) fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
        if self.is_empty() {
            self.clear();
        }
    }

    pub(crate) fn clear(&mut self) {
        self.start = BEFORE_BYTES;
        self.end = BEFORE_BYTES;
    }

    /// Moves the content to the front, to make all room available behind it.
    pub(crate) fn compact(&mut self) {
        self.bytes.copy_within(self.start..self.end, BEFORE_BYTES);
        self.end = BEFORE_BYTES + self.end - self.start;
        self.start = BEFORE_BYTES;
    }

    /// Drops what lies between the first `kept` and the first `taken` bytes of the content.
    pub(crate) fn cut(&mut self, kept: usize, taken: usize) {
        if kept < taken {
            self.bytes.copy_within(self.start + taken..self.end, self.start + kept);
            self.end -= taken - kept;
        }
    }

    /// Turns the content into one chunk, in place.
    pub(crate) fn enclose_in_chunk(&mut self) {
        let size = self.end - self.start;
        self.append(http::chunk::PAYLOAD_END);
        self.start = http::chunk::write_size(&mut self.bytes, self.start, size);
    }

    /// For the few bytes that end a chunk or a body; there is always room for both.
    pub(crate) fn append(&mut self, bytes: &[u8]) {
        let end = self.end + bytes.len();
        self.bytes[self.end..end].copy_from_slice(bytes);
        self.end = end;
    }

    /// Copies as much as there is room for; how much.
    pub(crate) fn put(&mut self, bytes: &[u8]) -> usize {
        let count = bytes.len().min(self.bytes.len() - AFTER_BYTES - self.end);
        self.bytes[self.end..self.end + count].copy_from_slice(&bytes[..count]);
        self.end += count;
        count
    }

    /// Reads once into the free room, at most `bytes_max`; `Ok(0)` is the end of the stream. Not to
    /// be called when full.
    pub(crate) fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut Stream,
        bytes_max: usize,
    ) -> Poll<io::Result<usize>> {
        self.poll_fill_with(bytes_max, |room| stream.poll_read(cx, room))
    }

    /// The same, from whatever `read` reads.
    pub(crate) fn poll_fill_with(
        &mut self,
        bytes_max: usize,
        read: impl FnOnce(&mut [u8]) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let room_end = (self.bytes.len() - AFTER_BYTES).min(self.end.saturating_add(bytes_max));
        let read = read(&mut self.bytes[self.end..room_end]);
        if let Poll::Ready(Ok(count)) = read {
            self.end += count;
        }
        read
    }
}

/// Spare ones kept for reuse; more are freed when given back.
const HEADS_SPARE_MAX: usize = 64;
const BODIES_SPARE_MAX: usize = 16;
const LARGE_SPARE_MAX: usize = 8;

/// The spare buffers of a worker, last given first taken.
///
/// What clients send waits in a buffer of its own until its request has been answered. Were these to
/// lie on one pile with those that bodies pass through, each body would land in the buffer of a request
/// just done, which no cache holds: that costs a 16 KiB body a fifth of all its CPU.
#[derive(Default)]
pub(crate) struct Buffers {
    heads: Vec<Buffer>,
    bodies: Vec<Buffer>,
    large: Vec<Buffer>,
    large_out: usize,
}

impl Buffers {
    /// For a request's head, and what came with it.
    pub(crate) fn take_for_head(&mut self) -> Buffer {
        self.heads.pop().unwrap_or_else(|| Buffer::new(Shelf::Heads))
    }

    /// For bytes that pass through.
    pub(crate) fn take(&mut self) -> Buffer {
        self.bodies.pop().unwrap_or_else(|| Buffer::new(Shelf::Bodies))
    }

    /// A large buffer, unless too many are out.
    pub(crate) fn take_large(&mut self) -> Option<Buffer> {
        if self.large_out >= limits::LARGE_BUFFERS_PER_WORKER_MAX {
            return None;
        }
        self.large_out += 1;
        Some(self.large.pop().unwrap_or_else(|| Buffer::new(Shelf::Large)))
    }

    pub(crate) fn give(&mut self, mut buffer: Buffer) {
        buffer.clear();
        let (spare, spare_max) = match buffer.shelf {
            Shelf::Heads => (&mut self.heads, HEADS_SPARE_MAX),
            Shelf::Bodies => (&mut self.bodies, BODIES_SPARE_MAX),
            Shelf::Large => {
                self.large_out -= 1;
                (&mut self.large, LARGE_SPARE_MAX)
            }
        };
        if spare.len() < spare_max {
            spare.push(buffer);
        }
    }
}

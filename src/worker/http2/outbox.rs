//! What the streams of a connection have handed over and the kernel has not taken: bounded for all of
//! them together, since whoever reads slowly may have many.
//!
//! A stream hands over what its window allows, so all that is here can go as soon as the kernel takes
//! it: a stream whose reader stands still keeps nobody else from this room.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bytes::{Buf, Bytes};

use crate::config::limits::http2::{
    BACKEND_STREAMS_MAX, OUTBOX_BYTES_MAX, PIECE_BYTES, STREAMS_MAX,
};

#[derive(Default)]
pub(crate) struct Outbox {
    bytes: Cell<usize>,
    /// Taken by the kernel, or given up, so far.
    moved: Cell<u64>,
    /// As of the last look.
    looked_at: Cell<u64>,
    /// Streams that wait for room; each is here once, and no connection has more.
    waiting: RefCell<Vec<Waker>>,
}

impl Outbox {
    /// How many bytes may be handed over; at least one.
    pub(super) fn poll_room(&self, cx: &mut Context<'_>) -> Poll<usize> {
        match OUTBOX_BYTES_MAX - self.bytes.get() {
            0 => {
                let mut waiting = self.waiting.borrow_mut();
                if waiting.len() >= BACKEND_STREAMS_MAX {
                    // Most are of streams that are gone; the others come again.
                    waiting.drain(..).for_each(Waker::wake);
                }
                if !waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
                    waiting.push(cx.waker().clone());
                }
                Poll::Pending
            }
            room => Poll::Ready(room),
        }
    }

    /// Takes in no more than there is room for.
    pub(super) fn put(self: &Rc<Self>, bytes: Bytes) -> Piece {
        self.bytes.set(self.bytes.get() + bytes.len());
        debug_assert!(self.bytes.get() <= OUTBOX_BYTES_MAX, "room was asked for");
        Piece { bytes, outbox: Rc::clone(self) }
    }

    fn has_moved(&self, count: usize) {
        if count == 0 {
            return;
        }
        self.bytes.set(self.bytes.get() - count);
        self.moved.set(self.moved.get() + count as u64);
        // All at once, and seldom: each finds room for a whole piece, or waits again.
        if self.bytes.get() <= OUTBOX_BYTES_MAX / 2 {
            self.waiting.borrow_mut().drain(..).for_each(Waker::wake);
        }
    }

    /// Whether something is left, and less than at the last look.
    pub(super) fn is_moving(&self) -> bool {
        let moved = self.moved.get();
        self.bytes.get() > 0 && self.looked_at.replace(moved) != moved
    }
}

const _: () = assert!(STREAMS_MAX as usize <= BACKEND_STREAMS_MAX);
const _: () = assert!(PIECE_BYTES <= OUTBOX_BYTES_MAX / 2);

/// Bytes on their way out.
pub(crate) struct Piece {
    bytes: Bytes,
    outbox: Rc<Outbox>,
}

impl Buf for Piece {
    fn remaining(&self) -> usize {
        self.bytes.len()
    }

    fn chunk(&self) -> &[u8] {
        &self.bytes
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
        self.outbox.has_moved(count);
    }
}

/// Of a stream that was taken back, the rest goes nowhere.
impl Drop for Piece {
    fn drop(&mut self) {
        self.outbox.has_moved(self.bytes.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::Wake;

    #[derive(Default)]
    struct Woken(AtomicU32);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn there_is_room_again_once_half_of_it_has_gone() {
        let outbox = Rc::new(Outbox::default());
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut cx = Context::from_waker(&waker);
        let mut room = || outbox.poll_room(&mut cx);
        assert_eq!(room(), Poll::Ready(OUTBOX_BYTES_MAX));
        let piece = || outbox.put(Bytes::from(vec![0; PIECE_BYTES]));
        let mut pieces: Vec<Piece> = (0..OUTBOX_BYTES_MAX / PIECE_BYTES).map(|_| piece()).collect();
        assert_eq!([room(), room()], [Poll::Pending; 2]);
        pieces[0].advance(1);
        assert!(outbox.is_moving() && !outbox.is_moving(), "it is asked since the last look");
        assert_eq!(woken.0.load(Ordering::Relaxed), 0, "a byte is no room worth a look");
        pieces.truncate(pieces.len() / 2);
        assert_eq!(woken.0.load(Ordering::Relaxed), 1, "a stream waits once");
        assert_eq!(room(), Poll::Ready(OUTBOX_BYTES_MAX / 2 + 1));
        drop(pieces);
        assert_eq!(room(), Poll::Ready(OUTBOX_BYTES_MAX));
        assert!(!outbox.is_moving(), "nothing is left");
    }
}

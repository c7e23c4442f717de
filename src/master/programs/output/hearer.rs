//! One reader's queue, bounded in bytes: what it has not taken yet, with what is being sent to it.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::config::limits::{PROGRAM_FOLLOW_BYTES_MAX, PROGRAM_FOLLOW_QUEUE_MAX};

pub(super) struct Hearer {
    pieces: mpsc::Sender<Bytes>,
    /// In bytes.
    room: Arc<Semaphore>,
}

/// What became of a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Yes,
    /// There is no room for it.
    TooMuch,
    /// Nobody reads any more.
    Gone,
}

/// Takes up its room until it has been sent, or dropped.
struct Piece {
    bytes: Bytes,
    _room: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Hearer {
    pub(super) fn new() -> (Self, mpsc::Receiver<Bytes>) {
        let (pieces, receiver) = mpsc::channel(PROGRAM_FOLLOW_QUEUE_MAX);
        (Self { pieces, room: Arc::new(Semaphore::new(PROGRAM_FOLLOW_BYTES_MAX)) }, receiver)
    }

    /// What is there before it listens, of any length.
    pub(super) fn begin(&self, kept: Bytes) {
        self.pieces.try_send(kept).expect("a new queue has room for its first entry");
    }

    pub(super) fn is_gone(&self) -> bool {
        self.pieces.is_closed()
    }

    /// Whether it has caught up enough to be told of what it missed, and to go on.
    pub(super) fn has_caught_up(&self) -> bool {
        self.pieces.capacity() > 1 && self.room.available_permits() > PROGRAM_FOLLOW_BYTES_MAX / 2
    }

    pub(super) fn tell(&self, bytes: &Bytes) -> Told {
        let room = u32::try_from(bytes.len())
            .ok()
            .and_then(|length| Arc::clone(&self.room).try_acquire_many_owned(length).ok());
        let Some(room) = room else {
            return if self.is_gone() { Told::Gone } else { Told::TooMuch };
        };
        let piece = Piece { bytes: bytes.clone(), _room: room };
        match self.pieces.try_send(Bytes::from_owner(piece)) {
            Ok(()) => Told::Yes,
            Err(mpsc::error::TrySendError::Full(_)) => Told::TooMuch,
            Err(mpsc::error::TrySendError::Closed(_)) => Told::Gone,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_for_a_reader_is_bounded_in_bytes_until_it_was_sent() {
        let (hearer, mut pieces) = Hearer::new();
        let piece = Bytes::from(vec![b'x'; PROGRAM_FOLLOW_BYTES_MAX / 4]);
        for _ in 0..4 {
            assert_eq!(hearer.tell(&piece), Told::Yes);
        }
        assert_eq!(hearer.tell(&piece), Told::TooMuch);
        let being_sent = pieces.try_recv().unwrap();
        assert_eq!(hearer.tell(&piece), Told::TooMuch, "it is not gone yet");
        drop(being_sent);
        assert_eq!(hearer.tell(&piece), Told::Yes);
        assert!(!hearer.has_caught_up());
        (0..3).for_each(|_| drop(pieces.try_recv()));
        assert!(hearer.has_caught_up());
        drop(pieces);
        assert_eq!(hearer.tell(&piece), Told::Gone);
    }
}

//! Readers of a stream's bytes as they come, each behind a bounded queue: those who follow a log the
//! way Supervisor's clients do. One that is too slow loses bytes and is told how many; it never slows
//! the program or the master.

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::config::limits::{PROGRAM_FOLLOW_QUEUE_MAX, PROGRAM_FOLLOWERS_MAX};

/// What a follower reads when the log was emptied under it: Supervisor's words.
const TRUNCATED: &[u8] = b"==> File truncated <==\n";

#[derive(Default)]
pub(super) struct Taps {
    readers: Vec<Tap>,
}

struct Tap {
    pieces: mpsc::Sender<Bytes>,
    lost_bytes: u64,
}

impl Taps {
    /// Nothing when too many read already.
    pub(super) fn add(&mut self) -> Option<mpsc::Receiver<Bytes>> {
        self.readers.retain(|reader| !reader.pieces.is_closed());
        if self.readers.len() >= PROGRAM_FOLLOWERS_MAX {
            return None;
        }
        let (pieces, receiver) = mpsc::channel(PROGRAM_FOLLOW_QUEUE_MAX);
        self.readers.push(Tap { pieces, lost_bytes: 0 });
        Some(receiver)
    }

    pub(super) fn has_any(&self) -> bool {
        self.readers.iter().any(|reader| !reader.pieces.is_closed())
    }

    pub(super) fn tell(&mut self, bytes: &[u8]) {
        if self.readers.is_empty() {
            return;
        }
        let bytes = Bytes::copy_from_slice(bytes);
        self.readers.retain_mut(|reader| reader.tell(&bytes));
    }

    pub(super) fn truncated(&mut self) {
        self.tell(TRUNCATED);
    }
}

impl Tap {
    /// Whether it still reads.
    fn tell(&mut self, bytes: &Bytes) -> bool {
        if self.lost_bytes > 0 && self.pieces.capacity() > 1 {
            let lost = self.lost_bytes;
            let text = format!("==> {lost} bytes lost: the reader was too slow <==\n");
            if self.pieces.try_send(text.into()).is_ok() {
                self.lost_bytes = 0;
            }
        }
        if self.lost_bytes == 0 {
            match self.pieces.try_send(bytes.clone()) {
                Ok(()) => return true,
                Err(mpsc::error::TrySendError::Closed(_)) => return false,
                Err(mpsc::error::TrySendError::Full(_)) => {}
            }
        }
        self.lost_bytes += bytes.len() as u64;
        !self.pieces.is_closed()
    }
}

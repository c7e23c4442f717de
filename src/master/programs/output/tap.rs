//! Readers of a stream's bytes as they come, each behind a bounded queue: those who follow a log the
//! way Supervisor's clients do. One that is too slow loses bytes and is told how many; it never slows
//! the program or the master.

use bytes::Bytes;
use tokio::sync::mpsc;

use super::hearer::{Hearer, Told};
use crate::config::limits::PROGRAM_FOLLOWERS_MAX;

/// What a follower reads when the log was emptied under it: Supervisor's words.
const TRUNCATED: &[u8] = b"==> File truncated <==\n";

#[derive(Default)]
pub(super) struct Taps {
    readers: Vec<Tap>,
}

struct Tap {
    hearer: Hearer,
    lost_bytes: u64,
}

impl Taps {
    /// Nothing when too many read already.
    pub(super) fn add(&mut self) -> Option<mpsc::Receiver<Bytes>> {
        self.readers.retain(|reader| !reader.hearer.is_gone());
        if self.readers.len() >= PROGRAM_FOLLOWERS_MAX {
            return None;
        }
        let (hearer, receiver) = Hearer::new();
        self.readers.push(Tap { hearer, lost_bytes: 0 });
        Some(receiver)
    }

    pub(super) fn has_any(&self) -> bool {
        self.readers.iter().any(|reader| !reader.hearer.is_gone())
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
        if self.lost_bytes > 0 && self.hearer.has_caught_up() {
            let lost = self.lost_bytes;
            let text = format!("==> {lost} bytes lost: the reader was too slow <==\n");
            if self.hearer.tell(&text.into()) == Told::Yes {
                self.lost_bytes = 0;
            }
        }
        let told = match self.lost_bytes {
            0 => self.hearer.tell(bytes),
            _ => Told::TooMuch,
        };
        if told == Told::TooMuch {
            self.lost_bytes += bytes.len() as u64;
        }
        told != Told::Gone && !self.hearer.is_gone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::limits::PROGRAM_FOLLOW_BYTES_MAX;

    #[test]
    fn a_reader_that_stands_still_costs_bounded_memory_and_hears_what_it_lost() {
        const PIECE: usize = 64 * 1024;
        let mut taps = Taps::default();
        let mut pieces = taps.add().unwrap();
        let piece = vec![b'x'; PIECE];
        for _ in 0..1000 {
            taps.tell(&piece);
        }
        let mut waiting = 0;
        while let Ok(piece) = pieces.try_recv() {
            waiting += piece.len();
        }
        assert!(waiting <= PROGRAM_FOLLOW_BYTES_MAX && waiting > PROGRAM_FOLLOW_BYTES_MAX / 2);
        taps.tell(b"again\n");
        let lost = 1000 * PIECE - waiting;
        let mark = format!("==> {lost} bytes lost: the reader was too slow <==\n");
        assert_eq!(pieces.try_recv().unwrap(), mark);
        assert_eq!(pieces.try_recv().unwrap(), "again\n");
    }
}

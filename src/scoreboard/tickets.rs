//! The keys by which workers seal TLS sessions that a client may go on with, at whichever worker it
//! comes to: made by the master, kept for the board's life, replaced in time.

use std::sync::atomic::{AtomicU64, Ordering, fence};

use super::Board;
use super::layout::{TICKET_KEY_WORDS, TicketWords};

pub(crate) const KEY_BYTES: usize = TICKET_KEY_WORDS * 8;

pub(crate) type Key = [u8; KEY_BYTES];

/// Looks while the master writes; it does so for less than a microsecond.
const LOOKS_MAX: u32 = 1000;

/// A copy of what there is.
#[derive(Clone, Copy)]
pub(crate) struct Tickets {
    /// Of the newest key.
    pub(crate) number: u32,
    pub(crate) made_us: u64,
    keys: [Key; 2],
}

impl Tickets {
    pub(crate) fn newest(&self) -> &Key {
        &self.keys[0]
    }

    /// The key of that number, if it is still known.
    pub(crate) fn key(&self, number: u32) -> Option<&Key> {
        match self.number.checked_sub(number)? {
            0 => Some(&self.keys[0]),
            // The first has none before it.
            1 if number > 0 => Some(&self.keys[1]),
            _ => None,
        }
    }
}

/// `None` while there is no key.
pub(crate) fn read(board: Board) -> Option<Tickets> {
    let words = words(board);
    for _ in 0..LOOKS_MAX {
        let before = words.epoch.load(Ordering::Acquire);
        let tickets = Tickets {
            number: words.number.load(Ordering::Relaxed),
            made_us: words.made_us.load(Ordering::Relaxed),
            keys: words.keys.each_ref().map(load),
        };
        fence(Ordering::Acquire);
        if before.is_multiple_of(2) && words.epoch.load(Ordering::Relaxed) == before {
            return (tickets.number > 0).then_some(tickets);
        }
        std::hint::spin_loop();
    }
    None
}

/// Puts a key in front of the newest; the one before that is forgotten. By the master alone.
pub(crate) fn push(board: Board, key: &Key, now_us: u64) {
    let words = words(board);
    // A master that died in the middle has left it odd.
    let writing = words.epoch.load(Ordering::Relaxed) | 1;
    words.epoch.store(writing, Ordering::Relaxed);
    fence(Ordering::Release);
    let [newest, before] = &words.keys;
    store(before, &load(newest));
    store(newest, key);
    words.made_us.store(now_us, Ordering::Relaxed);
    let number = words.number.load(Ordering::Relaxed);
    words.number.store(number.wrapping_add(1).max(1), Ordering::Relaxed);
    words.epoch.store(writing.wrapping_add(1), Ordering::Release);
}

fn words(board: Board) -> &'static TicketWords {
    &board.layout.tickets.0
}

fn load(words: &[AtomicU64; TICKET_KEY_WORDS]) -> Key {
    let mut key = [0; KEY_BYTES];
    for (bytes, word) in key.chunks_exact_mut(8).zip(words) {
        bytes.copy_from_slice(&word.load(Ordering::Relaxed).to_ne_bytes());
    }
    key
}

fn store(words: &[AtomicU64; TICKET_KEY_WORDS], key: &Key) {
    for (word, bytes) in words.iter().zip(key.chunks_exact(8)) {
        let bytes = bytes.try_into().expect("chunks of eight bytes");
        word.store(u64::from_ne_bytes(bytes), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_key_and_the_one_before_it_are_known() {
        let (board, _fd) = Board::create().unwrap();
        assert!(read(board).is_none());
        push(board, &[1; KEY_BYTES], 10);
        let first = read(board).unwrap();
        assert_eq!((first.number, first.made_us, first.newest()), (1, 10, &[1; KEY_BYTES]));
        assert_eq!(first.key(0), None, "there was none before");
        push(board, &[2; KEY_BYTES], 20);
        push(board, &[3; KEY_BYTES], 30);
        let third = read(board).unwrap();
        assert_eq!((third.number, third.newest()), (3, &[3; KEY_BYTES]));
        assert_eq!((third.key(2), third.key(1)), (Some(&[2; KEY_BYTES]), None));
        assert_eq!(third.key(4), None, "of the future");
    }
}

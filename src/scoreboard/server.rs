//! What each server of the configuration was asked, by worker.
//!
//! A server is known by a digest of its identity. The master gives it a slot before workers hear of the
//! configuration that has it; one that stays keeps its slot, and so its counts, over reloads.

use std::sync::atomic::{AtomicU64, Ordering};

use super::layout::{SERVERS_MAX, ServerCell};
use super::{Board, WorkerSlot};

/// A server's slot, in one life of that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counter {
    slot: usize,
    incarnation: u32,
}

/// What all workers were asked together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    /// 1xx to 5xx.
    pub(crate) responses: [u64; 5],
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
}

/// A digest (FNV-1a) of what a server is known by; never that of a vacant slot.
pub(crate) fn digest(identity: &str) -> u64 {
    let digest = identity.bytes().fold(0xcbf2_9ce4_8422_2325, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    digest.max(1)
}

/// Makes the servers those that are wanted, as far as there are slots. By the master alone.
pub(crate) fn publish(board: Board, wanted: &[u64]) {
    let servers = &board.layout.servers.0;
    for words in servers {
        if !wanted.contains(&words.digest.load(Ordering::Relaxed)) {
            words.digest.store(0, Ordering::Relaxed);
        }
    }
    for digest in wanted {
        if find(board, *digest).is_some() {
            continue;
        }
        let Some(words) = servers.iter().find(|words| words.digest.load(Ordering::Relaxed) == 0)
        else {
            return;
        };
        let incarnation = words.incarnation.load(Ordering::Relaxed).wrapping_add(1);
        words.incarnation.store(incarnation, Ordering::Relaxed);
        // Orders the life before the digest that it is found by.
        words.digest.store(*digest, Ordering::Release);
    }
}

/// `None`: there was no slot left for it.
pub(crate) fn find(board: Board, digest: u64) -> Option<Counter> {
    let servers = &board.layout.servers.0;
    let slot = servers.iter().position(|words| words.digest.load(Ordering::Acquire) == digest)?;
    Some(Counter { slot, incarnation: servers[slot].incarnation.load(Ordering::Relaxed) })
}

/// One request that was answered. By the slot's worker alone.
pub(crate) fn count(board: Board, worker: WorkerSlot, counter: Counter, status: u16, moved: Moved) {
    let cell = &board.layout.server_cells[worker.index()].0[counter.slot];
    let life = cell.incarnation.load(Ordering::Relaxed);
    if life != counter.incarnation {
        // A request of before the reload that gave the slot to another server.
        if life.wrapping_sub(counter.incarnation) < u32::MAX / 2 {
            return;
        }
        begin(cell, counter.incarnation);
    }
    let class = usize::from(status / 100).clamp(1, 5) - 1;
    add(&cell.responses[class], 1);
    add(&cell.bytes_in, moved.bytes_in);
    add(&cell.bytes_out, moved.bytes_out);
}

/// From the client and to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moved {
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
}

/// Of the server with this digest; `None`: it is not counted.
pub(crate) fn figures(board: Board, digest: u64) -> Option<Figures> {
    let counter = find(board, digest)?;
    let mut sum = Figures::default();
    for worker in board.workers() {
        let cell = &board.layout.server_cells[worker.slot().index()].0[counter.slot];
        if cell.incarnation.load(Ordering::Acquire) != counter.incarnation {
            continue;
        }
        for (sum, word) in sum.responses.iter_mut().zip(&cell.responses) {
            *sum += word.load(Ordering::Relaxed);
        }
        sum.bytes_in += cell.bytes_in.load(Ordering::Relaxed);
        sum.bytes_out += cell.bytes_out.load(Ordering::Relaxed);
    }
    Some(sum)
}

/// Nothing was counted yet in this life.
fn begin(cell: &ServerCell, incarnation: u32) {
    let words = cell.responses.iter().chain([&cell.bytes_in, &cell.bytes_out]);
    words.for_each(|word| word.store(0, Ordering::Relaxed));
    // Orders the zeros before the life that they are of.
    cell.incarnation.store(incarnation, Ordering::Release);
}

fn add(word: &AtomicU64, more: u64) {
    word.store(word.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
}

const _: () = assert!(SERVERS_MAX <= u16::MAX as usize);

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(index: usize) -> WorkerSlot {
        WorkerSlot::new(index).expect("within the layout")
    }

    fn board() -> Board {
        let (board, _fd) = Board::create().expect("memory for a board");
        (0..2).for_each(|index| board.worker(slot(index)).occupy(1));
        board
    }

    const MOVED: Moved = Moved { bytes_in: 3, bytes_out: 5 };

    #[test]
    fn counts_of_all_workers_outlive_a_reload_of_the_others() {
        let board = board();
        publish(board, &[7, 8]);
        let counter = find(board, 8).expect("published");
        count(board, slot(0), counter, 204, MOVED);
        count(board, slot(1), counter, 503, MOVED);
        count(board, slot(1), counter, 0, MOVED);
        let expected = Figures { responses: [1, 1, 0, 0, 1], bytes_in: 9, bytes_out: 15 };
        assert_eq!(figures(board, 8), Some(expected));
        publish(board, &[8, 9]);
        assert_eq!((figures(board, 7), figures(board, 8)), (None, Some(expected)));
        assert_eq!(figures(board, 9), Some(Figures::default()));
    }

    #[test]
    fn a_slot_begins_anew_with_another_server_and_stays_with_it() {
        let board = board();
        publish(board, &[1]);
        let before = find(board, 1).expect("published");
        count(board, slot(0), before, 200, MOVED);
        publish(board, &[2]);
        let after = find(board, 2).expect("published");
        assert_eq!(before.slot, after.slot);
        assert_eq!(figures(board, 2), Some(Figures::default()));
        count(board, slot(0), after, 404, MOVED);
        // Of a request that had begun before.
        count(board, slot(0), before, 200, MOVED);
        let expected = Figures { responses: [0, 0, 0, 1, 0], bytes_in: 3, bytes_out: 5 };
        assert_eq!(figures(board, 2), Some(expected));
    }

    #[test]
    fn more_servers_than_slots_are_not_counted() {
        let board = board();
        let digests: Vec<u64> = (1..=SERVERS_MAX as u64 + 1).collect();
        publish(board, &digests);
        assert!(find(board, SERVERS_MAX as u64).is_some());
        assert_eq!(figures(board, SERVERS_MAX as u64 + 1), None);
        assert_ne!(digest(""), 0);
    }
}

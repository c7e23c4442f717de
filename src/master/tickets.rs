//! The keys of TLS sessions: made here and put on the scoreboard, so that every worker has them, and
//! a worker's or master's successor as well. Each seals for so long, and is forgotten when the one
//! after it gives way to the next.

use super::membership::Now;
use super::{Master, WHO};
use crate::config::limits;
use crate::scoreboard::{Board, tickets};
use crate::sys::{log, random};

impl Master {
    pub(super) fn renew_ticket_key(&self, now: Now) {
        renew(self.board, now.mono_us);
    }
}

/// Makes the next key when it is due.
pub(super) fn renew(board: Board, now_us: u64) {
    let is_good = tickets::read(board)
        .is_some_and(|known| now_us.saturating_sub(known.made_us) < limits::TICKET_KEY_MS * 1000);
    if is_good {
        return;
    }
    match random::secret() {
        Ok(key) => tickets::push(board, &key, now_us),
        Err(error) => log::error!(WHO, "make a key for TLS sessions: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_at_once_and_then_in_time() {
        let (board, _fd) = Board::create().unwrap();
        let number = |now_us: u64| {
            renew(board, now_us);
            tickets::read(board).unwrap().number
        };
        let life_us = limits::TICKET_KEY_MS * 1000;
        assert_eq!([number(5), number(6), number(4 + life_us)], [1, 1, 1]);
        assert_eq!([number(5 + life_us), number(5 + life_us)], [2, 2]);
    }
}

//! Sessions that clients may go on with: sealed and handed to the client, so that no worker keeps
//! any, and opened at whichever worker the client comes back to.
//!
//! The keys are the scoreboard's: those of all workers, which outlive each of them. A ticket is good
//! for one context only, a server's certificate and what it demands of clients: a session that began
//! where nobody asked for a certificate is none where one is demanded.

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::digest::{SHA256, SHA256_OUTPUT_LEN};
use rustls::server::ProducesTickets;

use crate::scoreboard::Board;
use crate::scoreboard::tickets::{self, Key};
use crate::sys::{clock, random};

/// The number of the key, and the nonce, in plain.
const NUMBER_BYTES: usize = 4;
/// When it was sealed, in front of the session.
const TIME_BYTES: usize = 8;

pub(crate) type Context = [u8; SHA256_OUTPUT_LEN];

pub(crate) struct Tickets {
    board: Board,
    context: Context,
    life_s: u32,
}

impl std::fmt::Debug for Tickets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tickets")
    }
}

/// What tells one context from others; no part is taken for the beginning of the next.
pub(crate) fn context<'p>(parts: impl Iterator<Item = &'p [u8]>) -> Context {
    let mut digest = ring::digest::Context::new(&SHA256);
    for part in parts {
        digest.update(&(part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    let mut context = Context::default();
    context.copy_from_slice(digest.finish().as_ref());
    context
}

impl Tickets {
    pub(crate) fn new(board: Board, context: Context, life_s: u32) -> Self {
        Self { board, context, life_s }
    }

    fn aad(&self, number: u32) -> Aad<[u8; NUMBER_BYTES + SHA256_OUTPUT_LEN]> {
        let mut bytes = [0; NUMBER_BYTES + SHA256_OUTPUT_LEN];
        bytes[..NUMBER_BYTES].copy_from_slice(&number.to_be_bytes());
        bytes[NUMBER_BYTES..].copy_from_slice(&self.context);
        Aad::from(bytes)
    }

    fn seal(&self, plain: &[u8], now_us: u64) -> Option<Vec<u8>> {
        let keys = tickets::read(self.board)?;
        let nonce: [u8; NONCE_LEN] = random::secret().ok()?;
        let mut sealed = [&now_us.to_be_bytes(), plain].concat();
        let key = cipher(keys.newest())?;
        key.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            self.aad(keys.number),
            &mut sealed,
        )
        .ok()?;
        Some([&keys.number.to_be_bytes()[..], &nonce, &sealed].concat())
    }

    fn open(&self, ticket: &[u8], now_us: u64) -> Option<Vec<u8>> {
        let (number, rest) = ticket.split_first_chunk::<NUMBER_BYTES>()?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_LEN>()?;
        let number = u32::from_be_bytes(*number);
        let keys = tickets::read(self.board)?;
        let key = cipher(keys.key(number)?)?;
        let mut sealed = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = key.open_in_place(nonce, self.aad(number), &mut sealed).ok()?;
        let (made_us, plain) = opened.split_first_chunk::<TIME_BYTES>()?;
        let age_us = now_us.checked_sub(u64::from_be_bytes(*made_us))?;
        (age_us <= u64::from(self.life_s) * 1_000_000).then(|| plain.to_vec())
    }
}

fn cipher(key: &Key) -> Option<LessSafeKey> {
    UnboundKey::new(&CHACHA20_POLY1305, key).ok().map(LessSafeKey::new)
}

impl ProducesTickets for Tickets {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        self.life_s
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        self.seal(plain, clock::monotonic_us())
    }

    fn decrypt(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        self.open(ticket, clock::monotonic_us())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_S: u32 = 3600;
    const HOUR_US: u64 = 3_600_000_000;

    fn of(board: Board, who: &str) -> Tickets {
        Tickets::new(board, context([who.as_bytes()].into_iter()), HOUR_S)
    }

    #[test]
    fn what_one_worker_seals_another_opens_while_it_is_good() {
        let (board, fd) = Board::create().unwrap();
        let (one, other) = (of(board, "a"), of(Board::open(&fd).unwrap(), "a"));
        assert_eq!(one.seal(b"session", 0), None, "there is no key yet");
        tickets::push(board, &random::secret().unwrap(), 0);
        let ticket = one.seal(b"session", 5).unwrap();
        assert!(!ticket.windows(7).any(|part| part == b"session"));
        assert_eq!(other.open(&ticket, 5).as_deref(), Some(&b"session"[..]));
        assert_eq!(other.open(&ticket, 5 + HOUR_US).as_deref(), Some(&b"session"[..]));
        assert_eq!(other.open(&ticket, 6 + HOUR_US), None, "too old");
        assert_eq!(other.open(&ticket, 4), None, "of the future");
        assert_eq!(of(board, "b").open(&ticket, 5), None, "of another context");
        tickets::push(board, &random::secret().unwrap(), 6);
        assert!(other.open(&ticket, 7).is_some(), "the last key is still known");
        tickets::push(board, &random::secret().unwrap(), 8);
        assert_eq!(other.open(&ticket, 9), None, "the key is forgotten");
    }

    #[test]
    fn what_was_changed_is_no_ticket() {
        let (board, _fd) = Board::create().unwrap();
        tickets::push(board, &random::secret().unwrap(), 0);
        let tickets = of(board, "a");
        let ticket = tickets.seal(b"session", 0).unwrap();
        for at in 0..ticket.len() {
            let mut changed = ticket.clone();
            changed[at] ^= 1;
            assert_eq!(tickets.open(&changed, 0), None, "byte {at}");
            assert_eq!(tickets.open(&ticket[..at], 0), None, "of {at} bytes");
        }
    }

    #[test]
    fn contexts_are_of_whole_parts() {
        let of = |parts: &[&str]| context(parts.iter().map(|part| part.as_bytes()));
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
        assert_ne!(of(&["ab"]), of(&["ab", ""]));
    }
}

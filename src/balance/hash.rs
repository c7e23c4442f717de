//! nginx's `hash KEY`, exact, which is Cache::Memcached's: the same key reaches the same peer.
//!
//! A closed peer keeps its share of the hash space. When a peer comes or goes, most keys move;
//! `ring` is for where that matters.

use super::crc32::Crc32;
use super::walk::Walk;
use super::{Peer, PeerSet, Request, stretch};

/// Digits of a number of steps: there are never more than a few dozen.
const DIGITS: usize = 3;

/// The key's peer among `open`; `None` sends the request to round robin, as does an empty key.
pub(super) fn pick(peers: &[Peer], open: PeerSet, request: &mut Request<'_>) -> Option<usize> {
    let length = stretch::length(peers)?;
    if request.key.is_empty() {
        return None;
    }
    while !request.walk.is_over() {
        let index = stretch::owner(peers, step(request.walk, request.key) % length)?;
        if open & (1 << index) != 0 {
            return Some(index);
        }
        request.walk.miss();
    }
    None
}

/// One step: the key's sum, behind the number of the step if it is not the first, added to what the
/// steps before came to.
fn step(walk: &mut Walk, key: &[u8]) -> u32 {
    let mut digits = [0; DIGITS];
    let sum = Crc32::new().with(decimal(walk.steps, &mut digits)).with(key).sum();
    let hash = walk.hash.unwrap_or(0).wrapping_add(sum >> 16 & 0x7fff);
    walk.hash = Some(hash);
    walk.steps += 1;
    hash
}

/// The number's digits; none for zero.
fn decimal(mut number: u32, digits: &mut [u8; DIGITS]) -> &[u8] {
    let mut start = DIGITS;
    while number > 0 && start > 0 {
        start -= 1;
        digits[start] = b'0' + (number % 10) as u8;
        number /= 10;
    }
    &digits[start..]
}

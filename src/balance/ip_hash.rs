//! nginx's `ip_hash`, exact: the same client network reaches the same peer as behind nginx.
//!
//! A closed peer keeps its share of the hash space, so only its own clients move.

use std::net::IpAddr;

use super::walk::Walk;
use super::{Peer, PeerSet, Request, stretch};

const SEED: u32 = 89;
const FACTOR: u32 = 113;
const MODULUS: u32 = 6271;

/// The client's peer among `open`; `None` sends the request to round robin.
pub(super) fn pick(peers: &[Peer], open: PeerSet, request: &mut Request<'_>) -> Option<usize> {
    let length = stretch::length(peers)?;
    while !request.walk.is_over() {
        let index = stretch::owner(peers, step(request.walk, request.client) % length)?;
        if open & (1 << index) != 0 {
            return Some(index);
        }
        request.walk.miss();
    }
    None
}

/// One step: every octet of the client's network once more, from where the last step ended.
fn step(walk: &mut Walk, client: IpAddr) -> u32 {
    let feed = |hash: u32, octet: &u8| (hash * FACTOR + u32::from(*octet)) % MODULUS;
    // Another strategy's number may be beyond the modulus, and the product beyond the word.
    let start = walk.hash.map_or(SEED, |hash| hash % MODULUS);
    let hash = match client {
        IpAddr::V4(address) => address.octets()[..3].iter().fold(start, feed),
        IpAddr::V6(address) => address.octets().iter().fold(start, feed),
    };
    walk.hash = Some(hash);
    hash
}

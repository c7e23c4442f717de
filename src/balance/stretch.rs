//! The weights of the primaries laid end to end: hashes and draws are points on this line.
//!
//! A closed peer keeps its stretch, so only its own clients move.

use super::{Peer, Tier};

/// How long the line is; `None` when there is nothing to choose on it.
pub(super) fn length(peers: &[Peer]) -> Option<u32> {
    let primaries = peers.iter().filter(|peer| peer.tier == Tier::Primary);
    let (count, length) =
        primaries.fold((0, 0), |(count, sum): (u32, u32), peer| (count + 1, sum + peer.weight));
    (count >= 2 && length > 0).then_some(length)
}

/// Whose stretch holds the point.
pub(super) fn owner(peers: &[Peer], mut point: u32) -> Option<usize> {
    for (index, peer) in peers.iter().enumerate().filter(|(_, peer)| peer.tier == Tier::Primary) {
        if point < peer.weight {
            return Some(index);
        }
        point -= peer.weight;
    }
    None
}

//! Fewest requests in flight, in proportion to weight; exact ties by smooth round robin among the
//! tied, so that an idle 3:1:1 group still serves `12131`.

use std::cmp::Ordering;

use super::round_robin;
use super::{Peer, PeerSet, positions};

pub(crate) fn pick(peers: &mut [Peer], among: PeerSet) -> Option<usize> {
    pick_by(peers, among, |peer| u64::from(peer.conns))
}

/// The least burdened in proportion to weight, whatever a burden is.
pub(super) fn pick_by(
    peers: &mut [Peer],
    among: PeerSet,
    burden: impl Fn(&Peer) -> u64,
) -> Option<usize> {
    let mut tied: PeerSet = 0;
    let mut best: Option<(usize, u64)> = None;
    for index in positions(among) {
        let own = burden(&peers[index]);
        // Compared crosswise, without a division.
        let order = best.map_or(Ordering::Less, |(best, least)| {
            let (own, least) = (u128::from(own), u128::from(least));
            (own * u128::from(weight(&peers[best])))
                .cmp(&(least * u128::from(weight(&peers[index]))))
        });
        match order {
            Ordering::Greater => {}
            Ordering::Equal => tied |= 1 << index,
            Ordering::Less => {
                best = Some((index, own));
                tied = 1 << index;
            }
        }
    }
    // A lone winner's weights stay as they are: only ties are settled by round robin.
    if tied.count_ones() > 1 {
        round_robin::pick(peers, tied)
    } else {
        best.map(|(index, _)| index)
    }
}

/// Load of `one` times the weight of `other`: compared crosswise, without a division.
pub(super) fn load(peers: &[Peer], one: usize, other: usize) -> u64 {
    u64::from(peers[one].conns) * weight(&peers[other])
}

/// A peer that warms up has a part of its weight.
fn weight(peer: &Peer) -> u64 {
    u64::from(peer.weight) * u64::from(peer.ramp.part())
}

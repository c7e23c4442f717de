//! Fewest requests in flight, in proportion to weight; exact ties by smooth round robin among the
//! tied, so that an idle 3:1:1 group still serves `12131`.

use super::round_robin;
use super::{Peer, PeerSet, positions};

pub(crate) fn pick(peers: &mut [Peer], among: PeerSet) -> Option<usize> {
    let mut tied: PeerSet = 0;
    let mut best: Option<usize> = None;
    for index in positions(among) {
        match best {
            Some(best) if load(peers, index, best) > load(peers, best, index) => {}
            Some(best) if load(peers, index, best) == load(peers, best, index) => {
                tied |= 1 << index;
            }
            Some(_) | None => {
                best = Some(index);
                tied = 1 << index;
            }
        }
    }
    // A lone winner's weights stay as they are: only ties are settled by round robin.
    if tied.count_ones() > 1 { round_robin::pick(peers, tied) } else { best }
}

/// Load of `one` times the weight of `other`: compared crosswise, without a division. A peer that
/// warms up has a part of its weight.
fn load(peers: &[Peer], one: usize, other: usize) -> u64 {
    u64::from(peers[one].conns)
        * u64::from(peers[other].weight)
        * u64::from(peers[other].ramp.part())
}

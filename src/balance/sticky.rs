//! A client that belongs to a peer goes there for as long as the peer can take it.
//!
//! nginx's rules: the peer is one of the tier that serves, neither tried, nor out after failures, nor
//! full. Smooth weights are debited for it like for any other pick, but for no more than one in a
//! row, so that a sticky client does not starve its peer of others for ever.

use super::round_robin;
use super::{Candidates, Peer, PeerSet, Request, Strategy, Tier, failure};

/// The peer that the request's client belongs to; `None` leaves it to the strategy.
pub(super) fn pick(
    strategy: Strategy,
    peers: &mut [Peer],
    open: &Candidates,
    request: &Request<'_>,
) -> Option<usize> {
    let index = open.bound?;
    let Peer { tier, priority, .. } = peers[index];
    let is_its_tier = match tier {
        Tier::Primary => open.primary == 0 || priority <= open.priority,
        Tier::Backup => open.primary == 0,
    };
    if !is_its_tier {
        return None;
    }
    if strategy == Strategy::RoundRobin {
        debit(peers, index, open.first_tier().unwrap_or(0));
    }
    failure::picked(&mut peers[index], request.now_s);
    Some(index)
}

/// What a smooth pick does, with the winner given.
fn debit(peers: &mut [Peer], index: usize, among: PeerSet) {
    let Peer { tier, priority, weight, current_weight, .. } = peers[index];
    let is_beside = |peer: &&Peer| peer.tier == tier && peer.priority == priority;
    let whole: i64 = peers.iter().filter(is_beside).map(|peer| i64::from(peer.weight)).sum();
    if current_weight > i64::from(weight) - whole {
        round_robin::debit(peers, index, among | 1 << index);
    }
}

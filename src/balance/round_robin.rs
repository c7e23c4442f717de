//! Smooth weighted round robin, nginx's default: 3:1:1 is served `12131`, never `11123`.

use super::{Peer, PeerSet, positions};

/// Picks among `among`, the first of equals winning.
pub(crate) fn pick(peers: &mut [Peer], among: PeerSet) -> Option<usize> {
    let mut best: Option<usize> = None;
    let mut total = 0;
    for index in positions(among) {
        total += credit(&mut peers[index]);
        if best.is_none_or(|best| peers[index].current_weight > peers[best].current_weight) {
            best = Some(index);
        }
    }
    let best = best?;
    peers[best].current_weight -= total;
    Some(best)
}

/// Gives a candidate its turn's weight and returns it; a weight lowered by failures recovers by one.
pub(super) fn credit(peer: &mut Peer) -> i64 {
    let given = peer.effective_weight;
    peer.current_weight += given;
    if peer.effective_weight < i64::from(peer.weight) {
        peer.effective_weight += 1;
    }
    given
}

//! Smooth weighted round robin, nginx's default: 3:1:1 is served `12131`, never `11123`.

use super::{Peer, PeerSet, positions};

/// Wins that slow start may turn down in one pick.
const ATTEMPTS_MAX: u32 = 256;

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

/// The same where slow start counts: what a peer that warms up wins beyond its part is played for
/// once more. Shares are then in proportion to weight times part, however many are warming up.
pub(super) fn pick_warming(peers: &mut [Peer], among: PeerSet) -> Option<usize> {
    let most = positions(among).map(|index| peers[index].ramp.part()).max()?;
    let mut winner = pick(peers, among)?;
    for attempt in 0..ATTEMPTS_MAX {
        if peers[winner].ramp.grants(most, attempt) {
            break;
        }
        winner = pick(peers, among)?;
    }
    Some(winner)
}

/// What a pick does to the weights, with the winner given.
pub(super) fn debit(peers: &mut [Peer], winner: usize, among: PeerSet) {
    let total: i64 = positions(among).map(|index| credit(&mut peers[index])).sum();
    peers[winner].current_weight -= total;
}

/// Gives a candidate its turn's weight and returns it; a weight lowered by failures recovers by one.
fn credit(peer: &mut Peer) -> i64 {
    let given = peer.effective_weight;
    peer.current_weight += given;
    if peer.effective_weight < i64::from(peer.weight) {
        peer.effective_weight += 1;
    }
    given
}

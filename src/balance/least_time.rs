//! Least time, nginx's: the peer whose next answer is nearest, by its average time, what it has in
//! flight and its weight; ties by smooth round robin.
//!
//! Times within a step of 20 ms count as one, so that peers of about one speed share the load, and
//! slow ones are all alike. A peer that was not asked for a while is thought faster and faster, or
//! one bad minute would close it for ever.

use super::{Peer, PeerSet, least_conn};

const STEP_MS: u64 = 20;
const SLOW_MS: u64 = 5_000;

/// The average with one more time in it: a twentieth of each new one, and all of the first.
pub(crate) fn average_ms(average_ms: u64, time_ms: u64) -> u64 {
    if average_ms == 0 { time_ms } else { (average_ms * 95 + time_ms * 5 + 50) / 100 }
}

/// A time as it is compared.
pub(super) fn stepped_ms(time_ms: u64) -> u64 {
    if time_ms > SLOW_MS { SLOW_MS } else { time_ms + STEP_MS - time_ms % STEP_MS }
}

pub(super) fn pick(peers: &mut [Peer], among: PeerSet, now_s: u64) -> Option<usize> {
    least_conn::pick_by(peers, among, |peer| {
        stepped_ms(faded_ms(peer, now_s)) * (1 + u64::from(peer.conns))
    })
}

/// The average, halved for every window without a request.
fn faded_ms(peer: &Peer, now_s: u64) -> u64 {
    let idle_s = now_s.saturating_sub(peer.checked_s);
    let window_s = u64::from(peer.fail_timeout_s);
    if idle_s <= window_s {
        return peer.time_ms;
    }
    let halvings = u32::try_from(idle_s / (window_s + 1)).unwrap_or(u32::MAX);
    peer.time_ms.checked_shr(halvings).unwrap_or(0)
}

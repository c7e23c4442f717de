//! Failures seen by requests: when a peer is left alone, and when it is tried again.
//!
//! Times are whole seconds and the window includes its last one, as in nginx: a peer is offered a
//! request again strictly after `fail_timeout`.

use super::{Peer, Standing, Tier};

/// Exactly one peer and no backup: nowhere else to go, so failures never eject it.
pub(crate) fn is_sole(peers: &[Peer]) -> bool {
    matches!(peers, [peer] if peer.tier == Tier::Primary)
}

/// Within its window after too many failures. Meaningless for a sole peer, which is never out.
pub(crate) fn is_ejected(peer: &Peer, now_s: u64) -> bool {
    peer.max_fails > 0
        && peer.fails >= peer.max_fails
        && now_s.saturating_sub(peer.checked_s) <= u64::from(peer.fail_timeout_s)
}

/// Whether no peer can take a request, whichever were tried.
pub(crate) fn are_all_out(peers: &[Peer], now_s: u64) -> bool {
    let is_sole = is_sole(peers);
    let may_take = |peer: &&Peer| matches!(peer.standing, Standing::Open | Standing::HeldBack);
    let mut open = peers.iter().filter(may_take);
    open.all(|peer| !is_sole && is_ejected(peer, now_s))
}

/// Lets a peer take requests whatever failed there, of this pick's copy alone: what is known of its
/// failures stays.
pub(crate) fn overlook(peer: &mut Peer) {
    peer.standing = Standing::Open;
    peer.max_fails = 0;
}

/// A pick after the window is its probe: the window begins anew, so exactly one request is risked.
pub(super) fn picked(peer: &mut Peer, now_s: u64) {
    if now_s.saturating_sub(peer.checked_s) > u64::from(peer.fail_timeout_s) {
        peer.checked_s = now_s;
    }
}

/// The peer at `index` failed a request.
pub(crate) fn fail(peers: &mut [Peer], index: usize, now_s: u64) {
    if is_sole(peers) {
        return;
    }
    let peer = &mut peers[index];
    peer.fails = peer.fails.saturating_add(1);
    peer.accessed_s = now_s;
    peer.checked_s = now_s;
    if let Some(debit) = peer.weight.checked_div(peer.max_fails) {
        peer.effective_weight = (peer.effective_weight - i64::from(debit)).max(0);
    }
}

/// The peer served a request: a probe's success forgives, an older request's does not.
pub(crate) fn success(peer: &mut Peer) {
    if peer.accessed_s < peer.checked_s {
        peer.fails = 0;
    }
}

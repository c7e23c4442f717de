//! Drawn by weight: nginx's `random`, and `random two least_conn`, which draws two and takes the
//! less loaded one.
//!
//! Draws fall on closed peers, too, and are made again, up to the walk's bound. The caller brings
//! the dice.

use super::{Peer, PeerSet, Request, least_conn, stretch};

/// A peer among `open`; `None` sends the request to round robin.
pub(super) fn pick(peers: &[Peer], open: PeerSet, request: &mut Request<'_>) -> Option<usize> {
    let length = stretch::length(peers)?;
    while !request.walk.is_over() {
        let index = stretch::owner(peers, request.dice.below(length))?;
        if open & (1 << index) != 0 {
            return Some(index);
        }
        request.walk.miss();
    }
    None
}

/// Of two different peers the second, unless it is the more loaded for its weight.
pub(super) fn pick_of_two(
    peers: &[Peer],
    open: PeerSet,
    request: &mut Request<'_>,
) -> Option<usize> {
    let length = stretch::length(peers)?;
    let mut first = None;
    while !request.walk.is_over() {
        let index = stretch::owner(peers, request.dice.below(length))?;
        if open & (1 << index) != 0 && first != Some(index) {
            let Some(other) = first.replace(index) else {
                // In nginx the first of the two counts as a miss.
                request.walk.miss();
                continue;
            };
            let is_more =
                least_conn::load(peers, index, other) > least_conn::load(peers, other, index);
            return Some(if is_more { other } else { index });
        }
        request.walk.miss();
    }
    None
}

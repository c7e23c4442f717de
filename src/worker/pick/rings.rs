//! The rings of upstreams that hash consistently: made anew when the roster or a weight changed,
//! looked up otherwise.
//!
//! Outside the upstream's turn, since a ring takes far longer than a pick.

use crate::balance::ring::{Member, Ring};
use crate::config::limits;
use crate::scoreboard::Board;
use crate::scoreboard::layout::MEMBERS_MAX;
use crate::scoreboard::upstream::Roster;

const _: () = assert!(limits::RING_WEIGHT_MAX == crate::balance::ring::WEIGHT_MAX);

/// One upstream's ring, and what it was made of.
pub(super) struct KeptRing {
    epoch: u32,
    weights: [u16; MEMBERS_MAX],
    ring: Ring,
}

impl KeptRing {
    pub(super) fn ring(&self) -> &Ring {
        &self.ring
    }
}

/// Brings the ring in line with the roster and its members' weights of this moment.
pub(super) fn refresh(kept: &mut Option<Box<KeptRing>>, board: Board, roster: &Roster) {
    let weights = weights(board, roster);
    let is_current = |kept: &KeptRing| kept.epoch == roster.epoch && kept.weights == weights;
    if kept.as_deref().is_some_and(is_current) {
        return;
    }
    let members = roster.members.iter().zip(weights).enumerate();
    let members: Vec<Member<'_>> = members
        .filter(|(_, ((_, about), _))| !about.is_backup)
        .map(|(index, ((_, about), weight))| Member {
            index,
            address: &about.address,
            weight: u32::from(weight),
        })
        .collect();
    *kept = Some(Box::new(KeptRing { epoch: roster.epoch, weights, ring: Ring::new(&members) }));
}

/// By position; a slot that belongs to another backend by now has no say any more.
fn weights(board: Board, roster: &Roster) -> [u16; MEMBERS_MAX] {
    let mut weights = [0; MEMBERS_MAX];
    for (weight, (id, about)) in weights.iter_mut().zip(&roster.members) {
        let gate = board.backend(*id).gate();
        if gate.incarnation == about.incarnation {
            *weight = gate.weight;
        }
    }
    weights
}

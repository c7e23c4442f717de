//! The rings of upstreams that hash consistently, for what people are shown: the shares that the
//! workers' own rings lead to.
//!
//! Kept, since a ring takes far longer than a row.

use crate::balance::ring::{self, Ring};
use crate::config::model::Strategy;
use crate::scoreboard::BackendId;

use super::{Membership, Upstream};

/// An upstream's ring, and what it was made of.
pub(super) struct ShownRing {
    made_of: Vec<Part>,
    ring: Ring,
}

/// A backend in one life of its slot, and its weight; nothing for a backup.
type Part = (BackendId, u16, u32);

impl ShownRing {
    /// The ring, unless it is not the upstream's any more.
    pub(super) fn of(&self, upstream: &Upstream) -> Option<&Ring> {
        let is_current = upstream.strategy() == Strategy::HashConsistent
            && parts(upstream).eq(self.made_of.iter().copied());
        is_current.then_some(&self.ring)
    }
}

impl Membership {
    /// Makes those rings anew of which something changed, and drops those that nobody needs.
    pub(super) fn refresh_rings(&mut self) {
        for upstream in &mut self.upstreams {
            if upstream.strategy() != Strategy::HashConsistent {
                upstream.ring = None;
            } else if upstream.ring.as_ref().and_then(|ring| ring.of(upstream)).is_none() {
                let made_of = parts(upstream).collect();
                let members = upstream.members.iter().zip(parts(upstream)).enumerate();
                let members: Vec<ring::Member<'_>> = members
                    .map(|(index, (member, (.., weight)))| ring::Member {
                        index,
                        address: &member.name,
                        weight,
                    })
                    .collect();
                upstream.ring = Some(ShownRing { made_of, ring: Ring::new(&members) });
            }
        }
    }
}

fn parts(upstream: &Upstream) -> impl Iterator<Item = Part> + '_ {
    upstream.members.iter().map(|member| {
        let weight = if member.settings.is_backup { 0 } else { member.weight() };
        (member.id, member.incarnation, weight)
    })
}

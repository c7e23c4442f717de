//! The short way of a pick by turns, while nothing is the matter with any member: smooth weights are all that
//! counts then. It picks as the long way does and leaves the same words, which the tests hold.

use super::{Picked, Picker, Tried};
use crate::scoreboard::backend::About;
use crate::scoreboard::turn::Turn;
use crate::scoreboard::upstream::{Roster, Strategy};
use crate::scoreboard::{BackendId, UpstreamId};

/// Whether the members of a roster differ in nothing but weight, as far as the configuration goes.
pub(super) fn is_level(roster: &Roster) -> bool {
    let [(_, first), _, ..] = &*roster.members else { return false };
    let is_alike = |(_, about): &(BackendId, About)| {
        about.max_conns == 0 && !about.is_backup && about.priority == first.priority
    };
    roster.strategy == Strategy::RoundRobin && roster.members.iter().all(is_alike)
}

impl Picker {
    /// Within the turn, for a request that nobody was asked for yet; `None` leaves it to the long way.
    pub(super) fn choose_level(
        &mut self,
        upstream: UpstreamId,
        turn: &Turn,
        tried: &mut Tried,
        now_s: u64,
    ) -> Option<Picked> {
        let roster = self.rosters[upstream.index()].as_ref()?;
        if !self.are_level[upstream.index()] || !tried.is_none() {
            return None;
        }
        self.credits.clear();
        let (mut winner, mut most, mut total) = (None, i64::MIN, 0);
        for member in &roster.members {
            let (id, about) = member;
            let (weight, current) = self.board.backend(*id).level_weights(about.incarnation)?;
            let credit = current + i64::from(weight);
            total += i64::from(weight);
            if credit > most {
                (winner, most) = (Some(member), credit);
            }
            self.credits.push(credit);
        }
        let (id, about) = winner?;
        // As on the long way: reserve first, look again after.
        let reservation = self.account.reserve(*id);
        if !self.is_usable(*id, about.incarnation) {
            return None;
        }
        for ((id, _), credit) in roster.members.iter().zip(&self.credits) {
            self.board.backend(*id).set_current_weight(*credit);
        }
        let backend = self.board.backend(*id);
        backend.set_current_weight(most - total);
        // `balance::failure::picked`.
        if now_s.saturating_sub(backend.checked_s()) > u64::from(about.fail_timeout_s) {
            backend.set_checked_s(now_s);
        }
        Some(self.picked((upstream, turn), (*id, about.incarnation), tried, reservation))
    }
}

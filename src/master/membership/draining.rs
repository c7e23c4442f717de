//! Drains: how one begins, what is told of it, and how it ends: with its last request, or with its
//! time, when the workers end what is left.
//!
//! Only an operator's drain is cut. A program's restart drains too, but what is left then is the
//! program's to end, which it may do gracefully.

use crate::balance::cause;
use crate::balance::leaving::Pace;
use crate::control::drain::Drain;
use crate::scoreboard::gate::{Bound, Gate};
use crate::scoreboard::turn::Owner;
use crate::scoreboard::{account, holding};

use super::member::{Admin, Cause, Draining, Then};
use super::{Membership, Notice, Now, Place};

/// How long the workers may take to end what is left; several of their sweeps.
const CUT_WITHIN_US: u64 = 5_000_000;

impl Membership {
    pub(super) fn begin_drain(
        &mut self,
        at: Place,
        (cause, then): (Cause, Then),
        timeout_ms: u64,
        now: Now,
    ) {
        let times = (now.wall_ms, now.wall_ms.saturating_add(timeout_ms));
        self.happened(at, cause::Cause::Drain, now);
        self.member_mut(at).admin = Admin::Draining(Draining::again(cause, then, times, now));
        self.settle(at, now);
        // Read after the gate was closed: whoever was picked for it by then is counted.
        let (member, active) = (self.member(at), self.active(at));
        let backend = self.board.backend(member.id);
        let picks = backend.picks();
        let cuts = account::backend_counts(self.board, member.id, member.incarnation).cuts;
        if let Admin::Draining(draining) = &mut self.member_mut(at).admin {
            draining.active_at_start = active;
            draining.picks_at_start = picks;
            draining.cuts_at_start = cuts;
        }
    }

    pub(super) fn end_drain_if_due(&mut self, at: Place, now: Now) {
        let is_followed = self.is_followed(at);
        if is_followed && self.is_drain_late(at, now) {
            self.send_followers_away(at);
        }
        // Read after the gate was closed and its fence passed: zero here means zero for good.
        let active_left = self.active(at);
        let (id, incarnation) = (self.member(at).id, self.member(at).incarnation);
        let requests = active_left.saturating_sub(holding::upgraded(self.board, id));
        let member = self.member_mut(at);
        let is_over = match &mut member.admin {
            Admin::Draining(draining) => {
                draining.pace.note(now.mono_us, requests);
                let is_late = now.mono_us >= draining.deadline_us;
                if is_late && active_left > 0 && draining.cause != Cause::Restart {
                    // The workers see it at their next sweep.
                    member.admin = Admin::Cutting(draining.clone());
                    return;
                }
                is_late || (active_left == 0 && !is_followed)
            }
            Admin::Cutting(draining) => {
                active_left == 0
                    || now.mono_us >= draining.deadline_us.saturating_add(CUT_WITHIN_US)
            }
            Admin::AsFile
            | Admin::Enabled
            | Admin::Drained(_)
            | Admin::Left { .. }
            | Admin::Down { .. } => return,
        };
        if !is_over {
            return;
        }
        let counts = account::backend_counts(self.board, id, incarnation);
        let has_timed_out = active_left > 0 || matches!(self.member(at).admin, Admin::Cutting(_));
        let Some(Draining { cause, then, cuts_at_start, .. }) = self.member(at).draining().cloned()
        else {
            return;
        };
        self.member_mut(at).admin = match (then, &cause) {
            (Then::Leave, Cause::Operator(by)) => Admin::Left { by: by.clone() },
            (Then::Stay, _) | (Then::Leave, Cause::Restart) => Admin::Drained(cause),
        };
        let upstream = &self.upstreams[at.upstream];
        self.notices.push(Notice::Drained {
            upstream: upstream.name.clone(),
            backend: upstream.members[at.member].name.clone(),
            active_left,
            has_timed_out,
            cuts: counts.cuts.saturating_sub(cuts_at_start),
        });
    }

    /// Whether a drain goes on for its time, since clients that belong to the backend still come.
    fn is_followed(&self, at: Place) -> bool {
        let on_drain = self.upstreams[at.upstream].settings.on_drain();
        self.member(at).bound(on_drain) == Bound::Served
    }

    fn is_drain_late(&self, at: Place, now: Now) -> bool {
        self.member(at).draining().is_some_and(|draining| now.mono_us >= draining.deadline_us)
    }

    /// The drain's time is over, so theirs is, too.
    fn send_followers_away(&self, at: Place) {
        let _turn = self.board.upstream(self.upstreams[at.upstream].id).take_turn(Owner::Master);
        let backend = self.board.backend(self.member(at).id);
        backend.set_gate(Gate { bound: Bound::Moved, ..backend.gate() });
    }

    /// Tells the workers whether to look for the oldest requests, and for those to be cut.
    pub(super) fn announce_drains(&self) {
        let members = self.upstreams.iter().flat_map(|upstream| &upstream.members);
        let count = members.filter(|member| member.draining().is_some()).count();
        self.board.set_drains(count as u32);
    }

    /// For people.
    pub(super) fn drain_row(&self, at: Place, active: u32, now: Now) -> Option<Drain> {
        let member = self.member(at);
        let draining = member.draining()?;
        let upgraded = holding::upgraded(self.board, member.id).min(active);
        let in_flight = active - upgraded;
        let oldest_us = holding::oldest_us(self.board, member.id);
        let pace: &Pace = &draining.pace;
        let eta_ms = pace.eta_ms(now.mono_us, in_flight);
        Some(Drain {
            since_ms: draining.since_ms,
            deadline_ms: draining.deadline_ms,
            by: draining.cause.by().to_owned(),
            active_at_start: draining.active_at_start,
            in_flight,
            upgraded,
            oldest_ms: oldest_us
                .filter(|_| in_flight > 0)
                .map(|since_us| now.mono_us.saturating_sub(since_us) / 1000),
            leaving_per_s: pace.leaving_per_s(now.mono_us, in_flight),
            eta_ms: eta_ms.filter(|_| upgraded == 0),
            picks: self.board.backend(member.id).picks().wrapping_sub(draining.picks_at_start),
            is_removal: draining.then == Then::Leave,
        })
    }
}

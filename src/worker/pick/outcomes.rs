//! What became of picks: failures, times, counts, and the budget of retries.

use super::peers::{is_timed, load, store};
use super::{Picked, Picker};
use crate::balance;
use crate::scoreboard::account::Outcome;
use crate::scoreboard::backend::{About, Failure, Times};
use crate::scoreboard::holding::Upgraded;
use crate::scoreboard::turn::Owner;
use crate::scoreboard::{BackendId, UpstreamId};

impl Picker {
    /// The backend failed the request: it counts against the backend. The reservation stays.
    pub(crate) fn failed(&mut self, picked: &Picked, failure: Failure, now_us: u64) {
        self.account.failed(picked.backend);
        let Some(roster) = &self.rosters[picked.upstream.index()] else { return };
        let is_picked = |(id, _): &(BackendId, About)| *id == picked.backend;
        let Some(index) = roster.members.iter().position(is_picked) else { return };
        let _turn = self.board.upstream(picked.upstream).take_turn(Owner::Worker(self.slot));
        let backend = self.board.backend(picked.backend);
        self.peers.clear();
        let members = roster.members.iter();
        self.peers.extend(members.map(|(id, about)| load(self.board, *id, about, 0)));
        balance::failure::fail(&mut self.peers, index, now_us / 1_000_000);
        store(self.board, picked.backend, &self.peers[index]);
        backend.set_last_failure(failure);
    }

    /// The response is through, and the reservation ends.
    #[expect(clippy::needless_pass_by_value, reason = "the reservation ends here, so it is taken")]
    pub(crate) fn finished(&mut self, picked: Picked, outcome: &Outcome) {
        self.account.finished(picked.upstream, picked.backend, outcome);
        // A backend without failures has nothing to be forgiven, so most requests take no turn.
        if self.board.backend(picked.backend).fails() > 0 {
            self.forgive(&picked);
        }
    }

    /// How long the backend took, for a strategy that goes by it; `None`: there was no head.
    pub(crate) fn timed(&mut self, picked: &Picked, header_us: Option<u32>, last_byte_us: u32) {
        let roster = self.rosters[picked.upstream.index()].as_ref();
        if !roster.is_some_and(|roster| is_timed(roster.strategy)) {
            return;
        }
        let Some(header_us) = header_us else { return };
        let backend = self.board.backend(picked.backend);
        let _turn = self.board.upstream(picked.upstream).take_turn(Owner::Worker(self.slot));
        // Its slot may be another's by now, whose times are its own.
        if backend.gate().incarnation == picked.incarnation {
            let before = backend.times();
            let with = |average_ms, time_us| {
                balance::least_time::average_ms(average_ms, u64::from(time_us) / 1000)
            };
            backend.set_times(Times {
                header_ms: with(before.header_ms, header_us),
                last_byte_ms: with(before.last_byte_ms, last_byte_us),
            });
        }
    }

    /// A TCP route's connection to the backend stands, which a backend that failed before is
    /// forgiven for. The reservation stays.
    pub(crate) fn session_connected(&mut self, picked: &Picked, took_us: u64) {
        let took_us = u32::try_from(took_us).unwrap_or(u32::MAX);
        self.account.session_connected(picked.backend, picked.incarnation, took_us);
        self.timed(picked, Some(took_us), took_us);
        if self.board.backend(picked.backend).fails() > 0 {
            self.forgive(picked);
        }
    }

    /// Bytes that went to the backend and came from it, on a connection that goes on.
    pub(crate) fn carried(&self, picked: &Picked, bytes_in: u64, bytes_out: u64) {
        self.account.carried(picked.backend, picked.incarnation, bytes_in, bytes_out);
    }

    /// A TCP route's connection is over.
    #[expect(clippy::needless_pass_by_value, reason = "the reservation ends here, so it is taken")]
    pub(crate) fn session_ended(&mut self, picked: Picked, status: u16, lasted_us: u64) {
        let life = (picked.backend, picked.incarnation);
        self.account.session_ended(picked.upstream, life, status, lasted_us);
    }

    /// What is in flight there is a connection from here on, and no request.
    pub(crate) fn upgrade(&self, backend: BackendId) -> Upgraded {
        self.account.upgrade(backend)
    }

    /// A drain's time limit ended what was in flight there.
    pub(crate) fn cut(&self, picked: &Picked) {
        self.account.cut(picked.backend, picked.incarnation);
    }

    /// Notes a request's first offer: retries are granted by the number of these.
    pub(crate) fn asked(&mut self, upstream: UpstreamId, now_us: u64) {
        self.budgets[upstream.index()].asked(now_us / 1_000_000);
    }

    /// Whether the upstream's budget, `percent` of its requests, has one more retry.
    pub(crate) fn grants_retry(&mut self, upstream: UpstreamId, percent: u32, now_us: u64) -> bool {
        let is_granted = self.budgets[upstream.index()].grants(percent, now_us / 1_000_000);
        if !is_granted {
            self.account.withheld(upstream);
        }
        is_granted
    }

    /// The request is offered to a further backend.
    pub(crate) fn retried(&mut self, upstream: UpstreamId) {
        self.account.retried(upstream);
    }

    /// The further backend failed it, too.
    pub(crate) fn retried_in_vain(&mut self, upstream: UpstreamId, now_us: u64) {
        self.budgets[upstream.index()].failed(now_us / 1_000_000);
    }

    /// The request would have needed one connection too many.
    pub(crate) fn overflowed(&mut self, upstream: UpstreamId) {
        self.account.overflowed(upstream);
    }

    fn forgive(&mut self, picked: &Picked) {
        let Some(roster) = &self.rosters[picked.upstream.index()] else { return };
        let Some((_, about)) = roster.members.iter().find(|(id, _)| *id == picked.backend) else {
            return;
        };
        let _turn = self.board.upstream(picked.upstream).take_turn(Owner::Worker(self.slot));
        let mut peer = load(self.board, picked.backend, about, 0);
        balance::failure::success(&mut peer);
        store(self.board, picked.backend, &peer);
    }
}

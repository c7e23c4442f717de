//! Picks for requests that may wait: in the order in which all workers' requests came.

use super::{Ask, Asker, Order, Picked, Picker, Refusal, Tried};
use crate::scoreboard::UpstreamId;
use crate::scoreboard::queue::Queues;
use crate::scoreboard::turn::Owner;

impl Picker {
    /// As `pick`, but `Full` while others wait, too; that is not counted as a refusal.
    pub(crate) fn pick_behind(
        &mut self,
        upstream: UpstreamId,
        asker: Asker<'_>,
        tried: &mut Tried,
        now_us: u64,
    ) -> Result<Picked, Refusal> {
        let now_s = now_us / 1_000_000;
        let picked = self.find(Ask { upstream, asker, now_s, order: Order::Behind }, tried);
        self.count_refusal(upstream, &picked);
        picked
    }

    /// Begins to wait: the request's ticket, or `None` when as many wait as may.
    pub(crate) fn join_line(&mut self, upstream: UpstreamId, length: u32) -> Option<u64> {
        let turn = self.board.upstream(upstream).take_turn(Owner::Worker(self.slot));
        let ticket = self.line().join(upstream, &turn, length);
        drop(turn);
        if ticket.is_none() {
            self.account.queue_overflowed(upstream);
        }
        ticket
    }

    /// For a request that waits: `Full` until it is the next one and there is room for it.
    pub(crate) fn pick_in_line(
        &mut self,
        (upstream, ticket): (UpstreamId, u64),
        asker: Asker<'_>,
        tried: &mut Tried,
        now_us: u64,
    ) -> Result<Picked, Refusal> {
        let (now_s, order) = (now_us / 1_000_000, Order::Ticket(ticket));
        let picked = self.find(Ask { upstream, asker, now_s, order }, tried);
        self.count_refusal(upstream, &picked);
        picked
    }

    pub(crate) fn waited_in_vain(&mut self, upstream: UpstreamId) {
        self.account.queue_timed_out(upstream);
    }

    /// Within the turn: whether a request of that order may be picked for.
    pub(super) fn is_next(&self, upstream: UpstreamId, order: Order) -> bool {
        match (order, self.line().first(upstream)) {
            (Order::Behind, first) => first.is_none(),
            (Order::Ticket(ticket), Some((slot, first))) => slot == self.slot && first == ticket,
            (Order::Free, _) | (Order::Ticket(_), None) => true,
        }
    }

    fn count_refusal(&self, upstream: UpstreamId, picked: &Result<Picked, Refusal>) {
        if matches!(picked, Err(Refusal::NoBackend)) {
            self.account.refused(upstream);
        }
    }

    fn line(&self) -> Queues {
        Queues::new(self.board, self.slot)
    }
}

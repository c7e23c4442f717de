//! Latencies of whole lives: of a backend since it joined, of an upstream since it is there, with
//! the backends that have left it.
//!
//! The board's words are narrow and its cells change hands, so what they gain is added up here, once
//! a second and whenever somebody asks: no sum ever goes back. A backend that leaves is read until its
//! slot is vacant; what those came to that have left is passed on to the next master.

use serde::{Deserialize, Serialize};

use crate::scoreboard::account;
use crate::scoreboard::gate::Standing;
use crate::scoreboard::histogram::{Histogram, Totals};
use crate::scoreboard::layout::{BACKENDS_MAX, UPSTREAMS_MAX};
use crate::scoreboard::{BackendId, Board, UpstreamId};

/// How many in each bucket, and what they come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Latencies {
    pub(crate) counts: Totals,
    pub(crate) sum_us: u64,
}

impl Latencies {
    pub(crate) fn add(&mut self, counts: &Histogram, sum_us: u64) {
        self.counts.add(counts);
        self.sum_us += sum_us;
    }

    fn merge(&mut self, other: &Self) {
        self.counts.merge(&other.counts);
        self.sum_us += other.sum_us;
    }
}

pub(crate) struct Lifetimes {
    board: Board,
    /// By slot.
    upstreams: Vec<Sum>,
    /// By slot.
    backends: Vec<Option<Box<Life>>>,
}

/// One life of an upstream's slot.
#[derive(Clone, Default)]
struct Sum {
    incarnation: u32,
    all: Latencies,
    /// Of them, those of backends that have left.
    departed: Latencies,
}

/// What the board does not tell: what backends of an upstream came to that have left it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::master) struct Saved {
    upstream: String,
    incarnation: u32,
    /// Buckets in use, by their numbers.
    counts: Vec<(u16, u64)>,
    sum_us: u64,
}

/// One life of a backend's slot.
struct Life {
    incarnation: u16,
    /// Whose it is, and in which life of that.
    upstream: (UpstreamId, u32),
    /// What was last read of the board.
    read: (Histogram, u64),
    sum: Latencies,
}

impl Lifetimes {
    pub(crate) fn new(board: Board) -> Self {
        Self {
            board,
            upstreams: vec![Sum::default(); UPSTREAMS_MAX],
            backends: (0..BACKENDS_MAX).map(|_| None).collect(),
        }
    }

    /// Goes on from what a predecessor left, of upstreams that are the same still.
    pub(in crate::master) fn restore(&mut self, saved: &[Saved]) {
        for Saved { upstream, incarnation, counts, sum_us } in saved {
            let Some(id) = self.board.upstream_named(upstream) else { continue };
            if self.board.upstream(id).incarnation() == *incarnation {
                let counts = Totals::of(counts.iter().copied());
                let departed = Latencies { counts, sum_us: *sum_us };
                let (incarnation, all) = (*incarnation, departed.clone());
                self.upstreams[id.index()] = Sum { incarnation, all, departed };
            }
        }
    }

    /// What the board alone would not tell a successor.
    pub(in crate::master) fn save(&self) -> Vec<Saved> {
        let board = self.board;
        let mut saved = Vec::new();
        for id in UpstreamId::all().filter(|id| board.upstream(*id).is_in_use()) {
            let Sum { incarnation, departed, .. } = &self.upstreams[id.index()];
            let listed: Vec<BackendId> = board.upstream(id).roster_members().collect();
            let lives = BackendId::all().zip(&self.backends).filter_map(|(backend, life)| {
                let life = life.as_deref()?;
                let is_leaving = life.upstream == (id, *incarnation) && !listed.contains(&backend);
                is_leaving.then_some(&life.sum)
            });
            let mut departed = departed.clone();
            lives.for_each(|sum| departed.merge(sum));
            let counts: Vec<(u16, u64)> = departed.counts.in_use().collect();
            if !counts.is_empty() {
                let (upstream, incarnation) = (board.upstream(id).name(), *incarnation);
                saved.push(Saved { upstream, incarnation, counts, sum_us: departed.sum_us });
            }
        }
        saved
    }

    /// Adds what has come since the last time. Whether what `save` says may be another.
    pub(crate) fn settle(&mut self) -> bool {
        let board = self.board;
        for upstream in UpstreamId::all().filter(|id| board.upstream(*id).is_in_use()) {
            let incarnation = board.upstream(upstream).incarnation();
            let sum = &mut self.upstreams[upstream.index()];
            if sum.incarnation != incarnation {
                *sum = Sum { incarnation, ..Sum::default() };
            }
            for id in board.upstream(upstream).roster_members() {
                self.meet(id, (upstream, incarnation));
            }
        }
        BackendId::all().fold(false, |has_departed, id| self.read(id) | has_departed)
    }

    /// Of an upstream as it was last settled.
    pub(crate) fn upstream(&self, name: &str) -> Latencies {
        let id = self.board.upstream_named(name);
        id.map(|id| self.upstreams[id.index()].all.clone()).unwrap_or_default()
    }

    /// The same of a backend, by its row's key.
    pub(crate) fn backend(&self, key: u32) -> Latencies {
        let life = self.backends.get((key & 0xffff) as usize).and_then(Option::as_deref);
        let is_it = |life: &&Life| u32::from(life.incarnation) == key >> 16;
        life.filter(is_it).map(|life| life.sum.clone()).unwrap_or_default()
    }

    fn meet(&mut self, id: BackendId, upstream: (UpstreamId, u32)) {
        let incarnation = self.board.backend(id).gate().incarnation;
        match &mut self.backends[id.index()] {
            Some(life) if life.incarnation == incarnation => {}
            other => {
                let before = other.replace(Box::new(Life {
                    incarnation,
                    upstream,
                    read: (Histogram::default(), 0),
                    sum: Latencies::default(),
                }));
                if let Some(before) = before {
                    self.bury(&before);
                }
            }
        }
    }

    /// Whether it has left, or is about to.
    fn read(&mut self, id: BackendId) -> bool {
        let Some(mut life) = self.backends[id.index()].take() else { return false };
        let gate = self.board.backend(id).gate();
        if gate.incarnation != life.incarnation {
            self.bury(&life);
            return true;
        }
        let counts = account::backend_latency(self.board, id, life.incarnation);
        let sum_us = account::backend_counts(self.board, id, life.incarnation).service_us;
        let gained = counts.since(&life.read.0);
        let gained_us = sum_us.saturating_sub(life.read.1);
        life.sum.add(&gained, gained_us);
        let (upstream, incarnation) = life.upstream;
        let of_upstream = &mut self.upstreams[upstream.index()];
        if of_upstream.incarnation == incarnation {
            of_upstream.all.add(&gained, gained_us);
        }
        life.read = (counts, sum_us);
        // Nothing was in flight any more when the slot was given up.
        if gate.standing == Standing::Vacant {
            self.bury(&life);
            return true;
        }
        self.backends[id.index()] = Some(life);
        gate.standing == Standing::Draining
    }

    fn bury(&mut self, life: &Life) {
        let (upstream, incarnation) = life.upstream;
        let of_upstream = &mut self.upstreams[upstream.index()];
        if of_upstream.incarnation == incarnation {
            of_upstream.departed.merge(&life.sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scoreboard::WorkerSlot;
    use crate::scoreboard::account::{Account, Outcome};
    use crate::scoreboard::gate::Gate;

    struct Site {
        board: Board,
        upstream: UpstreamId,
        account: Account,
    }

    impl Site {
        fn new() -> Self {
            let (board, _) = Board::create().unwrap();
            let upstream = UpstreamId::new(0).unwrap();
            board.upstream(upstream).publish().name("api");
            let slot = WorkerSlot::new(0).unwrap();
            board.worker(slot).occupy(1);
            let account = board.account(slot);
            account.meet_upstream(upstream, board.upstream(upstream).incarnation());
            Self { board, upstream, account }
        }

        fn stand(&self, id: BackendId, standing: Standing, incarnation: u16) {
            let gate = Gate { standing, ..Gate::open(incarnation, 1) };
            self.board.backend(id).set_gate(gate);
        }

        fn list(&self, ids: &[BackendId]) {
            self.board.upstream(self.upstream).publish().members(ids);
        }

        fn serve(&self, id: BackendId, incarnation: u16) {
            self.account.meet_backend(id, incarnation);
            let outcome = Outcome { status: 200, service_us: 1000, ..Outcome::default() };
            self.account.finished(self.upstream, id, &outcome);
        }
    }

    /// The upstream's count, and one backend's by its key.
    #[track_caller]
    fn expect(lifetimes: &mut Lifetimes, sum: u64, of_one: u64, key: u32) {
        lifetimes.settle();
        let upstream = lifetimes.upstream("api");
        assert_eq!((upstream.counts.count(), upstream.sum_us), (sum, sum * 1000));
        assert_eq!(lifetimes.backend(key).counts.count(), of_one);
    }

    #[test]
    fn an_upstream_keeps_what_backends_did_that_have_left() {
        let (site, one, two) =
            (Site::new(), BackendId::new(0).unwrap(), BackendId::new(1).unwrap());
        let mut lifetimes = Lifetimes::new(site.board);
        site.stand(one, Standing::Open, 1);
        site.stand(two, Standing::Open, 1);
        site.list(&[one, two]);
        site.serve(one, 1);
        site.serve(two, 1);
        expect(&mut lifetimes, 2, 1, 1 << 16);
        // It leaves with a request under way, which then ends.
        site.list(&[two]);
        site.stand(one, Standing::Draining, 1);
        expect(&mut lifetimes, 2, 1, 1 << 16);
        site.serve(one, 1);
        site.stand(one, Standing::Vacant, 1);
        expect(&mut lifetimes, 3, 0, 1 << 16);
        // A successor knows it, too.
        let saved = lifetimes.save();
        let mut lifetimes = Lifetimes::new(site.board);
        lifetimes.restore(&saved);
        expect(&mut lifetimes, 3, 0, 1 << 16);
        // The slot's next life starts from nothing, and takes nothing from its upstream.
        site.list(&[one, two]);
        site.stand(one, Standing::Open, 2);
        site.serve(one, 2);
        expect(&mut lifetimes, 4, 1, 2 << 16);
    }
}

//! A worker's way to a backend: loads the upstream's balancing words, lets `balance` choose, stores
//! them back, and counts what came of it.
//!
//! Reads no clock, allocates nothing per pick, and holds nothing but the upstream's turn for the
//! pick itself. Membership is copied when its epoch changed; standing and weight are read anew at
//! every pick, so a drain holds from the next request on.

mod rings;

#[cfg(test)]
mod tests;

use std::net::IpAddr;

use crate::balance;
use crate::balance::budget::Budget;
use crate::balance::dice::Dice;
use crate::balance::walk::Walk;
use crate::config::model::Address;
use crate::scoreboard::account::{Account, Outcome, Reservation};
use crate::scoreboard::backend::{About, Failure, Times, Words};
use crate::scoreboard::gate::Standing;
use crate::scoreboard::holding::Upgraded;
use crate::scoreboard::layout::{BACKENDS_MAX, MEMBERS_MAX, UPSTREAMS_MAX};
use crate::scoreboard::turn::Owner;
use crate::scoreboard::upstream::{AllDown, Roster, Strategy};
use crate::scoreboard::{BackendId, Board, UpstreamId, WorkerSlot};
use crate::sys::random;
use rings::KeptRing;

const _: () = assert!(MEMBERS_MAX <= balance::PEERS_MAX);

/// Gates that may close between choosing and reserving before the pick gives up.
const CHOICES_MAX: u32 = 8;

/// Changes of membership that may overtake one pick before it gives up.
const EDITIONS_MAX: u32 = 16;

/// No backend can take the request: the answer is 502.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no backend can take the request")]
pub(crate) struct NoBackend;

/// A backend with one request reserved on it, until this value ends.
#[must_use = "dropping it gives the reservation back"]
pub(crate) struct Picked {
    _reservation: Reservation,
    upstream: UpstreamId,
    backend: BackendId,
    incarnation: u16,
}

impl Picked {
    pub(crate) fn upstream(&self) -> UpstreamId {
        self.upstream
    }

    pub(crate) fn backend(&self) -> BackendId {
        self.backend
    }

    /// Which life of the backend's slot: a pooled connection belongs to one.
    pub(crate) fn incarnation(&self) -> u16 {
        self.incarnation
    }
}

/// Who asks for a backend.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asker<'a> {
    pub(crate) client: IpAddr,
    /// What the upstream's `hash_key` comes to; empty without one.
    pub(crate) key: &'a [u8],
}

/// The backends one request was offered to, and where it stands among hashes or draws.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tried {
    backends: [u64; BACKENDS_MAX / 64],
    walk: Walk,
}

impl Tried {
    pub(crate) const fn none() -> Self {
        Self { backends: [0; BACKENDS_MAX / 64], walk: Walk::start() }
    }

    fn holds(&self, id: BackendId) -> bool {
        self.backends[id.index() / 64] & (1 << (id.index() % 64)) != 0
    }

    fn add(&mut self, id: BackendId) {
        self.backends[id.index() / 64] |= 1 << (id.index() % 64);
    }
}

/// Where a backend listens, for one life of its slot.
struct Known {
    incarnation: u16,
    address: Address,
}

/// Chooses backends for one worker.
pub(crate) struct Picker {
    board: Board,
    slot: WorkerSlot,
    account: Account,
    /// By upstream slot; empty until first met.
    rosters: Vec<Option<Roster>>,
    /// By upstream slot; for those that hash consistently.
    rings: Vec<Option<Box<KeptRing>>>,
    /// By backend slot.
    known: Vec<Option<Known>>,
    /// By upstream slot.
    budgets: Vec<Budget>,
    dice: Dice,
    /// Scratch of a pick, in the order of the roster.
    peers: Vec<balance::Peer>,
}

impl Picker {
    pub(crate) fn new(board: Board, slot: WorkerSlot) -> Self {
        Self {
            board,
            slot,
            account: board.account(slot),
            rosters: (0..UPSTREAMS_MAX).map(|_| None).collect(),
            rings: (0..UPSTREAMS_MAX).map(|_| None).collect(),
            known: (0..BACKENDS_MAX).map(|_| None).collect(),
            budgets: vec![Budget::default(); UPSTREAMS_MAX],
            dice: Dice::seeded(random::seed()),
            peers: Vec::with_capacity(MEMBERS_MAX),
        }
    }

    /// The slot of the upstream of that name. For a generation's compilation, not for a request.
    pub(crate) fn upstream_id(&self, name: &str) -> Option<UpstreamId> {
        self.board.upstream_named(name)
    }

    /// Chooses a backend for a client's request and reserves the request on it; adds it to `tried`.
    pub(crate) fn pick(
        &mut self,
        upstream: UpstreamId,
        asker: Asker<'_>,
        tried: &mut Tried,
        now_us: u64,
    ) -> Result<Picked, NoBackend> {
        let picked = self.pick_another(upstream, asker, tried, now_us);
        if picked.is_err() {
            self.account.refused(upstream);
        }
        picked
    }

    /// A further backend for a request that one has failed. That there is none is no news: what the
    /// failure comes to is known.
    pub(crate) fn pick_another(
        &mut self,
        upstream: UpstreamId,
        asker: Asker<'_>,
        tried: &mut Tried,
        now_us: u64,
    ) -> Result<Picked, NoBackend> {
        let now_s = now_us / 1_000_000;
        self.refresh(upstream);
        for _ in 0..EDITIONS_MAX {
            if let Some(picked) = self.choose(upstream, asker, tried, (Among::Fit, now_s)) {
                return Ok(picked);
            }
            // Whoever closed may have been replaced while this copy was read: the new ones are
            // there before the old ones close. Gates change within turns, so when the copy was good
            // for the whole of one, nobody was open in it.
            if self.refresh(upstream) == Edition::Same {
                break;
            }
        }
        if self.is_desperate(upstream, now_s) {
            let picked = self.choose(upstream, asker, tried, (Among::Failed, now_s));
            if let Some(picked) = picked {
                self.account.despaired(upstream);
                return Ok(picked);
            }
        }
        Err(NoBackend)
    }

    /// Where the picked backend listens; `None` when its slot has come to belong to another since.
    pub(crate) fn address(&self, picked: &Picked) -> Option<&Address> {
        self.listens(picked.backend, picked.incarnation)
    }

    /// Where that life of the backend listens.
    pub(crate) fn listens(&self, backend: BackendId, incarnation: u16) -> Option<&Address> {
        let known = self.known[backend.index()].as_ref()?;
        (known.incarnation == incarnation).then_some(&known.address)
    }

    /// Whether connections to that life of the backend may be kept for further requests.
    pub(crate) fn is_usable(&self, backend: BackendId, incarnation: u16) -> bool {
        let gate = self.board.backend(backend).gate();
        gate.is_open() && gate.incarnation == incarnation
    }

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

    /// One pick within the upstream's turn. Nothing is stored until the reservation holds.
    fn choose(
        &mut self,
        upstream: UpstreamId,
        asker: Asker<'_>,
        tried: &mut Tried,
        (among, now_s): (Among, u64),
    ) -> Option<Picked> {
        let roster = self.rosters[upstream.index()].as_ref()?;
        let strategy = strategy(roster.strategy);
        if strategy == balance::Strategy::HashConsistent {
            rings::refresh(&mut self.rings[upstream.index()], self.board, roster);
        }
        let ring = self.rings[upstream.index()].as_deref().map(KeptRing::ring);
        let turn = self.board.upstream(upstream).take_turn(Owner::Worker(self.slot));
        for _ in 0..CHOICES_MAX {
            let mut walk = tried.walk;
            self.peers.clear();
            let mut offered = 0;
            for (index, (id, about)) in roster.members.iter().enumerate() {
                let mut peer = load(self.board, *id, about, turn.picks());
                weigh(self.board, *id, roster.strategy, &mut peer);
                if among == Among::Failed && may_serve(self.board, *id, about) {
                    balance::failure::overlook(&mut peer);
                }
                offered |= u64::from(tried.holds(*id)) << index;
                self.peers.push(peer);
            }
            let mut request = balance::Request {
                client: asker.client,
                key: asker.key,
                ring,
                dice: &mut self.dice,
                tried: offered,
                walk: &mut walk,
                now_s,
            };
            let index = balance::pick(strategy, &mut self.peers, &mut request)?;
            let (id, about) = &roster.members[index];
            // Reserve first, look again after: a drain either is seen here or sees the reservation.
            let reservation = self.account.reserve(*id);
            let may_serve = match among {
                Among::Fit => self.is_usable(*id, about.incarnation),
                Among::Failed => may_serve(self.board, *id, about),
            };
            if may_serve {
                // A closed member may be another upstream's by now: it was not changed, nor is it
                // ours to store.
                for ((id, _), peer) in roster.members.iter().zip(&self.peers) {
                    if peer.standing != balance::Standing::Closed {
                        store(self.board, *id, peer);
                    }
                }
                turn.count();
                self.board.backend(*id).count_pick();
                tried.walk = walk;
                tried.add(*id);
                return Some(Picked {
                    _reservation: reservation,
                    upstream,
                    backend: *id,
                    incarnation: about.incarnation,
                });
            }
        }
        None
    }

    /// Whether the upstream wants failed members to be asked while there are no others. Looked at
    /// only where a pick found nobody.
    fn is_desperate(&mut self, upstream: UpstreamId, now_s: u64) -> bool {
        let Some(roster) = &self.rosters[upstream.index()] else { return false };
        if roster.all_down == AllDown::Refuse {
            return false;
        }
        let members = roster.members.iter();
        self.peers.clear();
        self.peers.extend(members.map(|(id, about)| load(self.board, *id, about, 0)));
        balance::failure::are_all_out(&self.peers, now_s)
    }

    /// Copies the roster again when its epoch changed; one load otherwise.
    fn refresh(&mut self, id: UpstreamId) -> Edition {
        let upstream = self.board.upstream(id);
        let epoch = upstream.epoch();
        if self.rosters[id.index()].as_ref().is_some_and(|roster| roster.epoch == epoch) {
            return Edition::Same;
        }
        let Some(mut roster) = upstream.roster() else { return Edition::Same };
        self.account.meet_upstream(id, roster.incarnation);
        // What does not parse was not written by a master of this layout: it gets no request.
        roster.members.retain(|(backend, about)| match Address::parse(&about.address) {
            Some(address) => {
                self.account.meet_backend(*backend, about.incarnation);
                let known = Known { incarnation: about.incarnation, address };
                self.known[backend.index()] = Some(known);
                true
            }
            None => false,
        });
        if roster.strategy != Strategy::HashConsistent {
            self.rings[id.index()] = None;
        }
        self.rosters[id.index()] = Some(roster);
        Edition::New
    }
}

/// Whom a pick chooses among.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Among {
    Fit,
    /// Those that are out for failures, too: there are no others.
    Failed,
}

/// Which roster a pick goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edition {
    /// The one it had.
    Same,
    New,
}

fn strategy(word: Strategy) -> balance::Strategy {
    match word {
        Strategy::RoundRobin => balance::Strategy::RoundRobin,
        Strategy::LeastConn => balance::Strategy::LeastConn,
        Strategy::IpHash => balance::Strategy::IpHash,
        Strategy::Random => balance::Strategy::Random,
        Strategy::RandomTwo => balance::Strategy::RandomTwo,
        Strategy::Hash => balance::Strategy::Hash,
        Strategy::HashConsistent => balance::Strategy::HashConsistent,
        Strategy::LeastTimeHeader | Strategy::LeastTimeLastByte => balance::Strategy::LeastTime,
    }
}

/// Whether averages of times are kept for it.
fn is_timed(strategy: Strategy) -> bool {
    matches!(strategy, Strategy::LeastTimeHeader | Strategy::LeastTimeLastByte)
}

/// Adds what the strategy goes by beyond the balancing words: in flight counts are of all workers,
/// a line each.
fn weigh(board: Board, id: BackendId, strategy: Strategy, peer: &mut balance::Peer) {
    let backend = board.backend(id);
    match strategy {
        Strategy::RoundRobin
        | Strategy::IpHash
        | Strategy::Random
        | Strategy::Hash
        | Strategy::HashConsistent => {}
        Strategy::LeastConn | Strategy::RandomTwo => peer.conns = backend.active(),
        Strategy::LeastTimeHeader => {
            peer.conns = backend.active();
            peer.time_ms = backend.times().header_ms;
        }
        Strategy::LeastTimeLastByte => {
            peer.conns = backend.active();
            peer.time_ms = backend.times().last_byte_ms;
        }
    }
}

/// Whether nothing but failures keeps the member from serving.
fn may_serve(board: Board, id: BackendId, about: &About) -> bool {
    let gate = board.backend(id).gate();
    (gate.is_open() || gate.standing == Standing::Failed) && gate.incarnation == about.incarnation
}

/// A member as the strategies see it at this turn; in flight counts are added where they matter.
fn load(board: Board, id: BackendId, about: &About, turn: u64) -> balance::Peer {
    let backend = board.backend(id);
    let gate = backend.gate();
    let words = backend.words();
    let weight = u32::from(gate.weight);
    let standing = if !gate.is_open() || gate.incarnation != about.incarnation {
        balance::Standing::Closed
    } else if gate.is_due(turn) {
        balance::Standing::Open
    } else {
        balance::Standing::HeldBack
    };
    balance::Peer {
        weight,
        effective_weight: (i64::from(weight) - words.weight_lost).max(0),
        current_weight: words.current_weight,
        conns: 0,
        time_ms: 0,
        max_fails: about.max_fails,
        fail_timeout_s: about.fail_timeout_s,
        fails: words.fails,
        accessed_s: words.accessed_s,
        checked_s: words.checked_s,
        standing,
        tier: if about.is_backup { balance::Tier::Backup } else { balance::Tier::Primary },
    }
}

fn store(board: Board, id: BackendId, peer: &balance::Peer) {
    board.backend(id).set_words(&Words {
        current_weight: peer.current_weight,
        weight_lost: i64::from(peer.weight) - peer.effective_weight,
        fails: peer.fails,
        accessed_s: peer.accessed_s,
        checked_s: peer.checked_s,
    });
}

//! A worker's way to a backend: loads the upstream's balancing words, lets `balance` choose, stores
//! them back, and counts what came of it.
//!
//! Reads no clock, allocates nothing per pick, and holds nothing but the upstream's turn for the
//! pick itself. Membership is copied when its epoch changed; standing and weight are read anew at
//! every pick, so a drain holds from the next request on.

mod level;
mod line;
mod outcomes;
mod peers;
mod rings;
mod sticky;

#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::rc::Rc;

use super::queue::{Nudge, Queues};
use crate::balance;
use crate::balance::budget::Budget;
use crate::balance::dice::Dice;
use crate::balance::walk::Walk;
use crate::config::model::Address;
use crate::scoreboard::account::{Account, Reservation};
use crate::scoreboard::layout::{BACKENDS_MAX, MEMBERS_MAX, UPSTREAMS_MAX};
use crate::scoreboard::turn::{Owner, Turn};
use crate::scoreboard::upstream::{AllDown, Roster, Strategy};
use crate::scoreboard::{BackendId, Board, UpstreamId, WorkerSlot};
use crate::sys::random;
use peers::{load, may_serve, store, strategy, takes_bound, weigh};
use rings::KeptRing;

const _: () = assert!(MEMBERS_MAX <= balance::PEERS_MAX);

/// Gates that may close between choosing and reserving before the pick gives up.
const CHOICES_MAX: u32 = 8;

/// Changes of membership that may overtake one pick before it gives up.
const EDITIONS_MAX: u32 = 16;

/// Why there is no backend for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("no backend can take the request")]
    NoBackend,
    /// Those that could have as much in flight as they may.
    #[error("every backend that could take the request is full")]
    Full,
}

/// A backend with one request reserved on it, until this value ends.
#[must_use = "dropping it gives the reservation back"]
pub(crate) struct Picked {
    _reservation: Reservation,
    /// Ends after the reservation, which is what whoever waits waits for.
    _nudge: Option<Nudge>,
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

    /// The same, whose end is told to those that wait for it.
    pub(crate) fn awaited(self, queues: &Rc<Queues>) -> Self {
        Self { _nudge: Some(Nudge::new(queues, self.upstream)), ..self }
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
    /// Whom its client belongs to.
    bound: Option<BackendId>,
}

impl Tried {
    pub(crate) const fn none() -> Self {
        Self { backends: [0; BACKENDS_MAX / 64], walk: Walk::start(), bound: None }
    }

    fn holds(&self, id: BackendId) -> bool {
        self.backends[id.index() / 64] & (1 << (id.index() % 64)) != 0
    }

    /// Whether it was offered to nobody, and its client belongs to nobody.
    fn is_none(&self) -> bool {
        self.bound.is_none() && self.backends.iter().all(|word| *word == 0)
    }

    fn add(&mut self, id: BackendId) {
        self.backends[id.index() / 64] |= 1 << (id.index() % 64);
    }
}

/// Where a backend listens, for one life of its slot.
struct Known {
    incarnation: u16,
    address: Address,
    /// What its sticky clients carry; empty where none are.
    sticky: Box<str>,
}

/// What is picked for.
#[derive(Clone, Copy)]
struct Ask<'a> {
    upstream: UpstreamId,
    asker: Asker<'a>,
    now_s: u64,
    order: Order,
}

/// How a request stands to those that wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    /// It takes what there is.
    Free,
    /// It waits behind whoever waits.
    Behind,
    /// It waits itself.
    Ticket(u64),
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
    /// By upstream slot, see `level`.
    are_level: Vec<bool>,
    /// Scratch of a pick, in the order of the roster.
    peers: Vec<balance::Peer>,
    credits: Vec<i64>,
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
            are_level: vec![false; UPSTREAMS_MAX],
            peers: Vec::with_capacity(MEMBERS_MAX),
            credits: Vec::with_capacity(MEMBERS_MAX),
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
    ) -> Result<Picked, Refusal> {
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
    ) -> Result<Picked, Refusal> {
        let now_s = now_us / 1_000_000;
        self.find(Ask { upstream, asker, now_s, order: Order::Free }, tried)
    }

    fn find(&mut self, ask: Ask<'_>, tried: &mut Tried) -> Result<Picked, Refusal> {
        self.refresh(ask.upstream);
        let mut refusal = Refusal::NoBackend;
        for _ in 0..EDITIONS_MAX {
            match self.choose(ask, tried, Among::Fit) {
                Ok(picked) => return Ok(picked),
                Err(why) => refusal = why,
            }
            // Whoever closed may have been replaced while this copy was read: the new ones are
            // there before the old ones close. Gates change within turns, so when the copy was good
            // for the whole of one, nobody was open in it.
            if self.refresh(ask.upstream) == Edition::Same {
                break;
            }
        }
        if refusal == Refusal::Full || !self.is_desperate(ask.upstream, ask.now_s) {
            return Err(refusal);
        }
        let picked = self.choose(ask, tried, Among::Failed);
        if picked.is_ok() {
            self.account.despaired(ask.upstream);
        }
        picked
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

    /// One pick within the upstream's turn. Nothing is stored until the reservation holds.
    ///
    /// What is in flight is only ever added to within the turn, so a backend that is not full here
    /// has room for this request whatever the other workers do; who finishes meanwhile only makes
    /// more. In a turn that is not guarded, a bounded backend counts as full.
    fn choose(&mut self, ask: Ask<'_>, tried: &mut Tried, among: Among) -> Result<Picked, Refusal> {
        let Ask { upstream, asker, now_s, order } = ask;
        let roster = self.rosters[upstream.index()].as_ref().ok_or(Refusal::NoBackend)?;
        let strategy = strategy(roster.strategy);
        if strategy == balance::Strategy::HashConsistent {
            rings::refresh(&mut self.rings[upstream.index()], self.board, roster);
        }
        let turn = self.board.upstream(upstream).take_turn(Owner::Worker(self.slot));
        if order != Order::Free && !self.is_next(upstream, order) {
            return Err(Refusal::Full);
        }
        if among == Among::Fit
            && let Some(picked) = self.choose_level(upstream, &turn, tried, now_s)
        {
            return Ok(picked);
        }
        let roster = self.rosters[upstream.index()].as_ref().ok_or(Refusal::NoBackend)?;
        let ring = self.rings[upstream.index()].as_deref().map(KeptRing::ring);
        for _ in 0..CHOICES_MAX {
            let mut walk = tried.walk;
            self.peers.clear();
            let mut offered = 0;
            for (index, (id, about)) in roster.members.iter().enumerate() {
                let mut peer = load(self.board, *id, about, turn.picks());
                weigh(self.board, *id, roster.strategy, turn.is_guarded(), &mut peer);
                if among == Among::Failed && may_serve(self.board, *id, about) {
                    balance::failure::overlook(&mut peer);
                }
                peer.is_bound = tried.bound == Some(*id);
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
            let Some(index) = balance::pick(strategy, &mut self.peers, &mut request) else {
                let is_crowded = balance::is_crowded(&self.peers, &request);
                return Err(if is_crowded { Refusal::Full } else { Refusal::NoBackend });
            };
            let (id, about) = &roster.members[index];
            // Reserve first, look again after: a drain either is seen here or sees the reservation.
            let reservation = self.account.reserve(*id);
            let may_serve = match among {
                Among::Fit if self.peers[index].is_bound => takes_bound(self.board, *id, about),
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
                tried.walk = walk;
                let life = (*id, about.incarnation);
                return Ok(self.picked((upstream, &turn), life, tried, reservation));
            }
        }
        Err(Refusal::NoBackend)
    }

    /// Counts a pick within its turn.
    fn picked(
        &self,
        (upstream, turn): (UpstreamId, &Turn),
        (backend, incarnation): (BackendId, u16),
        tried: &mut Tried,
        reservation: Reservation,
    ) -> Picked {
        turn.count();
        self.board.backend(backend).count_pick();
        tried.add(backend);
        Picked { _reservation: reservation, _nudge: None, upstream, backend, incarnation }
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
                let sticky = about.sticky.as_str().into();
                let known = Known { incarnation: about.incarnation, address, sticky };
                self.known[backend.index()] = Some(known);
                true
            }
            None => false,
        });
        if roster.strategy != Strategy::HashConsistent {
            self.rings[id.index()] = None;
        }
        self.are_level[id.index()] = level::is_level(&roster);
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

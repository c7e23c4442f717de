//! Which backend takes a request. Pure: peers, client and time in; an index out.
//!
//! Sequences, ties, failure windows and hashes are nginx's, bit for bit (`ngx_http_upstream_*`
//! modules of nginx 1.31). Holds no state of its own: the caller loads peers from wherever they
//! live, and stores them back.

pub(crate) mod budget;
pub(crate) mod cause;
pub(crate) mod chance;
pub(crate) mod failure;
pub(crate) mod fit;
pub(crate) mod health;
pub(crate) mod ip_hash;
pub(crate) mod judge;
pub(crate) mod least_conn;
pub(crate) mod least_time;
pub(crate) mod leaving;
pub(crate) mod md5;
pub(crate) mod outlier;
pub(crate) mod ramp;
pub(crate) mod ring;
pub(crate) mod round_robin;
pub(crate) mod share;
mod sticky;
pub(crate) mod what_if;

mod hash;
mod random;

mod crc32;
pub(crate) mod dice;
mod stretch;
pub(crate) mod walk;

#[cfg(test)]
mod tests;

use std::net::IpAddr;

use dice::Dice;
use ramp::Ramp;
use ring::Ring;
use walk::Walk;

/// A set of peers is one machine word, so a pick allocates nothing.
pub(crate) const PEERS_MAX: usize = 64;

/// Peers by position, one bit each.
pub(crate) type PeerSet = u64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strategy {
    /// Smooth weighted round robin.
    RoundRobin,
    /// Fewest requests in flight for its weight; ties by smooth round robin.
    LeastConn,
    /// One client network, one peer.
    IpHash,
    /// Drawn by weight.
    Random,
    /// Two drawn by weight, of which the less loaded one.
    RandomTwo,
    /// One key, one peer.
    Hash,
    /// The same, and few keys move when a peer comes or goes.
    HashConsistent,
    /// The nearest answer, by average times and requests in flight; ties by smooth round robin.
    LeastTime,
}

/// A backend as the strategies see it. Field names are nginx's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) weight: u32,
    pub(crate) effective_weight: i64,
    pub(crate) current_weight: i64,
    /// Requests in flight, of all workers.
    pub(crate) conns: u32,
    /// In flight at most; 0: no bound.
    pub(crate) max_conns: u32,
    /// How long its answers take on average, in whichever way the group counts; 0: not known.
    pub(crate) time_ms: u64,
    /// 0: failures are counted but never eject.
    pub(crate) max_fails: u32,
    pub(crate) fail_timeout_s: u32,
    pub(crate) fails: u32,
    /// Second of the last failure.
    pub(crate) accessed_s: u64,
    /// Second of the last failure, or of the probe request after its window.
    pub(crate) checked_s: u64,
    pub(crate) standing: Standing,
    pub(crate) tier: Tier,
    /// Tiers within the primaries, lowest first.
    pub(crate) priority: u8,
    pub(crate) ramp: Ramp,
    /// Whether the request's client belongs to it.
    pub(crate) is_bound: bool,
}

impl Peer {
    /// A peer without history.
    pub(crate) fn fresh(weight: u32) -> Self {
        Self {
            weight,
            effective_weight: i64::from(weight),
            current_weight: 0,
            conns: 0,
            max_conns: 0,
            time_ms: 0,
            max_fails: 1,
            fail_timeout_s: 10,
            fails: 0,
            accessed_s: 0,
            checked_s: 0,
            standing: Standing::Open,
            tier: Tier::Primary,
            priority: 0,
            ramp: Ramp::FULL,
            is_bound: false,
        }
    }
}

/// What operator, checks and readiness say together; failures of requests are counted apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Open,
    /// In slow start and not due in this turn: taken only when no other primary is.
    HeldBack,
    /// Drained while clients that belong to it still come.
    Leaving,
    /// nginx's `down`: never picked, but keeps its share of the hash space.
    Closed,
}

/// Backups serve only while no primary can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tier {
    Primary,
    Backup,
}

/// What one request brings to its picks.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) client: IpAddr,
    /// What it is hashed by; empty: nothing.
    pub(crate) key: &'a [u8],
    /// The group's, where there is need of one.
    pub(crate) ring: Option<&'a Ring>,
    pub(crate) dice: &'a mut Dice,
    /// Peers this request was offered to already.
    pub(crate) tried: PeerSet,
    /// Where the request stands among hashes or draws; kept from try to try.
    pub(crate) walk: &'a mut Walk,
    pub(crate) now_s: u64,
}

/// Chooses a peer and debits its weights, or `None` when no peer may take the request.
pub(crate) fn pick(
    strategy: Strategy,
    peers: &mut [Peer],
    request: &mut Request<'_>,
) -> Option<usize> {
    debug_assert!(peers.len() <= PEERS_MAX);
    if failure::is_sole(peers) {
        return (is_sole_peer_usable(peers, request.tried) && !is_full(&peers[0])).then_some(0);
    }
    let open = candidates(peers, request);
    if let Some(index) = sticky::pick(strategy, peers, &open, request) {
        return Some(index);
    }
    let index = match strategy {
        Strategy::RoundRobin | Strategy::LeastConn | Strategy::LeastTime => None,
        Strategy::IpHash => ip_hash::pick(peers, open.primary, request),
        Strategy::Hash => hash::pick(peers, open.primary, request),
        Strategy::HashConsistent => ring::pick(peers, open.primary, request),
        Strategy::Random => random::pick(peers, open.first_primaries(), request),
        Strategy::RandomTwo => random::pick_of_two(peers, open.first_primaries(), request),
    };
    let index = match index {
        Some(index) => index,
        None => by_turns(strategy, peers, &open, request.now_s)?,
    };
    failure::picked(&mut peers[index], request.now_s);
    Some(index)
}

/// Whether a request that `pick` found nobody for would have been taken, had nobody been full.
pub(crate) fn is_crowded(peers: &[Peer], request: &Request<'_>) -> bool {
    if failure::is_sole(peers) {
        return is_sole_peer_usable(peers, request.tried) && is_full(&peers[0]);
    }
    peers.iter().enumerate().any(|(index, peer)| {
        takes(peer)
            && request.tried & (1 << index) == 0
            && !failure::is_ejected(peer, request.now_s)
    })
}

/// Among peers that all may take the request; also what hashes and draws come down to when they
/// find nobody.
fn by_turns(
    strategy: Strategy,
    peers: &mut [Peer],
    open: &Candidates,
    now_s: u64,
) -> Option<usize> {
    match strategy {
        Strategy::LeastConn => least_conn::pick(peers, open.eager_or_first_tier()?),
        Strategy::LeastTime => least_time::pick(peers, open.eager_or_first_tier()?, now_s),
        // They go by slow start as draws do: who is not due is left out.
        Strategy::Random | Strategy::RandomTwo => {
            round_robin::pick(peers, open.eager_or_first_tier()?)
        }
        Strategy::RoundRobin | Strategy::IpHash | Strategy::Hash | Strategy::HashConsistent => {
            round_robin::pick_warming(peers, open.first_tier()?)
        }
    }
}

/// nginx's `single`: failures never eject the only peer, so nothing but its standing counts.
fn is_sole_peer_usable(peers: &[Peer], tried: PeerSet) -> bool {
    tried == 0 && takes(&peers[0])
}

fn is_full(peer: &Peer) -> bool {
    peer.max_conns > 0 && peer.conns >= peer.max_conns
}

/// Whether it takes this request's like at all.
fn takes(peer: &Peer) -> bool {
    match peer.standing {
        Standing::Open | Standing::HeldBack => true,
        Standing::Leaving => peer.is_bound,
        Standing::Closed => false,
    }
}

/// Peers that may take the request, by what they are preferred for.
struct Candidates {
    /// Primaries that are due in this turn.
    eager: PeerSet,
    /// Those of the lowest priority that can.
    primary: PeerSet,
    priority: u8,
    backup: PeerSet,
    /// Whom the client belongs to.
    bound: Option<usize>,
}

impl Candidates {
    /// A primary: those of a higher priority number give way to it.
    fn add(&mut self, priority: u8, primary: PeerSet, eager: PeerSet) {
        if priority < self.priority {
            (self.primary, self.eager) = (0, 0);
            self.priority = priority;
        }
        if priority == self.priority {
            self.primary |= primary;
            self.eager |= eager;
        }
    }

    fn first_tier(&self) -> Option<PeerSet> {
        [self.primary, self.backup].into_iter().find(|set| *set != 0)
    }

    fn eager_or_first_tier(&self) -> Option<PeerSet> {
        if self.eager != 0 { Some(self.eager) } else { self.first_tier() }
    }

    fn first_primaries(&self) -> PeerSet {
        if self.eager == 0 { self.primary } else { self.eager }
    }
}

fn candidates(peers: &[Peer], request: &Request<'_>) -> Candidates {
    let mut found = Candidates { eager: 0, primary: 0, priority: u8::MAX, backup: 0, bound: None };
    for (index, peer) in peers.iter().enumerate() {
        let bit = 1 << index;
        if !takes(peer)
            || request.tried & bit != 0
            || is_full(peer)
            || failure::is_ejected(peer, request.now_s)
        {
            continue;
        }
        if peer.is_bound {
            found.bound = Some(index);
        }
        match (peer.tier, peer.standing) {
            (_, Standing::Leaving | Standing::Closed) => {}
            (Tier::Backup, _) => found.backup |= bit,
            (Tier::Primary, Standing::Open) => found.add(peer.priority, bit, bit),
            (Tier::Primary, Standing::HeldBack) => found.add(peer.priority, bit, 0),
        }
    }
    found
}

/// Positions in a set, lowest first.
pub(crate) fn positions(mut set: PeerSet) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let index = set.trailing_zeros() as usize;
        set &= set.wrapping_sub(1);
        (index < PEERS_MAX).then_some(index)
    })
}

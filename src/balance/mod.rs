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
pub(crate) mod outlier;
pub(crate) mod ring;
pub(crate) mod round_robin;
pub(crate) mod share;
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
}

impl Peer {
    /// A peer without history.
    pub(crate) fn fresh(weight: u32) -> Self {
        Self {
            weight,
            effective_weight: i64::from(weight),
            current_weight: 0,
            conns: 0,
            time_ms: 0,
            max_fails: 1,
            fail_timeout_s: 10,
            fails: 0,
            accessed_s: 0,
            checked_s: 0,
            standing: Standing::Open,
            tier: Tier::Primary,
        }
    }
}

/// What operator, checks and readiness say together; failures of requests are counted apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Open,
    /// In slow start and not due in this turn: taken only when no other primary is.
    HeldBack,
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
        return is_sole_peer_free(peers, request.tried).then_some(0);
    }
    let open = candidates(peers, request);
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
        None => by_turns(strategy, peers, open.first_tier()?, request.now_s)?,
    };
    failure::picked(&mut peers[index], request.now_s);
    Some(index)
}

/// Among peers that all may take the request; also what hashes and draws come down to when they
/// find nobody.
fn by_turns(strategy: Strategy, peers: &mut [Peer], among: PeerSet, now_s: u64) -> Option<usize> {
    match strategy {
        Strategy::LeastConn => least_conn::pick(peers, among),
        Strategy::LeastTime => least_time::pick(peers, among, now_s),
        Strategy::RoundRobin
        | Strategy::IpHash
        | Strategy::Random
        | Strategy::RandomTwo
        | Strategy::Hash
        | Strategy::HashConsistent => round_robin::pick(peers, among),
    }
}

/// nginx's `single`: failures never eject the only peer, so nothing but its standing counts.
fn is_sole_peer_free(peers: &[Peer], tried: PeerSet) -> bool {
    tried == 0 && peers[0].standing != Standing::Closed
}

/// Peers that may take the request, by what they are preferred for.
struct Candidates {
    eager: PeerSet,
    primary: PeerSet,
    backup: PeerSet,
}

impl Candidates {
    fn first_tier(&self) -> Option<PeerSet> {
        [self.eager, self.primary, self.backup].into_iter().find(|set| *set != 0)
    }

    fn first_primaries(&self) -> PeerSet {
        if self.eager == 0 { self.primary } else { self.eager }
    }
}

fn candidates(peers: &[Peer], request: &Request<'_>) -> Candidates {
    let mut found = Candidates { eager: 0, primary: 0, backup: 0 };
    for (index, peer) in peers.iter().enumerate() {
        let bit = 1 << index;
        let is_closed = peer.standing == Standing::Closed;
        if is_closed || request.tried & bit != 0 || failure::is_ejected(peer, request.now_s) {
            continue;
        }
        match (peer.tier, peer.standing) {
            (Tier::Backup, _) => found.backup |= bit,
            (Tier::Primary, Standing::Open) => {
                found.eager |= bit;
                found.primary |= bit;
            }
            (Tier::Primary, Standing::HeldBack | Standing::Closed) => found.primary |= bit,
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

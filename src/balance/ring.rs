//! nginx's `hash KEY consistent`, exact, which is Cache::Memcached::Fast's ketama: peers have points
//! on a ring, and a key belongs to the first point at or behind its own sum. When a peer comes or
//! goes, only its own keys move.
//!
//! A ring is made when the group or a weight changes, never for a pick.

use super::crc32::Crc32;
use super::{PEERS_MAX, Peer, PeerSet, Request, round_robin, stretch};

const POINTS_PER_WEIGHT: u32 = 160;
/// Beyond this weight of a whole group, each peer's is scaled down: a ring has a bound, and is made
/// in a worker between two requests.
pub(crate) const WEIGHT_MAX: u32 = 1024;

/// Points, sorted: the sum in the high bits, then the peer's position, so that of two points with
/// one sum the first peer's stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ring {
    points: Vec<u64>,
}

const POSITION_BITS: u32 = 8;
const _: () = assert!(PEERS_MAX <= 1 << POSITION_BITS);

/// What a ring is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Member<'a> {
    /// The peer's position in its group.
    pub(crate) index: usize,
    /// As the configuration writes it: `host:port` or `unix:/path`.
    pub(crate) address: &'a str,
    pub(crate) weight: u32,
}

impl Ring {
    pub(crate) fn new(members: &[Member<'_>]) -> Self {
        let total: u64 = members.iter().map(|member| u64::from(member.weight)).sum();
        let mut points = Vec::new();
        for member in members {
            debug_assert!(member.index < PEERS_MAX);
            let base = base(member.address);
            let mut sum = 0_u32;
            for _ in 0..scaled(member.weight, total) * POINTS_PER_WEIGHT {
                sum = base.with(&sum.to_le_bytes()).sum();
                points.push(u64::from(sum) << POSITION_BITS | member.index as u64);
            }
        }
        points.sort_unstable();
        points.dedup_by_key(|point| *point >> POSITION_BITS);
        Self { points }
    }

    /// Where the key's walk begins: at the first point that is not before its sum.
    fn find(&self, key: &[u8]) -> usize {
        let sum = u64::from(Crc32::new().with(key).sum()) << POSITION_BITS;
        self.points.partition_point(|point| *point < sum)
    }

    /// Whose the point is; the last is followed by the first.
    fn owner(&self, at: usize) -> Option<usize> {
        let point = self.points.get(at.checked_rem(self.points.len())?)?;
        Some((*point & ((1 << POSITION_BITS) - 1)) as usize)
    }

    /// The part of all sums that leads to each of the first `count` peers, when those not in `open`
    /// leave theirs to the next on the ring.
    pub(crate) fn shares(&self, open: PeerSet, count: usize) -> Vec<f64> {
        let mut parts = vec![0.0; count];
        let is_open = |point: &&u64| {
            let index = (**point & ((1 << POSITION_BITS) - 1)) as usize;
            index < count && open & (1 << index) != 0
        };
        let points: Vec<u64> = self.points.iter().filter(is_open).copied().collect();
        let (Some(last), whole) = (points.last(), 2_f64.powi(32)) else { return parts };
        let mut before = (*last >> POSITION_BITS) as f64 - whole;
        for point in &points {
            let sum = (*point >> POSITION_BITS) as f64;
            parts[(*point & ((1 << POSITION_BITS) - 1)) as usize] += (sum - before) / whole;
            before = sum;
        }
        parts
    }

    #[cfg(test)]
    pub(super) fn points(&self) -> impl Iterator<Item = (u32, usize)> {
        let position = |point: u64| (point & ((1 << POSITION_BITS) - 1)) as usize;
        self.points.iter().map(move |point| ((*point >> POSITION_BITS) as u32, position(*point)))
    }
}

/// The key's peer among `open`; `None` sends the request to round robin, as does an empty key.
pub(super) fn pick(peers: &mut [Peer], open: PeerSet, request: &mut Request<'_>) -> Option<usize> {
    stretch::length(peers)?;
    let ring = request.ring.filter(|_| !request.key.is_empty())?;
    let mut at = request.walk.hash.unwrap_or_else(|| ring.find(request.key) as u32);
    let mut found = None;
    while found.is_none() && !request.walk.is_over() {
        let index = ring.owner(at as usize)?;
        if index < peers.len() && open & (1 << index) != 0 {
            // nginx's turn among the addresses of one name: there is one, whose lost weight recovers.
            found = round_robin::pick(peers, 1 << index);
        } else {
            at = at.wrapping_add(1);
            request.walk.miss();
        }
    }
    request.walk.hash = Some(at);
    found
}

/// The sum of host, zero byte and port, which every point of the peer goes on from.
fn base(address: &str) -> Crc32 {
    let (host, port) = match address.strip_prefix("unix:") {
        Some(path) => (path, ""),
        None => address.rsplit_once(':').unwrap_or((address, "")),
    };
    Crc32::new().with(host.as_bytes()).with(&[0]).with(port.as_bytes())
}

/// A peer's weight in a group of that total: as it is, within the bound.
fn scaled(weight: u32, total: u64) -> u32 {
    if total <= u64::from(WEIGHT_MAX) {
        return weight;
    }
    let scaled = u64::from(weight) * u64::from(WEIGHT_MAX) / total;
    (scaled as u32).max(weight.min(1))
}

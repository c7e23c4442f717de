//! nginx's `ip_hash`, exact: the same client network reaches the same peer as behind nginx.
//!
//! A closed peer keeps its share of the hash space, so only its own clients move.

use std::net::{IpAddr, Ipv4Addr};

use super::{Peer, PeerSet, Request, Tier, failure};

const SEED: u32 = 89;
const FACTOR: u32 = 113;
const MODULUS: u32 = 6271;
/// After this many misses the request goes by round robin.
const MISSES_MAX: u32 = 20;

/// All of an address that counts here: its clients go to one peer.
pub(crate) fn network(client: IpAddr) -> IpAddr {
    match client {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            IpAddr::V4(Ipv4Addr::new(a, b, c, 0))
        }
        IpAddr::V6(_) => client,
    }
}

/// Where a request stands in the hash space. A retry goes on from there instead of from the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Walk {
    hash: u32,
    misses: u32,
}

impl Walk {
    pub(crate) const fn start() -> Self {
        Self { hash: SEED, misses: 0 }
    }

    /// One step: every octet of the client's network once more.
    fn step(&mut self, client: IpAddr) -> u32 {
        let mut hash = self.hash;
        let mut feed = |octet: u8| hash = (hash * FACTOR + u32::from(octet)) % MODULUS;
        match client {
            IpAddr::V4(address) => address.octets()[..3].iter().copied().for_each(&mut feed),
            IpAddr::V6(address) => address.octets().into_iter().for_each(&mut feed),
        }
        self.hash = hash;
        hash
    }
}

/// The client's peer among `open`; `None` sends the request to round robin.
pub(super) fn pick(peers: &mut [Peer], open: PeerSet, request: &mut Request<'_>) -> Option<usize> {
    let primaries = peers.iter().filter(|peer| peer.tier == Tier::Primary);
    let (count, weight) =
        primaries.fold((0, 0u32), |(count, sum), peer| (count + 1, sum + peer.weight));
    if count < 2 || weight == 0 {
        return None;
    }
    while request.walk.misses <= MISSES_MAX {
        let point = request.walk.step(request.client) % weight;
        let index = owner(peers, point)?;
        if open & (1 << index) != 0 {
            failure::picked(&mut peers[index], request.now_s);
            return Some(index);
        }
        request.walk.misses += 1;
    }
    None
}

/// Whose stretch of the weights, laid end to end, holds the point.
fn owner(peers: &[Peer], mut point: u32) -> Option<usize> {
    for (index, peer) in peers.iter().enumerate().filter(|(_, peer)| peer.tier == Tier::Primary) {
        if point < peer.weight {
            return Some(index);
        }
        point -= peer.weight;
    }
    None
}

//! The share of requests each peer should get, by strategy: what a screen sets beside what it got.
//!
//! An expectation, not a promise: least connections depends on how long requests take, ip hash on
//! who the clients are.

use std::net::IpAddr;

use super::{Peer, Request, Standing, Strategy, Tier, ip_hash};

/// A peer in the eyes of the expectation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Member {
    pub(crate) weight: u32,
    /// Takes requests: open, and not out after failures.
    pub(crate) is_serving: bool,
    pub(crate) tier: Tier,
    /// Among the primaries, lowest first.
    pub(crate) priority: u8,
    /// The part of its weight that it has while it warms up; 1 when warm.
    pub(crate) ramp: f64,
    /// How long its requests take on average; `None` without one.
    pub(crate) service_us: Option<f64>,
}

/// A client's network and its requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Client {
    pub(crate) address: IpAddr,
    pub(crate) requests: u64,
}

/// Fractions of one, in the order of the members; all zero when none serves. `clients` matter to ip
/// hash alone; without any, the hash space itself is the expectation.
pub(crate) fn expected(strategy: Strategy, members: &[Member], clients: &[Client]) -> Vec<f64> {
    let tier = serving_tier(members);
    let is_candidate =
        |member: &Member| member.is_serving && tier.is_some_and(|tier| rank(member) == tier);
    let parts = match strategy {
        Strategy::IpHash if !clients.is_empty() => by_clients(members, clients),
        Strategy::LeastConn if members.iter().filter(|m| is_candidate(m)).all(is_timed) => {
            // With as many requests in flight per weight at each, the faster peer finishes more
            // (Little's law).
            let speed = |m: &Member| weight(m) / m.service_us.unwrap_or(1.0).max(1.0);
            members.iter().map(|m| if is_candidate(m) { speed(m) } else { 0.0 }).collect()
        }
        Strategy::RoundRobin | Strategy::LeastConn => {
            members.iter().map(|m| if is_candidate(m) { weight(m) } else { 0.0 }).collect()
        }
        Strategy::IpHash => members
            .iter()
            .map(|m| if is_candidate(m) { f64::from(m.weight) } else { 0.0 })
            .collect(),
    };
    fractions(parts)
}

/// Parts of the whole; all zero when the whole is.
pub(crate) fn fractions(mut parts: Vec<f64>) -> Vec<f64> {
    let whole: f64 = parts.iter().sum();
    if whole > 0.0 {
        for part in &mut parts {
            *part /= whole;
        }
    }
    parts
}

/// Which tier a member is of, the first one being the lowest.
fn rank(member: &Member) -> u16 {
    match member.tier {
        Tier::Primary => u16::from(member.priority),
        Tier::Backup => u16::MAX,
    }
}

fn serving_tier(members: &[Member]) -> Option<u16> {
    members.iter().filter(|member| member.is_serving).map(rank).min()
}

/// As slow start leaves it.
fn weight(member: &Member) -> f64 {
    f64::from(member.weight) * member.ramp
}

fn is_timed(member: &Member) -> bool {
    member.service_us.is_some()
}

/// Sends every client's requests where the hash sends the client.
fn by_clients(members: &[Member], clients: &[Client]) -> Vec<f64> {
    let mut parts = vec![0.0; members.len()];
    let standing = |m: &Member| if m.is_serving { Standing::Open } else { Standing::Closed };
    let mut peers: Vec<Peer> = members
        .iter()
        .map(|m| Peer { standing: standing(m), tier: m.tier, ..Peer::fresh(m.weight) })
        .collect();
    for client in clients {
        let mut walk = ip_hash::Walk::start();
        let mut request = Request { client: client.address, tried: 0, walk: &mut walk, now_s: 0 };
        if let Some(index) = super::pick(Strategy::IpHash, &mut peers, &mut request) {
            parts[index] += client.requests as f64;
        }
    }
    parts
}

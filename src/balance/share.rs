//! The share of requests each peer should get, by strategy: what a screen sets beside what it got.
//!
//! An expectation, not a promise: least connections and least time depend on how long requests
//! take, hashes on who the clients are and what they ask for.

use std::net::IpAddr;

use super::dice::Dice;
use super::ring::Ring;
use super::walk::Walk;
use super::{Peer, Request, Standing, Strategy, Tier, least_time};

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
        Strategy::LeastTime if members.iter().filter(|m| is_candidate(m)).all(is_timed) => {
            // Requests in flight settle where they weigh the same times the peer's time, and each
            // takes that time: once for who is asked, once for how fast it finishes.
            members.iter().map(|m| if is_candidate(m) { nearness(m) } else { 0.0 }).collect()
        }
        Strategy::Random => drawn(members, is_candidate, <[f64]>::to_vec),
        Strategy::RandomTwo => drawn(members, is_candidate, second_of_two),
        Strategy::RoundRobin | Strategy::LeastConn | Strategy::LeastTime => {
            weights(members, is_candidate)
        }
        // A key's peer is its peer, warm or not.
        Strategy::IpHash | Strategy::Hash | Strategy::HashConsistent => members
            .iter()
            .map(|m| if is_candidate(m) { f64::from(m.weight) } else { 0.0 })
            .collect(),
    };
    fractions(parts)
}

/// What consistent hashing comes to when no key is more asked for than another: the ring's own
/// parts, which weights only roughly are.
pub(crate) fn on_ring(ring: &Ring, members: &[Member]) -> Vec<f64> {
    let open = members.iter().enumerate().filter(|(_, member)| member.is_serving);
    ring.shares(open.fold(0, |set, (index, _)| set | 1 << index), members.len())
}

fn weights(members: &[Member], is_candidate: impl Fn(&Member) -> bool) -> Vec<f64> {
    members.iter().map(|m| if is_candidate(m) { weight(m) } else { 0.0 }).collect()
}

fn nearness(member: &Member) -> f64 {
    let service_us = member.service_us.unwrap_or(1.0).max(1.0);
    let stepped_ms = least_time::stepped_ms((service_us / 1000.0) as u64);
    weight(member) / (stepped_ms as f64 * service_us)
}

/// Draws are among those that are due in the turn, which is all that slow start does to them: of
/// all turns, the part in which the same peers are due has shares of its own.
fn drawn(
    members: &[Member],
    is_candidate: impl Fn(&Member) -> bool,
    parts: impl Fn(&[f64]) -> Vec<f64>,
) -> Vec<f64> {
    let mut ends: Vec<f64> = members.iter().filter(|m| is_candidate(m)).map(|m| m.ramp).collect();
    ends.push(1.0);
    ends.sort_by(f64::total_cmp);
    let (mut shares, mut start) = (vec![0.0; members.len()], 0.0);
    for end in ends {
        let is_due = |member: &Member| is_candidate(member) && member.ramp >= end;
        let is_anyone = members.iter().any(is_due);
        let weight = |m: &Member| {
            let is_drawn = if is_anyone { is_due(m) } else { is_candidate(m) };
            if is_drawn { f64::from(m.weight) } else { 0.0 }
        };
        let weights: Vec<f64> = members.iter().map(weight).collect();
        for (share, part) in shares.iter_mut().zip(fractions(parts(&weights))) {
            *share += part * (end - start);
        }
        start = end;
    }
    shares
}

/// Of two different peers drawn by weight, the second: it is taken while both are equally loaded.
fn second_of_two(weights: &[f64]) -> Vec<f64> {
    let whole: f64 = weights.iter().sum();
    let is_only = |weight: f64| weight >= whole;
    let after_others = |index: usize| -> f64 {
        let others = weights.iter().enumerate().filter(|(other, _)| *other != index);
        others.map(|(_, first)| first / whole * weights[index] / (whole - first)).sum()
    };
    let part = |(index, weight): (usize, &f64)| match *weight {
        weight if is_only(weight) => weight,
        0.0 => 0.0,
        _ => after_others(index),
    };
    weights.iter().enumerate().map(part).collect()
}

/// Who can be given a request, in the order of the members.
pub(crate) fn candidates(members: &[Member]) -> Vec<bool> {
    let tier = serving_tier(members);
    members.iter().map(|member| member.is_serving && tier == Some(rank(member))).collect()
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
        let mut request = Request {
            client: client.address,
            key: b"",
            ring: None,
            dice: &mut Dice::seeded(0),
            tried: 0,
            walk: &mut Walk::start(),
            now_s: 0,
        };
        if let Some(index) = super::pick(Strategy::IpHash, &mut peers, &mut request) {
            parts[index] += client.requests as f64;
        }
    }
    parts
}

//! What another strategy would have done with the same requests: a model, not a promise.
//!
//! Pure: arrivals as they were and how long each peer's requests took, replayed through the very
//! `pick` that workers use. The model knows no failures and no slow start, begins with nothing in
//! flight and smooth weights at zero, and takes service times as they were measured under the
//! strategy that ran: a peer that would be given more might be slower than that.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::net::IpAddr;

use super::dice::Dice;
use super::walk::Walk;
use super::{Peer, Request, Strategy, ip_hash, least_time};

/// One request, when it came and from whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arrival {
    pub(crate) at_us: u64,
    pub(crate) client: IpAddr,
}

/// A peer, and how long its requests took, in the order they ended.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub(crate) peer: Peer,
    pub(crate) services_us: Vec<u32>,
}

/// Arrivals in order, their clients' networks numbered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trace {
    arrivals: Vec<(Arrival, usize)>,
    networks: usize,
}

/// What became of all requests that the model sent to one peer.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Part {
    pub(crate) requests: u64,
    pub(crate) in_flight_max: u32,
    pub(crate) times: Times,
}

/// Of service, in the model.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Times {
    pub(crate) mean_us: f64,
    pub(crate) p50_us: u32,
    pub(crate) p95_us: u32,
    pub(crate) p99_us: u32,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Outcome {
    /// By peer.
    pub(crate) parts: Vec<Part>,
    pub(crate) times: Times,
    /// Networks with more than one request, and of them those that met more than one peer.
    pub(crate) networks: u64,
    pub(crate) networks_split: u64,
    /// Requests that no peer could take.
    pub(crate) refused: u64,
}

impl Trace {
    pub(crate) fn new(mut arrivals: Vec<Arrival>) -> Self {
        // Stable: those of one instant stay as they were given.
        arrivals.sort_by_key(|arrival| arrival.at_us);
        let mut numbers = BTreeMap::new();
        let arrivals = arrivals
            .into_iter()
            .map(|arrival| {
                let next = numbers.len();
                (arrival, *numbers.entry(ip_hash::network(arrival.client)).or_insert(next))
            })
            .collect();
        Self { arrivals, networks: numbers.len() }
    }

    pub(crate) fn len(&self) -> usize {
        self.arrivals.len()
    }
}

/// Sends every arrival where `strategy` sends it. `servers` are in the upstream's order.
pub(crate) fn replay(strategy: Strategy, trace: &Trace, servers: &[Server]) -> Outcome {
    let mut model = Model::new(servers);
    let mut homes: Vec<Home> = vec![Home::default(); trace.networks];
    let mut refused = 0;
    for (arrival, network) in &trace.arrivals {
        model.complete_until(arrival.at_us);
        match model.serve(strategy, arrival) {
            Some(server) => homes[*network].meets(server),
            None => refused += 1,
        }
    }
    let known = homes.iter().filter(|home| home.requests > 1);
    let networks_split = known.clone().filter(|home| home.is_split).count() as u64;
    Outcome { networks: known.count() as u64, networks_split, refused, ..model.outcome() }
}

struct Model<'a> {
    servers: &'a [Server],
    /// Every service time there is, for a peer that has none of its own.
    any_us: Vec<u32>,
    peers: Vec<Peer>,
    /// When which peer is done with a request, the earliest first.
    running: BinaryHeap<Reverse<(u64, usize, u32)>>,
    served_us: Vec<Vec<u32>>,
    in_flight_max: Vec<u32>,
    dice: Dice,
}

/// What is drawn in a model is drawn alike each time it is looked at.
const SEED: u64 = 1;

impl<'a> Model<'a> {
    fn new(servers: &'a [Server]) -> Self {
        let peer = |server: &Server| Peer {
            effective_weight: i64::from(server.peer.weight),
            current_weight: 0,
            conns: 0,
            fails: 0,
            time_ms: 0,
            ..server.peer
        };
        Self {
            servers,
            any_us: servers.iter().flat_map(|server| server.services_us.iter().copied()).collect(),
            peers: servers.iter().map(peer).collect(),
            running: BinaryHeap::new(),
            served_us: vec![Vec::new(); servers.len()],
            in_flight_max: vec![0; servers.len()],
            dice: Dice::seeded(SEED),
        }
    }

    fn complete_until(&mut self, now_us: u64) {
        while let Some(Reverse((end_us, server, service_us))) = self.running.peek().copied()
            && end_us <= now_us
        {
            self.running.pop();
            let peer = &mut self.peers[server];
            peer.conns -= 1;
            peer.time_ms = least_time::average_ms(peer.time_ms, u64::from(service_us) / 1000);
        }
    }

    fn serve(&mut self, strategy: Strategy, arrival: &Arrival) -> Option<usize> {
        let mut walk = Walk::start();
        let mut request = Request {
            client: arrival.client,
            key: b"",
            ring: None,
            dice: &mut self.dice,
            tried: 0,
            walk: &mut walk,
            now_s: arrival.at_us / 1_000_000,
        };
        let server = super::pick(strategy, &mut self.peers, &mut request)?;
        let service_us = self.service_us(server);
        self.running.push(Reverse((arrival.at_us + u64::from(service_us), server, service_us)));
        self.served_us[server].push(service_us);
        let conns = &mut self.peers[server].conns;
        *conns += 1;
        self.in_flight_max[server] = self.in_flight_max[server].max(*conns);
        Some(server)
    }

    /// What was measured there, one after another and then from the beginning.
    fn service_us(&self, server: usize) -> u32 {
        let own = &self.servers[server].services_us;
        let times = if own.is_empty() { &self.any_us } else { own };
        let next = self.served_us[server].len();
        if times.is_empty() { 0 } else { times[next % times.len()] }
    }

    fn outcome(mut self) -> Outcome {
        let mut all: Vec<u32> = self.served_us.concat();
        let parts = self.served_us.iter_mut().zip(&self.in_flight_max).map(|(times, max)| Part {
            requests: times.len() as u64,
            in_flight_max: *max,
            times: Times::of(times),
        });
        Outcome { parts: parts.collect(), times: Times::of(&mut all), ..Outcome::default() }
    }
}

impl Times {
    fn of(times_us: &mut [u32]) -> Self {
        if times_us.is_empty() {
            return Self::default();
        }
        times_us.sort_unstable();
        let at = |percent: usize| times_us[(times_us.len() - 1) * percent / 100];
        let sum: u64 = times_us.iter().map(|time| u64::from(*time)).sum();
        Self {
            mean_us: sum as f64 / times_us.len() as f64,
            p50_us: at(50),
            p95_us: at(95),
            p99_us: at(99),
        }
    }
}

/// Where a network's requests have gone.
#[derive(Clone, Copy, Debug, Default)]
struct Home {
    requests: u64,
    server: usize,
    is_split: bool,
}

impl Home {
    fn meets(&mut self, server: usize) {
        self.is_split |= self.requests > 0 && self.server != server;
        (self.requests, self.server) = (self.requests + 1, server);
    }
}

#[cfg(test)]
mod tests;

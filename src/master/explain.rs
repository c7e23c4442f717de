//! How an upstream balances and what another strategy would have done: gathers what is known and the
//! requests of the last minute, and lets `balance` judge and model.
//!
//! Done when asked, within bounds of some milliseconds; keeps nothing.

use std::collections::BTreeMap;

use super::membership::{Explained, Now};
use super::{Master, arrivals};
use crate::balance::ip_hash;
use crate::balance::what_if::{self, Arrival, Outcome, Server, Times, Trace};
use crate::config::limits::{TOP_CLIENTS_MAX, WHAT_IF_ARRIVALS_MAX, WHAT_IF_MS, WHAT_IF_STEPS_MAX};
use crate::control::explain::{
    Client, Explanation, Held, LABEL, Limit, Modelled, ModelledPart, Service, WhatIf, Window,
};
use crate::control::wire::Answer;
use crate::scoreboard::BackendId;

/// What is held of one upstream's requests.
struct Requests {
    all: Vec<arrivals::Arrival>,
    /// From then on nothing is missing, wall clock.
    whole_since_us: u64,
    limit: Limit,
}

impl Master {
    pub(super) fn explain(&mut self, name: &str, now: Now) -> Result<Explanation, Answer> {
        let id = self.membership.upstream_id(name)?;
        let requests = Requests::held(self.history.arrivals(id, now.wall_ms), now);
        let explained = self.membership.explained(name, &requests.all, &self.history, now)?;
        let since_ms = now.wall_ms.saturating_sub(WHAT_IF_MS);
        let keys: Vec<u32> = explained
            .members
            .iter()
            .map(|member| u32::from(member.incarnation) << 16 | member.id.index() as u32)
            .collect();
        let finished = self.history.finished(&keys, since_ms);
        let clients = clients(&requests.all);
        let what_if = what_if(&explained, requests, finished, now);
        let picks = explained.parts.iter().map(|part| part.picks).sum();
        let since_ms = explained.row.window_since_ms;
        let lasted_ms = now.wall_ms.saturating_sub(since_ms);
        Ok(Explanation {
            upstream: explained.row.name,
            strategy: explained.row.strategy,
            window: Window { since_ms, lasted_ms, picks },
            backends: explained.parts,
            fit: explained.row.fit,
            clients,
            what_if,
        })
    }
}

impl Requests {
    fn held((all, whole_since_ms): (Vec<arrivals::Arrival>, u64), now: Now) -> Self {
        let wanted_us = now.wall_ms.saturating_sub(WHAT_IF_MS) * 1000;
        let whole_since_us = (whole_since_ms * 1000).max(wanted_us);
        let limit = if whole_since_us > wanted_us { Limit::Kept } else { Limit::None };
        Self { all, whole_since_us, limit }
    }
}

fn what_if(explained: &Explained, mut requests: Requests, finished: u64, now: Now) -> WhatIf {
    let strategies = explained.strategies.iter().filter(|(_, refusal)| refusal.is_none()).count();
    let steps = (explained.members.len() * strategies).max(1);
    let arrivals_max = (WHAT_IF_STEPS_MAX / steps).min(WHAT_IF_ARRIVALS_MAX);
    let mut arrivals: Vec<Arrival> = requests.all.iter().map(arrival).collect();
    arrivals.retain(|arrival| arrival.at_us >= requests.whole_since_us);
    arrivals.sort_by_key(|arrival| arrival.at_us);
    if arrivals.len() > arrivals_max {
        arrivals.drain(..arrivals.len() - arrivals_max);
        requests.whole_since_us = arrivals[0].at_us;
        requests.limit = Limit::Work;
    }
    let servers: Vec<Server> = explained
        .members
        .iter()
        .map(|member| Server {
            peer: member.peer,
            services_us: services(&requests.all, (member.id, member.incarnation)),
        })
        .collect();
    let trace = Trace::new(arrivals);
    let modelled = explained.strategies.iter().map(|(strategy, refusal)| {
        let is_running = strategy.name() == explained.row.strategy;
        let outcome = match refusal {
            Some(_) => Outcome::default(),
            None => what_if::replay(super::membership::strategy(*strategy), &trace, &servers),
        };
        Modelled {
            strategy: strategy.name().to_owned(),
            is_running,
            impossible: refusal.unwrap_or_default().to_owned(),
            ..modelled(&outcome)
        }
    });
    WhatIf {
        label: LABEL.to_owned(),
        strategies: modelled.collect(),
        backends: explained.parts.iter().map(|part| part.name.clone()).collect(),
        held: Held {
            arrivals: trace.len() as u64,
            covered_ms: now.wall_ms.saturating_sub(requests.whole_since_us / 1000),
            wanted_ms: WHAT_IF_MS,
            finished,
            limit: requests.limit,
        },
    }
}

fn arrival(request: &arrivals::Arrival) -> Arrival {
    Arrival { at_us: request.at_us(), client: request.client }
}

/// How long the backend's own answers took. A request that was offered to others before, that its
/// client gave up, or whose failure the engine answered, says nothing of the backend's pace.
fn services(requests: &[arrivals::Arrival], backend: (BackendId, u16)) -> Vec<u32> {
    let is_telling = |request: &&arrivals::Arrival| {
        request.backend == Some(backend)
            && request.tries == 1
            && !matches!(request.status, 499 | 502..=504)
    };
    let mut telling: Vec<&arrivals::Arrival> = requests.iter().filter(is_telling).collect();
    telling.sort_by_key(|request| request.wall_ms);
    telling.into_iter().map(|request| request.service_us).collect()
}

fn modelled(outcome: &Outcome) -> Modelled {
    let served: u64 = outcome.parts.iter().map(|part| part.requests).sum();
    let share = |requests: u64| requests as f64 / served.max(1) as f64;
    let parts: Vec<ModelledPart> = outcome
        .parts
        .iter()
        .map(|part| ModelledPart {
            share: share(part.requests),
            requests: part.requests,
            in_flight_max: part.in_flight_max,
            service_us: service(part.times),
        })
        .collect();
    Modelled {
        max_share: parts.iter().map(|part| part.share).fold(0.0, f64::max),
        in_flight_max: parts.iter().map(|part| part.in_flight_max).max().unwrap_or(0),
        service_us: service(outcome.times),
        clients_split: outcome.networks_split as f64 / outcome.networks.max(1) as f64,
        parts,
        ..Modelled::default()
    }
}

fn service(times: Times) -> Service {
    let Times { mean_us: mean, p50_us: p50, p95_us: p95, p99_us: p99 } = times;
    Service { mean, p50, p95, p99 }
}

fn clients(requests: &[arrivals::Arrival]) -> Vec<Client> {
    let mut counts = BTreeMap::new();
    for request in requests {
        *counts.entry(ip_hash::network(request.client)).or_insert(0_u64) += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, requests)| std::cmp::Reverse(*requests));
    counts.truncate(TOP_CLIENTS_MAX);
    let client = |(network, count): (std::net::IpAddr, u64)| Client {
        network: network.to_canonical().to_string(),
        requests: count,
        share: count as f64 / requests.len() as f64,
    };
    counts.into_iter().map(client).collect()
}

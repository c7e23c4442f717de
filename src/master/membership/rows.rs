//! Membership as people are shown it: one row an upstream, one a backend, with what each should
//! get beside what it got.

use std::collections::BTreeMap;

use crate::balance;
use crate::balance::share;
use crate::config::model::capacity::{OnDrain, Place as SessionPlace, Token};
use crate::config::model::health::AllDown;
use crate::config::model::{Kind, Strategy};
use crate::control::capacity::{Admission, Capacity, Queue, Sticky};
use crate::control::{listener, wire};
use crate::master::history::History;
use crate::scoreboard::account::{self, Counts, UpstreamCounts};
use crate::scoreboard::gate::{RAMP_FULL, Standing};
use crate::scoreboard::turn::Owner;

use super::member::{Admin, Health, Member, Readiness, Then};
use super::{Membership, Now, Place, Upstream, evidence};

/// Figures of one backend at one instant.
pub(super) struct Figures {
    pub(super) picks: u64,
    pub(super) current_weight: i64,
    pub(super) counts: Counts,
    pub(super) is_ejected: bool,
}

impl Membership {
    pub(crate) fn rows(
        &self,
        history: &History,
        now: Now,
    ) -> (Vec<wire::UpstreamRow>, Vec<wire::BackendRow>) {
        let mut upstreams = Vec::with_capacity(self.upstreams.len());
        let mut backends = Vec::new();
        for (index, upstream) in self.upstreams.iter().enumerate() {
            if upstream.retire_at_us.is_some() {
                continue;
            }
            let figures = self.figures(index, now);
            let (upstream, of_upstream) = self.rows_of(index, &figures, history, now);
            upstreams.push(upstream);
            backends.extend(of_upstream);
        }
        (upstreams, backends)
    }

    /// What active checks last concluded, by the row's key; who was not checked is left out.
    pub(crate) fn passing(&self) -> BTreeMap<u32, bool> {
        let members = self.upstreams.iter().flat_map(|upstream| &upstream.members);
        let checked = members.filter(|member| member.check.is_some());
        checked.map(|member| (member.key(), member.health == Health::Passing)).collect()
    }

    /// Of one upstream.
    pub(super) fn rows_of(
        &self,
        index: usize,
        figures: &[Figures],
        history: &History,
        now: Now,
    ) -> (wire::UpstreamRow, Vec<wire::BackendRow>) {
        let upstream = &self.upstreams[index];
        let mut row = self.upstream_row(upstream, history);
        row.fit = evidence::told(upstream, &self.judged(upstream, figures, history), history, now);
        let expected = expected(upstream, figures, history, now);
        let picked = share::fractions(figures.iter().map(|f| f.picks as f64).collect());
        let backends = figures.iter().enumerate().map(|(member, figures)| {
            let at = Place { upstream: index, member };
            let mut row = self.backend_row(at, figures, now);
            row.backend.expected_share = expected[member];
            row.backend.actual_share = picked[member];
            row.backend.latency_us = history.latency(upstream.members[member].id);
            row
        });
        (row, backends.collect())
    }

    fn upstream_row(&self, upstream: &Upstream, history: &History) -> wire::UpstreamRow {
        let counts = account::upstream_counts(self.board, upstream.id);
        wire::UpstreamRow {
            name: upstream.name.clone(),
            kind: match upstream.settings.kind {
                Kind::Http => listener::Kind::Http,
                Kind::Tcp => listener::Kind::Tcp,
                Kind::Both => listener::Kind::Both,
            },
            strategy: upstream.strategy().name().to_owned(),
            file_strategy: upstream.settings.strategy.name().to_owned(),
            requests: counts.requests,
            retries: counts.retries,
            retries_withheld: counts.withheld,
            refused: counts.refused,
            overflows: counts.overflows,
            window_since_ms: upstream.window_since_ms,
            top_client_share: history.top_client_share(upstream.id),
            fit: crate::control::explain::Fit::default(),
            names: upstream.names(),
            admission: admission(upstream, &counts),
            all_down: upstream.settings.all_down.name().to_owned(),
            desperate: counts.desperate,
            differs: upstream.differs(),
        }
    }

    /// Picks since the window began and smooth weights, all of one instant.
    pub(super) fn figures(&self, index: usize, now: Now) -> Vec<Figures> {
        let upstream = &self.upstreams[index];
        let turn = self.board.upstream(upstream.id).take_turn(Owner::Master);
        let of_turn: Vec<(u64, i64)> = upstream
            .members
            .iter()
            .map(|member| {
                let backend = self.board.backend(member.id);
                (backend.picks(), backend.words().current_weight)
            })
            .collect();
        drop(turn);
        let members = upstream.members.iter().enumerate().zip(of_turn);
        members
            .map(|((position, member), (picks, current_weight))| Figures {
                picks: picks.wrapping_sub(member.window.picks),
                current_weight,
                counts: account::backend_counts(self.board, member.id, member.incarnation),
                is_ejected: self.is_ejected(Place { upstream: index, member: position }, now),
            })
            .collect()
    }

    fn backend_row(&self, at: Place, figures: &Figures, now: Now) -> wire::BackendRow {
        let upstream = &self.upstreams[at.upstream];
        let member = self.member(at);
        let active_by_worker = self.board.backend(member.id).active_by_worker();
        let ramp = member.ramp(upstream.settings.slow_start_ms, now.mono_us);
        let check = upstream.check_of(member);
        let check_text = check.as_ref().map_or_else(String::new, |check| check.text().to_owned());
        let active = active_by_worker.iter().sum();
        wire::BackendRow {
            upstream: upstream.name.clone(),
            backend: wire::Backend {
                name: member.name.clone(),
                address: member.name.clone(),
                state: member.state(ramp, figures.is_ejected),
                weight: member.weight(),
                active,
                requests: figures.counts.requests,
                expected_share: 0.0,
                actual_share: 0.0,
                responses: responses(&figures.counts),
                failures: figures.counts.failures,
                latency_us: wire::Latency::default(),
                bytes_in: figures.counts.bytes_in,
                bytes_out: figures.counts.bytes_out,
                program: member.program().map(str::to_owned),
                host: member.host().map(str::to_owned),
                capacity: Capacity {
                    max_conns: member.max_conns(),
                    priority: member.settings.priority,
                    backup: member.settings.is_backup,
                },
                check,
                reason: String::new(),
                drain: self.drain_row(at, active, now),
                cuts: figures.counts.cuts,
            },
            key: member.key(),
            file_weight: member.settings.weight,
            since_ms: member.since_ms,
            reason: self.reason(at, now),
            window_picks: figures.picks,
            window_weight_start: member.window.weight,
            current_weight: figures.current_weight,
            active_by_worker,
            check: check_text,
        }
    }

    /// Why a backend is in its state, for people; empty when it is simply up.
    pub(super) fn reason(&self, at: Place, now: Now) -> String {
        let member = self.member(at);
        match &member.admin {
            Admin::Cutting(draining) => {
                format!("drained by {}, out of time", draining.cause.by())
            }
            Admin::Draining(draining) if draining.then == Then::Leave => {
                format!("leaves, removed by {}", draining.cause.by())
            }
            Admin::Draining(draining) => format!("drained by {}", draining.cause.by()),
            Admin::Left { by } => format!("removed by {by}"),
            Admin::Drained(cause) => format!("drained by {}", cause.by()),
            Admin::Down { by } => format!("taken down by {by}"),
            Admin::AsFile if member.settings.is_down => "down in the configuration".to_owned(),
            Admin::AsFile | Admin::Enabled => match (member.readiness, &member.health) {
                (Readiness::Lost | Readiness::NotReady, _) => {
                    format!("{} is not ready", member.program().unwrap_or("its program"))
                }
                (Readiness::Ready, Health::Failing(text)) => text.clone(),
                (Readiness::Ready, Health::Passing) => self.open_reason(at, now),
            },
        }
    }

    fn open_reason(&self, at: Place, now: Now) -> String {
        let member = self.member(at);
        if let Some(reason) = member.outlier.reason(now) {
            return reason;
        }
        if self.is_ejected(at, now) {
            let backend = self.board.backend(member.id);
            let failure = backend.last_failure().map_or("failed", |failure| failure.text());
            let (fails, timeout_s) = (backend.fails(), member.settings.fail_timeout_s);
            return format!("{failure} x{fails}, out for {timeout_s} s");
        }
        let ramp = member.ramp(self.upstreams[at.upstream].settings.slow_start_ms, now.mono_us);
        if ramp < RAMP_FULL {
            let percent = u32::from(ramp) * 100 / u32::from(RAMP_FULL);
            return format!("slow start, {percent} % of its share");
        }
        String::new()
    }
}

fn expected(upstream: &Upstream, figures: &[Figures], history: &History, now: Now) -> Vec<f64> {
    let slow_start_ms = upstream.settings.slow_start_ms;
    let member = |(member, figures): (&Member, &Figures)| {
        let ramp = member.ramp(slow_start_ms, now.mono_us);
        share::Member {
            ramp: f64::from(ramp) / f64::from(RAMP_FULL),
            ..member.in_share(figures.is_ejected, history)
        }
    };
    let mut members: Vec<_> = upstream.members.iter().zip(figures).map(member).collect();
    if upstream.settings.all_down == AllDown::UseAll && !members.iter().any(|row| row.is_serving) {
        for (row, member) in members.iter_mut().zip(&upstream.members) {
            row.is_serving = matches!(member.standing(), Standing::Open | Standing::Failed);
        }
    }
    if let Some(ring) = upstream.ring.as_ref().and_then(|ring| ring.of(upstream)) {
        return share::on_ring(ring, &members);
    }
    share::expected(strategy(upstream.strategy()), &members, history.clients(upstream.id))
}

/// Who waits, and who comes back.
fn admission(upstream: &Upstream, counts: &UpstreamCounts) -> Admission {
    let settings = &upstream.settings;
    let on_drain = match settings.on_drain() {
        OnDrain::Move => "move",
        OnDrain::Follow => "follow",
    };
    Admission {
        queue: settings.queue.map(|queue| Queue {
            length: queue.length,
            timeout_ms: queue.timeout_ms,
            queued: counts.queued,
            overflows: counts.queue_overflows,
            timeouts: counts.queue_timeouts,
        }),
        sticky: settings.sticky.as_ref().map(|sticky| {
            let (by, name) = match &sticky.by {
                Token::Cookie(cookie) => ("cookie", &cookie.name),
                Token::Session(session) => match session.place {
                    SessionPlace::Cookie => ("learn", &session.name),
                    SessionPlace::Header => ("header", &session.name),
                },
            };
            Sticky { by: by.to_owned(), name: name.clone(), on_drain: on_drain.to_owned() }
        }),
    }
}

pub(crate) fn strategy(strategy: Strategy) -> balance::Strategy {
    match strategy {
        Strategy::RoundRobin => balance::Strategy::RoundRobin,
        Strategy::LeastConn => balance::Strategy::LeastConn,
        Strategy::IpHash => balance::Strategy::IpHash,
        Strategy::Random => balance::Strategy::Random,
        Strategy::RandomTwo => balance::Strategy::RandomTwo,
        Strategy::Hash => balance::Strategy::Hash,
        Strategy::HashConsistent => balance::Strategy::HashConsistent,
        Strategy::LeastTime => balance::Strategy::LeastTime,
    }
}

fn responses(counts: &Counts) -> wire::Responses {
    let [informational, success, redirection, client_error, server_error] = counts.responses;
    wire::Responses { informational, success, redirection, client_error, server_error }
}

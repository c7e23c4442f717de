//! What an upstream's fit is judged by: its window's picks and troubles, and what happened to it.
//!
//! Gathers; the judging is `balance::judge`'s, the naming of a cause `balance::cause`'s.

use std::collections::VecDeque;

use crate::balance;
use crate::balance::cause::{self, Cause, Change};
use crate::balance::dice::Dice;
use crate::balance::fit::Served;
use crate::balance::judge::{self, Claim, Judgement, Promise, Trouble, Verdict};
use crate::balance::share;
use crate::balance::walk::Walk;
use crate::config::limits::CHANGES_KEPT_MAX;
use crate::config::model::Strategy;
use crate::control::explain;
use crate::control::wire::{self, Answer};
use crate::master::arrivals::Arrival;
use crate::master::history::History;
use crate::scoreboard::account::{self, UpstreamCounts};
use crate::scoreboard::gate::RAMP_FULL;
use crate::scoreboard::{BackendId, UpstreamId};

use super::rows::{Figures, strategy};
use super::{Membership, Now, Upstream};

/// A request that came so shortly after a change may have been picked for before it: its times are
/// those of its worker's turns.
const SETTLED_MS: u64 = 100;

/// Beside an upstream's window: what had been counted when it began, and what happened lately.
#[derive(Clone, Debug, Default)]
pub(super) struct Evidence {
    pub(super) counts: UpstreamCounts,
    changes: VecDeque<Change>,
}

impl Evidence {
    pub(super) fn happened(&mut self, cause: Cause, subject: &str, now: Now) {
        if self.changes.len() == CHANGES_KEPT_MAX {
            self.changes.pop_front();
        }
        self.changes.push_back(Change { cause, subject: subject.to_owned(), at_ms: now.wall_ms });
    }
}

/// What an explanation is made of.
pub(crate) struct Explained {
    pub(crate) row: wire::UpstreamRow,
    pub(crate) parts: Vec<explain::Part>,
    pub(crate) members: Vec<Peered>,
    /// Every strategy there is, and why the upstream can't use it, if so.
    pub(crate) strategies: Vec<(Strategy, Option<&'static str>)>,
}

/// A member as the strategies see it.
pub(crate) struct Peered {
    pub(crate) id: BackendId,
    pub(crate) incarnation: u16,
    pub(crate) peer: balance::Peer,
}

impl Membership {
    pub(crate) fn upstream_id(&self, name: &str) -> Result<UpstreamId, Answer> {
        match self.upstream_index(name) {
            Some(index) => Ok(self.upstreams[index].id),
            None => Err(self.no_upstream(name)),
        }
    }

    /// All that is known of how an upstream balances; `requests` are those of it that are held.
    pub(crate) fn explained(
        &self,
        name: &str,
        requests: &[Arrival],
        history: &History,
        now: Now,
    ) -> Result<Explained, Answer> {
        let index = self.upstream_index(name).ok_or_else(|| self.no_upstream(name))?;
        let upstream = &self.upstreams[index];
        let figures = self.figures(index, now);
        let (mut row, backends) = self.rows_of(index, &figures, history, now);
        let peers = peers(upstream, &figures);
        let judged = self.judged(upstream, &figures, history);
        if upstream.strategy() == Strategy::IpHash {
            let since_ms = upstream.window_since_ms + SETTLED_MS;
            let (kept, looked_at) = kept(&peers, requests, since_ms);
            row.fit = told(upstream, &judged.with_kept(kept, looked_at), history, now);
        }
        let shown = upstream.members.iter().zip(&backends);
        let parts = shown.map(|(member, row)| {
            let picks = row.window_picks;
            let total: u64 = backends.iter().map(|row| row.window_picks).sum();
            explain::Part {
                name: member.name.clone(),
                state: row.backend.state,
                weight: row.backend.weight,
                picks,
                expected_share: row.backend.expected_share,
                actual_share: row.backend.actual_share,
                deviation_picks: picks as f64 - row.backend.expected_share * total as f64,
                active: row.backend.active,
                active_mean: history.mean_active(member.id, upstream.window_since_ms),
                service_mean_us: history.mean_service_us(member.id),
            }
        });
        // Of past requests the clients are remembered, not the keys.
        let unknown =
            |strategy: Strategy| strategy.needs_key().then_some("has no memory of past keys");
        let refusal = |strategy: Strategy| {
            (strategy, upstream.refusal(strategy).or_else(|| unknown(strategy)))
        };
        let strategies = Strategy::ALL.into_iter().map(refusal).collect();
        Ok(Explained { parts: parts.collect(), members: peers, strategies, row })
    }

    pub(super) fn judged(
        &self,
        upstream: &Upstream,
        figures: &[Figures],
        history: &History,
    ) -> Judgement {
        let members: Vec<share::Member> = upstream
            .members
            .iter()
            .zip(figures)
            .map(|(member, figures)| member.in_share(figures.is_ejected, history))
            .collect();
        let candidates = share::candidates(&members);
        let members: Vec<judge::Member> = upstream
            .members
            .iter()
            .zip(figures)
            .zip(candidates)
            .map(|((member, figures), is_candidate)| judge::Member {
                served: Served {
                    picks: figures.picks,
                    weight: member.weight(),
                    weight_start: member.window.weight,
                    weight_end: figures.current_weight,
                },
                is_candidate,
                active: history.mean_active(member.id, upstream.window_since_ms),
                service_us: history.mean_service_us(member.id),
            })
            .collect();
        judge::judge(&judge::Window {
            promise: Promise::of(strategy(upstream.strategy())),
            members: &members,
            top_client: history.top_client_share(upstream.id),
            trouble: self.trouble(upstream, figures),
        })
    }

    /// What was counted since the window began.
    fn trouble(&self, upstream: &Upstream, figures: &[Figures]) -> Trouble {
        let counts = account::upstream_counts(self.board, upstream.id);
        let before = upstream.evidence.counts;
        let failures = |(member, figures): (&super::Member, &Figures)| {
            figures.counts.failures.saturating_sub(member.window.failures)
        };
        Trouble {
            requests: counts.requests.saturating_sub(before.requests),
            retries: counts.retries.saturating_sub(before.retries),
            failures: upstream.members.iter().zip(figures).map(failures).sum(),
            withheld: counts.withheld.saturating_sub(before.withheld),
            refused: counts.refused.saturating_sub(before.refused),
            overflows: counts.overflows.saturating_sub(before.overflows),
        }
    }
}

/// The judgement with names for positions, and with its cause.
pub(super) fn told(
    upstream: &Upstream,
    judgement: &Judgement,
    history: &History,
    now: Now,
) -> explain::Fit {
    let findings = judgement.findings.iter().map(|finding| explain::Finding {
        verdict: verdict(finding.verdict),
        claim: claim(finding.claim, upstream, history),
    });
    let trouble = judgement.findings.iter().find_map(|finding| match finding.claim {
        Claim::Trouble(trouble) => Some(trouble),
        _ => None,
    });
    explain::Fit {
        verdict: verdict(judgement.verdict),
        promise: match Promise::of(strategy(upstream.strategy())) {
            Promise::Exact => explain::Promise::Exact,
            Promise::Even => explain::Promise::Even,
            Promise::Client => explain::Promise::Client,
            Promise::Chance => explain::Promise::Chance,
            Promise::Swift => explain::Promise::Swift,
        },
        findings: findings.collect(),
        cause: judgement
            .needs_cause()
            .then(|| named_cause(upstream, trouble.unwrap_or_default(), now)),
    }
}

fn named_cause(upstream: &Upstream, trouble: Trouble, now: Now) -> explain::Cause {
    let slow_start_ms = upstream.settings.slow_start_ms;
    let mut members = upstream.members.iter();
    let warming = members.find(|member| member.ramp(slow_start_ms, now.mono_us) < RAMP_FULL);
    let changes = upstream.evidence.changes.iter();
    let (cause, change) =
        cause::name(changes, upstream.window_since_ms, warming.is_some(), trouble);
    let subject = match (cause, warming, change) {
        (Cause::SlowStart, Some(member), _) => member.name.clone(),
        (_, _, Some(change)) => change.subject.clone(),
        (_, _, None) => String::new(),
    };
    explain::Cause {
        kind: cause_kind(cause),
        backend: subject,
        at_ms: change.map_or(0, |change| change.at_ms),
    }
}

fn peers(upstream: &Upstream, figures: &[Figures]) -> Vec<Peered> {
    let members = upstream.members.iter().zip(figures);
    members
        .map(|(member, figures)| {
            let is_serving = member.is_serving(figures.is_ejected);
            Peered {
                id: member.id,
                incarnation: member.incarnation,
                peer: balance::Peer {
                    standing: if is_serving {
                        balance::Standing::Open
                    } else {
                        balance::Standing::Closed
                    },
                    tier: member.tier(),
                    priority: member.settings.priority,
                    max_conns: member.max_conns(),
                    ..balance::Peer::fresh(member.weight())
                },
            }
        })
        .collect()
}

/// Of the requests of the window, those that went where their client belongs, and how many they are.
fn kept(members: &[Peered], requests: &[Arrival], since_ms: u64) -> (u64, u64) {
    let mut peers: Vec<balance::Peer> = members.iter().map(|member| member.peer).collect();
    let (mut kept, mut looked_at) = (0, 0);
    for request in requests {
        let is_of_window = request.at_us() >= since_ms * 1000;
        let Some(backend) = request.backend.filter(|_| is_of_window) else { continue };
        let (mut walk, mut dice) = (Walk::start(), Dice::seeded(0));
        let mut asked = balance::Request {
            client: request.client,
            key: b"",
            ring: None,
            dice: &mut dice,
            tried: 0,
            walk: &mut walk,
            now_s: 0,
        };
        let home = balance::pick(balance::Strategy::IpHash, &mut peers, &mut asked);
        let Some(home) = home.map(|index| &members[index]) else { continue };
        looked_at += 1;
        kept += u64::from((home.id, home.incarnation) == backend);
    }
    (kept, looked_at)
}

fn claim(claim: Claim, upstream: &Upstream, history: &History) -> explain::Claim {
    let name =
        |at: usize| upstream.members.get(at).map_or_else(String::new, |member| member.name.clone());
    match claim {
        Claim::Due { beyond, owed } => explain::Claim::ExactBound { value: beyond, limit: owed },
        Claim::Unexplained { picks } => explain::Claim::Unexplained { value: picks, limit: 0.0 },
        Claim::InFlight { most, least } => explain::Claim::InFlightSpread {
            value: most / least.max(0.01),
            limit: judge::SPREAD_MAX,
            least,
            most,
            limit_requests: judge::SPREAD_REQUESTS_MAX,
        },
        Claim::Slowest { fewest, part, slowest } => explain::Claim::SlowestGetsFewest {
            value: part,
            fewest: name(fewest),
            slowest: name(slowest),
        },
        Claim::HashShare { peer, requests, hash } => explain::Claim::HashShare {
            value: requests,
            hash_share: hash,
            limit: judge::HASH_DIFFERENCE_MAX,
            backend: name(peer),
        },
        Claim::TopClient { part } => {
            let network = history.top_client(upstream.id);
            let network = network.map(|address| address.to_canonical().to_string());
            explain::Claim::TopClient {
                value: part,
                limit: judge::CLIENT_SHARE_MAX,
                network: network.unwrap_or_default(),
            }
        }
        Claim::Kept { kept, looked_at } => {
            explain::Claim::ClientKept { value: kept, limit: looked_at }
        }
        Claim::Chance(chance) => explain::Claim::GTest {
            value: chance.g,
            limit: judge::P_MIN,
            chi_square: chance.chi_square,
            degrees: chance.degrees,
            p: chance.p,
            effect: chance.effect,
        },
        Claim::Trouble(trouble) => explain::Claim::Retries {
            value: trouble.retries,
            requests: trouble.requests,
            failures: trouble.failures,
            withheld: trouble.withheld,
            refused: trouble.refused,
            overflows: trouble.overflows,
        },
    }
}

fn verdict(verdict: Verdict) -> explain::Verdict {
    match verdict {
        Verdict::TooFew => explain::Verdict::TooFew,
        Verdict::Fits => explain::Verdict::Fits,
        Verdict::Skewed => explain::Verdict::Skewed,
        Verdict::Deviates => explain::Verdict::Deviates,
    }
}

fn cause_kind(cause: Cause) -> explain::CauseKind {
    match cause {
        Cause::SlowStart => explain::CauseKind::SlowStart,
        Cause::Retry => explain::CauseKind::Retry,
        Cause::Failure => explain::CauseKind::Failure,
        Cause::Ejection => explain::CauseKind::Ejection,
        Cause::CheckFailure => explain::CauseKind::CheckFailure,
        Cause::Return => explain::CauseKind::Return,
        Cause::Drain => explain::CauseKind::Drain,
        Cause::Down => explain::CauseKind::Down,
        Cause::WeightChange => explain::CauseKind::WeightChange,
        Cause::StrategyChange => explain::CauseKind::StrategyChange,
        Cause::Membership => explain::CauseKind::Membership,
        Cause::Reload => explain::CauseKind::Reload,
        Cause::Unknown => explain::CauseKind::Unknown,
    }
}

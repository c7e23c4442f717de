//! Does an upstream balance as its strategy promises? The right question differs per strategy: a
//! test of equal counts would call perfect round robin suspicious and good least connections broken.
//!
//! Pure: a window of picks in, findings and a verdict out. The first finding is the strategy's
//! promise and decides; the others explain. Why a promise was not kept is for `cause`.

use super::Strategy;
use super::chance::{self, Chance};
use super::fit::{self, PICKS_MIN, Served};

/// In-flight averages may differ by this factor, or by this many requests where there are few.
pub(crate) const SPREAD_MAX: f64 = 1.25;
pub(crate) const SPREAD_REQUESTS_MAX: f64 = 1.0;
/// A request share may be so far from the hash share before the clients are called uneven.
pub(crate) const HASH_DIFFERENCE_MAX: f64 = 0.1;
/// One client network above this share makes a hash uneven by itself.
pub(crate) const CLIENT_SHARE_MAX: f64 = 0.25;
/// Less often than this, chance is not believed...
pub(crate) const P_MIN: f64 = 0.01;
/// ...unless the difference is too small to matter.
pub(crate) const EFFECT_MIN: f64 = 0.05;
/// So much of a window may be moved by others (retries) before the promise counts as broken.
const MOVED_MAX: f64 = 0.01;
/// Backends as fast as each other within this factor have no slowest.
const SLOWER_MIN: f64 = 1.1;

/// What a strategy can be held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Promise {
    /// Within any window to the request, by the smooth weights.
    Exact,
    /// Requests in flight in proportion to weight; shares follow from speed.
    Even,
    /// Whoever the clients are decides; each keeps its peer.
    Client,
    /// Shares as drawn.
    Chance,
    /// Who answers faster gets more.
    Swift,
}

impl Promise {
    pub(crate) fn of(strategy: Strategy) -> Self {
        match strategy {
            Strategy::RoundRobin => Self::Exact,
            Strategy::LeastConn | Strategy::RandomTwo => Self::Even,
            Strategy::IpHash | Strategy::Hash | Strategy::HashConsistent => Self::Client,
            Strategy::Random => Self::Chance,
            Strategy::LeastTime => Self::Swift,
        }
    }
}

/// A peer's part of the window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Member {
    pub(crate) served: Served,
    /// Requests can go there, and no tier before it can take them.
    pub(crate) is_candidate: bool,
    /// Requests in flight on average over the window; `None` before the first look.
    pub(crate) active: Option<f64>,
    pub(crate) service_us: Option<f64>,
}

/// What went another way than the strategy's in the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) requests: u64,
    pub(crate) retries: u64,
    /// Failures that lower a weight for a while.
    pub(crate) failures: u64,
    pub(crate) withheld: u64,
    pub(crate) refused: u64,
    pub(crate) overflows: u64,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Window<'a> {
    pub(crate) promise: Promise,
    pub(crate) members: &'a [Member],
    /// The busiest client network's part.
    pub(crate) top_client: f64,
    pub(crate) trouble: Trouble,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Too few picks, or too little going on, to say anything.
    TooFew,
    Fits,
    /// Uneven for a reason that lies with the clients.
    Skewed,
    Deviates,
}

/// One tested claim; peers by their position.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Claim {
    /// The furthest from its due, in picks, and what the smooth weights account for.
    Due {
        beyond: f64,
        owed: f64,
    },
    /// Picks that the smooth weights do not account for.
    Unexplained {
        picks: f64,
    },
    /// In-flight averages per weight, busiest and idlest.
    InFlight {
        most: f64,
        least: f64,
    },
    /// Who got the fewest picks for its weight, with which part of all, and who is the slowest.
    Slowest {
        fewest: usize,
        part: f64,
        slowest: usize,
    },
    /// The peer whose part of the requests is furthest from its part of the hash space.
    HashShare {
        peer: usize,
        requests: f64,
        hash: f64,
    },
    TopClient {
        part: f64,
    },
    /// Requests that went to the peer their client belongs to.
    Kept {
        kept: u64,
        looked_at: u64,
    },
    Chance(Chance),
    Trouble(Trouble),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Finding {
    pub(crate) verdict: Verdict,
    pub(crate) claim: Claim,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Judgement {
    pub(crate) verdict: Verdict,
    pub(crate) picks: u64,
    /// The first decided, unless there was too little to decide on.
    pub(crate) findings: Vec<Finding>,
}

pub(crate) fn judge(window: &Window<'_>) -> Judgement {
    let picks = window.members.iter().map(|member| member.served.picks).sum();
    let candidates: Vec<(usize, &Member)> =
        window.members.iter().enumerate().filter(|(_, member)| member.is_candidate).collect();
    let mut findings = match window.promise {
        Promise::Exact => exact(&candidates, picks),
        Promise::Even => even(&candidates, picks),
        Promise::Client => client(&candidates, picks, window.top_client),
        Promise::Chance => vec![drawn(&candidates)],
        Promise::Swift => swift(&candidates, picks),
    };
    findings.push(trouble(window.trouble));
    if picks < PICKS_MIN {
        for finding in &mut findings {
            finding.verdict = Verdict::TooFew;
        }
    }
    Judgement { verdict: findings[0].verdict, picks, findings }
}

impl Judgement {
    /// Whether something is to be accounted for that the strategy did not do.
    pub(crate) fn needs_cause(&self) -> bool {
        let is_moved = |finding: &Finding| {
            finding.verdict == Verdict::Deviates
                && !matches!(finding.claim, Claim::Trouble(_) | Claim::Slowest { .. })
        };
        self.findings.iter().any(is_moved)
    }

    /// Whether each of the requests that were looked at went where its client belongs; the promise
    /// itself, where it could be tested.
    pub(crate) fn with_kept(mut self, kept: u64, looked_at: u64) -> Self {
        let verdict = match looked_at {
            _ if looked_at < PICKS_MIN => Verdict::TooFew,
            _ if kept == looked_at => Verdict::Fits,
            _ => Verdict::Deviates,
        };
        if verdict == Verdict::Deviates && self.picks >= PICKS_MIN {
            self.verdict = verdict;
        }
        let at = self.findings.len().saturating_sub(1);
        self.findings.insert(at, Finding { verdict, claim: Claim::Kept { kept, looked_at } });
        self
    }
}

fn exact(candidates: &[(usize, &Member)], picks: u64) -> Vec<Finding> {
    let served: Vec<Served> = candidates.iter().map(|(_, member)| member.served).collect();
    let beyond = fit::worst(&served, fit::beyond_due);
    let unexplained = fit::worst(&served, fit::residual);
    let owed = fit::worst(&served, |peer, peers| {
        fit::beyond_due(peer, peers) - fit::residual(peer, peers)
    });
    let is_kept = unexplained < 1.0 || beyond <= picks as f64 * MOVED_MAX;
    vec![
        Finding { verdict: fits_if(is_kept), claim: Claim::Due { beyond, owed } },
        Finding {
            verdict: fits_if(unexplained < 1.0),
            claim: Claim::Unexplained { picks: unexplained },
        },
    ]
}

fn even(candidates: &[(usize, &Member)], picks: u64) -> Vec<Finding> {
    let loads: Vec<f64> = candidates
        .iter()
        .filter_map(|(_, member)| Some(member.active? / f64::from(member.served.weight.max(1))))
        .collect();
    let most = loads.iter().copied().fold(0.0, f64::max);
    let least = loads.iter().copied().fold(f64::INFINITY, f64::min).min(most);
    let is_even = most - least <= SPREAD_REQUESTS_MAX || most <= least * SPREAD_MAX;
    let is_known = !loads.is_empty() && loads.len() == candidates.len();
    let verdict = if is_known { fits_if(is_even) } else { Verdict::TooFew };
    let mut findings = vec![Finding { verdict, claim: Claim::InFlight { most, least } }];
    // With less in flight than there are backends, most picks are ties, and ties take turns.
    let is_busy = loads.iter().sum::<f64>() >= loads.len() as f64;
    findings.extend(slowest(candidates, picks, is_busy));
    findings
}

/// In-flight counts follow from the times, so they promise nothing.
fn swift(candidates: &[(usize, &Member)], picks: u64) -> Vec<Finding> {
    let nobody = Claim::Slowest { fewest: 0, part: 0.0, slowest: 0 };
    let unknown = Finding { verdict: Verdict::TooFew, claim: nobody };
    vec![slowest(candidates, picks, true).unwrap_or(unknown)]
}

fn slowest(candidates: &[(usize, &Member)], picks: u64, is_busy: bool) -> Option<Finding> {
    let speeds: Vec<(usize, f64)> = candidates
        .iter()
        .filter_map(|(at, member)| Some((*at, member.service_us?)))
        .filter(|_| candidates.len() > 1)
        .collect();
    let by_time = |one: &&(usize, f64), other: &&(usize, f64)| one.1.total_cmp(&other.1);
    let (slow, fast) = (speeds.iter().max_by(by_time)?, speeds.iter().min_by(by_time)?);
    let rate =
        |member: &Member| member.served.picks as f64 / f64::from(member.served.weight.max(1));
    let (fewest, few) =
        candidates.iter().min_by(|(_, one), (_, other)| rate(one).total_cmp(&rate(other)))?;
    let (_, slow_member) = candidates.iter().find(|(at, _)| *at == slow.0)?;
    let is_tested = is_busy && speeds.len() == candidates.len() && slow.1 > fast.1 * SLOWER_MIN;
    let is_so = rate(slow_member) <= rate(few) * (1.0 + MOVED_MAX) + 1.0;
    let part = few.served.picks as f64 / picks.max(1) as f64;
    // Of backends with the same rate the slow one is named.
    let fewest = if is_so { slow.0 } else { *fewest };
    Some(Finding {
        verdict: if is_tested { fits_if(is_so) } else { Verdict::TooFew },
        claim: Claim::Slowest { fewest, part, slowest: slow.0 },
    })
}

fn client(candidates: &[(usize, &Member)], picks: u64, top_client: f64) -> Vec<Finding> {
    let total: u64 = candidates.iter().map(|(_, member)| u64::from(member.served.weight)).sum();
    let shares = candidates.iter().map(|(at, member)| {
        let requests = member.served.picks as f64 / picks.max(1) as f64;
        (*at, requests, f64::from(member.served.weight) / total.max(1) as f64)
    });
    let furthest =
        shares.max_by(|one, other| (one.1 - one.2).abs().total_cmp(&(other.1 - other.2).abs()));
    let (peer, requests, hash) = furthest.unwrap_or((0, 0.0, 0.0));
    let is_even = (requests - hash).abs() <= HASH_DIFFERENCE_MAX;
    let skewed_if = |is: bool| if is { Verdict::Skewed } else { Verdict::Fits };
    vec![
        Finding { verdict: skewed_if(!is_even), claim: Claim::HashShare { peer, requests, hash } },
        Finding {
            verdict: skewed_if(top_client > CLIENT_SHARE_MAX),
            claim: Claim::TopClient { part: top_client },
        },
    ]
}

fn drawn(candidates: &[(usize, &Member)]) -> Finding {
    let counts: Vec<u64> = candidates.iter().map(|(_, member)| member.served.picks).collect();
    let weights: Vec<f64> =
        candidates.iter().map(|(_, member)| f64::from(member.served.weight)).collect();
    let Some(chance) = chance::test(&counts, &weights) else {
        let none = Chance { g: 0.0, chi_square: 0.0, degrees: 0, p: 1.0, effect: 0.0 };
        return Finding { verdict: Verdict::TooFew, claim: Claim::Chance(none) };
    };
    let is_believed = chance.p >= P_MIN || chance.effect < EFFECT_MIN;
    Finding { verdict: fits_if(is_believed), claim: Claim::Chance(chance) }
}

fn trouble(trouble: Trouble) -> Finding {
    let is_well = trouble.refused + trouble.withheld + trouble.overflows == 0;
    Finding { verdict: fits_if(is_well), claim: Claim::Trouble(trouble) }
}

fn fits_if(is: bool) -> Verdict {
    if is { Verdict::Fits } else { Verdict::Deviates }
}

#[cfg(test)]
mod tests;

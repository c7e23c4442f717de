//! How fast requests of a key may come: nginx's `limit_req` (ngx_http_limit_req_module).
//!
//! All limits must have room before any of them counts the request, but for the last one, which
//! decides and counts in one look. A request beyond a limit's rate and within its burst waits, as
//! long as the limit asks for that makes it wait longest. Limits on trial are asked about those that
//! pass, and only told what they would have done.

use super::{Case, Keyed, LimitStatus, Refusal, Shared, Verdict, Wait};
use crate::config::limits::guards::LIMITS_PER_ROUTE_MAX;
use crate::config::model::Config;
use crate::config::model::guard::{Bound, Counted, Limit};
use crate::scoreboard::limit::bucket::{REQUEST, Rate};
use crate::scoreboard::limit::rate::{Busy, Terms};
use crate::scoreboard::limit::{Event, Key, Zone, figures};
use crate::scoreboard::refusal::Reason;
use crate::sys;

pub(crate) struct Rates {
    enforced: Vec<Rated>,
    on_trial: Vec<Rated>,
}

struct Rated {
    keyed: Keyed,
    name: String,
    demand: Demand,
    status: u16,
}

/// What a limit demands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Demand {
    terms: Terms,
    /// Excess that need not wait.
    at_once: u64,
}

/// The keys of one request, by limit; those it does not have are not counted.
type Keys = [Option<(Zone, Key)>; LIMITS_PER_ROUTE_MAX];

/// What limits together say of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decision {
    /// None of them counts it.
    Apart,
    Pass,
    Delay {
        ms: u64,
        by: usize,
    },
    Refuse {
        by: usize,
    },
}

impl Rates {
    /// `None` when no limit is one of rates.
    pub(super) fn compile(limits: &[Limit], config: &Config, shared: &Shared) -> Option<Self> {
        let mut rates = Self { enforced: Vec::new(), on_trial: Vec::new() };
        for limit in limits {
            let Bound::Burst { burst, at_once } = limit.bound else { continue };
            let counted = config.limits.iter().find(|zone| zone.name == limit.zone)?.counted;
            let Counted::Rate(rate) = counted else { continue };
            let thousandths = |count: u32| u64::from(count) * REQUEST;
            let rated = Rated {
                keyed: Keyed::find(&limit.zone, config, shared),
                name: limit.zone.clone(),
                demand: Demand {
                    terms: Terms { rate: Rate(rate), burst: thousandths(burst) },
                    at_once: at_once.map_or(u64::MAX, thousandths),
                },
                status: limit.status,
            };
            if limit.is_dry { rates.on_trial.push(rated) } else { rates.enforced.push(rated) }
        }
        let is_any = !rates.enforced.is_empty() || !rates.on_trial.is_empty();
        is_any.then_some(rates)
    }

    pub(super) fn judge(&self, case: &mut Case<'_>) -> Verdict {
        let keys = keys(&self.enforced, case);
        let decision = decide(&demands(&self.enforced), &keys, case.now_ms());
        note(&keys, decision, [Event::Passed, Event::Delayed, Event::Refused]);
        let verdict = match decision {
            Decision::Apart => Verdict::Pass,
            Decision::Pass => {
                case.exchange.limited.rate = Some(LimitStatus::Passed);
                Verdict::Pass
            }
            Decision::Delay { ms, .. } => {
                case.exchange.limited.rate = Some(LimitStatus::Delayed);
                Verdict::Wait(Wait::Delay { ms })
            }
            Decision::Refuse { by } => {
                case.exchange.limited.rate = Some(LimitStatus::Rejected);
                self.enforced[by].refused(case);
                let status = self.enforced[by].status;
                return Verdict::Refuse(Refusal { reason: Reason::Rate, status });
            }
        };
        if !self.on_trial.is_empty() {
            self.try_out(case);
        }
        verdict
    }

    fn try_out(&self, case: &mut Case<'_>) {
        let keys = keys(&self.on_trial, case);
        let decision = decide(&demands(&self.on_trial), &keys, case.now_ms());
        note(&keys, decision, [Event::Passed, Event::DelayedDry, Event::RefusedDry]);
        let status = match decision {
            Decision::Apart => return,
            Decision::Pass => LimitStatus::Passed,
            Decision::Delay { .. } => LimitStatus::DelayedDryRun,
            Decision::Refuse { by } => {
                self.on_trial[by].keyed.offended(case);
                LimitStatus::RejectedDryRun
            }
        };
        // What was done says more than what would have been.
        let rate = &mut case.exchange.limited.rate;
        if matches!(rate, None | Some(LimitStatus::Passed)) {
            *rate = Some(status);
        }
    }
}

impl Rated {
    fn refused(&self, case: &mut Case<'_>) {
        self.keyed.offended(case);
        if case.connection.shared.may_complain() {
            let (name, client, status) = (&self.name, case.exchange.client, self.status);
            sys::log::warning!(
                "worker",
                "limit {name}: requests of {client} come too fast; answering {status}"
            );
        }
    }
}

impl Keyed {
    /// Remembers the request's key as one that was refused.
    pub(super) fn offended(&self, case: &mut Case<'_>) {
        if let Some(zone) = &self.zone {
            let mut text = std::mem::take(&mut case.exchange.kept.limit_key);
            text.clear();
            case.render(&mut text, &self.key);
            figures::offend(zone, &text);
            case.exchange.kept.limit_key = text;
        }
    }

    /// The request's key; `None` where it has none.
    pub(super) fn of(&self, case: &mut Case<'_>) -> Option<(Zone, Key)> {
        let zone = self.zone?;
        let mut text = std::mem::take(&mut case.exchange.kept.limit_key);
        text.clear();
        case.render(&mut text, &self.key);
        let key = (!text.is_empty()).then(|| (zone, zone.key(&text)));
        case.exchange.kept.limit_key = text;
        key
    }
}

fn keys(limits: &[Rated], case: &mut Case<'_>) -> Keys {
    let mut keys = Keys::default();
    for (key, limit) in keys.iter_mut().zip(limits) {
        *key = limit.keyed.of(case);
    }
    keys
}

fn demands(
    limits: &[Rated],
) -> impl ExactSizeIterator<Item = Demand> + DoubleEndedIterator + Clone {
    limits.iter().map(|limit| limit.demand)
}

/// Asks all, then counts in all: `ngx_http_limit_req_handler`.
fn decide(
    demands: &(impl ExactSizeIterator<Item = Demand> + DoubleEndedIterator + Clone),
    keys: &Keys,
    now_ms: u64,
) -> Decision {
    let last = demands.len().saturating_sub(1);
    let mut is_counted = false;
    let mut longest = Decision::Pass;
    for (at, (demand, key)) in demands.clone().zip(keys).enumerate() {
        let Some((zone, key)) = key else { continue };
        is_counted = true;
        let answer = if at == last {
            zone.take(*key, demand.terms, now_ms).map(|excess| {
                longest = longest.or_delay(demand, excess, at);
            })
        } else {
            zone.peek(*key, demand.terms, now_ms)
        };
        if let Err(Busy) = answer {
            return Decision::Refuse { by: at };
        }
    }
    if !is_counted {
        return Decision::Apart;
    }
    for (at, (demand, key)) in demands.clone().zip(keys).enumerate().take(last).rev() {
        if let Some((zone, key)) = key {
            let excess = zone.count(*key, demand.terms.rate, now_ms);
            longest = longest.or_delay(demand, excess, at);
        }
    }
    longest
}

impl Decision {
    /// The longer one of two delays, the first of two that are the same.
    fn or_delay(self, demand: Demand, excess: u64, by: usize) -> Self {
        let ms = excess.saturating_sub(demand.at_once) * 1000 / demand.terms.rate.0.max(1);
        let so_far_ms = match self {
            Self::Delay { ms, .. } => ms,
            Self::Apart | Self::Pass | Self::Refuse { .. } => 0,
        };
        if ms > so_far_ms { Self::Delay { ms, by } } else { self }
    }
}

/// Counts what became of a request: of it as passed, by which it was delayed, by which refused.
fn note(keys: &Keys, decision: Decision, [passed, delayed, refused]: [Event; 3]) {
    for (at, zone) in keys.iter().enumerate().filter_map(|(at, key)| Some((at, &key.as_ref()?.0))) {
        match decision {
            Decision::Refuse { by } if by == at => figures::count(zone, refused),
            // Those that refuse nobody have not counted it either.
            Decision::Apart | Decision::Refuse { .. } => {}
            Decision::Delay { by, .. } if by == at => figures::count(zone, delayed),
            Decision::Delay { .. } | Decision::Pass => figures::count(zone, passed),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;
    use crate::scoreboard::limit::Kind;
    use crate::scoreboard::limit::zone::{Wanted, publish};
    use crate::scoreboard::{Board, WorkerSlot};

    /// Of `ngx_http_limit_req_limit_t` and its zone, in nginx's units.
    #[derive(Clone, Copy, Debug)]
    struct Theirs {
        rate: i64,
        burst: i64,
        delay: i64,
    }

    #[derive(Clone, Copy)]
    struct Node {
        excess: i64,
        last: i64,
    }

    fn passed(node: Node, now: i64) -> i64 {
        let ms = now - node.last;
        if ms < -60_000 { 1 } else { ms.max(0) }
    }

    /// `ngx_http_limit_req_handler`, with `lookup` and `account`, line for line.
    fn handle(
        limits: &[Theirs],
        zones: &mut [HashMap<u8, Node>],
        keys: &[Option<u8>],
        now: i64,
    ) -> Decision {
        let (mut any, mut excess) = (false, 0);
        for (n, limit) in limits.iter().enumerate() {
            let Some(key) = keys[n] else { continue };
            any = true;
            excess = 0;
            let is_account = n == limits.len() - 1;
            let Some(node) = zones[n].get_mut(&key) else {
                zones[n].insert(key, Node { excess: 0, last: now });
                continue;
            };
            let ms = passed(*node, now);
            let next = (node.excess - limit.rate * ms / 1000 + 1000).max(0);
            if next > limit.burst {
                return Decision::Refuse { by: n };
            }
            if is_account {
                node.excess = next;
                excess = next;
                if ms != 0 {
                    node.last = now;
                }
            }
        }
        if !any {
            return Decision::Apart;
        }
        let last = limits.len() - 1;
        let mut by = last;
        let mut max_delay = match limits[last] {
            limit if excess <= limit.delay => 0,
            limit => (excess - limit.delay) * 1000 / limit.rate,
        };
        for n in (0..last).rev() {
            let Some(node) = keys[n].and_then(|key| zones[n].get_mut(&key)) else { continue };
            let ms = passed(*node, now);
            node.excess = (node.excess - limits[n].rate * ms / 1000 + 1000).max(0);
            if ms != 0 {
                node.last = now;
            }
            if node.excess <= limits[n].delay {
                continue;
            }
            let delay = (node.excess - limits[n].delay) * 1000 / limits[n].rate;
            if delay > max_delay {
                (max_delay, by) = (delay, n);
            }
        }
        if max_delay == 0 { Decision::Pass } else { Decision::Delay { ms: max_delay as u64, by } }
    }

    fn limit() -> impl Strategy<Value = Theirs> {
        let rates = prop_oneof![1i64..200, 1_000i64..20_000];
        let delays =
            prop_oneof![Just(0), (0i64..6).prop_map(|it| it * 1000), Just(i64::MAX / 1000)];
        (rates, 0i64..8, delays).prop_map(|(rate, burst, delay)| Theirs {
            rate,
            burst: burst * 1000,
            delay,
        })
    }

    proptest! {
        /// Whichever worker a request comes to.
        #[test]
        fn several_limits_decide_as_nginxs_handler(
            limits in prop::collection::vec(limit(), 1..4),
            asks in prop::collection::vec(
                (0usize..2, prop::collection::vec(prop::option::weighted(0.9, 0u8..2), 3), 0i64..900),
                1..80,
            ),
        ) {
            let (board, _fd) = Board::create().unwrap();
            let names = ["a", "b", "c"];
            let wanted = names.map(|name| Wanted { name, kind: Kind::Rate, shape: 1, keys: 100 });
            publish(board, &wanted);
            let of = |worker| {
                let slot = WorkerSlot::new(worker).unwrap();
                names.map(|name| Zone::find(board, slot, name).unwrap())
            };
            let workers = [of(0), of(1)];
            let demands = limits.iter().map(|limit| Demand {
                terms: Terms { rate: Rate(limit.rate as u64), burst: limit.burst as u64 },
                at_once: limit.delay as u64,
            });
            let mut nodes = vec![HashMap::new(); limits.len()];
            let mut now = 50_000;
            for (worker, asked, gap) in asks {
                now += gap;
                let mut keys = Keys::default();
                for (at, key) in asked.iter().enumerate().take(limits.len()) {
                    let zone = workers[worker][at];
                    keys[at] = key.map(|key| (zone, zone.key(&[key])));
                }
                let ours = decide(&demands, &keys, now as u64);
                prop_assert_eq!(ours, handle(&limits, &mut nodes, &asked, now));
            }
        }
    }
}

//! How many requests of a key may be in progress: nginx's `limit_conn` (ngx_http_limit_conn_module).
//!
//! A request counts from here to its end, in every zone that its route names; one that goes no
//! further counts nowhere.

use super::{Case, Keyed, LimitStatus, Refusal, Shared, Verdict};
use crate::config::model::Config;
use crate::config::model::guard::{Bound, Limit};
use crate::scoreboard::limit::count::Full;
use crate::scoreboard::limit::{Event, figures};
use crate::scoreboard::refusal::Reason;
use crate::sys;

pub(crate) struct Connections {
    limits: Vec<Counted>,
}

struct Counted {
    keyed: Keyed,
    name: String,
    most: u32,
    status: u16,
    is_dry: bool,
}

impl Connections {
    /// `None` when no limit is one of requests in progress.
    pub(super) fn compile(limits: &[Limit], config: &Config, shared: &Shared) -> Option<Self> {
        let counted = limits.iter().filter_map(|limit| match limit.bound {
            Bound::Connections(most) => Some(Counted {
                keyed: Keyed::find(&limit.zone, config, shared),
                name: limit.zone.clone(),
                most,
                status: limit.status,
                is_dry: limit.is_dry,
            }),
            Bound::Burst { .. } => None,
        });
        let limits: Vec<Counted> = counted.collect();
        (!limits.is_empty()).then_some(Self { limits })
    }

    pub(super) fn judge(&self, case: &mut Case<'_>) -> Verdict {
        let before = case.exchange.held.len();
        for limit in &self.limits {
            let Some((zone, key)) = limit.keyed.of(case) else { continue };
            match zone.enter(key, limit.most) {
                Ok(held) => {
                    figures::count(&zone, Event::Passed);
                    case.exchange.held.push(held);
                    let status = &mut case.exchange.limited.connections;
                    *status = status.or(Some(LimitStatus::Passed));
                }
                Err(_) if limit.is_dry => {
                    figures::count(&zone, Event::RefusedDry);
                    limit.keyed.offended(case);
                    case.exchange.limited.connections = Some(LimitStatus::RejectedDryRun);
                }
                Err(full) => {
                    figures::count(&zone, Event::Refused);
                    case.exchange.held.truncate(before);
                    case.exchange.limited.connections = Some(LimitStatus::Rejected);
                    limit.refused(case, full);
                    let (reason, status) = (Reason::Connections, limit.status);
                    return Verdict::Refuse(Refusal { reason, status });
                }
            }
        }
        Verdict::Pass
    }
}

impl Counted {
    fn refused(&self, case: &mut Case<'_>, full: Full) {
        self.keyed.offended(case);
        if !case.connection.shared.may_complain() {
            return;
        }
        let (name, client, status) = (&self.name, case.exchange.client, self.status);
        let why = match full {
            Full::Key => format!("{} requests of {client} are in progress", self.most),
            Full::Table => format!("no room to count a request of {client}: `keys` are too few"),
        };
        sys::log::warning!("worker", "limit {name}: {why}; answering {status}");
    }
}

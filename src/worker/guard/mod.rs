//! Guards: what stands between a request's route and its action, in the order access, limits, auth,
//! firewall.
//!
//! Compiled when a configuration is loaded; judges by the request's head, which is still where it
//! was read. Answers nothing itself: a refusal is a status and the reason, and is answered as
//! everything that is refused. A route without guards costs a look at an empty list; one whose guards
//! need no waiting is judged without a future.

mod access;
mod connections;
mod rates;
pub(crate) mod wait;

use access::Access;
use connections::Connections;
use rates::Rates;

use super::connection::Connection;
use super::exchange::Exchange;
use super::server::Ground;
use super::shared::Shared;
use super::variables::{self, Manner};
use crate::config::model::guard::Guards;
use crate::config::model::{Config, guard};
use crate::config::template::Template;
use crate::scoreboard::limit::Zone;
use crate::scoreboard::refusal::Reason;

/// One guard, compiled.
pub(crate) enum Guard {
    Access(Access),
    Rates(Rates),
    Connections(Connections),
}

/// What limits made of a request: what `$limit_req_status` and `$limit_conn_status` say, in nginx's
/// words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LimitStatus {
    Passed,
    Delayed,
    Rejected,
    DelayedDryRun,
    RejectedDryRun,
}

impl LimitStatus {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Passed => "PASSED",
            Self::Delayed => "DELAYED",
            Self::Rejected => "REJECTED",
            Self::DelayedDryRun => "DELAYED_DRY_RUN",
            Self::RejectedDryRun => "REJECTED_DRY_RUN",
        }
    }
}

/// A request that goes no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) reason: Reason,
    /// Of the answer.
    pub(crate) status: u16,
}

/// What a guard says of a request.
pub(crate) enum Verdict {
    Pass,
    Refuse(Refusal),
    /// It passes once that is over, unless that says otherwise.
    Wait(Wait),
}

/// What a request waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// The moment at which it would have been in time.
    Delay { ms: u64 },
}

/// The guards that a request has before it, and where it is judged.
#[derive(Clone, Copy)]
pub(crate) struct Gauntlet<'g> {
    pub(crate) ground: Ground<'g>,
    pub(crate) guards: &'g [Guard],
}

/// How far a request has come.
pub(crate) enum Passage {
    Through,
    Refused(Refusal),
    Held {
        /// The guard that lets it wait.
        at: usize,
        wait: Wait,
    },
}

/// What a guard looks at: the request whose head is at the front of `connection.unread`.
pub(crate) struct Case<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) exchange: &'a mut Exchange,
    pub(crate) ground: Ground<'a>,
}

impl Case<'_> {
    pub(crate) fn head(&self) -> &[u8] {
        let unread = self.connection.unread.as_ref().map_or(&b""[..], |buffer| buffer.content());
        unread.get(..self.exchange.request.head_bytes).unwrap_or_default()
    }

    /// What a text of the configuration comes to for the request.
    pub(crate) fn render(&self, out: &mut Vec<u8>, template: &Template) {
        let facts = self.exchange.facts(self.connection, self.ground, (self.head(), b""), 0);
        variables::render(out, template, &facts, Manner::Plain);
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.connection.shared.now_us() / 1000
    }
}

impl Guard {
    fn judge(&self, case: &mut Case<'_>) -> Verdict {
        match self {
            Self::Access(access) => access.judge(case),
            Self::Rates(rates) => rates.judge(case),
            Self::Connections(connections) => connections.judge(case),
        }
    }
}

/// The guards of a route, in their order.
pub(crate) fn compile(guards: &Guards, config: &Config, shared: &Shared) -> Box<[Guard]> {
    let mut compiled = Vec::new();
    if !guards.access.is_empty() {
        compiled.push(Guard::Access(Access::compile(&guards.access)));
    }
    compiled.extend(Rates::compile(&guards.limits, config, shared).map(Guard::Rates));
    compiled.extend(Connections::compile(&guards.limits, config, shared).map(Guard::Connections));
    compiled.into_boxed_slice()
}

/// The texts that guards render for their requests.
pub(crate) fn templates<'c>(guards: &Guards, config: &'c Config) -> Vec<&'c Template> {
    let zone = |limit: &guard::Limit| config.limits.iter().find(|zone| zone.name == limit.zone);
    guards.limits.iter().filter_map(zone).map(|zone| &zone.key).collect()
}

/// Asks the guards of a request's route one after another, from that one on.
pub(crate) fn advance(
    connection: &Connection,
    exchange: &mut Exchange,
    gauntlet: Gauntlet<'_>,
    from: usize,
) -> Passage {
    let mut case = Case { connection, exchange, ground: gauntlet.ground };
    for (at, guard) in gauntlet.guards.iter().enumerate().skip(from) {
        match guard.judge(&mut case) {
            Verdict::Pass => {}
            Verdict::Wait(wait) => return Passage::Held { at, wait },
            Verdict::Refuse(refusal) => return Passage::Refused(refusal),
        }
    }
    Passage::Through
}

/// A zone of the configuration, and its key.
struct Keyed {
    /// `None` when the board does not have it: then nobody is counted.
    zone: Option<Zone>,
    key: Template,
}

impl Keyed {
    fn find(name: &str, config: &Config, shared: &Shared) -> Self {
        let known = config.limits.iter().find(|zone| zone.name == name);
        let known = known.expect("the configuration's check resolves every limit");
        let zone = Zone::find(shared.board(), shared.crew.slot(), name);
        Self { zone, key: known.key.clone() }
    }
}

//! Guards: what stands between a request's route and its action, in the order access, limits, auth,
//! firewall; before them, the questions of browsers about other sites' pages.
//!
//! Compiled when a configuration is loaded; judges by the request's head, which is still where it
//! was read. Answers nothing itself: a refusal is a status and the reason, and is answered as
//! everything that is refused. A route without guards costs a look at an empty list; one whose guards
//! need no waiting is judged without a future.

mod access;
pub(crate) mod aside;
mod ask;
mod basic;
pub(crate) mod book;
mod connections;
mod cors;
pub(crate) mod firewall;
mod hash;
mod rates;
pub(crate) mod wait;

use std::sync::Arc;

use access::Access;
use ask::Ask;
use basic::{Basic, Question};
use connections::Connections;
use cors::Cors;
use firewall::Firewall;
use rates::Rates;

use super::connection::Connection;
use super::exchange::Exchange;
use super::generation::Generation;
use super::server::Ground;
use super::shape;
use super::shared::Shared;
use super::variables::{self, Manner};
use crate::config::model::guard::{Guards, Satisfy};
use crate::config::model::{Config, guard};
use crate::config::template::Template;
use crate::scoreboard::limit::Zone;
use crate::scoreboard::refusal::Reason;
use crate::sys::modsecurity::Asked;

const UNAUTHORIZED: u16 = 401;

/// One guard, compiled.
pub(crate) enum Guard {
    Cors(Cors),
    Access(Access),
    Rates(Rates),
    Connections(Connections),
    Basic(Basic),
    Ask(Box<Ask>),
    Firewall(Firewall),
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
    /// It has no word on it.
    Abstain,
    /// It is a question that the guard itself answers, by that status.
    Answer(u16),
    Refuse(Refusal),
    /// It passes once that is over, unless that says otherwise.
    Wait(Wait),
}

/// What a request waits for.
pub(crate) enum Wait {
    /// The moment at which it would have been in time.
    Delay { ms: u64 },
    /// Whether its password is right.
    Verify(Box<Question>),
    /// An upstream's word.
    Ask,
    /// The core rules' word.
    Core(Arc<Asked>),
}

/// What the guards that say who may come have made of a request, where one of them is enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Admission {
    #[default]
    Open,
    Granted,
    /// Unless another one grants it.
    Denied(Refusal),
}

/// The guards that a request has before it, and where it is judged.
#[derive(Clone, Copy)]
pub(crate) struct Gauntlet<'g> {
    pub(crate) generation: &'g Generation,
    pub(crate) ground: Ground<'g>,
    pub(crate) gate: &'g Gate,
}

/// The guards of a route, in their order.
pub(crate) struct Gate {
    guards: Box<[Guard]>,
    satisfy: Satisfy,
}

/// How far a request has come.
pub(crate) enum Passage {
    Through,
    Refused(Refusal),
    Answered(u16),
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
            Self::Cors(cors) => cors.judge(case),
            Self::Access(access) => access.judge(case),
            // A request that came to a second route has been counted.
            Self::Rates(_) if case.exchange.limited.rate.is_some() => Verdict::Pass,
            Self::Connections(_) if case.exchange.limited.connections.is_some() => Verdict::Pass,
            Self::Rates(rates) => rates.judge(case),
            Self::Connections(connections) => connections.judge(case),
            Self::Basic(basic) => basic.judge(case),
            Self::Ask(_) => Verdict::Wait(Wait::Ask),
            Self::Firewall(firewall) => firewall.judge(case),
        }
    }

    /// Whether it says who may come, so that another one's word may be enough.
    fn is_of_admission(&self) -> bool {
        match self {
            Self::Access(_) | Self::Basic(_) | Self::Ask(_) => true,
            Self::Cors(_) | Self::Rates(_) | Self::Connections(_) | Self::Firewall(_) => false,
        }
    }
}

pub(crate) fn compile(guards: &Guards, config: &Config, shared: &Shared) -> Gate {
    let mut compiled = Vec::new();
    // Before all others: a browser's question brings no login.
    compiled.extend(guards.cors.as_ref().map(|cors| Guard::Cors(Cors::compile(cors))));
    if !guards.access.is_empty() {
        compiled.push(Guard::Access(Access::compile(&guards.access)));
    }
    compiled.extend(Rates::compile(&guards.limits, config, shared).map(Guard::Rates));
    compiled.extend(Connections::compile(&guards.limits, config, shared).map(Guard::Connections));
    compiled.extend(guards.basic.as_ref().map(|auth| Guard::Basic(Basic::compile(auth, shared))));
    let ask = |auth| Guard::Ask(Box::new(Ask::compile(auth, config)));
    compiled.extend(guards.ask.as_ref().map(ask));
    let firewall = guards.firewall.as_ref();
    let firewall = firewall.and_then(|firewall| Firewall::compile(firewall, shared));
    compiled.extend(firewall.map(Guard::Firewall));
    Gate { guards: compiled.into_boxed_slice(), satisfy: guards.satisfy }
}

/// The texts that guards render for their requests.
pub(crate) fn templates<'c>(guards: &'c Guards, config: &'c Config) -> Vec<&'c Template> {
    let zone = |limit: &guard::Limit| config.limits.iter().find(|zone| zone.name == limit.zone);
    let keys = guards.limits.iter().filter_map(zone).map(|zone| &zone.key);
    let asked = guards.ask.iter().flat_map(|ask| {
        let lines = ask.taken.iter().chain(&ask.told).chain(&ask.sent);
        lines.map(|it| &it.value).chain([&ask.path])
    });
    keys.chain(asked).collect()
}

/// Asks the guards of a request's route one after another, from that one on.
pub(crate) fn advance(
    connection: &Connection,
    exchange: &mut Exchange,
    gauntlet: Gauntlet<'_>,
    from: usize,
) -> Passage {
    let gate = gauntlet.gate;
    for (at, guard) in gate.guards.iter().enumerate().skip(from) {
        let is_open = gate.satisfy == Satisfy::Any && guard.is_of_admission();
        if is_open && exchange.admission == Admission::Granted {
            continue;
        }
        let mut case = Case { connection, exchange: &mut *exchange, ground: gauntlet.ground };
        match guard.judge(&mut case) {
            Verdict::Wait(wait) => return Passage::Held { at, wait },
            Verdict::Answer(status) => return Passage::Answered(status),
            verdict => {
                if let Err(refusal) = gate.weigh(exchange, at, &verdict) {
                    return Passage::Refused(refusal);
                }
            }
        }
    }
    match exchange.admission {
        Admission::Denied(refusal) => Passage::Refused(refusal),
        Admission::Open | Admission::Granted => Passage::Through,
    }
}

impl Gate {
    pub(crate) fn is_empty(&self) -> bool {
        self.guards.is_empty()
    }

    /// The one that looks at bodies, too; the last.
    pub(crate) fn firewall(&self) -> Option<&Firewall> {
        match self.guards.last() {
            Some(Guard::Firewall(firewall)) => Some(firewall),
            Some(
                Guard::Cors(_)
                | Guard::Access(_)
                | Guard::Rates(_)
                | Guard::Connections(_)
                | Guard::Basic(_)
                | Guard::Ask(_),
            )
            | None => None,
        }
    }

    /// What a guard's word comes to (`ngx_http_core_access_phase`): where one grant is enough, a
    /// refusal stands only when none comes, and that to tell one's name before that to stay out.
    fn weigh(&self, exchange: &mut Exchange, at: usize, verdict: &Verdict) -> Result<(), Refusal> {
        let is_open =
            self.satisfy == Satisfy::Any && self.guards.get(at).is_some_and(Guard::is_of_admission);
        match verdict {
            Verdict::Pass if is_open => {
                exchange.admission = Admission::Granted;
                exchange.kept.beside.clear();
                Ok(())
            }
            Verdict::Refuse(refusal) if is_open && matches!(refusal.status, 401 | 403) => {
                let is_first = match exchange.admission {
                    Admission::Denied(before) => before.status != UNAUTHORIZED,
                    Admission::Open | Admission::Granted => true,
                };
                if is_first {
                    exchange.admission = Admission::Denied(*refusal);
                }
                Ok(())
            }
            Verdict::Refuse(refusal) => Err(*refusal),
            Verdict::Pass | Verdict::Abstain | Verdict::Answer(_) | Verdict::Wait(_) => Ok(()),
        }
    }
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

//! A route's firewall at work: which bytes of a request it is shown, and what is said of an attack.
//!
//! What an attack is says `crate::firewall`. A body is judged when it is whole and before any
//! backend is asked, as far as it is kept in memory.

pub(crate) mod inspecting;
mod named;
mod unpack;

use inspecting::Outcome;

use super::super::connection::Connection;
use super::super::exchange::Exchange;
use super::{Case, Refusal, Verdict};
use crate::config::model::firewall as model;
use crate::firewall::finding::{Exception, Finding};
use crate::firewall::inspector;
use crate::scoreboard::firewall::{self, Alarm, Text};
use crate::scoreboard::refusal::Reason;

pub(crate) struct Firewall {
    verdict: firewall::Verdict,
    threshold: u32,
    exceptions: Vec<Exception>,
    on_oversize: model::Unread,
}

const FORBIDDEN: u16 = 403;
/// More of a body than is looked at.
const TOO_LARGE: u16 = 413;

impl Firewall {
    /// `None` where nothing is looked at.
    pub(crate) fn compile(firewall: &model::Firewall) -> Option<Self> {
        let verdict = match firewall.mode {
            model::Mode::Off => return None,
            model::Mode::Detect => firewall::Verdict::Detected,
            model::Mode::Block => firewall::Verdict::Blocked,
        };
        inspector::prepare();
        Some(Self {
            verdict,
            threshold: firewall.threshold,
            exceptions: firewall.exceptions.iter().map(named::exception).collect(),
            on_oversize: firewall.on_oversize,
        })
    }

    /// Judges the head.
    pub(super) fn judge(&self, case: &mut Case<'_>) -> Verdict {
        match case.exchange.inspect_head(case.connection, self) {
            Some(refusal) => Verdict::Refuse(refusal),
            None => Verdict::Pass,
        }
    }
}

impl Exchange {
    /// Tells of an attack, which ends the looking.
    fn sum_up(&mut self, connection: &Connection, firewall: &Firewall) -> Option<Refusal> {
        let inspector = &self.inspecting.inspector;
        if inspector.score() < firewall.threshold && !inspector.is_overfull() {
            return None;
        }
        // The first of those that weigh most.
        let worst = inspector.findings().iter().rev().max_by_key(|finding| finding.points);
        if let Some(worst) = worst {
            let shared = &connection.shared;
            let alarm = self.alarm(connection, firewall.verdict, worst);
            let rules = inspector.findings().iter().map(|it| named::rule(it.rule) as u8);
            firewall::alarm(shared.board(), shared.crew.slot(), &alarm, rules);
        }
        match firewall.verdict {
            firewall::Verdict::Detected => {
                self.inspecting.close(Outcome::Detected);
                None
            }
            firewall::Verdict::Blocked => {
                self.inspecting.close(Outcome::Blocked);
                Some(Refusal { reason: Reason::Firewall, status: FORBIDDEN })
            }
        }
    }

    fn alarm(&self, connection: &Connection, verdict: firewall::Verdict, worst: &Finding) -> Alarm {
        Alarm {
            wall_ms: connection.shared.wall_us() / 1000,
            client: self.client,
            host: self.host,
            path: self.path,
            verdict,
            score: u16::try_from(self.inspecting.inspector.score()).unwrap_or(u16::MAX),
            rule: named::rule(worst.rule) as u8,
            part: named::number_of(worst.part),
            name: Text::new(worst.name.as_bytes()),
            excerpt: Text::new(worst.excerpt.as_bytes()),
        }
    }
}

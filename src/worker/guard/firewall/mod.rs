//! A route's firewall at work: which bytes of a request it is shown, and what is said of an attack.
//!
//! What an attack is says `crate::firewall`, or the core rules where a route has them. A body is
//! judged when it is whole and before any backend is asked, as far as it is kept in memory.

pub(crate) mod core_rules;
pub(crate) mod inspecting;
mod named;
mod unpack;

use std::sync::Arc;

use core_rules::Core;
use inspecting::Outcome;

use super::super::connection::Connection;
use super::super::exchange::Exchange;
use super::super::server::Action;
use super::{Case, Refusal, Shared, Verdict, Wait};
use crate::config::limits::guards::DELAY_GRACE_MS;
use crate::config::model::firewall as model;
use crate::firewall::crs;
use crate::firewall::finding::{Exception, Finding};
use crate::firewall::inspector;
use crate::firewall::rule::CRITICAL;
use crate::http::head::Version;
use crate::scoreboard::firewall::{self, Alarm, Text};
use crate::scoreboard::refusal::Reason;
use crate::sys::modsecurity::{Asked, Line};

pub(crate) struct Firewall {
    verdict: firewall::Verdict,
    threshold: u32,
    exceptions: Vec<Exception>,
    on_oversize: model::Unread,
    core: Option<Core>,
}

const FORBIDDEN: u16 = 403;
/// More of a body than is looked at.
const TOO_LARGE: u16 = 413;
/// The core rules gave no answer.
const UNANSWERED: u16 = 503;

impl Firewall {
    /// `None` where nothing is looked at.
    pub(super) fn compile(firewall: &model::Firewall, shared: &Shared) -> Option<Self> {
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
            core: firewall.core.as_ref().map(|core| Core::compile(core, shared)),
        })
    }

    /// Whether its own detectors are asked.
    fn has_detectors(&self) -> bool {
        self.core.as_ref().is_none_or(|core| !core.is_alone)
    }

    /// Judges the head.
    pub(super) fn judge(&self, case: &mut Case<'_>) -> Verdict {
        if let Some(refusal) = case.exchange.inspect_head(case.connection, self) {
            return Verdict::Refuse(refusal);
        }
        if self.core.is_none() || case.exchange.inspecting.outcome() != Some(Outcome::Passed) {
            return Verdict::Pass;
        }
        let asked = self::asked(case);
        // A body that is going to be read is judged with its head.
        let is_proxied = case.ground.route.is_some_and(|it| matches!(it.action, Action::Proxy(_)));
        if is_proxied && case.exchange.inspecting.is_body_due() {
            case.exchange.inspecting.asked = Some(Box::new(asked));
            return Verdict::Pass;
        }
        Verdict::Wait(Wait::Core(Arc::new(asked)))
    }

    /// Asks the core rules.
    pub(crate) async fn ask(
        &self,
        connection: &Connection,
        exchange: &mut Exchange,
        asked: &Arc<Asked>,
    ) -> Option<Refusal> {
        let core = self.core.as_ref()?;
        connection.limit(core.budget_ms.saturating_add(DELAY_GRACE_MS));
        let answer = core.ask(asked).await;
        connection.shared.refresh();
        match answer {
            Ok(lines) => exchange.weigh_core(connection, self, asked, &lines),
            Err(silence) => {
                let shared = &connection.shared;
                firewall::unanswered(shared.board(), shared.crew.slot(), silence);
                exchange.pass_unjudged(self, core.on_timeout, UNANSWERED)
            }
        }
    }
}

/// The request as the core rules read it, still without its body.
fn asked(case: &Case<'_>) -> Asked {
    let (request, head) = (&case.exchange.request, case.head());
    let headers = request.headers.iter();
    Asked {
        client: Some(case.exchange.client),
        method: request.method_name.in_bytes(head).to_vec(),
        target: request.path_and_query.in_bytes(head).to_vec(),
        version: match request.version {
            _ if case.connection.client.is_of_http2() => "2.0",
            Version::Http10 => "1.0",
            Version::Http11 => "1.1",
        },
        headers: headers
            .map(|it| (it.name.in_bytes(head).to_vec(), it.value.in_bytes(head).to_vec()))
            .collect(),
        body: Vec::new(),
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
            rule_id: named::id(worst.rule),
            part: named::number_of(worst.part),
            name: Text::new(worst.name.as_bytes()),
            excerpt: Text::new(worst.excerpt.as_bytes()),
        }
    }

    /// What the core rules' words come to. They have a score of their own: what two readers find in
    /// one value is no second attack.
    fn weigh_core(
        &mut self,
        connection: &Connection,
        firewall: &Firewall,
        asked: &Asked,
        lines: &[Line],
    ) -> Option<Refusal> {
        if lines.is_empty() {
            return None;
        }
        let mut inspecting = std::mem::take(&mut self.inspecting);
        inspecting.inspector.begin();
        let carriers = core_rules::carriers(asked, &inspecting.content_type);
        let mut inspection = inspecting.inspector.inspect(&firewall.exceptions);
        for line in lines {
            let Some(mut found) = crs::read(&line.text, line.is_refusal, carriers) else {
                continue;
            };
            if line.is_refusal {
                found.points = firewall.threshold.max(CRITICAL);
            }
            inspection.matched(found);
        }
        self.inspecting = inspecting;
        self.sum_up(connection, firewall)
    }

    /// It could not be judged, or not all of it: what then, the file says.
    fn pass_unjudged(
        &mut self,
        firewall: &Firewall,
        otherwise: model::Unread,
        status: u16,
    ) -> Option<Refusal> {
        match (firewall.verdict, otherwise) {
            (firewall::Verdict::Blocked, model::Unread::Block) => {
                self.inspecting.close(Outcome::Blocked);
                Some(Refusal { reason: Reason::Firewall, status })
            }
            (firewall::Verdict::Blocked, model::Unread::Pass)
            | (firewall::Verdict::Detected, _) => {
                self.inspecting.close(Outcome::Unjudged);
                None
            }
        }
    }
}

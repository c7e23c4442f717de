//! A route's firewall at work: which bytes of a request it is shown, and what is said of an attack.
//!
//! What an attack is says `crate::firewall`. A body is judged when it is whole and before any
//! backend is asked, as far as it is kept in memory.

use super::super::connection::Connection;
use super::super::exchange::Exchange;
use super::{Case, Refusal, Verdict};
use crate::config::model::firewall as model;
use crate::firewall::body::Kind;
use crate::firewall::finding::{Exception, Finding, Part};
use crate::firewall::inspector::{self, Inspector};
use crate::firewall::rule::Rule;
use crate::http::framing::{Body, Reader};
use crate::scoreboard::firewall::{self, Alarm, Text};
use crate::scoreboard::refusal::Reason;

pub(crate) struct Firewall {
    verdict: firewall::Verdict,
    threshold: u32,
    exceptions: Vec<Exception>,
}

const FORBIDDEN: u16 = 403;

impl Firewall {
    /// `None` where nothing is looked at.
    pub(crate) fn compile(firewall: &model::Firewall) -> Option<Self> {
        let verdict = match firewall.mode {
            model::Mode::Off => return None,
            model::Mode::Detect => firewall::Verdict::Detected,
            model::Mode::Block => firewall::Verdict::Blocked,
        };
        inspector::prepare();
        let exceptions = firewall.exceptions.iter().map(exception).collect();
        Some(Self { verdict, threshold: firewall.threshold, exceptions })
    }

    /// Judges the head.
    pub(super) fn judge(&self, case: &mut Case<'_>) -> Verdict {
        match case.exchange.inspect_head(case.connection, self) {
            Some(refusal) => Verdict::Refuse(refusal),
            None => Verdict::Pass,
        }
    }
}

fn exception(exception: &model::Exception) -> Exception {
    Exception {
        rule: exception.rule.and_then(|rule| Rule::ALL.into_iter().find(|it| named(*it) == rule)),
        part: exception.part.map(part),
        name: exception.name.as_ref().map(|name| name.as_bytes().into()),
    }
}

fn named(rule: Rule) -> model::Rule {
    match rule {
        Rule::SqlInjection => model::Rule::SqlInjection,
        Rule::CrossSiteScripting => model::Rule::CrossSiteScripting,
        Rule::PathTraversal => model::Rule::PathTraversal,
        Rule::SensitiveFile => model::Rule::SensitiveFile,
        Rule::CommandInjection => model::Rule::CommandInjection,
        Rule::TemplateInjection => model::Rule::TemplateInjection,
        Rule::CodeInjection => model::Rule::CodeInjection,
        Rule::HeaderInjection => model::Rule::HeaderInjection,
        Rule::BadEncoding => model::Rule::BadEncoding,
        Rule::OddProtocol => model::Rule::OddProtocol,
        Rule::Scanner => model::Rule::Scanner,
    }
}

fn part(part: model::Part) -> Part {
    match part {
        model::Part::Path => Part::Path,
        model::Part::Query => Part::Query,
        model::Part::Header => Part::Header,
        model::Part::Cookie => Part::Cookie,
        model::Part::Form => Part::Form,
        model::Part::Json => Part::Json,
        model::Part::Multipart => Part::Multipart,
        model::Part::Xml => Part::Xml,
        model::Part::Text => Part::Text,
        model::Part::Request => Part::Head,
    }
}

fn number_of(part: Part) -> u8 {
    let is_it = |it: &model::Part| self::part(*it) == part;
    model::Part::ALL.into_iter().position(|it| is_it(&it)).unwrap_or_default() as u8
}

/// How far the firewall is with a request; kept for reuse.
#[derive(Default)]
pub(crate) struct Inspecting {
    inspector: Inspector,
    body: Due,
    content_type: Vec<u8>,
    /// A body without its chunks.
    payload: Vec<u8>,
}

/// Whether a body is still to be looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Due {
    #[default]
    No,
    Yes,
}

/// How a body that is kept is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    Plain,
    Chunks,
}

/// Beyond this a payload's room is not kept for the next request.
const PAYLOAD_KEPT_BYTES_MAX: usize = 16 * 1024;

impl Inspecting {
    pub(crate) fn begin(&mut self) {
        self.body = Due::No;
        if self.payload.capacity() > PAYLOAD_KEPT_BYTES_MAX {
            self.payload = Vec::new();
        }
    }

    pub(crate) fn is_body_due(&self) -> bool {
        self.body == Due::Yes
    }
}

impl Exchange {
    /// Judges the head, which is at the front of what is unread.
    fn inspect_head(&mut self, connection: &Connection, firewall: &Firewall) -> Option<Refusal> {
        let shared = &connection.shared;
        firewall::inspected(shared.board(), shared.crew.slot());
        let buffer = connection.unread.as_ref()?;
        let head = &buffer.content()[..self.request.head_bytes];
        let mut inspecting = std::mem::take(&mut self.inspecting);
        inspecting.inspector.begin();
        let mut known = shared.known_clean.borrow_mut();
        let inspector = &mut inspecting.inspector;
        let mut inspection = inspector.inspect_knowing(&firewall.exceptions, &mut known);
        inspection.target(self.request.path_and_query.in_bytes(head));
        for header in &self.request.headers {
            inspection.header(header.name.in_bytes(head), header.value.in_bytes(head));
        }
        let content_type = self.content_type(head);
        let is_read_as_text = Kind::of(content_type) != Kind::Opaque;
        if self.request.body != Body::None && is_read_as_text {
            inspecting.body = Due::Yes;
            inspecting.content_type.clear();
            inspecting.content_type.extend_from_slice(content_type.unwrap_or_default());
        }
        self.inspecting = inspecting;
        self.sum_up(connection, firewall)
    }

    /// Of two, nobody knows which its reader goes by: such a body is a text.
    fn content_type<'h>(&'h self, head: &'h [u8]) -> Option<&'h [u8]> {
        let mut content_types = self.request.values(head, "content-type");
        content_types.next().filter(|_| content_types.next().is_none())
    }

    /// Judges the body, as far as it was read.
    pub(crate) fn inspect_body(
        &mut self,
        connection: &Connection,
        firewall: &Firewall,
        framing: Framing,
    ) -> Option<Refusal> {
        self.inspecting.body = Due::No;
        let mut inspecting = std::mem::take(&mut self.inspecting);
        let Inspecting { inspector, content_type, payload, .. } = &mut inspecting;
        let body = self.to_backend.kept_body();
        let body = match framing {
            Framing::Plain => body,
            Framing::Chunks => {
                payload.clear();
                payload.extend_from_slice(body);
                // Its framing was followed when it came.
                let taken = Reader::new(Body::Chunked).strip(payload);
                &payload[..taken.map_or(0, |taken| taken.kept)]
            }
        };
        let content_type = Some(&content_type[..]).filter(|it| !it.is_empty());
        inspector.inspect(&firewall.exceptions).body(Kind::of(content_type), body);
        self.inspecting = inspecting;
        if !self.to_backend.is_kept_body_whole() {
            firewall::body_cut(connection.shared.board(), connection.shared.crew.slot());
        }
        self.sum_up(connection, firewall)
    }

    /// Tells of an attack, which ends the looking.
    fn sum_up(&mut self, connection: &Connection, firewall: &Firewall) -> Option<Refusal> {
        let inspector = &self.inspecting.inspector;
        if inspector.score() < firewall.threshold {
            return None;
        }
        self.inspecting.body = Due::No;
        // The first of those that weigh most.
        let worst = inspector.findings().iter().rev().max_by_key(|finding| finding.points);
        if let Some(worst) = worst {
            let shared = &connection.shared;
            let alarm = self.alarm(connection, firewall.verdict, worst);
            let rules = inspector.findings().iter().map(|finding| named(finding.rule) as u8);
            firewall::alarm(shared.board(), shared.crew.slot(), &alarm, rules);
        }
        match firewall.verdict {
            firewall::Verdict::Detected => None,
            firewall::Verdict::Blocked => {
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
            rule: named(worst.rule) as u8,
            part: number_of(worst.part),
            name: Text::new(worst.name.as_bytes()),
            excerpt: Text::new(worst.excerpt.as_bytes()),
        }
    }
}

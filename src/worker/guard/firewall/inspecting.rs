//! How far the firewall is with a request: its head, its body, and what was made of both.

use super::super::super::connection::Connection;
use super::super::super::exchange::Exchange;
use super::super::Refusal;
use super::unpack::{Extent, Packing};
use super::{Firewall, TOO_LARGE, named};
use crate::firewall::body::Kind;
use crate::firewall::inspector::Inspector;
use crate::http::framing::{Body, Reader};
use crate::http::request::Request;
use crate::scoreboard::firewall;
use crate::sys::modsecurity::Asked;

/// Kept for reuse.
#[derive(Default)]
pub(crate) struct Inspecting {
    pub(super) inspector: Inspector,
    outcome: Option<Outcome>,
    body: Due,
    pub(super) content_type: Vec<u8>,
    packing: Packing,
    /// A body without its chunks and codings.
    payload: Vec<u8>,
    /// For the core rules, which wait for the body.
    pub(super) asked: Option<Box<Asked>>,
}

/// What was made of a request: what `$firewall_verdict` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing was found, or too little.
    Passed,
    /// It passed, though not all of it could be judged.
    Unjudged,
    Detected,
    Blocked,
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

impl Outcome {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Unjudged => "unjudged",
            Self::Detected => "detected",
            Self::Blocked => "blocked",
        }
    }
}

impl Inspecting {
    pub(crate) fn begin(&mut self) {
        self.outcome = None;
        self.body = Due::No;
        self.asked = None;
        if self.payload.capacity() > PAYLOAD_KEPT_BYTES_MAX {
            self.payload = Vec::new();
        }
    }

    pub(crate) fn is_body_due(&self) -> bool {
        self.body == Due::Yes
    }

    /// What the core rules are to be asked, now that the body is there.
    pub(crate) fn take_asked(&mut self) -> Option<Box<Asked>> {
        self.asked.take()
    }

    /// `None` while no firewall has looked at the request.
    pub(crate) fn outcome(&self) -> Option<Outcome> {
        self.outcome
    }

    /// `None` while no firewall has looked at the request.
    pub(crate) fn score(&self) -> Option<u32> {
        self.outcome.map(|_| self.inspector.score())
    }

    /// Appends the rules that found something, each once, with commas between them.
    pub(crate) fn write_rules(&self, out: &mut Vec<u8>) {
        if self.outcome.is_none() {
            return;
        }
        let findings = self.inspector.findings();
        for (at, finding) in findings.iter().enumerate() {
            if findings[..at].iter().any(|before| before.rule == finding.rule) {
                continue;
            }
            if at > 0 {
                out.push(b',');
            }
            let label = named::rule(finding.rule).label(named::id(finding.rule));
            out.extend_from_slice(label.as_bytes());
        }
    }

    /// The request has a body, which is looked at unless nobody reads it as text.
    fn expect_body(&mut self, request: &Request, head: &[u8]) {
        let mut content_types = request.values(head, "content-type");
        // Of two, nobody knows which its reader goes by: such a body is a text.
        let content_type = content_types.next().filter(|_| content_types.next().is_none());
        if Kind::of(content_type) == Kind::Opaque {
            return;
        }
        self.body = Due::Yes;
        self.content_type.extend_from_slice(content_type.unwrap_or_default());
        self.packing.clear();
        for line in request.values(head, "content-encoding") {
            self.packing.add(line);
        }
    }

    /// Nothing more is looked at.
    pub(super) fn close(&mut self, outcome: Outcome) {
        self.outcome = Some(outcome);
        self.body = Due::No;
        self.asked = None;
    }
}

impl Exchange {
    /// Judges the head, which is at the front of what is unread.
    pub(super) fn inspect_head(
        &mut self,
        connection: &Connection,
        firewall: &Firewall,
    ) -> Option<Refusal> {
        let shared = &connection.shared;
        firewall::inspected(shared.board(), shared.crew.slot());
        let buffer = connection.unread.as_ref()?;
        let head = &buffer.content()[..self.request.head_bytes];
        // In place: it is large to be moved twice for each request.
        let (inspecting, request) = (&mut self.inspecting, &self.request);
        inspecting.outcome = Some(Outcome::Passed);
        inspecting.inspector.begin();
        if firewall.has_detectors() {
            let mut known = shared.known_clean.borrow_mut();
            let inspector = &mut inspecting.inspector;
            let mut inspection = inspector.inspect_knowing(&firewall.exceptions, &mut known);
            let headers = request.headers.iter();
            // From the first name to the head's end: these bytes say which lines there are.
            let lines = request.headers.first().and_then(|it| head.get(it.name.start as usize..));
            inspection.head(
                request.path_and_query.in_bytes(head),
                lines.unwrap_or_default(),
                &headers.map(|it| (it.name.in_bytes(head), it.value.in_bytes(head))),
            );
        }
        inspecting.content_type.clear();
        if request.body != Body::None {
            inspecting.expect_body(request, head);
        }
        self.sum_up(connection, firewall)
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
        let Inspecting { inspector, content_type, packing, payload, asked, .. } = &mut inspecting;
        let mut body = self.to_backend.kept_body();
        let mut extent =
            if self.to_backend.is_kept_body_whole() { Extent::Whole } else { Extent::Part };
        if framing == Framing::Chunks || !packing.is_none() {
            payload.clear();
            payload.extend_from_slice(body);
            if framing == Framing::Chunks {
                // Its framing was followed when it came.
                let taken = Reader::new(Body::Chunked).strip(payload);
                payload.truncate(taken.map_or(0, |taken| taken.kept));
            }
            if packing.unpack(payload) == Extent::Part {
                extent = Extent::Part;
            }
            body = payload;
        }
        if firewall.has_detectors() {
            let content_type = Some(&content_type[..]).filter(|it| !it.is_empty());
            inspector.inspect(&firewall.exceptions).body(Kind::of(content_type), body);
        }
        if let Some(asked) = asked {
            asked.body.extend_from_slice(body);
        }
        self.inspecting = inspecting;
        if let Some(refusal) = self.sum_up(connection, firewall) {
            return Some(refusal);
        }
        if extent == Extent::Part {
            firewall::body_cut(connection.shared.board(), connection.shared.crew.slot());
            return self.pass_cut(firewall);
        }
        None
    }

    /// Its end is not known. What is there of it is still the core rules' to judge.
    fn pass_cut(&mut self, firewall: &Firewall) -> Option<Refusal> {
        if self.inspecting.outcome != Some(Outcome::Passed) {
            return None;
        }
        let asked = self.inspecting.asked.take();
        let refusal = self.pass_unjudged(firewall, firewall.on_oversize, TOO_LARGE);
        self.inspecting.asked = asked.filter(|_| refusal.is_none());
        refusal
    }
}

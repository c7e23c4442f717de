//! Answers of the proxy's own: what a route responds, where it redirects to, and the pages in place
//! of what could not be served.
//!
//! An answer for which the configuration has nothing to say is written without a look at it.

use std::future::poll_fn;
use std::task::Poll;

use super::connection::{Connection, Next};
use super::exchange::{Exchange, METHOD_NOT_ALLOWED, OWN_WORD};
use super::http2::grpc;
use super::pick::Picked;
use super::server::{Action, Ground, Site};
use super::shape;
use super::variables::{self, Manner};
use crate::config::limits;
use crate::config::model::route::{self, Redirect, Respond, Substitute};
use crate::config::template::Template;
use crate::http::framing::Body;
use crate::http::head::Persistence;
use crate::http::rewrite::{self, Own, Reply};

/// nginx's code for closing without a word.
const NO_ANSWER: u16 = 444;

/// What this proxy serves when a route says nothing about methods.
const METHODS: &str = "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH";

/// Of a file, nothing else can be had.
const METHODS_OF_FILES: &str = "GET, HEAD";

const CHALLENGE: &str = "WWW-Authenticate";

const PAGE_TYPE: &[u8] = b"text/html";
pub(crate) const SERVER: &[u8] = b"pilothouse";

/// What is answered.
#[derive(Clone, Copy)]
struct Answer<'g> {
    status: u16,
    /// `None`: the page that goes with the status.
    body: Option<&'g route::Body>,
    location: Option<&'g Template>,
}

impl<'g> Answer<'g> {
    fn redirect(redirect: &'g Redirect) -> Self {
        Self { status: redirect.status, body: None, location: Some(&redirect.to) }
    }

    /// The error page that a server or route has for a status, if it has one.
    fn of_page(ground: Option<Ground<'g>>, status: u16) -> Option<Self> {
        let page = ground?.shape().page(status)?;
        Some(match &page.answer {
            Substitute::Page { status: own, body } => {
                Self { status: own.unwrap_or(status), body: Some(body), location: None }
            }
            Substitute::Redirect(redirect) => Self::redirect(redirect),
        })
    }
}

/// An answer that is written and on its way.
#[derive(Clone, Copy)]
pub(crate) struct Written {
    pub(crate) status: u16,
    pub(crate) persistence: Persistence,
    /// What becomes of the connection if it gets there.
    pub(crate) next: Next,
    pub(crate) send_timeout_ms: u64,
}

impl Connection {
    /// Answers with a status, or with the error page that stands for it. `next` is what the
    /// request's state allows; it becomes `Close` when the answer cannot be sent.
    pub(crate) async fn answer(
        &mut self,
        exchange: &mut Exchange,
        status: u16,
        next: Next,
    ) -> Next {
        let written = self.write_status(exchange, status, next);
        self.send(exchange, written).await
    }

    fn write_status(&self, exchange: &mut Exchange, status: u16, next: Next) -> Written {
        // Who cannot be told where he wanted to go is answered by the listener's default server.
        let ground = self.generation.as_deref().and_then(|generation| {
            let place = exchange.place.or_else(|| generation.default_place(&self.listener));
            place.map(|place| generation.ground(place))
        });
        let plain = Answer { status, body: None, location: None };
        let answer = Answer::of_page(ground, status).unwrap_or(plain);
        self.write_answer(exchange, ground, answer, next)
    }

    /// Writes what a route answers by itself; `None` when that is nothing.
    pub(crate) fn write_response(
        &self,
        exchange: &mut Exchange,
        ground: Ground<'_>,
        respond: &Respond,
        next: Next,
    ) -> Option<Written> {
        match (respond.status, &respond.body) {
            (NO_ANSWER, _) => {
                exchange.start_answer();
                exchange.record(self, NO_ANSWER);
                None
            }
            (status, None) => Some(self.write_status(exchange, status, next)),
            (status, Some(body)) => {
                let answer = Answer { status, body: Some(body), location: None };
                Some(self.write_answer(exchange, Some(ground), answer, next))
            }
        }
    }

    pub(crate) fn write_redirect(
        &self,
        exchange: &mut Exchange,
        ground: Ground<'_>,
        redirect: &Redirect,
        next: Next,
    ) -> Written {
        self.write_answer(exchange, Some(ground), Answer::redirect(redirect), next)
    }

    /// Makes ready to answer in place of a backend, whose answer was read up to its body; there is
    /// an error page for its status, which is returned. A challenge goes along, for without it
    /// nobody could log in.
    pub(crate) fn intercept(&mut self, exchange: &mut Exchange, picked: Picked) -> u16 {
        let status = exchange.response.status;
        if let Some(reply) = exchange.reply.take() {
            let head = &reply.content()[..exchange.response.head_bytes];
            for header in &exchange.response.headers {
                let name = header.name.in_bytes(head);
                if status == 401 && name.eq_ignore_ascii_case(CHALLENGE.as_bytes()) {
                    shape::line(&mut exchange.kept.beside, CHALLENGE, |out| {
                        out.extend_from_slice(header.value.in_bytes(head));
                    });
                }
            }
            self.shared.buffers.borrow_mut().give(reply);
        }
        exchange.answered(self, picked);
        status
    }

    /// Sends what was written, and counts it.
    pub(crate) async fn send(&mut self, exchange: &mut Exchange, written: Written) -> Next {
        let timeout_ms = written.send_timeout_ms;
        let pump = &mut exchange.to_client;
        let buffers = &self.shared.buffers;
        let mut sent_bytes = None;
        let sent = poll_fn(|cx| match pump.poll_send(cx, &mut self.client, buffers) {
            Poll::Pending if self.seat.is_late() && sent_bytes == Some(pump.moved()) => {
                Poll::Ready(false)
            }
            Poll::Pending => {
                // Between two writes, as nginx counts.
                if sent_bytes.replace(pump.moved()) != Some(pump.moved()) {
                    self.seat.limit(self.shared.now_us(), timeout_ms);
                }
                Poll::Pending
            }
            Poll::Ready(sent) => Poll::Ready(sent.is_ok()),
        })
        .await;
        exchange.record(self, written.status);
        match (sent, written.next, written.persistence) {
            (false, _, _) => Next::Close,
            (true, Next::Request, Persistence::Close) => self.after_last(exchange),
            (true, next, _) => next,
        }
    }

    /// What a client is told of the connection, where `next` may follow the answer.
    pub(crate) fn persistence(&self, exchange: &Exchange, next: Next) -> Persistence {
        match next {
            Next::Request if self.may_persist(exchange.keepalive) => exchange.request.persistence,
            Next::Request | Next::Close | Next::Linger => Persistence::Close,
        }
    }

    /// Writes the whole answer to the pump towards the client.
    fn write_answer(
        &self,
        exchange: &mut Exchange,
        ground: Option<Ground<'_>>,
        answer: Answer<'_>,
        next: Next,
    ) -> Written {
        let persistence = self.persistence(exchange, next);
        exchange.kept.begin_lines();
        let mut lines = std::mem::take(&mut exchange.kept.lines);
        let mut body = std::mem::take(&mut exchange.kept.body);
        lines.extend_from_slice(&exchange.kept.beside);
        body.clear();
        let (mut content_type, mut server) = (PAGE_TYPE, SERVER);
        let is_own_word = answer.status == OWN_WORD && exchange.place.is_none();
        if is_own_word || answer.status == METHOD_NOT_ALLOWED {
            allow(&mut lines, ground);
        }
        if let Some(ground) = ground {
            let rules = &ground.shape().response;
            // Of a head that was refused nothing was kept; what is there is an earlier request's.
            let head = if exchange.place.is_some() { &exchange.kept.head[..] } else { b"" };
            let facts = exchange.facts(self, ground, (head, b""), answer.status);
            if let Some(location) = answer.location {
                lines.extend_from_slice(b"Location: ");
                variables::render(&mut lines, location, &facts, Manner::Location);
                lines.extend_from_slice(b"\r\n");
            }
            if let Some(own) = answer.body {
                variables::render(&mut body, &own.text, &facts, Manner::Plain);
                content_type = own.content_type.as_bytes();
            }
            rules.render(&mut lines, (&[], b""), &facts, "");
            if rules.decide("server") {
                server = b"";
            }
            if rules.decide("content-type") {
                content_type = b"";
            }
        }
        let mut own = Own {
            status: answer.status,
            body: answer.body.map(|_| body.as_slice()),
            content_type,
            server,
        };
        if let (None, None) = (answer.body, answer.location)
            && let Some(said) = grpc::lines_for(&self.client, answer.status)
        {
            lines.extend_from_slice(said);
            own = Own {
                status: grpc::STATUS,
                body: Some(b""),
                content_type: grpc::CONTENT_TYPE,
                server,
            };
        }
        let reply = Reply {
            client_version: exchange.request.version,
            persistence,
            body: if exchange.is_head() { Body::None } else { Body::Length(body.len() as u64) },
            date: &self.shared.date(),
            lines: &lines,
        };
        rewrite::own_response(&mut exchange.start_answer().head, own, reply);
        exchange.kept.lines = lines;
        exchange.kept.body = body;
        let route = ground.and_then(|ground| ground.route);
        let timeout_ms = route.map(|route| route.limits.client.send_timeout_ms);
        let send_timeout_ms = timeout_ms.unwrap_or(limits::SEND_TIMEOUT_MS);
        Written { status: answer.status, persistence, next, send_timeout_ms }
    }
}

impl Exchange {
    /// Whether an error page takes the place of the response.
    pub(crate) fn is_intercepted(&self, site: &Site<'_>) -> bool {
        let shape = &site.route.shape;
        shape.intercepts && shape.page(self.response.status).is_some()
    }

    /// Changes the response whose head is `head` as its route says: marks the lines that do not
    /// pass, and renders those in their place.
    pub(crate) fn change_reply(&mut self, connection: &Connection, site: &Site<'_>, head: &[u8]) {
        let rules = &site.route.shape.response;
        self.kept.begin_lines();
        if rules.is_empty() {
            return;
        }
        let mut lines = std::mem::take(&mut self.kept.lines);
        let heads = (self.kept.head.as_slice(), head);
        let facts = self.facts(connection, site.ground(), heads, self.response.status);
        rules.render(&mut lines, (&self.response.headers, head), &facts, "");
        rules.mark(&mut self.response.headers, head);
        self.kept.lines = lines;
    }
}

/// Whoever refuses a method says which there are (RFC 9110, 15.5.6); so does our own word on what
/// an OPTIONS asked.
fn allow(lines: &mut Vec<u8>, ground: Option<Ground<'_>>) {
    lines.extend_from_slice(b"Allow: ");
    let route = ground.and_then(|ground| ground.route);
    let methods = route.map_or(&[][..], |route| &route.methods);
    for (index, method) in methods.iter().enumerate() {
        if index > 0 {
            lines.extend_from_slice(b", ");
        }
        lines.extend_from_slice(method.as_bytes());
        if method == "GET" && !methods.iter().any(|other| other == "HEAD") {
            lines.extend_from_slice(b", HEAD");
        }
    }
    if methods.is_empty() {
        let serves_files = matches!(route.map(|route| &route.action), Some(Action::Files(_)));
        let methods = if serves_files { METHODS_OF_FILES } else { METHODS };
        lines.extend_from_slice(methods.as_bytes());
    }
    lines.extend_from_slice(b"\r\n");
}

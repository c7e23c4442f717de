//! The head that a backend gets: the client's, as its route changes it.
//!
//! Written once a request, and sent again as it is when another backend is asked.

use super::connection::Connection;
use super::exchange::{ClientFault, Exchange};
use super::retarget::{self, Written};
use super::routing;
use super::server::Site;
use super::shape::{self, Identity};
use super::variables::{self, Manner};
use crate::config::model::route::{Passing, Sent};
use crate::http::head::Kind;
use crate::http::request::Method;
use crate::http::rewrite::{self, Changes, Forwarding};
use crate::http::target;

const BAD_REQUEST: u16 = 400;

/// What a route changes about one request, as it is sent; kept for reuse.
#[derive(Default)]
pub(crate) struct Rendered {
    target: Vec<u8>,
    host: Vec<u8>,
    lines: Vec<u8>,
}

impl Exchange {
    /// Writes the head that backends get, and takes what came of the body with the client's. An
    /// error is the answer's status.
    pub(crate) fn forward(
        &mut self,
        connection: &mut Connection,
        site: Site<'_>,
    ) -> Result<(), u16> {
        let Some(mut buffer) = connection.unread.take() else { return Err(BAD_REQUEST) };
        let head = &buffer.content()[..self.request.head_bytes];
        let written = self.write_head(connection, site, head);
        if written.is_ok() {
            buffer.consume(self.request.head_bytes);
        }
        let absorbed = written.and_then(|()| {
            let absorbed = self.to_backend.absorb(&mut buffer);
            absorbed.map_err(|broken| ClientFault::of(broken).status())
        });
        if buffer.is_empty() {
            connection.shared.buffers.borrow_mut().give(buffer);
        } else if absorbed.is_ok() && !self.to_backend.is_read() {
            self.to_backend.hold(Some(buffer));
        } else {
            connection.unread = Some(buffer);
        }
        absorbed
    }

    fn write_head(
        &mut self,
        connection: &Connection,
        site: Site<'_>,
        head: &[u8],
    ) -> Result<(), u16> {
        if let Some(token) = &site.upstream.sticky {
            self.keep_token(token, head);
        }
        let mut rendered = std::mem::take(&mut self.kept.rendered);
        let is_written = self.render(&mut rendered, connection, site, head);
        rendered.lines.extend_from_slice(&self.kept.vouched);
        if let Some(template) = &site.upstream.hash_key {
            let mut key = std::mem::take(&mut self.kept.hash_key);
            let facts = self.facts(connection, site.ground(), (head, b""), 0);
            variables::render(&mut key, template, &facts, Manner::Plain);
            self.kept.hash_key = key;
        }
        let sent = site.route.sent.as_deref();
        if let Some(sent) = sent {
            self.leave_out(sent);
        }
        let rules = &site.route.shape.request;
        rules.mark(&mut self.request.headers, head);
        let some = |text| Some(text).filter(|text: &&[u8]| !text.is_empty());
        let forwarding = Forwarding {
            peer: connection.peer_text.as_bytes(),
            host: site.server.name.as_bytes(),
            scheme: connection.client.scheme(),
            is_peer_trusted: routing::trusted(connection, site.server).is_some(),
            changes: Changes {
                method: sent.and_then(|sent| Some(sent.method.as_ref()?.as_bytes())),
                target: some(&rendered.target),
                host: some(&rendered.host),
                decides_forwarded_for: rules.decide("x-forwarded-for"),
                decides_forwarded_proto: rules.decide("x-forwarded-proto"),
                lines: &rendered.lines,
            },
        };
        let body_bytes_max = site.route.limits.client.body_bytes_max;
        let (body, coding) = match sent.map(|sent| sent.body) {
            None | Some(Passing::Passed) => self.deliver(site.route.limits.client.delivery),
            Some(Passing::LeftOut) => self.swallow(),
        };
        self.to_backend.start(body, coding, body_bytes_max);
        rewrite::request(&mut self.to_backend.head, head, &self.request, forwarding);
        self.to_backend.head_ends();
        self.kept.rendered = rendered;
        is_written
    }

    /// Changes the request to what goes on of it.
    fn leave_out(&mut self, sent: &Sent) {
        if let Some(method) = &sent.method {
            // The configuration's check lets none pass that a client may not have.
            self.method_sent = Method::of(method.as_bytes()).unwrap_or_default();
        }
        if sent.lines == Passing::LeftOut {
            // Who waits for whom is agreed on with the backend, as the body's framing is.
            for header in self.request.headers.iter_mut().filter(|it| it.kind != Kind::Expect) {
                header.kind = Kind::HopByHop;
            }
            self.request.upgrade = None;
        }
    }

    /// Renders what the route has to say about the request's lines; an error is the answer's status.
    fn render(
        &mut self,
        out: &mut Rendered,
        connection: &Connection,
        site: Site<'_>,
        head: &[u8],
    ) -> Result<(), u16> {
        let Rendered { target, host, lines } = out;
        target.clear();
        host.clear();
        lines.clear();
        let shape = &site.route.shape;
        let retarget = site.route.lead().and_then(|lead| lead.retarget.as_ref());
        let is_rewritten = self.kept.way.is_rewritten;
        let is_plain = shape.request.is_empty() && shape.identity == Identity::None;
        if is_plain && retarget.is_none() && !is_rewritten {
            return Ok(());
        }
        let facts = self.facts(connection, site.ground(), (head, b""), 0);
        if let Some(template) = shape.request.set_to("host") {
            variables::render(host, template, &facts, Manner::Line);
            // What is no host leaves the client's word on it.
            if !target::is_authority(host) {
                host.clear();
            }
        }
        shape.request.render(lines, (&self.request.headers, head), &facts, "host");
        let written = retarget.map(|retarget| retarget.write(target, &facts));
        if retarget.is_none() && is_rewritten {
            retarget::write_rewritten(target, &facts);
        }
        if let Identity::Carried(name) = &shape.identity
            && !shape.request.decide(name)
        {
            shape::line(lines, name, |out| out.extend_from_slice(&self.kept.request_id));
            shape::mark(&mut self.request.headers, head, name);
        }
        match written {
            Some(Written::Refused) => Err(BAD_REQUEST),
            Some(Written::Changed | Written::Same) | None => Ok(()),
        }
    }
}

//! Where a request goes: its server and route, whom it comes from, and the head a backend gets.
//!
//! All that is refused for what the request's head says is refused here; nothing is sent yet.

use super::connection::Connection;
use super::exchange::{ClientFault, Exchange, NOT_FOUND, OWN_WORD};
use super::generation::{Generation, Route, Server, Site};
use super::transfer::Coding;
use crate::http;
use crate::http::client_ip;
use crate::http::framing::Body;
use crate::http::rewrite::{self, Forwarding};
use crate::http::target;
use crate::scoreboard::recent;

impl Exchange {
    /// Finds the request's server and route. An error is the answer's status.
    pub(crate) fn route<'g>(
        &mut self,
        connection: &Connection,
        generation: &'g Generation,
    ) -> Result<(&'g Server, &'g Route), u16> {
        let Some(buffer) = &connection.unread else { return Err(400) };
        // The last proxy that such a request may reach answers it (RFC 9110, 7.6.2).
        if self.request.max_forwards == Some(0) {
            return Err(OWN_WORD);
        }
        let head = &buffer.content()[..self.request.head_bytes];
        let path_and_query = self.request.path_and_query.in_bytes(head);
        self.path = recent::Path::new(target::path(path_and_query));
        let authority = self.request.host.map_or(&b""[..], |host| host.in_bytes(head));
        self.method = recent::Method::of(self.request.method_name.in_bytes(head));
        self.host = recent::Host::new(authority);
        let server = generation.server(connection.listener, authority).ok_or(NOT_FOUND)?;
        self.keepalive = server.client.keepalive;
        let route = server
            .route(path_and_query, &mut self.scratch)
            .map_err(http::Error::status)?
            .ok_or(NOT_FOUND)?;
        match self.request.body {
            Body::Length(length) if length > route.limits.client.body_bytes_max => Err(413),
            Body::None | Body::Length(_) | Body::Chunked | Body::UntilClose => Ok((server, route)),
        }
    }

    /// Writes the head that backends get, and takes what came of the body with the client's. An
    /// error is the answer's status.
    pub(crate) fn forward(
        &mut self,
        connection: &mut Connection,
        site: Site<'_>,
    ) -> Result<(), u16> {
        let buffers = &connection.shared.buffers;
        let Some(buffer) = &mut connection.unread else { return Err(400) };
        let head = &buffer.content()[..self.request.head_bytes];
        let real_ip = site.server.real_ip.as_ref();
        let real_ip = real_ip.filter(|it| client_ip::is_trusted(&it.trusted, connection.peer));
        if let Some(real_ip) = real_ip {
            let values = self.request.values(head, &real_ip.header);
            self.client = client_ip::resolve(connection.peer, values, &real_ip.trusted);
        }
        let forwarding = Forwarding {
            peer: connection.peer_text.as_bytes(),
            host: site.server.host.as_bytes(),
            is_peer_trusted: real_ip.is_some(),
        };
        self.to_backend.start(
            self.request.body,
            Coding::Same,
            site.route.limits.client.body_bytes_max,
        );
        rewrite::request(&mut self.to_backend.head, head, &self.request, forwarding);
        buffer.consume(self.request.head_bytes);
        let absorbed = self.to_backend.absorb(buffer);
        if let Some(empty) = connection.unread.take_if(|buffer| buffer.is_empty()) {
            buffers.borrow_mut().give(empty);
        }
        if absorbed.is_ok() && !self.to_backend.is_read() {
            self.to_backend.hold(connection.unread.take());
        }
        absorbed.map_err(|broken| ClientFault::of(broken).status())
    }
}

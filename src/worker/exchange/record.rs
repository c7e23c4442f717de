//! What is counted and written down of an exchange when it is over.

use super::super::backend;
use super::super::buffer::Buffer;
use super::super::connection::{Connection, Next};
use super::super::pick::{Picked, Picker};
use super::super::server::Ground;
use super::{CLIENT_GONE, Exchange};
use crate::http::head::Version;
use crate::scoreboard::account::Outcome;
use crate::scoreboard::recent;
use crate::scoreboard::server::Moved;

impl Exchange {
    pub(crate) fn elapsed_us(&self, now_us: u64) -> u64 {
        now_us.saturating_sub(self.started_us)
    }

    /// Counts a response of which the client gets nothing.
    pub(crate) fn answered(&mut self, connection: &Connection, picked: Picked) {
        connection.seat.let_go();
        let shared = &connection.shared;
        let now_us = shared.refresh();
        self.attempts.ended(now_us);
        let outcome = Outcome {
            status: self.response.status,
            bytes_in: self.to_backend.moved(),
            bytes_out: 0,
            service_us: elapsed_us(self.started_us, now_us),
        };
        let mut picker = shared.picker.borrow_mut();
        self.time(&mut picker, &picked);
        picker.finished(picked, &outcome);
    }

    /// Tells how long the last attempt took.
    fn time(&self, picker: &mut Picker, picked: &Picked) {
        if let Some(last) = self.attempts.all().last()
            && let Some(response_us) = last.response_us
        {
            picker.timed(picked, last.header_us, response_us);
        }
    }

    /// Counts what was relayed.
    pub(crate) fn finish(
        &mut self,
        connection: &mut Connection,
        picked: Picked,
        relayed: backend::Relayed,
    ) -> Next {
        let shared = &connection.shared;
        let now_us = shared.refresh();
        self.attempts.ended(now_us);
        let mut picker = shared.picker.borrow_mut();
        connection.seat.let_go();
        if relayed.end == backend::RelayEnd::Cut && connection.seat.is_cut() {
            picker.cut(&picked);
        }
        let status = match relayed.end {
            backend::RelayEnd::Through | backend::RelayEnd::Cut => {
                let outcome = Outcome {
                    status: self.response.status,
                    bytes_in: self.to_backend.moved(),
                    bytes_out: self.to_client.moved(),
                    service_us: elapsed_us(self.started_us, now_us),
                };
                self.time(&mut picker, &picked);
                picker.finished(picked, &outcome);
                self.response.status
            }
            backend::RelayEnd::ClientGone => {
                drop(picked);
                CLIENT_GONE
            }
        };
        drop(picker);
        self.keep_rest(connection);
        self.record(connection, status);
        relayed.next
    }

    pub(crate) fn record(&self, connection: &Connection, status: u16) {
        let now_us = connection.shared.now_us();
        let entry = recent::Entry {
            wall_ms: 0,
            client: self.client,
            protocol: self.protocol(connection),
            method: self.method,
            host: self.host,
            path: self.path,
            status,
            upstream: self.upstream,
            backend: self.backend,
            tries: self.attempts.asked(),
            service_us: elapsed_us(self.started_us, now_us),
            bytes: self.to_client.moved(),
        };
        connection.shared.record(entry, self.to_backend.moved());
        let Some(generation) = &connection.generation else { return };
        let place = self.place.or_else(|| generation.default_place(&connection.listener));
        let Some(place) = place else { return };
        let moved = Moved { bytes_in: self.to_backend.moved(), bytes_out: self.to_client.moved() };
        connection.shared.served(generation.server(place.server).counter, status, moved);
        self.log(connection, generation.ground(place), status);
    }

    /// Of a head that could not be read, that of most.
    pub(crate) fn protocol(&self, connection: &Connection) -> recent::Protocol {
        if connection.client.is_of_http2() {
            return recent::Protocol::Http2;
        }
        match self.request.version {
            Version::Http10 => recent::Protocol::Http10,
            Version::Http11 => recent::Protocol::Http11,
        }
    }

    /// Writes the request down where its route, or its server, says.
    fn log(&self, connection: &Connection, ground: Ground<'_>, status: u16) {
        let Some(log) = &ground.shape().log else { return };
        // Of a head that was refused, no more than its first line can be told.
        let unread = connection.unread.as_ref().map_or(&b""[..], Buffer::content);
        let head = if self.place.is_some() { &self.kept.head } else { unread };
        log.write(&self.facts(connection, ground, (head, b""), status));
    }
}

fn elapsed_us(started_us: u64, now_us: u64) -> u32 {
    u32::try_from(now_us.saturating_sub(started_us)).unwrap_or(u32::MAX)
}

//! One client's connection through a TCP route: a backend is picked and connected to, then bytes go
//! both ways as they are.
//!
//! Counted like a request that lasts as long as the connection: in flight from the pick on, among
//! the requests when it ends, its bytes as they pass. Its latency is the time until a backend was
//! connected to, for its length is the client's affair. Statuses are nginx's for streams: 200 once
//! connected, however it ended, 502 when no backend could be had, and 400 when the PROXY header that
//! must come first did not.

use std::rc::Rc;

use super::carry::{self, Carry};
use super::connection::Connection;
use super::generation::{Generation, Upstream};
use super::introduction::{self, Introduction};
use super::link::{self, Link};
use super::offer::{self, Fault};
use super::pick::{Picked, Tried};
use super::tcp_routes::TcpRoute;
use super::transfer::{Coding, Pump};
use super::watch::Phase;
use crate::http::framing::Body;
use crate::scoreboard::{BackendId, recent};

const THROUGH: u16 = 200;
const NO_BACKEND: u16 = 502;
const BAD_INTRODUCTION: u16 = 400;

/// Serves the connection whole by the generation it came under.
pub(crate) async fn serve(mut connection: Connection, generation: Rc<Generation>) {
    let Some(route) = generation.tcp_routes.of(connection.listener) else { return };
    connection.begin().await;
    let introduction = if connection.is_to_be_introduced() {
        introduction::read(&mut connection).await
    } else {
        Introduction::Made
    };
    let shared = Rc::clone(&connection.shared);
    shared.seats.enter(&connection.seat, Phase::Active);
    let upstream = generation.upstream(route.upstream);
    let mut session = Session {
        connection,
        route,
        upstream,
        started_us: shared.refresh(),
        backend: None,
        tries: 0,
        bytes_out: 0,
    };
    let status = match introduction {
        Introduction::Made => session.run().await,
        Introduction::Botched => BAD_INTRODUCTION,
        Introduction::Silence => return,
    };
    session.note(status);
}

struct Session<'g> {
    connection: Connection,
    route: &'g TcpRoute,
    upstream: &'g Upstream,
    started_us: u64,
    /// The one asked last, with which life of its slot.
    backend: Option<(BackendId, u16)>,
    tries: u8,
    bytes_out: u64,
}

impl Session<'_> {
    /// The status of the whole session.
    async fn run(&mut self) -> u16 {
        let Some((picked, link)) = self.connect().await else { return NO_BACKEND };
        self.carry(&picked, link).await;
        let shared = &self.connection.shared;
        let lasted_us = shared.refresh().saturating_sub(self.started_us);
        shared.picker.borrow_mut().session_ended(picked, THROUGH, lasted_us);
        THROUGH
    }

    /// A connection to the first backend that takes one; `None` when none does.
    async fn connect(&mut self) -> Option<(Picked, Link)> {
        let connection = &self.connection;
        let shared = &connection.shared;
        let id = self.upstream.id?;
        let mut tried = Tried::none();
        for attempt in 0..=self.upstream.retry.more_max {
            let now_us = shared.now_us();
            let picked =
                shared.picker.borrow_mut().pick(id, connection.peer, &mut tried, now_us).ok()?;
            if attempt > 0 {
                shared.picker.borrow_mut().retried(id);
            }
            self.backend = Some((picked.backend(), picked.incarnation()));
            self.tries = self.tries.saturating_add(1);
            let (upstream, timeout_ms) = (self.upstream, self.route.connect_timeout_ms);
            match link::connect(connection, upstream, &picked, connection.peer, timeout_ms).await {
                Ok(link) => {
                    let took_us = shared.refresh().saturating_sub(self.started_us);
                    shared.picker.borrow_mut().session_connected(&picked, took_us);
                    return Some((picked, link));
                }
                Err(fault) => {
                    shared.refresh();
                    offer::release(connection, picked, fault);
                    match fault {
                        Fault::Backend(_) => {}
                        Fault::Answered(_) | Fault::Full | Fault::Stale | Fault::Client(_) => {
                            return None;
                        }
                    }
                }
            }
        }
        None
    }

    async fn carry(&mut self, picked: &Picked, mut link: Link) {
        let shared = Rc::clone(&self.connection.shared);
        let (mut to_backend, mut to_client) = (Pump::default(), Pump::default());
        to_backend.start(Body::UntilClose, Coding::Same, u64::MAX);
        to_client.start(Body::UntilClose, Coding::Same, u64::MAX);
        // What came together with the PROXY header is the session's beginning.
        if let Some(mut buffer) = self.connection.unread.take() {
            let absorbed = to_backend.absorb(&mut buffer);
            debug_assert!(absorbed.is_ok(), "raw bytes have no framing to break");
            shared.buffers.borrow_mut().give(buffer);
        }
        let carry = Carry {
            connection: &mut self.connection,
            backend: &mut link.stream,
            to_backend: &mut to_backend,
            to_client: &mut to_client,
            idle_timeout_ms: self.route.idle_timeout_ms,
        };
        // Whichever way it ended, there was a session.
        let _end = carry::run(carry, |bytes_in, bytes_out| {
            shared.picker.borrow().carried(picked, bytes_in, bytes_out);
            shared.crew.carried(bytes_in, bytes_out);
        })
        .await;
        self.bytes_out = to_client.moved();
        for pump in [&mut to_backend, &mut to_client] {
            if let Some(unsent) = pump.finish(&shared.buffers) {
                shared.buffers.borrow_mut().give(unsent);
            }
        }
    }

    /// Shows the session among the recent requests.
    fn note(&self, status: u16) {
        let shared = &self.connection.shared;
        let lasted_us = shared.refresh().saturating_sub(self.started_us);
        shared.crew.answered(status, 0, 0);
        shared.note(recent::Entry {
            wall_ms: 0,
            client: self.connection.peer,
            method: recent::Method::TCP,
            host: recent::Host::NONE,
            path: self.route.shown,
            status,
            upstream: self.upstream.id,
            backend: self.backend,
            tries: self.tries,
            service_us: u32::try_from(lasted_us).unwrap_or(u32::MAX),
            bytes: self.bytes_out,
        });
    }
}

//! One client's connection through a TCP route: a backend is picked and connected to, then bytes go
//! both ways as they are. Where its clients speak TLS, that ends here.
//!
//! Counted like a request that lasts as long as the connection: in flight from the pick on, among
//! the requests when it ends, its bytes as they pass. Its latency is the time until a backend was
//! connected to, for its length is the client's affair. Statuses are nginx's for streams: 200 once
//! connected, however it ended, 502 when no backend could be had, 503 when there was no connection to
//! be had for one, or no room in time, and 400 when the PROXY header that must come first did not,
//! or what TLS clients begin with, where the route goes by it.
//! 499 is a client's that left while it waited for room.

use std::rc::Rc;

use super::carry::{self, Carry};
use super::connection::Connection;
use super::generation::{Generation, Upstream};
use super::hello::{self, Asked};
use super::introduction::{self, Introduction};
use super::link::{self, Link};
use super::offer::{self, Fault, SoFar};
use super::pick::{Asker, Picked, Refusal, Tried};
use super::queue::{self, InVain};
use super::stream::Stream;
use super::tcp_routes::TcpRoute;
use super::tls::handshake::{self, Outcome};
use super::transfer::{Coding, Pump};
use super::variables;
use super::watch::{self, Held, Phase};
use crate::http::framing::Body;
use crate::scoreboard::{BackendId, recent};

const THROUGH: u16 = 200;
const NO_BACKEND: u16 = 502;
/// `connections_max` is reached, or the system has no connection left.
const FULL: u16 = 503;
const BAD_INTRODUCTION: u16 = 400;

/// Serves the connection whole by the generation it came under.
pub(crate) async fn serve(mut connection: Connection, generation: Rc<Generation>) {
    let Some(route) = generation.tcp_routes.of(&connection.listener) else { return };
    connection.begin().await;
    let introduction = if connection.is_to_be_introduced() {
        introduction::read(&mut connection).await
    } else {
        Introduction::Made
    };
    if let (Introduction::Made, Stream::Tls(_)) = (introduction, &connection.client) {
        // Boxed, since most routes know no such thing: every session would hold room for it.
        match Box::pin(handshake::run(&mut connection)).await {
            Outcome::Made => connection.limit(route.connect_timeout_ms),
            Outcome::Failed | Outcome::Plain => return,
        }
    }
    let shared = Rc::clone(&connection.shared);
    let asked = if introduction == Introduction::Made && route.asks() {
        // In a box, since few routes ask and all sessions have this future.
        Box::pin(hello::read(&mut connection)).await
    } else {
        Asked::ForNone
    };
    let refusal = match (introduction, &asked) {
        (Introduction::Silence, _) | (_, Asked::Silence) => return,
        (Introduction::Botched, _) | (_, Asked::Botched) => Some(BAD_INTRODUCTION),
        (Introduction::Made, Asked::For(_) | Asked::ForNone) => None,
    };
    let host = match &asked {
        Asked::For(name) => Some(&name[..]),
        Asked::ForNone | Asked::Botched | Asked::Silence => None,
    };
    shared.seats.enter(&connection.seat, Phase::Active);
    let upstream = generation.upstream(route.upstream_of(host));
    let mut session = Session {
        connection,
        route,
        upstream,
        started_us: shared.refresh(),
        backend: None,
        tries: 0,
        tried: Tried::none(),
        hash_key: Vec::new(),
        bytes_out: 0,
    };
    if let Some(template) = &upstream.hash_key {
        variables::render_of_connection(&mut session.hash_key, template, &session.connection);
    }
    let status = match refusal {
        None => session.run().await,
        Some(status) => status,
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
    tried: Tried,
    /// What its upstream hashes it by; empty without anything.
    hash_key: Vec<u8>,
    bytes_out: u64,
}

impl Session<'_> {
    /// The status of the whole session.
    async fn run(&mut self) -> u16 {
        let (picked, link) = match self.connect().await {
            Ok(connected) => connected,
            Err(status) => return status,
        };
        let seat = &self.connection.seat;
        let (backend, incarnation) = (picked.backend(), picked.incarnation());
        seat.hold(Held { backend, incarnation, since_us: watch::UPGRADED });
        let upgraded = self.connection.shared.picker.borrow().upgrade(backend);
        self.carry(&picked, link).await;
        drop(upgraded);
        let (shared, seat) = (&self.connection.shared, &self.connection.seat);
        if seat.is_cut() {
            shared.picker.borrow().cut(&picked);
        }
        let lasted_us = shared.refresh().saturating_sub(self.started_us);
        shared.picker.borrow_mut().session_ended(picked, THROUGH, lasted_us);
        THROUGH
    }

    /// A connection to the first backend that takes one, else the status that comes of it.
    async fn connect(&mut self) -> Result<(Picked, Link), u16> {
        let mut picked = match self.pick() {
            Ok(picked) => picked,
            Err(refusal) if self.upstream.lets_wait(refusal) => {
                self.wait().await.map_err(InVain::status)?
            }
            Err(Refusal::Full | Refusal::NoBackend) => return Err(NO_BACKEND),
        };
        let mut retries = 0;
        loop {
            let (backend, incarnation) = (picked.backend(), picked.incarnation());
            self.backend = Some((backend, incarnation));
            self.connection.seat.hold(Held { backend, incarnation, since_us: self.started_us });
            self.tries = self.tries.saturating_add(1);
            let (connection, timeout_ms) = (&self.connection, self.route.connect_timeout_ms);
            let client = connection.peer;
            match link::connect(connection, self.upstream, &picked, client, timeout_ms).await {
                Ok(link) => {
                    let shared = &connection.shared;
                    let took_us = shared.now_us().saturating_sub(self.started_us);
                    shared.picker.borrow_mut().session_connected(&picked, took_us);
                    return Ok((picked, link));
                }
                Err(fault) => {
                    connection.shared.refresh();
                    let another = self.another(fault, retries);
                    offer::release(&self.connection, picked, fault);
                    picked = another.ok_or(if fault == Fault::Full { FULL } else { NO_BACKEND })?;
                    retries += 1;
                }
            }
        }
    }

    fn pick(&mut self) -> Result<Picked, Refusal> {
        let shared = &self.connection.shared;
        let (id, now_us) = (self.upstream.id.ok_or(Refusal::NoBackend)?, shared.now_us());
        let mut picker = shared.picker.borrow_mut();
        if self.upstream.retry.budget_percent.is_some() {
            picker.asked(id, now_us);
        }
        let asker = Asker { client: self.connection.peer, key: &self.hash_key };
        if self.upstream.queue.is_none() {
            return picker.pick(id, asker, &mut self.tried, now_us);
        }
        let picked = picker.pick_behind(id, asker, &mut self.tried, now_us);
        picked.map(|picked| self.upstream.tend(picked, shared))
    }

    /// Waits for room, where the upstream has a queue for that. A client that has ended its side
    /// before a backend was there has left.
    async fn wait(&mut self) -> Result<Picked, InVain> {
        let (Some(id), Some(queue)) = (self.upstream.id, self.upstream.queue) else {
            return Err(InVain::NoBackend);
        };
        let Self { connection, upstream, tried, hash_key, .. } = self;
        let wait = queue::Wait {
            shared: &Rc::clone(&connection.shared),
            seat: &Rc::clone(&connection.seat),
            upstream: (id, &upstream.name),
            queue,
            asker: Asker { client: connection.peer, key: hash_key },
            tried,
        };
        queue::wait(wait, |cx| connection.client.poll_hangup(cx).map(|_| ())).await
    }

    /// By the same rules as a request, of which nothing was sent yet.
    fn another(&mut self, fault: Fault, retries: u32) -> Option<Picked> {
        let shared = &self.connection.shared;
        let so_far = SoFar { retries, since_us: self.started_us };
        if !offer::is_allowed(shared, self.upstream, fault, so_far)
            || !offer::is_granted(shared, self.upstream)
        {
            return None;
        }
        let (id, now_us) = (self.upstream.id?, shared.now_us());
        let mut picker = shared.picker.borrow_mut();
        let asker = Asker { client: self.connection.peer, key: &self.hash_key };
        let picked = picker.pick_another(id, asker, &mut self.tried, now_us).ok()?;
        picker.retried(id);
        Some(self.upstream.tend(picked, shared))
    }

    async fn carry(&mut self, picked: &Picked, mut link: Link) {
        let shared = Rc::clone(&self.connection.shared);
        let (mut to_backend, mut to_client) = (Pump::default(), Pump::default());
        to_backend.start(Body::UntilClose, Coding::Same, u64::MAX);
        to_client.start(Body::UntilClose, Coding::Same, u64::MAX);
        // What was read before there was a backend is the session's beginning.
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
            protocol: recent::Protocol::Tcp,
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

//! One request and its response: where it goes, what it holds on its way, what is counted.
//!
//! The data of an exchange is pooled: in the steady state a request allocates nothing.

mod record;

use std::cell::RefCell;
use std::net::IpAddr;

use super::attempts::Attempts;
use super::buffer::{Buffer, Buffers};
use super::connection::{Connection, Next};
use super::generation::Upstream;
use super::guard;
use super::guard::firewall::inspecting::Inspecting;
use super::mirror;
use super::pick::{Asker, Picked, Refusal, Tried};
use super::pool::Errand;
use super::server::Place;
use super::shape::Kept;
use super::transfer::{Broken, Coding, Pump};
use super::watch::{self, Held};
use crate::config::limits;
use crate::config::model::{Keepalive, files};
use crate::config::retry::{Condition, Conditions};
use crate::http;
use crate::http::framing::Body;
use crate::http::request::{Method, Request};
use crate::http::response::Response;
use crate::scoreboard::holding::Upgraded;
use crate::scoreboard::limit::count;
use crate::scoreboard::refusal::Reason;
use crate::scoreboard::{BackendId, UpstreamId, recent};

const _: () = assert!(http::HEADERS_MAX == limits::HEADERS_MAX);
const _: () = assert!(http::request::METHOD_BYTES_MAX == limits::METHOD_BYTES_MAX);
const _: () = assert!(http::CHUNK_LINE_BYTES_MAX as usize == limits::CHUNK_LINE_BYTES_MAX);

pub(crate) struct Exchange {
    pub(crate) request: Request,
    pub(crate) response: Response,
    pub(crate) to_backend: Pump,
    pub(crate) to_client: Pump,
    /// The response's head and what came with it.
    pub(crate) reply: Option<Buffer>,
    /// How much of an incomplete head was looked at.
    pub(crate) head_seen_bytes: usize,
    /// Of the request's server; how the connection goes on after it.
    pub(crate) keepalive: Keepalive,
    /// Whether it came while the connection's last request was still being answered.
    pub(crate) is_pipelined: bool,
    /// Whether the client was sent anything from a backend, be it a 100.
    pub(crate) has_replied: bool,
    pub(crate) uptake: Uptake,
    /// By which the backend is asked.
    pub(crate) method_sent: Method,
    pub(crate) attempts: Attempts,
    pub(crate) client: IpAddr,
    /// What the ring of recent requests keeps of the head.
    pub(crate) method: recent::Method,
    pub(crate) host: recent::Host,
    pub(crate) path: recent::Path,
    /// Where it belongs in the connection's generation; `None` while no server is known.
    pub(crate) place: Option<Place>,
    /// The guard that let it go no further.
    pub(crate) refused_by: Option<Reason>,
    pub(crate) limited: Limited,
    pub(crate) admission: guard::Admission,
    /// Where it counts as being in progress.
    pub(crate) held: Vec<count::Held>,
    /// The coding that the client would best have its answer in, of those that its route has.
    pub(crate) wanted: Option<files::Coding>,
    pub(crate) kept: Kept,
    pub(crate) inspecting: Inspecting,
    /// Of it, and of its body when that is there.
    pub(crate) copies: mirror::Waiting,
    pub(crate) tried: Tried,
    started_us: u64,
    upstream: Option<UpstreamId>,
    /// Asked last, with which life of its slot.
    backend: Option<(BackendId, u16)>,
}

/// What limits made of it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Limited {
    pub(crate) rate: Option<guard::LimitStatus>,
    pub(crate) connections: Option<guard::LimitStatus>,
}

/// What the backend has shown of having read the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Uptake {
    Unknown,
    /// It has asked for the body by a 100.
    Asked,
    /// The whole of it was sent, and wanted, when the response began.
    Whole,
    /// It has said that it did nothing with it.
    Refused,
}

impl Default for Exchange {
    fn default() -> Self {
        Self {
            request: Request::default(),
            response: Response::default(),
            to_backend: Pump::default(),
            to_client: Pump::default(),
            reply: None,
            head_seen_bytes: 0,
            keepalive: Keepalive::default(),
            is_pipelined: false,
            has_replied: false,
            uptake: Uptake::Unknown,
            method_sent: Method::default(),
            attempts: Attempts::none(),
            client: IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED),
            method: recent::Method::default(),
            host: recent::Host::NONE,
            path: recent::Path::NONE,
            place: None,
            refused_by: None,
            limited: Limited::default(),
            admission: guard::Admission::Open,
            held: Vec::new(),
            wanted: None,
            kept: Kept::default(),
            inspecting: Inspecting::default(),
            copies: mirror::Waiting::default(),
            tried: Tried::none(),
            started_us: 0,
            upstream: None,
            backend: None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientFault {
    Gone,
    Late,
    Malformed,
    TooLarge,
}

/// nginx's code for a client that left; never sent.
const CLIENT_GONE: u16 = 499;

/// No server or no route serves it.
pub(crate) const NOT_FOUND: u16 = 404;
pub(crate) const METHOD_NOT_ALLOWED: u16 = 405;

/// What can be asked of the proxy itself, it answers.
pub(crate) const OWN_WORD: u16 = 200;

impl ClientFault {
    pub(crate) fn status(self) -> u16 {
        match self {
            Self::Gone => CLIENT_GONE,
            Self::Late => 408,
            Self::Malformed => 400,
            Self::TooLarge => 413,
        }
    }

    pub(crate) fn of(broken: Broken) -> Self {
        match broken {
            Broken::Source | Broken::Sink => Self::Gone,
            Broken::Framing => Self::Malformed,
            Broken::TooLarge => Self::TooLarge,
        }
    }
}

impl Exchange {
    /// Reserves the request on a backend.
    pub(crate) fn pick(
        &mut self,
        connection: &Connection,
        upstream: &Upstream,
    ) -> Result<Picked, Refusal> {
        let shared = &connection.shared;
        let now_us = shared.now_us();
        if let Some(token) = &upstream.sticky {
            self.bind(connection, upstream, token);
        }
        let mut picker = shared.picker.borrow_mut();
        self.upstream = upstream.id;
        let id = upstream.id.ok_or(Refusal::NoBackend)?;
        if upstream.retry.budget_percent.is_some() {
            picker.asked(id, now_us);
        }
        let asker = Asker { client: self.client, key: &self.kept.hash_key };
        if upstream.queue.is_none() {
            return picker.pick(id, asker, &mut self.tried, now_us);
        }
        let picked = picker.pick_behind(id, asker, &mut self.tried, now_us);
        picked.map(|picked| upstream.tend(picked, shared))
    }

    /// Reserves the request on a further backend, if there is one for it.
    pub(crate) fn pick_another(
        &mut self,
        connection: &Connection,
        upstream: &Upstream,
    ) -> Option<Picked> {
        let (shared, id) = (&connection.shared, upstream.id?);
        let mut picker = shared.picker.borrow_mut();
        let asker = Asker { client: self.client, key: &self.kept.hash_key };
        let picked = picker.pick_another(id, asker, &mut self.tried, shared.now_us()).ok()?;
        Some(upstream.tend(picked, shared))
    }

    /// The picked backend is asked from here on.
    pub(crate) fn offer(&mut self, connection: &Connection, picked: &Picked) {
        self.backend = Some((picked.backend(), picked.incarnation()));
        let now_us = connection.shared.now_us();
        self.attempts.begin(picked.backend(), picked.incarnation(), now_us);
        connection.seat.hold(Held {
            backend: picked.backend(),
            incarnation: picked.incarnation(),
            since_us: self.started_us,
        });
    }

    /// What it holds of its backend is no request from here on, as long as the value lives.
    pub(crate) fn upgrade(&self, connection: &Connection) -> Option<Upgraded> {
        let (backend, incarnation) = self.backend?;
        connection.seat.hold(Held { backend, incarnation, since_us: watch::UPGRADED });
        Some(connection.shared.picker.borrow().upgrade(backend))
    }

    pub(crate) fn begin(&mut self, connection: &Connection) {
        self.started_us = connection.shared.refresh();
        self.client = connection.peer;
        self.tried = Tried::none();
        self.keepalive = Keepalive::default();
        self.has_replied = false;
        self.uptake = Uptake::Unknown;
        self.method_sent = self.request.method;
        self.place = None;
        self.refused_by = None;
        self.limited = Limited::default();
        self.admission = guard::Admission::Open;
        self.wanted = None;
        self.inspecting.begin();
        self.kept.way.begin();
        self.kept.request_id.clear();
        self.kept.beside.clear();
        self.kept.hash_key.clear();
        self.kept.vouched.clear();
        self.kept.told.clear();
        self.kept.cors_origin.clear();
        // What the last exchange sent is not this one's.
        self.to_backend.forget();
        self.to_client.forget();
        self.attempts.clear();
        self.response.head_bytes = 0;
        self.upstream = None;
        self.backend = None;
    }

    /// Marks a request whose head was refused: nothing of it can be relied on.
    pub(crate) fn refuse(&mut self, connection: &Connection) {
        self.begin(connection);
        self.request = Request::default();
        self.kept.forget();
        self.method = recent::Method::default();
        self.host = recent::Host::NONE;
        self.path = recent::Path::NONE;
        self.to_backend.start(Body::None, Coding::Same, 0);
    }

    /// Passes over a request that is not going anywhere. What of it has not come yet is not waited
    /// for: the connection ends with the answer then.
    pub(crate) fn pass_over(&mut self, connection: &mut Connection) -> Next {
        self.to_backend.start(self.request.body, Coding::Same, u64::MAX);
        let Some(mut buffer) = connection.unread.take() else { return Next::Linger };
        buffer.consume(self.request.head_bytes);
        let absorbed = self.to_backend.absorb(&mut buffer);
        if buffer.is_empty() {
            connection.shared.buffers.borrow_mut().give(buffer);
        } else {
            connection.unread = Some(buffer);
        }
        match absorbed {
            Ok(()) if self.to_backend.is_read() => Next::Request,
            Ok(()) | Err(_) => Next::Linger,
        }
    }

    /// Whether the request may be sent once more: nothing of it is lost, nobody has seen an answer,
    /// and the method allows it, the configuration insists on it, or nothing was sent.
    pub(crate) fn is_repeatable(&self, on: Conditions) -> bool {
        !self.has_replied
            && self.to_backend.is_repeatable()
            && (self.method_sent != Method::NonIdempotent
                || self.uptake == Uptake::Refused
                || on.holds(Condition::NonIdempotent)
                || self.to_backend.moved() == 0)
    }

    /// What a kept connection would be used for. A body that is still to come is lost with it.
    pub(crate) fn errand(&self, on: Conditions) -> Errand {
        let is_method_repeatable =
            self.method_sent != Method::NonIdempotent || on.holds(Condition::NonIdempotent);
        if is_method_repeatable && self.to_backend.is_read() {
            Errand::Repeatable
        } else {
            Errand::Once
        }
    }

    /// Makes ready to send the request once more.
    pub(crate) fn rewind(&mut self, buffers: &RefCell<Buffers>) {
        self.to_backend.rewind(buffers);
        self.uptake = Uptake::Unknown;
        self.response.head_bytes = 0;
        self.head_seen_bytes = 0;
        if let Some(buffer) = self.reply.take() {
            buffers.borrow_mut().give(buffer);
        }
    }

    pub(crate) fn is_head(&self) -> bool {
        self.request.method == Method::Head
    }

    /// What an answer of ours may be followed by.
    pub(crate) fn next_if_read(&mut self, connection: &mut Connection) -> Next {
        self.keep_rest(connection);
        if self.to_backend.is_source_done() { Next::Request } else { Next::Linger }
    }

    /// Bytes that were read behind the request are the next one's beginning.
    fn keep_rest(&mut self, connection: &mut Connection) {
        if let Some(rest) = self.to_backend.finish(&connection.shared.buffers) {
            debug_assert!(connection.unread.is_none(), "a body is read after what came with it");
            connection.unread = Some(rest);
        }
    }

    pub(crate) async fn blame(&mut self, connection: &mut Connection, fault: ClientFault) -> Next {
        match fault {
            ClientFault::Gone => {
                self.record(connection, CLIENT_GONE);
                Next::Close
            }
            ClientFault::Late | ClientFault::Malformed | ClientFault::TooLarge => {
                connection.answer(self, fault.status(), Next::Linger).await
            }
        }
    }

    /// Bytes of the request, head and body, that were read.
    pub(crate) fn request_bytes(&self) -> u64 {
        self.request.head_bytes as u64 + self.to_backend.taken()
    }

    /// Bytes of the backend's response that were read.
    pub(crate) fn reply_bytes(&self) -> u64 {
        self.response.head_bytes as u64 + self.to_client.taken()
    }

    /// The pump for an answer of the proxy's own, in place of whatever was to be sent.
    pub(crate) fn start_answer(&mut self) -> &mut Pump {
        self.to_client.start(Body::None, Coding::Same, 0);
        &mut self.to_client
    }

    /// Gives everything back that is not reused as it is.
    pub(crate) fn clear(&mut self, buffers: &RefCell<Buffers>) {
        let mut left = self.reply.take();
        for pump in [&mut self.to_client, &mut self.to_backend] {
            if let Some(buffer) = left.take() {
                buffers.borrow_mut().give(buffer);
            }
            if pump.is_holding() {
                left = pump.finish(buffers);
            }
        }
        if let Some(buffer) = left {
            buffers.borrow_mut().give(buffer);
        }
        self.to_backend.shed();
        self.held.clear();
        self.copies.clear();
        self.head_seen_bytes = 0;
    }
}

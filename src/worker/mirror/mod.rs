//! Copies of a route's requests, for whoever wants to see them: nginx's `mirror`
//! (ngx_http_mirror_module).
//!
//! A copy is made when the request has passed its guards, and goes its own way from there, in a task of
//! its own: it is asked no guards, is written down in no log, is not copied again, and its answer is
//! nobody's. The request waits for no copy, only for its own body where that is copied, too. What is
//! beyond a bound goes on without copies, and is counted.

mod errand;
pub(crate) mod source;

use std::cell::Cell;
use std::rc::Rc;

use super::connection::Connection;
use super::exchange::Exchange;
use super::generation::Generation;
use super::link;
use super::peer_text::PeerText;
use super::retarget::Rewrite;
use super::routing::Found;
use super::server::{Action, Place};
use super::shared::Shared;
use super::steps::Walk;
use super::stream::Stream;
use crate::config::limits;
use crate::config::limits::mirror::{AT_ONCE_MAX, BODY_BYTES_MAX, HELD_BYTES_MAX};
use crate::config::model::route::{self, Bodies};
use crate::http::framing::Body;
use crate::http::request::Parsed;
use crate::scoreboard::mirror::Count;
use crate::sys;
use errand::Errand;
use source::{Payload, Source};

pub(crate) struct Mirror {
    ways: Vec<Way>,
    bodies: Bodies,
}

enum Way {
    /// In the generation's list; else as the route says.
    Upstream(usize),
    /// A route is looked for by another path.
    Find(Rewrite),
}

/// What copies of all requests hold.
#[derive(Default)]
pub(crate) struct Copies {
    at_once: Rc<Cell<u32>>,
    held_bytes: Rc<Cell<usize>>,
}

/// Copies of one request that wait for its body.
#[derive(Default)]
pub(crate) struct Waiting(Vec<Errand>);

impl Waiting {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Their request has broken off, or is not one of which the body is read.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

impl Mirror {
    pub(crate) fn compile(mirror: &route::Mirror, named: impl Fn(&str) -> usize) -> Self {
        let way = |way: &route::MirrorWay| match way {
            route::MirrorWay::Upstream(upstream) => Way::Upstream(named(upstream)),
            route::MirrorWay::Find(rewrite) => Way::Find(Rewrite::compile(rewrite)),
        };
        Self { ways: mirror.ways.iter().map(way).collect(), bodies: mirror.bodies }
    }
}

impl Exchange {
    /// Copies the request, whose head is at the front of `connection.unread`. What has no body, or is
    /// copied without, goes at once.
    pub(crate) fn mirror(
        &mut self,
        connection: &Connection,
        generation: &Rc<Generation>,
        mirror: &Mirror,
    ) {
        let is_alone = match (self.request.body, mirror.bodies) {
            (Body::None | Body::Length(0), _) | (_, Bodies::LeftOut) => true,
            (Body::Length(_) | Body::Chunked | Body::UntilClose, Bodies::Copied) => false,
        };
        let is_too_long = match self.request.body {
            Body::Length(bytes) => bytes > BODY_BYTES_MAX as u64,
            Body::None | Body::Chunked | Body::UntilClose => false,
        };
        for way in &mirror.ways {
            if is_too_long && !is_alone {
                connection.shared.crew.mirrored(Count::Dropped);
                continue;
            }
            let errand = match self.copy(connection, generation, way) {
                Ok(errand) => errand,
                Err(Unmade::NoWay) => continue,
                Err(Unmade::Unseen) => {
                    connection.shared.crew.mirrored(Count::Dropped);
                    continue;
                }
                Err(Unmade::Bound) => {
                    drop_copy(&connection.shared, "as many copies as may be are under way");
                    continue;
                }
            };
            if is_alone {
                errand.send(None);
            } else {
                self.copies.0.push(errand);
            }
        }
    }

    /// The body is as far in memory as it is going to be.
    pub(crate) fn mirror_body(&mut self, shared: &Shared) {
        let errands = std::mem::take(&mut self.copies.0);
        if errands.is_empty() || !self.to_backend.is_kept_body_whole() {
            // Longer than what is copied: each counts as it is dropped.
            return;
        }
        let body = self.to_backend.kept_body();
        let held_bytes = &shared.copies.held_bytes;
        if held_bytes.get() + body.len() > HELD_BYTES_MAX {
            return drop_copy_of_body(shared);
        }
        let payload = Rc::new(Payload::new(body, held_bytes));
        for errand in errands {
            errand.send(Some(&payload));
        }
    }

    fn copy(
        &self,
        connection: &Connection,
        generation: &Rc<Generation>,
        way: &Way,
    ) -> Result<Errand, Unmade> {
        let shared = &connection.shared;
        if shared.seats.free_streams() == 0 {
            return Err(Unmade::Bound);
        }
        let place = link::Place::take(&shared.copies.at_once, AT_ONCE_MAX).ok_or(Unmade::Bound)?;
        let unread = connection.unread.as_ref().map_or(&b""[..], |buffer| buffer.content());
        let head = unread.get(..self.request.head_bytes).unwrap_or_default();
        let own = connection.of_copy(generation, head);
        let mut exchange = shared.take_exchange();
        exchange.begin(&own);
        let parsed = exchange.request.parse(head, limits::TARGET_BYTES_MAX);
        let Ok(Parsed::Complete) = parsed else { return Err(Unmade::NoWay) };
        exchange.method_sent = exchange.request.method;
        exchange.follow(self);
        let place_of_it = match way {
            Way::Upstream(upstream) => {
                exchange.kept.vouched.extend_from_slice(&self.kept.vouched);
                let place = self.place.ok_or(Unmade::NoWay)?;
                Place { upstream: Some(*upstream), ..place }
            }
            Way::Find(rewrite) => exchange.find_way(&own, generation, rewrite)?,
        };
        exchange.place = Some(place_of_it);
        Ok(Errand::new(own, exchange, place))
    }

    /// What was found out about the request holds for its copy.
    fn follow(&mut self, request: &Self) {
        self.client = request.client;
        self.method = request.method;
        self.host = request.host;
        self.path = request.path;
        self.place = request.place;
        let (own, kept) = (&mut self.kept, &request.kept);
        own.head.clone_from(&kept.head);
        own.uri.clone_from(&kept.uri);
        own.spans = kept.spans;
        own.way.clone_from(&kept.way);
        own.request_id.clone_from(&kept.request_id);
        // What the two neighbours agreed on is theirs alone.
        self.request.upgrade = None;
        self.request.expects_continue = false;
        self.request.drop_expectation();
    }

    /// Where another path leads, if that is to an upstream.
    fn find_way(
        &mut self,
        connection: &Connection,
        generation: &Generation,
        rewrite: &Rewrite,
    ) -> Result<Place, Unmade> {
        let found = self.again(connection, generation, rewrite);
        let (ground, route) = match found {
            Ok(Found::Route(ground, route)) => (ground, route),
            Ok(Found::Answer(..)) | Err(_) => return Err(Unmade::NoWay),
            // No copy is waited for.
            Ok(Found::Unseen(_)) => return Err(Unmade::Unseen),
        };
        let Action::Proxy(lead) = &route.action else { return Err(Unmade::NoWay) };
        let unread = connection.unread.as_ref().map_or(&b""[..], |buffer| buffer.content());
        let head = unread.get(..self.request.head_bytes).unwrap_or_default();
        let upstream = lead.choose(self, Walk { connection, ground, head });
        let place = self.place.ok_or(Unmade::NoWay)?;
        Ok(Place { upstream: Some(upstream), ..place })
    }
}

/// Why there is no copy.
enum Unmade {
    /// It leads to no upstream, which its steps may want: some requests are copied, and others not.
    NoWay,
    /// Its steps ask for files that are not in memory.
    Unseen,
    Bound,
}

fn drop_copy(shared: &Shared, why: &str) {
    shared.crew.mirrored(Count::Dropped);
    if shared.may_complain() {
        sys::log::warning!("worker", "mirror: {why}; a request goes without its copy");
    }
}

/// Each of them is counted where it ends.
fn drop_copy_of_body(shared: &Shared) {
    if shared.may_complain() {
        let text = "copies hold as much of bodies as they may; a request goes without its own";
        sys::log::warning!("worker", "mirror: {text}");
    }
}

impl Connection {
    /// For a copy of a request that came by this one: nobody is at its other end.
    fn of_copy(&self, generation: &Rc<Generation>, head: &[u8]) -> Self {
        let shared = Rc::clone(&self.shared);
        let seat = shared.seats.take_for_stream(shared.now_us(), limits::HEADER_READ_TIMEOUT_MS);
        let mut buffer = shared.buffers.borrow_mut().take_for_head();
        let put = buffer.put(head);
        debug_assert!(put == head.len(), "every head fits such a buffer");
        Self {
            number: self.number,
            client: Stream::Copy(Box::new(Source::of(&self.client))),
            shared,
            seat,
            peer: self.peer,
            peer_port: self.peer_port,
            peer_text: PeerText::new(self.peer),
            introduced: self.introduced.clone(),
            listener: Rc::clone(&self.listener),
            unread: Some(buffer),
            served: self.served,
            generation: Some(Rc::clone(generation)),
        }
    }
}

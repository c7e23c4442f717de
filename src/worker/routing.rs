//! Where a request goes: its server and route, whom it comes from, and what is kept of it for texts
//! that are rendered later.
//!
//! All that is refused for what the request's head says is refused here; nothing is sent yet.

use super::connection::Connection;
use super::exchange::{Exchange, METHOD_NOT_ALLOWED, NOT_FOUND, OWN_WORD};
use super::generation::Generation;
use super::guard::Admission;
use super::retarget::Rewrite;
use super::server::{Ground, Place, RealIp, Route, Server};
use super::shape::{Identity, Shape};
use super::steps::{self, Answer, Course, Steps, Walk};
use super::variables::{Facts, Groups};
use super::way::Way;
use crate::config::limits::tables::STEPS_ROUTES_MAX;
use crate::http;
use crate::http::client_ip;
use crate::http::framing::Body;
use crate::http::target;
use crate::scoreboard::recent;

const TOO_LARGE: u16 = 413;
/// Its steps send it from route to route.
const IN_CIRCLES: u16 = 500;
/// The client may come back on a connection of its own (RFC 9110, 15.5.20).
const MISDIRECTED: u16 = 421;

/// Of an id that a trusted peer gave a request; a longer one is replaced.
const REQUEST_ID_BYTES_MAX: usize = 128;

/// What a request has found.
pub(crate) enum Found<'g> {
    Route(Ground<'g>, &'g Route),
    /// A step is all that there is for it.
    Answer(Ground<'g>, &'g Answer),
    /// What a step asks of files has to be found out first; where it goes on then.
    Unseen(Resumption),
}

/// Where the search for a request's route begins once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resumption {
    /// With its server's steps.
    Server,
    /// With the steps of the route that it has come to.
    Route,
}

/// What steps have come to.
enum Taken<'g> {
    On,
    Answered(&'g Answer),
    Waits,
}

impl Exchange {
    /// Finds the request's server and route. An error is the answer's status.
    pub(crate) fn route<'g>(
        &mut self,
        connection: &Connection,
        generation: &'g Generation,
    ) -> Result<Found<'g>, u16> {
        let Some(buffer) = &connection.unread else { return Err(400) };
        // The last proxy that such a request may reach answers it (RFC 9110, 7.6.2).
        if self.request.max_forwards == Some(0) {
            return Err(OWN_WORD);
        }
        let head = &buffer.content()[..self.request.head_bytes];
        let path = target::path(self.request.path_and_query.in_bytes(head));
        self.path = recent::Path::new(path);
        let authority = self.request.host.map_or(&b""[..], |host| host.in_bytes(head));
        self.method = recent::Method::of(self.request.method_name.in_bytes(head));
        self.host = recent::Host::new(authority);
        let place = generation.find(&connection.listener, authority).ok_or(NOT_FOUND)?;
        let server = generation.server(place);
        if !server.admits(&connection.client) {
            return Err(MISDIRECTED);
        }
        self.keepalive = server.client.keepalive;
        if let Some(real_ip) = trusted(connection, server) {
            let values = self.request.values(head, &real_ip.header);
            self.client = client_ip::resolve(connection.peer, values, &real_ip.trusted);
        }
        if server.has_steps {
            return self.walk(connection, generation, (place, head));
        }
        let route = target::normalise(path, &mut self.kept.uri)
            .map(|path| server.find(path, &mut self.kept.spans));
        let place = Place { server: place, route: route.ok().flatten(), upstream: None };
        self.place = Some(place);
        let ground = generation.ground(place);
        self.keep(connection, server, ground.shape(), head);
        route.map_err(http::Error::status)?;
        self.admit(ground, head)
    }

    /// Whether its route serves it.
    fn admit<'g>(&self, ground: Ground<'g>, head: &[u8]) -> Result<Found<'g>, u16> {
        let route = ground.route.ok_or(NOT_FOUND)?;
        self.may_come_to(route)?;
        if !route.serves(self.request.method_name.in_bytes(head)) {
            return Err(METHOD_NOT_ALLOWED);
        }
        match self.request.body {
            Body::Length(length) if length > route.limits.client.body_bytes_max => Err(TOO_LARGE),
            Body::None | Body::Length(_) | Body::Chunked | Body::UntilClose => {
                Ok(Found::Route(ground, route))
            }
        }
    }

    /// Whether a route is open to it: some are only for what was sent there from within.
    fn may_come_to(&self, route: &Route) -> Result<(), u16> {
        if route.is_internal && !self.kept.way.is_rewritten { Err(NOT_FOUND) } else { Ok(()) }
    }

    /// The same where there are steps: those of the server, and of each route that it comes to.
    fn walk<'g>(
        &mut self,
        connection: &Connection,
        generation: &'g Generation,
        (server_place, head): (usize, &[u8]),
    ) -> Result<Found<'g>, u16> {
        let server = generation.server(server_place);
        let path = target::path(self.request.path_and_query.in_bytes(head));
        let normal = target::write_normal(path, &mut self.kept.uri);
        let place = Place { server: server_place, route: None, upstream: None };
        let ground = self.arrive(connection, (generation, place), head);
        normal.map_err(http::Error::status)?;
        match self.take(&server.steps, Walk { connection, ground, head })? {
            Taken::Answered(answer) => return Ok(Found::Answer(ground, answer)),
            Taken::Waits => return Ok(Found::Unseen(Resumption::Server)),
            Taken::On => {}
        }
        self.settle(connection, (generation, server_place), head)
    }

    /// Goes on where something had to be found out, which is known from here on.
    pub(crate) fn resume<'g>(
        &mut self,
        connection: &Connection,
        generation: &'g Generation,
        from: Resumption,
    ) -> Result<Found<'g>, u16> {
        let (Some(place), Some(buffer)) = (self.place, &connection.unread) else { return Err(400) };
        let head = &buffer.content()[..self.request.head_bytes];
        match from {
            Resumption::Server => {
                self.kept.way.begin_again();
                self.walk(connection, generation, (place.server, head))
            }
            Resumption::Route => self.settle(connection, (generation, place.server), head),
        }
    }

    /// Nothing was there for it in its route: another one is looked for, by another path.
    pub(crate) fn again<'g>(
        &mut self,
        connection: &Connection,
        generation: &'g Generation,
        rewrite: &Rewrite,
    ) -> Result<Found<'g>, u16> {
        let (Some(place), Some(buffer)) = (self.place, &connection.unread) else { return Err(400) };
        let head = &buffer.content()[..self.request.head_bytes];
        // What the last route's guards had to say is not the next one's.
        self.admission = Admission::Open;
        self.kept.beside.clear();
        self.kept.vouched.clear();
        self.kept.cors_origin.clear();
        let walk = Walk { connection, ground: generation.ground(place), head };
        let _always_meant = steps::rewritten(rewrite, self, walk, None)?;
        self.settle(connection, (generation, place.server), head)
    }

    /// Goes from route to route, as their steps say.
    fn settle<'g>(
        &mut self,
        connection: &Connection,
        (generation, server_place): (&'g Generation, usize),
        head: &[u8],
    ) -> Result<Found<'g>, u16> {
        let server = generation.server(server_place);
        while self.kept.way.routes <= STEPS_ROUTES_MAX {
            self.kept.way.routes += 1;
            self.kept.way.is_to_be_found = false;
            self.kept.way.is_matched_apart = false;
            let route = server.find(&self.kept.uri, &mut self.kept.spans);
            let place = Place { server: server_place, route, upstream: None };
            let ground = self.arrive(connection, (generation, place), head);
            ground.route.map_or(Ok(()), |route| self.may_come_to(route))?;
            let steps = ground.route.map(|route| &route.steps).filter(|steps| !steps.is_empty());
            if let Some(steps) = steps {
                // What steps have done is done once more.
                let before = steps.looks.then(|| (self.kept.uri.clone(), self.kept.way.clone()));
                match self.take(steps, Walk { connection, ground, head })? {
                    Taken::Answered(answer) => return Ok(Found::Answer(ground, answer)),
                    Taken::Waits => {
                        self.undo(before);
                        return Ok(Found::Unseen(Resumption::Route));
                    }
                    Taken::On => {}
                }
            }
            if !self.kept.way.is_to_be_found {
                return self.admit(ground, head);
            }
        }
        Err(IN_CIRCLES)
    }

    /// It is in a route, or in none of its server yet.
    fn arrive<'g>(
        &mut self,
        connection: &Connection,
        (generation, place): (&'g Generation, Place),
        head: &[u8],
    ) -> Ground<'g> {
        self.place = Some(place);
        let ground = generation.ground(place);
        self.keep(connection, ground.server, ground.shape(), head);
        ground
    }

    fn take<'g>(&mut self, steps: &'g Steps, walk: Walk<'_>) -> Result<Taken<'g>, u16> {
        Ok(match steps.run(self, walk)? {
            Course::Through | Course::Stopped => Taken::On,
            Course::Answered(answer) => Taken::Answered(answer),
            Course::Waits => Taken::Waits,
        })
    }

    /// Takes back what the steps of a route have done, but for what they ask of files.
    fn undo(&mut self, before: Option<(Vec<u8>, Way)>) {
        let Some((uri, way)) = before else { return };
        let after = std::mem::replace(&mut self.kept.way, way);
        self.kept.way.looks = after.looks;
        self.kept.way.routes = self.kept.way.routes.saturating_sub(1);
        self.kept.uri = uri;
    }

    /// Keeps what the route's texts are going to ask for.
    fn keep(&mut self, connection: &Connection, server: &Server, shape: &Shape, head: &[u8]) {
        if shape.keeps.head {
            self.kept.head.clear();
            self.kept.head.extend_from_slice(head);
        }
        // Where steps are done it is there already, and may be theirs.
        if shape.keeps.path && !server.has_steps && !self.kept.way.is_rewritten {
            let path = target::path(self.request.path_and_query.in_bytes(head));
            if target::write_normal(path, &mut self.kept.uri).is_err() {
                self.kept.uri.clear();
            }
        }
        self.wanted = self.wanted(shape, head);
        match &shape.identity {
            Identity::None => {}
            // A request has one, however many routes it comes to.
            Identity::Drawn if !self.kept.request_id.is_empty() => {}
            Identity::Drawn => self.draw_id(connection),
            Identity::Carried(header) => {
                let peers = trusted(connection, server)
                    .and_then(|_| self.request.values(head, header).next())
                    .filter(|id| is_id(id));
                match peers {
                    Some(id) => {
                        self.kept.request_id.clear();
                        self.kept.request_id.extend_from_slice(id);
                    }
                    None if !self.kept.request_id.is_empty() => {}
                    None => self.draw_id(connection),
                }
            }
        }
    }

    /// nginx's form: 32 hexadecimal digits.
    fn draw_id(&mut self, connection: &Connection) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let words = [connection.shared.draw(), connection.shared.draw()];
        let bytes = words.into_iter().flat_map(u64::to_be_bytes);
        self.kept.request_id.clear();
        self.kept.request_id.extend(
            bytes.flat_map(|byte| [byte >> 4, byte & 15].map(|digit| DIGITS[usize::from(digit)])),
        );
    }

    /// What is known about the request, for rendering; `heads` are those of request and response.
    pub(crate) fn facts<'a>(
        &'a self,
        connection: &'a Connection,
        ground: Ground<'a>,
        heads: (&'a [u8], &'a [u8]),
        status: u16,
    ) -> Facts<'a> {
        Facts {
            connection,
            exchange: self,
            head: heads.0,
            reply_head: heads.1,
            server_name: &ground.server.name,
            upstream_name: ground.upstream_name,
            tables: &ground.server.tables,
            groups: Groups { subject: self.kept.subject(), spans: &self.kept.spans },
            status,
        }
    }
}

/// The server's trust in proxies, if the connection's peer is one of them.
pub(crate) fn trusted<'g>(connection: &Connection, server: &'g Server) -> Option<&'g RealIp> {
    let real_ip = server.real_ip.as_ref()?;
    client_ip::is_trusted(&real_ip.trusted, connection.peer).then_some(real_ip)
}

/// Visible ASCII, and not too much of it.
fn is_id(id: &[u8]) -> bool {
    !id.is_empty() && id.len() <= REQUEST_ID_BYTES_MAX && id.iter().all(u8::is_ascii_graphic)
}

//! Somebody else decides: a request about the request, to an upstream of its own; nginx's
//! `auth_request` (ngx_http_auth_request_module).
//!
//! 2xx lets it pass, 401 and 403 are passed on with their challenge, anything else is our 500. The
//! question has the lines of the request, and none of its body. What a rule takes from the answer
//! stands in place of whatever the client sent by that name.

use super::super::connection::Connection;
use super::super::generation::Upstream;
use super::super::offer;
use super::super::pick::Picked;
use super::super::server::{Ground, Route, Site};
use super::super::transfer::Coding;
use super::super::variables::{self, Manner};
use super::super::{backend, routing, shape};
use super::{Exchange, Gauntlet, Refusal, Verdict};
use crate::config::limits;
use crate::config::model::Config;
use crate::config::model::guard::{AuthRequest, Taken};
use crate::config::template::Template;
use crate::http::framing::Body;
use crate::http::head::Kind;
use crate::http::request::Parsed;
use crate::http::rewrite::{self, Changes, Forwarding};
use crate::scoreboard::refusal::Reason;

const BROKEN: u16 = 500;
const CHALLENGE: &str = "www-authenticate";

/// Of a request, lines that would make the question another one: conditions and ranges are about the
/// answer that the client wants.
const LEFT_OUT: [&str; 7] = [
    "if-match",
    "if-none-match",
    "if-modified-since",
    "if-unmodified-since",
    "if-range",
    "range",
    "accept-encoding",
];

/// What tells who is asked what the question is about.
const OURS: [&str; 2] = ["X-Original-Method", "X-Original-URI"];

pub(crate) struct Ask {
    /// In the generation's list.
    upstream: usize,
    target: Template,
    taken: Vec<Taken>,
}

/// What came of asking.
enum Answer {
    Status(u16),
    /// Nobody answered.
    None,
}

impl Ask {
    pub(super) fn compile(auth: &AuthRequest, config: &Config) -> Self {
        let named = config.upstreams.iter().position(|known| known.name == auth.upstream);
        Self {
            upstream: named.expect("the configuration's check resolves every upstream"),
            target: auth.path.clone(),
            taken: auth.taken.clone(),
        }
    }

    /// Asks, and takes what the rules are for from the answer.
    pub(super) async fn ask(
        &self,
        connection: &mut Connection,
        exchange: &mut Exchange,
        gauntlet: Gauntlet<'_>,
    ) -> Verdict {
        let Gauntlet { generation, ground, .. } = gauntlet;
        let refuse = |status| Verdict::Refuse(Refusal { reason: Reason::Auth, status });
        let Some(route) = ground.route else { return refuse(BROKEN) };
        let mut question = connection.shared.take_exchange();
        let road = Road { ground, route };
        let answer = if self.pose(connection, exchange, &mut question, road) {
            run(connection, &mut question, road, generation.upstream(self.upstream)).await
        } else {
            Answer::None
        };
        let verdict = match answer {
            Answer::Status(200..=299) => {
                self.take(connection, exchange, &mut question, ground);
                Verdict::Pass
            }
            Answer::Status(status @ (401 | 403)) => {
                pass_challenge(exchange, &question);
                refuse(status)
            }
            Answer::Status(_) | Answer::None => refuse(BROKEN),
        };
        question.clear(&connection.shared.buffers);
        connection.shared.give_exchange(question);
        verdict
    }

    /// Writes the question's head; whether it could be.
    fn pose(
        &self,
        connection: &Connection,
        exchange: &Exchange,
        question: &mut Exchange,
        road: Road<'_>,
    ) -> bool {
        question.begin(connection);
        question.client = exchange.client;
        let unread = connection.unread.as_ref().map_or(&b""[..], |buffer| buffer.content());
        let Some(head) = unread.get(..exchange.request.head_bytes) else { return false };
        let facts = exchange.facts(connection, road.ground, (head, b""), 0);
        let mut text = std::mem::take(&mut question.kept.head);
        text.clear();
        text.extend_from_slice(b"GET ");
        variables::render(&mut text, &self.target, &facts, Manner::Query);
        text.extend_from_slice(b" HTTP/1.1\r\n");
        for header in &exchange.request.headers {
            let name = header.name.in_bytes(head);
            let is_kept = matches!(
                    header.kind,
                    Kind::Other | Kind::Host | Kind::ForwardedFor | Kind::ForwardedProto
                ) && !LEFT_OUT.iter().any(|other| name.eq_ignore_ascii_case(other.as_bytes()))
                    // Ours alone to say, and nobody who is asked may take another line for them.
                    && !OURS.iter().any(|own| shape::passes_for(header, head, own));
            if is_kept {
                line(&mut text, name, header.value.in_bytes(head));
            }
        }
        if exchange.request.host.is_none() {
            line(&mut text, b"Host", road.ground.server.name.as_bytes());
        }
        line(&mut text, OURS[0].as_bytes(), exchange.request.method_name.in_bytes(head));
        line(&mut text, OURS[1].as_bytes(), exchange.request.path_and_query.in_bytes(head));
        text.extend_from_slice(b"\r\n");
        let parsed = question.request.parse(&text, limits::TARGET_BYTES_MAX);
        let is_posed = matches!(parsed, Ok(Parsed::Complete));
        if is_posed {
            let forwarding = Forwarding {
                peer: connection.peer_text.as_bytes(),
                host: road.ground.server.name.as_bytes(),
                scheme: connection.client.scheme(),
                is_peer_trusted: routing::trusted(connection, road.ground.server).is_some(),
                changes: Changes::default(),
            };
            question.to_backend.start(Body::None, Coding::Same, 0);
            let out = &mut question.to_backend.head;
            rewrite::request(out, &text, &question.request, forwarding);
        }
        question.kept.head = text;
        is_posed
    }

    /// Renders what the rules take from the answer as lines for the backend.
    fn take(
        &self,
        connection: &Connection,
        exchange: &mut Exchange,
        question: &mut Exchange,
        ground: Ground<'_>,
    ) {
        let Some(reply) = &question.reply else { return };
        let reply_head = reply.content().get(..question.response.head_bytes).unwrap_or_default();
        let mut lines = std::mem::take(&mut exchange.kept.vouched);
        // The variables of an answer are those of the question's, as long as the request has none.
        std::mem::swap(&mut exchange.response, &mut question.response);
        let unread = connection.unread.as_ref().map_or(&b""[..], |buffer| buffer.content());
        let head = unread.get(..exchange.request.head_bytes).unwrap_or_default();
        let facts = exchange.facts(connection, ground, (head, reply_head), 0);
        for taken in &self.taken {
            shape::line(&mut lines, &taken.name, |out| {
                variables::render(out, &taken.value, &facts, Manner::Line);
            });
        }
        std::mem::swap(&mut exchange.response, &mut question.response);
        for taken in &self.taken {
            shape::mark(&mut exchange.request.headers, head, &taken.name);
        }
        exchange.kept.vouched = lines;
    }
}

/// Whose question it is.
#[derive(Clone, Copy)]
struct Road<'g> {
    ground: Ground<'g>,
    route: &'g Route,
}

/// Offers the question to backends, as `offer` does with requests.
async fn run(
    connection: &mut Connection,
    question: &mut Exchange,
    road: Road<'_>,
    upstream: &Upstream,
) -> Answer {
    let site = Site { server: road.ground.server, route: road.route, upstream };
    let Ok(mut picked) = question.pick(connection, upstream) else { return Answer::None };
    let mut retries = 0;
    loop {
        question.offer(connection, &picked);
        let asked = Box::pin(backend::ask(connection, question, &site, &picked)).await;
        let fault = match asked {
            Ok(link) => {
                let status = question.response.status;
                finish(connection, question, picked, (upstream, link));
                return Answer::Status(status);
            }
            Err(fault) => fault,
        };
        let another = offer::another(connection, question, upstream, fault, retries);
        offer::leave(connection, question, picked, fault);
        let Some(next) = another else { return Answer::None };
        question.rewind(&connection.shared.buffers);
        picked = next;
        retries += 1;
    }
}

/// Counts the answer. Its body is nobody's: a connection that has one to bring is not kept.
fn finish(
    connection: &Connection,
    question: &mut Exchange,
    picked: Picked,
    (upstream, link): (&Upstream, super::super::link::Link),
) {
    let response = &question.response;
    let is_over = response.body == Body::None || response.body == Body::Length(0);
    let is_alone =
        question.reply.as_ref().is_none_or(|reply| reply.content().len() == response.head_bytes);
    if is_over && is_alone && response.persistence == crate::http::head::Persistence::KeepAlive {
        offer::park(connection, upstream, &picked, link);
    }
    question.answered(connection, picked);
}

fn pass_challenge(exchange: &mut Exchange, question: &Exchange) {
    let Some(reply) = &question.reply else { return };
    let head = reply.content().get(..question.response.head_bytes).unwrap_or_default();
    for header in &question.response.headers {
        let name = header.name.in_bytes(head);
        if name.eq_ignore_ascii_case(CHALLENGE.as_bytes()) {
            line(&mut exchange.kept.beside, b"WWW-Authenticate", header.value.in_bytes(head));
        }
    }
}

fn line(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

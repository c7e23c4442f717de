//! Somebody else decides: a request about the request, to an upstream of its own; nginx's
//! `auth_request` (ngx_http_auth_request_module).
//!
//! 2xx lets it pass, 401 and 403 are passed on with their challenge, anything else is our 500. The
//! question has the lines of the request, and none of its body. What a rule takes from the answer for
//! the backend stands in place of whatever the client sent by that name.

use super::super::connection::Connection;
use super::super::generation::Upstream;
use super::super::offer;
use super::super::pick::Picked;
use super::super::server::{Ground, Route, Site};
use super::super::transfer::Coding;
use super::super::variables::{self, Facts, Manner};
use super::super::{backend, routing, shape};
use super::{Exchange, Gauntlet, Refusal, Verdict};
use crate::config::limits;
use crate::config::model::Config;
use crate::config::model::guard::{AuthRequest, Taken};
use crate::config::template::Template;
use crate::http::framing::Body;
use crate::http::head::{Header, Kind};
use crate::http::request::Parsed;
use crate::http::rewrite::{self, Changes, Forwarding};
use crate::http::target;
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
    sent: Vec<Taken>,
    taken: Vec<Taken>,
    told: Vec<Taken>,
}

/// What a question says of its own; a question waits for somebody else, so it may allocate.
#[derive(Default)]
struct Own {
    host: Option<Vec<u8>>,
    lines: Vec<u8>,
}

impl Own {
    fn has_good_host(&self) -> bool {
        self.host.as_deref().is_none_or(target::is_authority)
    }
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
            sent: auth.sent.clone(),
            taken: auth.taken.clone(),
            told: auth.told.clone(),
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
        for header in exchange.request.headers.iter().filter(|header| self.is_kept(header, head)) {
            line(&mut text, header.name.in_bytes(head), header.value.in_bytes(head));
        }
        let request = &exchange.request;
        if request.host.is_none() {
            line(&mut text, b"Host", road.ground.server.name.as_bytes());
        }
        let about = [request.method_name, request.path_and_query];
        for (name, value) in OURS.iter().zip(about).filter(|(name, _)| !self.sends(name)) {
            line(&mut text, name.as_bytes(), value.in_bytes(head));
        }
        text.extend_from_slice(b"\r\n");
        let mut own = Own::default();
        self.render(&mut own, &facts);
        let parsed = question.request.parse(&text, limits::TARGET_BYTES_MAX);
        let is_posed = matches!(parsed, Ok(Parsed::Complete)) && own.has_good_host();
        question.method_sent = question.request.method;
        if is_posed {
            let forwarding = Forwarding {
                peer: connection.peer_text.as_bytes(),
                host: road.ground.server.name.as_bytes(),
                scheme: connection.client.scheme(),
                is_peer_trusted: routing::trusted(connection, road.ground.server).is_some(),
                changes: Changes {
                    host: own.host.as_deref(),
                    decides_forwarded_for: self.sends("x-forwarded-for"),
                    decides_forwarded_proto: self.sends("x-forwarded-proto"),
                    lines: &own.lines,
                    ..Changes::default()
                },
            };
            question.to_backend.start(Body::None, Coding::Same, 0);
            let out = &mut question.to_backend.head;
            rewrite::request(out, &text, &question.request, forwarding);
        }
        question.kept.head = text;
        is_posed
    }

    /// Whether a line of the client's is one of the question's, too.
    fn is_kept(&self, header: &Header, head: &[u8]) -> bool {
        let name = header.name.in_bytes(head);
        let of_question = matches!(
            header.kind,
            Kind::Other | Kind::Host | Kind::ForwardedFor | Kind::ForwardedProto
        );
        let is_other = || LEFT_OUT.iter().any(|other| name.eq_ignore_ascii_case(other.as_bytes()));
        // Ours alone to say, and nobody who is asked may take another line for them.
        let sent = self.sent.iter().map(|own| own.name.as_str());
        let mut ours = OURS.into_iter().chain(sent.filter(|own| !own.eq_ignore_ascii_case("host")));
        of_question && !is_other() && !ours.any(|own| shape::passes_for(header, head, own))
    }

    /// The lines that the question has in place of the client's.
    fn render(&self, own: &mut Own, facts: &Facts<'_>) {
        for sent in &self.sent {
            if sent.name.eq_ignore_ascii_case("host") {
                let mut host = Vec::new();
                variables::render(&mut host, &sent.value, facts, Manner::Line);
                own.host = Some(host);
            } else {
                shape::line(&mut own.lines, &sent.name, |out| {
                    variables::render(out, &sent.value, facts, Manner::Line);
                });
            }
        }
    }

    fn sends(&self, name: &str) -> bool {
        self.sent.iter().any(|own| own.name.eq_ignore_ascii_case(name))
    }

    /// Renders what the rules take from the answer as lines for the backend, and for the client.
    fn take(
        &self,
        connection: &Connection,
        exchange: &mut Exchange,
        question: &mut Exchange,
        ground: Ground<'_>,
    ) {
        let Some(reply) = &question.reply else { return };
        let reply_head = reply.content().get(..question.response.head_bytes).unwrap_or_default();
        let mut vouched = std::mem::take(&mut exchange.kept.vouched);
        let mut told = std::mem::take(&mut exchange.kept.told);
        // The variables of an answer are those of the question's, as long as the request has none.
        std::mem::swap(&mut exchange.response, &mut question.response);
        let unread = connection.unread.as_ref().map_or(&b""[..], |buffer| buffer.content());
        let head = unread.get(..exchange.request.head_bytes).unwrap_or_default();
        let facts = exchange.facts(connection, ground, (head, reply_head), 0);
        for (lines, rules) in [(&mut vouched, &self.taken), (&mut told, &self.told)] {
            for rule in rules {
                shape::line(lines, &rule.name, |out| {
                    variables::render(out, &rule.value, &facts, Manner::Line);
                });
            }
        }
        std::mem::swap(&mut exchange.response, &mut question.response);
        for taken in &self.taken {
            shape::mark(&mut exchange.request.headers, head, &taken.name);
        }
        exchange.kept.vouched = vouched;
        exchange.kept.told = told;
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

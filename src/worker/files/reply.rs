//! The head of an answer with a file, a part of it, or a listing: what the request's conditions come
//! to, and what clients are told about the file.

use super::super::answer::{SERVER, Written};
use super::super::compress::{self, Answer, Choice};
use super::super::connection::{Connection, Next};
use super::super::exchange::Exchange;
use super::super::server::Ground;
use super::super::shape;
use super::super::transfer::throttle::Throttle;
use super::body;
use super::search::{Contents, Opened};
use super::{Files, Served};
use crate::config::limits;
use crate::config::model::files::{Coding, Expires, Freshness, Listing};
use crate::http::date;
use crate::http::escape::{self, Place};
use crate::http::framing::Body;
use crate::http::mime;
use crate::http::multipart::{self, Multipart};
use crate::http::ranges::{self, Part, Wanted};
use crate::http::rewrite::{self, Own, Reply};
use crate::http::target;
use crate::http::validators::{self, Conditions, Validators, Verdict};

const MOVED: u16 = 301;
const NOT_MODIFIED: u16 = 304;
const PRECONDITION_FAILED: u16 = 412;
const RANGE_NOT_SATISFIABLE: u16 = 416;

/// nginx's dates for what never and always lasts.
const EPOCH: &[u8] = b"Thu, 01 Jan 1970 00:00:01 GMT";
const FAR: &[u8] = b"Thu, 31 Dec 2037 23:55:55 GMT";
const FAR_SECONDS: u64 = 315_360_000;

/// A folder is at its path with a slash. The way there is a path, not a URL: what the client calls
/// this place it knows best.
pub(super) fn redirect<'f>(
    connection: &Connection,
    exchange: &mut Exchange,
    (ground, files): (Ground<'_>, &Files),
    at: usize,
) -> Served<'f> {
    let kept = &mut exchange.kept;
    let head = connection.unread.as_ref().map_or(&b""[..], |it| it.content());
    let target = exchange.request.path_and_query.in_bytes(head);
    let query = &target[target::path(target).len()..];
    // Two slashes would be a host.
    let slashes = kept.quest.uri(at).iter().take_while(|&&byte| byte == b'/').count();
    shape::line(&mut kept.beside, "Location", |out| {
        out.push(b'/');
        let start = out.len();
        out.extend_from_slice(&kept.quest.uri(at)[slashes..]);
        escape::tail(out, start, Place::Path);
        out.push(b'/');
        // A question without a word asks nothing.
        if query.len() > 1 {
            out.extend_from_slice(query);
        }
    });
    write_freshness(&mut kept.beside, &files.freshness, ground, wall_s(connection));
    Served::Status(MOVED)
}

/// What is sent of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    Nothing,
    Whole,
    /// Those in the exchange's list.
    Parts,
}

pub(super) fn file<'f>(
    connection: &mut Connection,
    exchange: &mut Exchange,
    (ground, files): (Ground<'_>, &Files),
    (file, coding): (Opened, Option<Coding>),
    name: &[u8],
) -> Served<'f> {
    let content_type = mime::of(name, &files.types.own).unwrap_or(&files.types.default);
    let bytes = file.stamp.bytes;
    let validators = Validators { modified_s: file.stamp.modified.0, bytes };
    let head = connection.unread.as_ref().map_or(&b""[..], |it| it.content());
    let conditions = Conditions::read(&exchange.request.headers, head);
    let verdict = validators::judge(&conditions, Some(validators));
    if verdict == Verdict::Failed {
        return Served::Status(PRECONDITION_FAILED);
    }
    let choice = match coding {
        None => {
            let content_type = content_type.as_bytes();
            let answer = Answer { status: 200, content_type, bytes: Some(bytes) };
            exchange.choose(connection, ground.shape(), answer)
        }
        Some(_) => Choice::AsItIs,
    };
    let extent = match verdict {
        Verdict::NotModified | Verdict::Failed => Extent::Nothing,
        Verdict::Send if choice.is_compressed() => Extent::Whole,
        Verdict::Send => match wanted(&conditions, validators, files.ranges_max, exchange) {
            Wanted::Whole => Extent::Whole,
            Wanted::Parts => Extent::Parts,
            Wanted::Nothing => {
                shape::line(&mut exchange.kept.beside, "Content-Range", |out| {
                    multipart::write_range(out, None, bytes);
                });
                let lines = &mut exchange.kept.beside;
                write_freshness(lines, &files.freshness, ground, wall_s(connection));
                return Served::Status(RANGE_NOT_SATISFIABLE);
            }
        },
    };
    let next = exchange.pass_over(connection);
    exchange.kept.begin_lines();
    let mut lines = std::mem::take(&mut exchange.kept.lines);
    let told = Told { validators, extent, coding, files, ground };
    told.write(&mut lines, &choice, &exchange.kept.parts);
    write_freshness(&mut lines, &files.freshness, ground, wall_s(connection));
    exchange.kept.lines = lines;
    let sending = Sending { extent, content_type, choice, ground, next };
    Served::Written(sending.start(connection, exchange, file))
}

fn wanted(
    conditions: &Conditions<'_>,
    validators: Validators,
    parts_max: usize,
    exchange: &mut Exchange,
) -> Wanted {
    match conditions.range {
        Some(range) if validators::may_be_parted(conditions.if_range, validators) => {
            ranges::parse(range, validators.bytes, parts_max, &mut exchange.kept.parts)
        }
        Some(_) | None => Wanted::Whole,
    }
}

/// What clients are told about a file.
struct Told<'a> {
    validators: Validators,
    extent: Extent,
    coding: Option<Coding>,
    files: &'a Files,
    ground: Ground<'a>,
}

impl Told<'_> {
    fn write(&self, lines: &mut Vec<u8>, choice: &Choice, parts: &[Part]) {
        if tells(self.ground, "last-modified") {
            shape::line(lines, "Last-Modified", |out| out.extend_from_slice(&self.modified()));
        }
        let tag = self.validators.tag();
        if tells(self.ground, "etag") {
            if choice.is_compressed() {
                compress::write_weak_tag(lines, tag.as_bytes());
            } else {
                shape::line(lines, "ETag", |out| out.extend_from_slice(tag.as_bytes()));
            }
        }
        match (self.extent, choice, parts) {
            (Extent::Whole, Choice::AsItIs | Choice::Plain, _) if self.files.ranges_max > 0 => {
                lines.extend_from_slice(b"Accept-Ranges: bytes\r\n");
            }
            (Extent::Parts, _, [part]) => shape::line(lines, "Content-Range", |out| {
                multipart::write_range(out, Some(*part), self.validators.bytes);
            }),
            (Extent::Nothing | Extent::Whole | Extent::Parts, _, _) => {}
        }
        let coding = match choice {
            Choice::Compressed(coding, _) => Some(*coding),
            Choice::AsItIs | Choice::Plain => self.coding,
        };
        if let Some(coding) = coding.filter(|_| self.extent != Extent::Nothing) {
            compress::write_coding(lines, coding);
        }
        let has_others = !self.files.precompressed.is_empty() || !matches!(choice, Choice::AsItIs);
        if has_others && tells(self.ground, "vary") {
            lines.extend_from_slice(compress::VARY);
        }
    }

    fn modified(&self) -> [u8; date::DATE_BYTES] {
        date::imf_fixdate(u64::try_from(self.validators.modified_s).unwrap_or(0))
    }
}

/// Whether the route leaves that line to us.
fn tells(ground: Ground<'_>, name: &str) -> bool {
    let rules = &ground.shape().response;
    rules.is_empty() || !rules.decide(name)
}

fn wall_s(connection: &Connection) -> u64 {
    connection.shared.wall_us() / 1_000_000
}

/// Appends what is said of how long a file stays as it is, at `now_s` of the wall clock.
fn write_freshness(lines: &mut Vec<u8>, freshness: &Freshness, ground: Ground<'_>, now_s: u64) {
    let Freshness { expires, cache_control } = freshness;
    if let Some(expires) = expires
        && tells(ground, "expires")
    {
        shape::line(lines, "Expires", |out| match expires {
            Expires::AfterSeconds(seconds) => {
                out.extend_from_slice(&date::imf_fixdate(now_s + seconds));
            }
            Expires::Epoch => out.extend_from_slice(EPOCH),
            Expires::Max => out.extend_from_slice(FAR),
        });
    }
    if !tells(ground, "cache-control") {
        return;
    }
    shape::line(lines, "Cache-Control", |out| {
        let max_age = match (cache_control, expires) {
            (Some(text), _) => return out.extend_from_slice(text.as_bytes()),
            (None, None) => return,
            (None, Some(Expires::Epoch)) => return out.extend_from_slice(b"no-cache"),
            (None, Some(Expires::AfterSeconds(seconds))) => *seconds,
            (None, Some(Expires::Max)) => FAR_SECONDS,
        };
        out.extend_from_slice(b"max-age=");
        out.extend_from_slice(itoa::Buffer::new().format(max_age).as_bytes());
    });
}

/// An answer that is decided.
struct Sending<'a> {
    extent: Extent,
    content_type: &'a str,
    choice: Choice,
    ground: Ground<'a>,
    next: Next,
}

impl Sending<'_> {
    fn start(self, connection: &Connection, exchange: &mut Exchange, file: Opened) -> Written {
        let bytes = file.stamp.bytes;
        let whole = Part { start: 0, end: bytes };
        let parts = exchange.kept.parts.as_slice();
        let body = |part| match file.contents {
            Contents::Kept(kept) => Some(body::Body::kept(kept, part)),
            Contents::Disk(file) => Some(body::Body::disk(file, part)),
            Contents::None => None,
        };
        let mut own_type = Vec::new();
        let mut content_type = self.content_type.as_bytes();
        let (status, length, body) = match (self.extent, parts) {
            (Extent::Nothing, _) => (NOT_MODIFIED, 0, None),
            (Extent::Whole, _) | (Extent::Parts, []) => (200, bytes, body(whole)),
            (Extent::Parts, [part]) => (206, part.bytes(), body(*part)),
            (Extent::Parts, parts) => {
                let seed = connection.shared.draw();
                let parts = Multipart::new(parts, self.content_type, bytes, seed);
                parts.write_content_type(&mut own_type);
                content_type = &own_type;
                let length = parts.bytes();
                (206, length, body(whole).map(|body| body.in_parts(parts)))
            }
        };
        let framing = match &self.choice {
            Choice::Compressed(..) => Body::Chunked,
            Choice::AsItIs | Choice::Plain => Body::Length(length),
        };
        let route = (self.ground, self.next);
        let written = write(connection, exchange, route, (status, content_type, framing));
        if !exchange.is_head()
            && let Some(body) = body
        {
            if let Choice::Compressed(_, encoder) = self.choice {
                exchange.to_client.encode_with(encoder);
            }
            exchange.to_client.carry(body);
        }
        written
    }
}

/// The page of a folder.
pub(super) fn list<'f>(
    connection: &mut Connection,
    exchange: &mut Exchange,
    ground: Ground<'_>,
    (form, page): (Listing, Vec<u8>),
) -> Served<'f> {
    let head = connection.unread.as_ref().map_or(&b""[..], |it| it.content());
    let conditions = Conditions::read(&exchange.request.headers, head);
    match validators::judge(&conditions, None) {
        Verdict::Send => {}
        Verdict::Failed => return Served::Status(PRECONDITION_FAILED),
        Verdict::NotModified => return Served::Status(NOT_MODIFIED),
    }
    let content_type = match form {
        Listing::Html => "text/html",
        Listing::Json => "application/json",
    };
    let bytes = page.len() as u64;
    let answer = Answer { status: 200, content_type: content_type.as_bytes(), bytes: Some(bytes) };
    let choice = exchange.choose(connection, ground.shape(), answer);
    let next = exchange.pass_over(connection);
    exchange.kept.begin_lines();
    let lines = &mut exchange.kept.lines;
    if let Choice::Compressed(coding, _) = &choice {
        compress::write_coding(lines, *coding);
    }
    if !matches!(choice, Choice::AsItIs) {
        lines.extend_from_slice(compress::VARY);
    }
    let framing = match &choice {
        Choice::Compressed(..) => Body::Chunked,
        Choice::AsItIs | Choice::Plain => Body::Length(bytes),
    };
    let head = (200, content_type.as_bytes(), framing);
    let written = write(connection, exchange, (ground, next), head);
    if !exchange.is_head() {
        if let Choice::Compressed(_, encoder) = choice {
            exchange.to_client.encode_with(encoder);
        }
        exchange.to_client.carry(body::Body::kept(page.into(), Part { start: 0, end: bytes }));
    }
    Served::Written(written)
}

/// Writes the head, with the lines that are ready in the exchange and those that the route adds.
fn write(
    connection: &Connection,
    exchange: &mut Exchange,
    (ground, next): (Ground<'_>, Next),
    (status, mut content_type, body): (u16, &[u8], Body),
) -> Written {
    let persistence = connection.persistence(exchange, next);
    let rules = &ground.shape().response;
    let mut server = SERVER;
    if !rules.is_empty() {
        let mut lines = std::mem::take(&mut exchange.kept.lines);
        let facts = exchange.facts(connection, ground, (&exchange.kept.head, b""), status);
        rules.render(&mut lines, (&[], b""), &facts, "");
        exchange.kept.lines = lines;
        if rules.decide("server") {
            server = b"";
        }
        if rules.decide("content-type") {
            content_type = b"";
        }
    }
    let reply = Reply {
        client_version: exchange.request.version,
        persistence,
        body,
        date: &connection.shared.date(),
        lines: &exchange.kept.lines,
    };
    let own = Own { status, body: None, content_type, server };
    exchange.to_client.start(Body::None, super::super::transfer::Coding::Same, u64::MAX);
    rewrite::own_head(&mut exchange.to_client.head, own, body, reply);
    if let Some(route) = ground.route {
        let throttle = Throttle::new(&connection.shared, route.limits.client.rate);
        exchange.to_client.throttle(throttle);
    }
    let timeout_ms = ground.route.map(|route| route.limits.client.send_timeout_ms);
    let send_timeout_ms = timeout_ms.unwrap_or(limits::SEND_TIMEOUT_MS);
    Written { status, persistence, next, send_timeout_ms }
}

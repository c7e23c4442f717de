//! Requests whose header lines came before: what a client says of one request it says of the next, with
//! another first line. Lines that are the same to the byte are compared instead of read; the first line
//! always is read.
//!
//! It comes to what reading the head anew comes to: a property that the tests and the fuzzers hold.

use super::framing::Body;
use super::head::{Header, Persistence, Span};
use super::request::Request;

/// Places for lines that are known.
const PLACES: usize = 64;
/// What a key is made of at least.
const LINES_BYTES_MIN: usize = size_of::<u64>();
/// More is read anew each time.
const LINES_BYTES_MAX: usize = 2048;

/// The header lines that a worker has met, all clients' alike.
pub(crate) struct Repeats {
    places: Vec<Place>,
}

#[derive(Clone, Default)]
struct Place {
    /// Of what was met here last; lines are kept when they come for the second time, since most that
    /// come once never come again.
    key: u64,
    lines: Option<Box<Lines>>,
}

/// Header lines, and what they come to. Spans count from the first line's end.
#[derive(Clone)]
struct Lines {
    /// With the empty line behind them.
    bytes: Vec<u8>,
    headers: Vec<Header>,
    body: Body,
    persistence: Persistence,
    host: Option<Span>,
    upgrade: Option<Span>,
    expects_continue: bool,
}

impl Default for Repeats {
    fn default() -> Self {
        Self { places: vec![Place::default(); PLACES] }
    }
}

impl Repeats {
    /// Gives `into` what the lines that begin at `at` come to, if they are known. Its first line, of
    /// HTTP/1.1, is the caller's.
    pub(crate) fn recall(&self, bytes: &[u8], at: usize, into: &mut Request) -> bool {
        let rest = &bytes[at..];
        let Some(key) = key_of(rest) else { return false };
        let place = self.place(key);
        match &place.lines {
            Some(lines) if place.key == key && rest == lines.bytes => {
                lines.give(at as u32, into);
                true
            }
            Some(_) | None => false,
        }
    }

    /// Notes lines that begin at `at`, and what a request of HTTP/1.1 with them came to.
    pub(crate) fn learn(&mut self, bytes: &[u8], at: usize, request: &Request) {
        let Some(key) = key_of(&bytes[at..]).filter(|_| request.head_bytes == bytes.len()) else {
            return;
        };
        let place = self.place_mut(key);
        if place.key == key {
            place.lines = Some(Box::new(Lines::of(bytes, at, request)));
        } else {
            *place = Place { key, lines: None };
        }
    }

    fn place(&self, key: u64) -> &Place {
        &self.places[key as usize % PLACES]
    }

    fn place_mut(&mut self, key: u64) -> &mut Place {
        &mut self.places[key as usize % PLACES]
    }
}

impl Lines {
    fn of(bytes: &[u8], at: usize, request: &Request) -> Self {
        let by = (at as u32).wrapping_neg();
        Self {
            bytes: bytes[at..].to_vec(),
            headers: request.headers.iter().map(|header| moved(*header, by)).collect(),
            body: request.body,
            persistence: request.persistence,
            host: request.host.map(|host| host.moved(by)),
            upgrade: request.upgrade.map(|upgrade| upgrade.moved(by)),
            expects_continue: request.expects_continue,
        }
    }

    fn give(&self, by: u32, into: &mut Request) {
        into.headers.clear();
        into.headers.extend(self.headers.iter().map(|header| moved(*header, by)));
        into.head_bytes = by as usize + self.bytes.len();
        into.body = self.body;
        into.persistence = self.persistence;
        into.host = self.host.map(|host| host.moved(by));
        into.upgrade = self.upgrade.map(|upgrade| upgrade.moved(by));
        into.expects_continue = self.expects_continue;
        into.max_forwards = None;
    }
}

fn moved(header: Header, by: u32) -> Header {
    Header { name: header.name.moved(by), value: header.value.moved(by), kind: header.kind }
}

/// What lines are looked for by: how long they are, and eight bytes at each quarter of them. Others of
/// the same key are told apart by comparing; they only take each other's place.
fn key_of(lines: &[u8]) -> Option<u64> {
    if !(LINES_BYTES_MIN..=LINES_BYTES_MAX).contains(&lines.len()) {
        return None;
    }
    let word = |from: usize| {
        let eight = lines[from..].first_chunk();
        eight.map_or(0, |eight| u64::from_le_bytes(*eight))
    };
    let (length, last) = (lines.len(), lines.len() - size_of::<u64>());
    let words = [length as u64, word(length / 4), word(length / 2), word(last)];
    let key = words
        .into_iter()
        .fold(0, |key: u64, word| (key.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    // Nothing was met at first.
    Some((key ^ key >> 32).max(1))
}

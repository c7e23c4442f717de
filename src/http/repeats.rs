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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::request::Parsed;

    const LINES: &str = "Host: a.example\r\nAccept: */*\r\nCookie: one=1; two=2\r\n\r\n";

    fn read(known: &mut Repeats, first: &str, lines: &str) -> Request {
        let head = format!("{first}\r\n{lines}");
        let mut request = Request::default();
        let parsed = request.parse_again(head.as_bytes(), 100, known);
        assert_eq!(parsed, Ok(Parsed::Complete), "{head}");
        request
    }

    fn is_known(known: &Repeats, first: &str, lines: &str) -> bool {
        let head = format!("{first}\r\n{lines}");
        known.recall(head.as_bytes(), first.len() + 2, &mut Request::default())
    }

    #[test]
    fn lines_are_known_from_the_second_time_on_behind_whichever_first_line() {
        let mut known = Repeats::default();
        for _ in 0..2 {
            assert!(!is_known(&known, "GET / HTTP/1.1", LINES));
            read(&mut known, "GET / HTTP/1.1", LINES);
        }
        for first in ["GET / HTTP/1.1", "DELETE /another/path?x=1 HTTP/1.1"] {
            assert!(is_known(&known, first, LINES));
            let request = read(&mut known, first, LINES);
            let head = format!("{first}\r\n{LINES}");
            assert_eq!(request.head_bytes, head.len());
            assert_eq!(request.host.unwrap().in_bytes(head.as_bytes()), b"a.example");
            assert_eq!(request.headers[2].value.in_bytes(head.as_bytes()), b"one=1; two=2");
        }
        for other in ["two=3", "two=22", "two=2\r\nTE: x"] {
            assert!(!is_known(&known, "GET / HTTP/1.1", &LINES.replace("two=2", other)));
        }
    }

    #[test]
    fn what_a_method_or_a_version_decides_is_not_taken_from_others() {
        let mut known = Repeats::default();
        let lines = "Host: a.example\r\nMax-Forwards: 3\r\nConnection: x\r\n\r\n";
        for _ in 0..3 {
            assert_eq!(read(&mut known, "GET / HTTP/1.1", lines).max_forwards, None);
        }
        assert_eq!(read(&mut known, "OPTIONS / HTTP/1.1", lines).max_forwards, Some(3));
        let old = read(&mut known, "GET / HTTP/1.0", lines);
        assert_eq!(old.persistence, Persistence::Close);
    }

    #[test]
    fn lines_that_something_follows_and_long_ones_are_read_anew() {
        let mut known = Repeats::default();
        let with_body = LINES.replace("Accept: */*", "Content-Length: 2") + "ab";
        let long = LINES.replace("one=1", &"x".repeat(LINES_BYTES_MAX));
        for lines in [with_body, long] {
            for _ in 0..3 {
                read(&mut known, "POST / HTTP/1.1", &lines);
                assert!(!is_known(&known, "POST / HTTP/1.1", &lines));
            }
        }
    }

    #[test]
    fn lines_give_way_to_others_of_their_place() {
        let mut known = Repeats::default();
        for number in 0..4 * PLACES {
            let lines = format!("Host: a\r\nX: {number}\r\n\r\n");
            for _ in 0..2 {
                read(&mut known, "GET / HTTP/1.1", &lines);
            }
            assert!(is_known(&known, "GET / HTTP/1.1", &lines));
        }
        assert_eq!(known.places.len(), PLACES);
    }
}

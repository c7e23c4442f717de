//! Answers' heads that are like one read before: what a backend says of one answer it says of the next, the
//! same lines in the same order, with another date, another tag, another length. A head that is the same
//! to the byte is only compared; of one like it what differs is looked at, which costs a tenth of reading it.
//!
//! It comes to what reading the head anew comes to: a property that the tests and the fuzzers hold.

use super::framing::{self, Body};
use super::head::{Kind, Span};
use super::response::{Asked, Response};

/// Kinds of answers that are known at a time.
const MODELS_MAX: usize = 4;
/// A longer head is read anew each time.
const HEAD_BYTES_MAX: usize = 1024;
/// Heads in a row that nothing was like, after which only some are learnt.
const MISSES_IN_A_ROW: u32 = 16;
/// Of those, one of so many.
const LEARNT_OF: u32 = 64;

const EIGHT: usize = size_of::<u64>();

/// What is known of one upstream's answers.
#[derive(Default)]
pub(crate) struct Likenesses {
    models: Vec<Model>,
    /// The one that the last head was like.
    last: usize,
    /// The one that gives way next.
    oldest: usize,
    /// In a row.
    misses: u32,
}

/// A head that was read, and what it came to.
struct Model {
    /// The last head that was like it: most of one second are the same to the byte.
    head: Vec<u8>,
    eights: Vec<Eight>,
    asked: Asked,
    /// The digits of its `Content-Length`.
    length: Option<Span>,
    response: Response,
}

/// Eight bytes of a head; the last eight of a head overlap those before.
#[derive(Clone, Copy, Debug)]
struct Eight {
    word: u64,
    /// The bits that are the same in every head like it. Other bytes may be any visible ones.
    fixed: u64,
}

impl Likenesses {
    /// Reads the head at the front of `bytes`, if it is like one that is known.
    pub(crate) fn recognise(&mut self, bytes: &[u8], asked: Asked, into: &mut Response) -> bool {
        let known = self.models.len();
        let order = (self.last..known).chain(0..self.last.min(known));
        for index in order {
            let model = &mut self.models[index];
            if model.asked == asked
                && (model.read_last(bytes, into) || model.read_like(bytes, into))
            {
                self.last = index;
                self.misses = 0;
                return true;
            }
        }
        false
    }

    /// Notes a head that nothing known was like, and what it came to.
    pub(crate) fn learn(&mut self, head: &[u8], asked: Asked, response: &Response) {
        self.misses = self.misses.saturating_add(1);
        let is_due = self.misses <= MISSES_IN_A_ROW || self.misses.is_multiple_of(LEARNT_OF);
        if !is_due || !(EIGHT..=HEAD_BYTES_MAX).contains(&head.len()) {
            return;
        }
        let model = Model::of(head, asked, response);
        if self.models.len() < MODELS_MAX {
            self.last = self.models.len();
            self.models.push(model);
        } else {
            self.last = self.oldest;
            self.oldest = (self.oldest + 1) % MODELS_MAX;
            self.models[self.last] = model;
        }
    }
}

impl Model {
    fn of(head: &[u8], asked: Asked, response: &Response) -> Self {
        let mut fixed = vec![0xff_u8; head.len()];
        let mut length = None;
        for header in &response.headers {
            match header.kind {
                Kind::Other | Kind::Date => {}
                Kind::ContentLength => length = Some(header.value),
                _ => continue,
            }
            let value = header.value.start as usize..header.value.end as usize;
            for at in value.filter(|&at| is_visible(head[at])) {
                fixed[at] = 0;
            }
        }
        let at_front = head.as_chunks().0.iter().zip(fixed.as_chunks().0);
        let at_end = head.last_chunk().zip(fixed.last_chunk());
        let eights = at_front.chain(at_end).map(|(word, fixed)| Eight {
            word: u64::from_le_bytes(*word),
            fixed: u64::from_le_bytes(*fixed),
        });
        let response = response.clone();
        Self { head: head.to_vec(), eights: eights.collect(), asked, length, response }
    }

    /// Gives what the last head came to, if it is there once more.
    fn read_last(&self, bytes: &[u8], into: &mut Response) -> bool {
        let is_same = bytes.starts_with(&self.head);
        if is_same {
            into.clone_from(&self.response);
        }
        is_same
    }

    /// Gives what a head like the last one comes to, and keeps it in its place.
    fn read_like(&mut self, bytes: &[u8], into: &mut Response) -> bool {
        let Some(head) = bytes.get(..self.head.len()) else { return false };
        let is_like =
            self.eights.split_last().zip(head.last_chunk()).is_some_and(|((last, eights), end)| {
                let mut pairs = eights.iter().zip(head.as_chunks().0);
                pairs.all(|(eight, bytes)| eight.is_like(*bytes)) && last.is_like(*end)
            });
        if !is_like {
            return false;
        }
        match self.length.map(|digits| framing::length(digits.in_bytes(head))) {
            None => {}
            Some(Ok(length)) => {
                if let Body::Length(body_bytes) = &mut self.response.body {
                    *body_bytes = length;
                }
            }
            Some(Err(_)) => return false,
        }
        self.head.copy_from_slice(head);
        into.clone_from(&self.response);
        true
    }
}

impl Eight {
    fn is_like(self, bytes: [u8; EIGHT]) -> bool {
        let word = u64::from_le_bytes(bytes);
        (word ^ self.word) & self.fixed == 0
            && (self.fixed == u64::MAX || invisible(word) & !self.fixed == 0)
    }
}

fn is_visible(byte: u8) -> bool {
    byte > b' ' && byte != DELETE
}

const DELETE: u8 = 0x7f;
const LOWS: u64 = u64::from_le_bytes([0x7f; EIGHT]);

/// The high bits of the bytes that are blanks or control characters. No sum of two bytes is carried to
/// the next.
fn invisible(word: u64) -> u64 {
    let above_blank = (word & LOWS) + u64::from_le_bytes([DELETE - b' '; EIGHT]);
    let other = word ^ u64::from_le_bytes([DELETE; EIGHT]);
    let not_delete = (other & LOWS) + LOWS;
    !((above_blank | word) & (not_delete | other)) & !LOWS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::request::Parsed;

    const ASKED: Asked = Asked { is_head: false, is_upgrade: false };
    const HEAD: &str = "HTTP/1.1 200 OK\r\nServer: s/1.2 x\r\nDate: Sat, 28 Nov 2026 04:00:00 GMT\r\n\
                        ETag: \"6af0-12\"\r\nContent-Length: 128\r\nConnection: keep-alive\r\n\r\n";

    /// What the second head is read as after the first one, and whether it was recognised.
    fn after(first: &str, second: &str, asked: Asked) -> (bool, Response) {
        let mut known = Likenesses::default();
        let mut response = Response::default();
        let parsed = response.parse_alike(first.as_bytes(), ASKED, &mut known);
        assert_eq!(parsed, Ok(Parsed::Complete));
        let is_known = known.recognise(second.as_bytes(), asked, &mut Response::default());
        let mut read = Response::default();
        let mut anew = Response::default();
        assert_eq!(
            read.parse_alike(second.as_bytes(), asked, &mut known),
            anew.parse(second.as_bytes(), asked)
        );
        assert_eq!(read, anew);
        (is_known, read)
    }

    #[test]
    fn another_date_tag_or_length_is_all_that_is_looked_at() {
        let other = HEAD.replace("04:00:00", "23:59:59").replace("6af0", "77ab");
        assert!(after(HEAD, &other, ASKED).0);
        let (is_known, read) = after(HEAD, &HEAD.replace("128", "907"), ASKED);
        assert_eq!((is_known, read.body), (true, Body::Length(907)));
        assert!(after(HEAD, &format!("{HEAD}a body"), ASKED).0);
    }

    #[test]
    fn what_means_something_is_read_anew() {
        for (from, to) in [
            ("200", "201"),
            ("keep-alive", "close-not"),
            ("keep-alive", "keep_alive"),
            ("Server", "sErver"),
            ("128", "1280"),
            ("128", "1 8"),
            ("1.2 x", "1.2\tx"),
            ("1.2 x", "1.2xx"),
        ] {
            let other = HEAD.replace(from, to);
            let mut known = Likenesses::default();
            let mut response = Response::default();
            assert_eq!(
                response.parse_alike(HEAD.as_bytes(), ASKED, &mut known),
                Ok(Parsed::Complete)
            );
            assert!(!known.recognise(other.as_bytes(), ASKED, &mut response), "{from} {to}");
        }
        assert!(!after(HEAD, HEAD, Asked { is_head: true, is_upgrade: false }).0);
        assert!(!after(HEAD, &HEAD.replace("128", "12x"), ASKED).0, "no length");
        assert!(!after(HEAD, &HEAD[..HEAD.len() - 1], ASKED).0, "not all there");
    }

    #[test]
    fn several_kinds_are_known_and_those_that_never_come_again_give_way() {
        let mut known = Likenesses::default();
        let mut response = Response::default();
        let kinds: Vec<_> = (0..MODELS_MAX).map(|n| format!("X-Kind{n}: 0\r\n\r\n")).collect();
        let heads = kinds.iter().map(|line| format!("HTTP/1.1 204 No Content\r\n{line}"));
        let heads: Vec<_> = heads.collect();
        for _ in 0..2 {
            for head in &heads {
                let parsed = response.parse_alike(head.as_bytes(), ASKED, &mut known);
                assert_eq!(parsed, Ok(Parsed::Complete));
            }
        }
        assert_eq!((known.models.len(), known.misses), (MODELS_MAX, 0));
        for number in 0..10_000 {
            let head = format!("HTTP/1.1 204 No Content\r\nX-{number}: 0\r\n\r\n");
            let parsed = response.parse_alike(head.as_bytes(), ASKED, &mut known);
            assert_eq!(parsed, Ok(Parsed::Complete));
        }
        assert_eq!(known.models.len(), MODELS_MAX);
        assert!(!known.recognise(heads[0].as_bytes(), ASKED, &mut response));
    }

    #[test]
    fn every_byte_is_visible_or_not_wherever_it_stands() {
        for byte in 0..=u8::MAX {
            for beside in [0, b' ', b'a', DELETE, 0x80, 0xff] {
                for at in 0..EIGHT {
                    let mut eight = [beside; EIGHT];
                    eight[at] = byte;
                    let found = invisible(u64::from_le_bytes(eight)) >> (8 * at + 7) & 1 == 1;
                    assert_eq!(found, !is_visible(byte), "{byte} at {at} beside {beside}");
                }
            }
        }
    }
}

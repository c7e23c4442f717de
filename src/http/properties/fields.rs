//! Fields of HTTP/2: a head that is written from them is one head to everybody, says the same, and
//! comes back as the same fields.

use super::second_reader::{self, LENIENCIES};
use crate::http::framing::Body;
use crate::http::http2::fields::{self, Ahead, Asked, Framed};
use crate::http::request::{Parsed, Request};
use crate::http::response::{self, Response};

/// Between the parts that a message is made of, out of any bytes.
const BETWEEN: u8 = 0xff;

const TARGET_BYTES_MAX: usize = 1000;

type Field<'a> = (&'a [u8], &'a [u8]);

/// The first byte says what follows the head, then come method, path, authority and the fields.
pub(crate) fn http2_request(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else { return };
    let ahead = if first & 1 == 0 { Ahead::Nothing } else { Ahead::Data };
    let mut parts = rest.split(|&byte| byte == BETWEEN);
    let mut next = || parts.next().unwrap_or_default();
    let (method, path, authority) = (next(), next(), next());
    let authority = Some(authority).filter(|authority| !authority.is_empty());
    let given = pairs(parts);
    let mut head = Vec::new();
    let asked = Asked { method, path, authority };
    let Ok(framed) = fields::request(&mut head, asked, given.iter().copied(), ahead) else {
        return;
    };
    is_one_head(&head);
    let mut request = Request::default();
    match request.parse(&head, TARGET_BYTES_MAX) {
        Ok(Parsed::Complete) => {}
        Ok(Parsed::Partial) => panic!("a head without an end: {}", head.escape_ascii()),
        // What HTTP/1.1 has to say against it is said to HTTP/2 as well.
        Err(_) => return,
    }
    assert_eq!(request.head_bytes, head.len(), "{}", head.escape_ascii());
    assert_eq!(request.method_name.in_bytes(&head), method);
    assert_eq!(request.path_and_query.in_bytes(&head), path);
    let is_chunked = request.body == Body::Chunked;
    assert_eq!(is_chunked, framed == Framed::Chunked, "{}", head.escape_ascii());
    match ahead {
        Ahead::Nothing => assert!(matches!(request.body, Body::None | Body::Length(0))),
        Ahead::Data => assert_ne!(request.body, Body::None),
    }
    let is_kept = |(name, _): &&Field<'_>| !matches!(*name, b"host" | b"te" | b"cookie");
    let expected: Vec<_> =
        given.iter().filter(is_kept).map(|(name, value)| (*name, value.trim_ascii())).collect();
    let passed: Vec<_> = fields::of_request(&head, &request)
        .map(|(name, value)| (name, value.trim_ascii()))
        .filter(|(name, _)| *name != b"cookie")
        .collect();
    // Some names end here, however they came.
    assert!(passed.len() <= expected.len(), "{}", head.escape_ascii());
    assert!(passed.iter().all(|field| expected.contains(field)), "{}", head.escape_ascii());
    is_one_request_to_everybody(&head, &request);
}

fn is_one_request_to_everybody(head: &[u8], request: &Request) {
    let body: &[u8] = match request.body {
        Body::None | Body::Length(0) => b"",
        Body::Chunked => b"5\r\nGET /\r\n0\r\n\r\n",
        Body::Length(_) | Body::UntilClose => return,
    };
    let stream = [head, body, head, body].concat();
    for &leniency in LENIENCIES {
        let Ok(reading) = second_reader::read(&stream, leniency) else { continue };
        assert_eq!(reading.messages.len(), 2, "{leniency:?}: {}", stream.escape_ascii());
    }
}

/// The same of a response, whose status is made of the first two bytes.
pub(crate) fn http2_response(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first_chunk::<2>() else { return };
    let status = u16::from_be_bytes(*first) % 700;
    let given = pairs(rest.split(|&byte| byte == BETWEEN));
    for (ahead, is_head) in [(Ahead::Nothing, false), (Ahead::Nothing, true), (Ahead::Data, false)]
    {
        let mut head = Vec::new();
        let written = fields::response(&mut head, status, given.iter().copied(), ahead, is_head);
        let Ok(framed) = written else { continue };
        is_one_head(&head);
        let mut response = Response::default();
        let asked = response::Asked { is_head, is_upgrade: false };
        let Ok(parsed) = response.parse(&head, asked) else { continue };
        assert_eq!(parsed, Parsed::Complete, "{}", head.escape_ascii());
        assert_eq!((response.head_bytes, response.status), (head.len(), status));
        assert_ne!(response.body, Body::UntilClose, "{}", head.escape_ascii());
        assert_eq!(response.body == Body::Chunked, framed == Framed::Chunked);
    }
    let mut section = Vec::new();
    if fields::section(&mut section, given.iter().copied()).is_ok() {
        let found = crate::http::trailers::section(&section);
        let length = section.len();
        if length <= crate::http::TRAILER_BYTES_MAX {
            assert_eq!(found, Ok(crate::http::trailers::Section::Complete { length }));
        }
        for (name, value) in fields::of_section(&section) {
            let is_given = |(known, text): &Field<'_>| *known == name && text.trim_ascii() == value;
            assert!(given.iter().any(is_given), "{}", section.escape_ascii());
        }
    }
}

fn pairs<'a>(mut parts: impl Iterator<Item = &'a [u8]>) -> Vec<Field<'a>> {
    std::iter::from_fn(|| Some((parts.next()?, parts.next()?))).collect()
}

/// As many lines as there are line ends, and one empty line, at the end.
fn is_one_head(head: &[u8]) {
    assert!(head.ends_with(b"\r\n\r\n"), "{}", head.escape_ascii());
    let ends = head.windows(4).filter(|window| window == b"\r\n\r\n").count();
    assert_eq!(ends, 1, "{}", head.escape_ascii());
    let is_control = |byte: &&u8| byte.is_ascii_control() && **byte != b'\t';
    let controls = head.iter().filter(is_control).count();
    let line_ends = head.windows(2).filter(|pair| pair == b"\r\n").count();
    assert_eq!(controls, line_ends * 2, "{}", head.escape_ascii());
}

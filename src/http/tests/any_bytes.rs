//! For any bytes, cut anywhere: nothing panics, nothing depends on the cut, and what we write on is
//! acceptable to ourselves.

use proptest::prelude::*;

use super::super::framing::{Body, Reader};
use super::super::head::Version;
use super::super::request::{Parsed, Request};
use super::super::response::Response;
use super::super::{chunk, target};
use super::writing::forwarded;
use super::{PLAIN, TARGET_BYTES_MAX, parse};

/// Encodes `pieces` as chunks the way the proxy does for bodies that end with the connection.
fn encode(pieces: &[Vec<u8>]) -> Vec<u8> {
    let mut wire = Vec::new();
    for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
        let mut buffer = [0; chunk::SIZE_LINE_BYTES_MAX];
        let start = chunk::write_size(&mut buffer, chunk::SIZE_LINE_BYTES_MAX, piece.len());
        wire.extend_from_slice(&buffer[start..]);
        wire.extend_from_slice(piece);
        wire.extend_from_slice(chunk::PAYLOAD_END);
    }
    wire.extend_from_slice(chunk::LAST);
    wire
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _any_answer = Request::default().parse(&bytes, TARGET_BYTES_MAX);
        let _any_answer = Response::default().parse(&bytes, PLAIN);
        let _any_answer = Reader::new(Body::Chunked).advance(&bytes);
        let _any_answer = target::normalise(&bytes, &mut Vec::new());
        let _any_answer = target::split(&bytes, true);
        target::is_authority(&bytes);
    }

    #[test]
    fn head_like_bytes_are_read_and_written_without_panic(
        text in "(GET|HEAD|POST|OPTIONS) (/|\\*|http://a/)[a-z/.%?]{0,9} HTTP/1\\.[01]\r?\n(Host: [a:\\[\\]0-9]{1,5}\r?\n)?((Connection|Te|X|Upgrade|Content-Length|Transfer-Encoding): ?[a-z0-9,]{0,8}\r?\n){0,4}\r?\n",
    ) {
        let mut request = Request::default();
        if request.parse(text.as_bytes(), TARGET_BYTES_MAX) == Ok(Parsed::Complete) {
            let rewritten = forwarded(&text, false);
            let again = parse(&rewritten).expect("what we send on is itself acceptable");
            prop_assert_eq!(again.body, request.body);
            prop_assert_eq!(again.version, Version::Http11);
        }
    }

    #[test]
    fn a_head_cut_anywhere_is_partial(cut in 0_usize..72) {
        let head = b"POST /path?query HTTP/1.1\r\nHost: example.com\r\nContent-Length: 10\r\nA: b\r\n\r\n";
        let parsed = Request::default().parse(&head[..cut], TARGET_BYTES_MAX);
        prop_assert_eq!(parsed, Ok(Parsed::Partial));
    }

    #[test]
    fn chunks_come_back_whatever_the_cuts(
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..6),
        cuts in prop::collection::vec(1_usize..30, 1..40),
    ) {
        let wire = encode(&pieces);
        let mut decoder = chunk::Decoder::default();
        let mut payload = Vec::new();
        let mut at = 0;
        let mut cut = cuts.iter().cycle();
        while !decoder.is_end() {
            prop_assert!(at < wire.len(), "the body ends with its bytes");
            let end = wire.len().min(at + cut.next().expect("a cycle"));
            match decoder.step(&wire[at..end]).expect("our own encoding") {
                chunk::Step::Framing(length) => at += length,
                chunk::Step::Payload(length) => {
                    payload.extend_from_slice(&wire[at..at + length]);
                    at += length;
                }
            }
        }
        prop_assert_eq!(at, wire.len());
        prop_assert_eq!(payload, pieces.concat());
    }

    #[test]
    fn normal_paths_stay(path in "(/[a-z%.]{0,4}){1,6}") {
        let mut scratch = Vec::new();
        if let Ok(normal) = target::normalise(path.as_bytes(), &mut scratch) {
            prop_assert!(normal.starts_with(b"/"));
            prop_assert!(!normal.windows(2).any(|pair| pair == b"//"));
            prop_assert!(!normal.split(|&byte| byte == b'/').any(|segment| segment == b".." || segment == b"."));
        }
    }
}

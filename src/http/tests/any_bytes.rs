//! For any bytes, cut anywhere: what `properties` promises, over inputs that are made up afresh in
//! every run, and over the corpus that the fuzzers have gathered.

use proptest::prelude::*;

use super::super::chunk;
use super::super::properties::{
    chunks, fields, files, frames, heads, hellos, introductions, paths,
};
use super::super::request::{Parsed, Request};
use super::TARGET_BYTES_MAX;

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
    fn any_bytes_keep_every_promise(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        heads::request_head(&bytes);
        heads::response_head(&bytes);
        chunks::chunked_body(&bytes);
        paths::target(&bytes);
        fields::http2_request(&bytes);
        fields::http2_response(&bytes);
        introductions::proxy_header(&bytes);
        hellos::client_hello(&bytes);
        files::range(&bytes);
        files::conditions(&bytes);
        frames::http2_frames(&bytes);
    }

    #[test]
    fn frame_like_bytes_keep_every_promise(
        seed: u8,
        list in prop::collection::vec((0usize..40, 0u8..11, 0u8..6, 0usize..41), 0..30),
    ) {
        let mut bytes = vec![seed];
        for (length, kind, flags, payload) in list {
            bytes.extend_from_slice(&[0, 0, length as u8, kind, flags, 0, 0, 0, 1]);
            // Now and then of another length than is said, so that anything may be a header.
            bytes.resize(bytes.len() + if payload == 40 { 1 } else { length }, kind);
        }
        frames::http2_frames(&bytes);
    }

    #[test]
    fn range_like_bytes_keep_every_promise(
        length in 0_u16..300,
        value in "bytes=( ?[0-9]{0,3} ?-? ?[0-9]{0,3} ?,?){1,7}",
    ) {
        files::range(&[&length.to_le_bytes(), value.as_bytes()].concat());
    }

    #[test]
    fn condition_like_bytes_keep_every_promise(
        file in prop::array::uniform6(any::<u8>()),
        tags in "((W/)?\"[a-f0-9-]{0,12}\" ?,? ?|\\*){0,4}\n((W/)?\"[a-f0-9-]{0,12}\" ?,? ?){0,4}",
        dates in "\n([A-Z][a-z]{2}, [0-9]{2} (Jan|Feb|Nov) [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT)?\n[A-Z][a-z]{2} (Jan|Feb) [0-9 ][0-9] [0-9:]{8} [0-9]{4}",
    ) {
        files::conditions(&[&file, tags.as_bytes(), dates.as_bytes()].concat());
    }

    #[test]
    fn every_second_has_one_date(seconds in 0_i64..4_102_444_800) {
        let date = super::super::date::imf_fixdate(seconds as u64);
        prop_assert_eq!(super::super::date::parse(&date), Some(seconds));
    }

    #[test]
    fn request_like_bytes_keep_every_promise(
        text in "(GET|HEAD|POST|OPTIONS|PUT) (/|\\*|http://a/|http://a)[a-z/.%?]{0,9} HTTP/1\\.[01]\r?\n(Host: (a|[a:\\[\\]0-9]{1,5})\r?\n)?((Connection|Te|X|Upgrade|Expect|Max-Forwards|Content-Length|Transfer-Encoding): ?(chunked|trailers|upgrade|[a-z0-9,]{0,8})\r?\n){0,4}\r?\n",
    ) {
        heads::request_head(text.as_bytes());
    }

    #[test]
    fn response_like_bytes_keep_every_promise(
        text in "HTTP/1\\.[01] (100|101|103|200|204|205|304|404)( [a-zA-Z ]{0,9})?\r?\n((Connection|Date|X|Upgrade|Content-Length|Transfer-Encoding): ?(chunked|upgrade|[a-z0-9,]{0,8})\r?\n){0,4}\r?\n",
    ) {
        heads::response_head(text.as_bytes());
    }

    /// Whatever one byte becomes: the grammar is what httparse reads, and refuses what it refuses.
    #[test]
    fn heads_with_a_byte_changed_keep_every_promise(
        lines in "([A-Za-z!~-]{1,20}:[ \t]{0,3}([a-z=;,/ \t]{0,30}[^\x00]{0,2})?[ \t]{0,2}\r?\n){0,5}\r?\n",
        first in "\r?\n?(GET|PUT|g!t) /[a-z?%/]{0,20} HTTP/1\\.[01]\r?\n",
        status in "\r?\n?HTTP/1\\.[01] {1,2}[0-9]{3}( {0,2}[A-Za-z ]{0,12}[^\x00]?)?\r?\n",
        at in any::<prop::sample::Index>(),
        byte in prop::sample::select(&b"\0\t\n\r !:;aZ/\x1f\x7f\x80\xff"[..]),
        is_changed: bool,
    ) {
        let change = |first: &str| {
            let mut bytes = [first.as_bytes(), lines.as_bytes()].concat();
            let at = at.index(bytes.len());
            bytes[at] = if is_changed { byte } else { bytes[at] };
            bytes
        };
        heads::request_head(&change(&first));
        heads::response_head(&change(&status));
    }

    #[test]
    fn field_like_bytes_keep_every_promise(
        first: u8,
        status in prop::sample::select(vec![[0, 100], [0, 103], [0, 200], [0, 204], [1, 48]]),
        asked in "(GET|POST|OPTIONS)\\|(/[a-z?%.]{0,4}|\\*)\\|(a|a:1)?",
        list in "(\\|(host|te|x|x-a|cookie|content-length|transfer-encoding|connection|expect|trailer)\\|(trailers|[a-z0-9\r\n ]{0,4}|a)){0,5}",
    ) {
        let list: Vec<u8> =
            list.bytes().map(|byte| if byte == b'|' { 0xff } else { byte }).collect();
        let asked: Vec<u8> =
            asked.bytes().map(|byte| if byte == b'|' { 0xff } else { byte }).collect();
        fields::http2_request(&[&[first], &asked[..], &list].concat());
        fields::http2_response(&[&status[..], list.get(1..).unwrap_or_default()].concat());
    }

    #[test]
    fn chunk_like_bytes_keep_every_promise(
        seed: u8,
        text in "([0-9a-fA-F]{1,2}( ?; ?[a-z]{1,3}(=([a-z]|\"[a-z\\\\ ]{0,4}\"))?)?\r\n[a-z\r\n]{0,3}\r\n){0,3}0\r\n((X|Host|Content-Length): [a-z0-9]{0,4}\r\n){0,3}\r\n",
    ) {
        chunks::chunked_body(&[&[seed], text.as_bytes()].concat());
    }

    #[test]
    fn path_like_bytes_keep_every_promise(path in "(/[a-z%.]{0,4}|/%2[eEfF]|/\\.\\.?){1,6}") {
        paths::target(path.as_bytes());
    }

    #[test]
    fn a_head_cut_anywhere_is_partial(cut in 0_usize..72) {
        let head = b"POST /path?query HTTP/1.1\r\nHost: example.com\r\nContent-Length: 10\r\nA: b\r\n\r\n";
        let parsed = Request::default().parse(&head[..cut], TARGET_BYTES_MAX);
        prop_assert_eq!(parsed, Ok(Parsed::Partial));
    }

    #[test]
    fn what_we_encode_comes_back(
        seed: u8,
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..6),
    ) {
        let wire = encode(&pieces);
        chunks::chunked_body(&[&[seed], &wire[..]].concat());
        let mut payload = wire.clone();
        let taken = super::Reader::new(super::Body::Chunked).strip(&mut payload).expect("our own");
        prop_assert_eq!((taken.bytes, taken.is_end), (wire.len(), true));
        prop_assert_eq!(&payload[..taken.kept], pieces.concat());
    }
}

/// The corpus's folders are the fuzz targets' names.
#[test]
fn the_corpus_keeps_every_promise() {
    for (target, check) in [
        ("request_head", heads::request_head as fn(&[u8])),
        ("response_head", heads::response_head),
        ("chunked_body", chunks::chunked_body),
        ("target", paths::target),
        ("http2_request", fields::http2_request),
        ("http2_response", fields::http2_response),
        ("http2_frames", frames::http2_frames),
        ("proxy_header", introductions::proxy_header),
        ("client_hello", hellos::client_hello),
        ("range", files::range),
        ("conditions", files::conditions),
    ] {
        let folder = std::path::Path::new("tests/corpus").join(target);
        let entries = std::fs::read_dir(&folder).expect("tests run in the package's folder");
        let mut count = 0;
        for entry in entries {
            let path = entry.expect("the folder is readable").path();
            check(&std::fs::read(path).expect("a file"));
            count += 1;
        }
        assert!(count > 20, "{} is seeded", folder.display());
    }
}

//! What must hold of any bytes between the two protocols, with the crate that speaks HTTP/2 on both
//! sides of one connection in memory: what one side says, the other is told, or that it broke off.
//!
//! Run by the fuzzers in `fuzz/`, over the corpus in `tests/corpus`, and by the tests below; part of no
//! release.

use std::future::poll_fn;
use std::rc::Rc;

use bytes::Bytes;
use h2::RecvStream;
use h2::client::ResponseFuture;
use tokio::io::DuplexStream;

use super::inbound::{Carrier, Expected, Inbound};
use super::outbound::path_of;
use super::outbox::Piece;
use crate::http::framing::{Body, Reader};
use crate::http::http2::fields::{self, Framed};
use crate::http::request::Parsed;
use crate::http::response::{Asked, Response};
use crate::http::{TRAILER_BYTES_MAX, trailers};

type Lines = Vec<(Vec<u8>, Vec<u8>)>;

/// A message as somebody read it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    status: u16,
    lines: Lines,
    body: Vec<u8>,
    trailers: Lines,
}

/// Of the connection between both sides; small, so that writers wait for readers.
const PIPE_BYTES: usize = 4096;
/// Of small frames that nobody has read yet: who is asked here reads only once all are there.
const UNBOUNDED: usize = usize::MAX;
const SPACE_BYTES: usize = 61;
const PIECES_MAX: usize = 64;

/// An answer as whoever serves a request writes it. The first byte says how it is cut, and whether HEAD
/// asked for it.
pub(crate) fn http2_answer(bytes: &[u8]) {
    let Some((&seed, wire)) = bytes.split_first() else { return };
    let is_head = seed & 1 == 1;
    let expected = reading(wire, is_head);
    let piece_bytes = 1 + usize::from(seed) / 2;
    let told = asked(is_head, Lines::new(), &[], async |mut stream: Inbound| {
        for piece in wire.chunks(piece_bytes) {
            let mut rest = piece;
            while !rest.is_empty() {
                match poll_fn(|cx| stream.poll_write(cx, rest, &[])).await {
                    Ok(count) => rest = &rest[count..],
                    // What is behind an end is nobody's; a break is the client's to see.
                    Err(_) => return finish(stream),
                }
            }
        }
        finish(stream);
    });
    assert_eq!(told.is_some(), expected.is_some(), "{}", wire.escape_ascii());
    assert_eq!(told, expected, "{}", wire.escape_ascii());
}

fn finish(mut stream: Inbound) {
    // What is wrong with it the client is told by a reset.
    let _told = stream.shut_down();
    drop(stream);
}

/// What those bytes say to a reader of HTTP/1.1; `None` for what is no answer, or breaks off.
fn reading(mut wire: &[u8], is_head: bool) -> Option<Told> {
    let mut response = Response::default();
    loop {
        let parsed = response.parse(wire, Asked { is_head, is_upgrade: false });
        if !matches!(parsed, Ok(Parsed::Complete)) {
            return None;
        }
        if !response.is_interim() {
            break;
        }
        wire = &wire[response.head_bytes..];
    }
    let owned = |(name, value): (&[u8], &[u8])| (name.to_ascii_lowercase(), value.to_vec());
    let mut told = Told {
        status: response.status,
        lines: fields::of_response(wire, &response).map(owned).collect(),
        ..Told::default()
    };
    told.lines.sort();
    let mut rest = wire[response.head_bytes..].to_vec();
    let mut reader = Reader::new(response.body);
    let taken = if reader.is_end() { None } else { Some(reader.strip(&mut rest).ok()?) };
    let is_whole = reader.is_end() || response.body == Body::UntilClose;
    if let Some(taken) = taken {
        told.body = rest[..taken.kept].to_vec();
        if response.body == Body::Chunked && is_whole {
            told.trailers = section_of(&wire[response.head_bytes..][..taken.bytes]);
        }
    }
    is_whole.then_some(told)
}

/// The trailers that may pass, of a chunked body that is whole.
fn section_of(chunks: &[u8]) -> Lines {
    let mut copy = chunks.to_vec();
    // The section is what a reader of chunks alone leaves: the bytes behind the size line of zero.
    let start = (0..chunks.len()).rev().find(|at| {
        let is_section = trailers::section(&chunks[*at..])
            == Ok(trailers::Section::Complete { length: chunks.len() - at });
        let is_behind_zero = chunks[..*at].ends_with(b"\n");
        is_section && is_behind_zero && line_before(&chunks[..*at]).is_some_and(is_zero)
    });
    let Some(start) = start else { return Lines::new() };
    let section = &mut copy[start..];
    let kept = trailers::filter(section);
    let owned = |(name, value): (&[u8], &[u8])| (name.to_ascii_lowercase(), value.to_vec());
    let mut lines: Lines = fields::of_section(&section[..kept]).map(owned).collect();
    lines.sort();
    lines
}

fn line_before(bytes: &[u8]) -> Option<&[u8]> {
    let line = bytes.strip_suffix(b"\n")?;
    Some(&line[line.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1)..])
}

fn is_zero(line: &[u8]) -> bool {
    let size = line.split(|byte| matches!(byte, b';' | b'\r' | b' ' | b'\t')).next();
    size.is_some_and(|size| !size.is_empty() && size.iter().all(|digit| *digit == b'0'))
}

/// A request's body and trailers, as a server of HTTP/1.1 reads them. The first byte says how the body is
/// cut; what is behind the first 0xff are trailers, with 0xff between names and values.
pub(crate) fn http2_body(bytes: &[u8]) {
    let Some((&seed, rest)) = bytes.split_first() else { return };
    let mut parts = rest.split(|byte| *byte == 0xff);
    let body = parts.next().unwrap_or_default();
    let mut given = Lines::new();
    while let (Some(name), Some(value)) = (parts.next(), parts.next()) {
        given.push((name.to_vec(), value.to_vec()));
    }
    // What no client can send is none of its trailers.
    given.retain(|(name, value)| field(name, value).is_some());
    // Beyond some that nobody has read yet, tiny frames are a flood to the crate.
    let piece_bytes = (1 + usize::from(seed)).max(body.len().div_ceil(PIECES_MAX));
    let pieces: Vec<&[u8]> = body.chunks(piece_bytes.max(1)).collect();
    let mut wire = Vec::new();
    let mut is_broken = false;
    asked(false, given.clone(), &pieces, async |mut stream: Inbound| {
        let mut space = [0; SPACE_BYTES];
        loop {
            match poll_fn(|cx| stream.poll_read(cx, &mut space)).await {
                Ok(0) => break,
                Ok(count) => wire.extend_from_slice(&space[..count]),
                Err(_) => {
                    is_broken = true;
                    break;
                }
            }
        }
    });
    let is_refused = given.iter().any(|(_, value)| {
        !value.iter().all(|byte| *byte == b'\t' || (*byte >= b' ' && *byte != 0x7f))
    });
    assert!(!is_broken || is_refused, "{}", bytes.escape_ascii());
    if is_broken {
        return;
    }
    let mut payload = wire.clone();
    let mut reader = Reader::new(Body::Chunked);
    match reader.strip(&mut payload) {
        Ok(taken) => {
            assert!(reader.is_end() && taken.bytes == wire.len(), "{}", wire.escape_ascii());
            assert_eq!(&payload[..taken.kept], body);
        }
        // Trailers beyond a bound are refused where they are read.
        Err(_) => return assert!(wire.len() > TRAILER_BYTES_MAX, "{}", wire.escape_ascii()),
    }
    let mut expected: Lines = given;
    expected.retain(|(name, _)| trailers::may_pass(name));
    for (_, value) in &mut expected {
        *value = value.trim_ascii().to_vec();
    }
    expected.sort();
    assert_eq!(section_of(&wire), expected, "{}", wire.escape_ascii());
}

fn field(name: &[u8], value: &[u8]) -> Option<(::http::HeaderName, ::http::HeaderValue)> {
    let is_lower = !name.iter().any(u8::is_ascii_uppercase);
    let name = ::http::HeaderName::from_bytes(name).ok().filter(|_| is_lower)?;
    // What belongs to a connection makes a message malformed to the crate on the other side.
    let is_refused = matches!(
        name.as_str(),
        "connection" | "keep-alive" | "proxy-connection" | "transfer-encoding" | "upgrade" | "te"
    );
    Some((name, ::http::HeaderValue::from_bytes(value).ok()?)).filter(|_| !is_refused)
}

/// One request over one connection; what its client was told, if that was whole.
fn asked(
    is_head: bool,
    trailers: Lines,
    body: &[&[u8]],
    serve: impl AsyncFnOnce(Inbound),
) -> Option<Told> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let (near, far) = tokio::io::duplex(PIPE_BYTES);
    runtime.block_on(async {
        let client = client(near, is_head, trailers, body);
        let server = async {
            let server = h2::server::Builder::new().data_frame_budget(UNBOUNDED).handshake(far);
            let mut connection: h2::server::Connection<_, Piece> = server.await.expect("a client");
            let Some(Ok((request, respond))) = connection.accept().await else { return };
            let expected = Expected { is_head, is_of_grpc: false };
            let carrier = Carrier {
                scheme: b"http",
                local_address: None,
                known: None,
                outbox: Rc::default(),
            };
            let received = (request.into_body(), Framed::Chunked);
            let stream = Inbound::new(Rc::new(carrier), received, respond, expected);
            let served = serve(stream);
            let carried = async {
                // No second request comes: this goes on until the client is gone.
                while connection.accept().await.is_some() {}
            };
            tokio::join!(served, carried);
        };
        tokio::join!(client, server).0
    })
}

async fn client(
    pipe: DuplexStream,
    is_head: bool,
    trailers: Lines,
    body: &[&[u8]],
) -> Option<Told> {
    let client =
        h2::client::Builder::new().data_frame_budget(UNBOUNDED).handshake::<_, Bytes>(pipe);
    let (mut sender, connection) = client.await.expect("a server");
    let method = if is_head { ::http::Method::HEAD } else { ::http::Method::POST };
    let request = ::http::Request::builder().method(method).uri("http://a/").body(()).expect("one");
    let exchange = async move {
        let is_whole = body.is_empty() && trailers.is_empty();
        let (answer, mut stream) = sender.send_request(request, is_whole).ok()?;
        for piece in body {
            stream.send_data(Bytes::copy_from_slice(piece), false).ok()?;
        }
        if !is_whole {
            let mut map = ::http::HeaderMap::new();
            for (name, value) in trailers.iter().filter_map(|(name, value)| field(name, value)) {
                map.append(name, value);
            }
            stream.send_trailers(map).ok()?;
        }
        drop(sender);
        told(answer).await
    };
    let carried = async {
        // Its end is that of the exchange.
        let _end = connection.await;
    };
    let carried = std::pin::pin!(carried);
    let mut exchange = std::pin::pin!(exchange);
    tokio::select! {
        told = &mut exchange => told,
        () = carried => exchange.await,
    }
}

async fn told(answer: ResponseFuture) -> Option<Told> {
    let (parts, mut stream): (_, RecvStream) = answer.await.ok()?.into_parts();
    let lines = |map: &::http::HeaderMap| {
        let owned = map
            .iter()
            .map(|(name, value)| (name.as_str().as_bytes().to_vec(), value.as_bytes().to_vec()));
        let mut lines: Lines = owned.collect();
        lines.sort();
        lines
    };
    let mut told =
        Told { status: parts.status.as_u16(), lines: lines(&parts.headers), ..Told::default() };
    while let Some(data) = stream.data().await {
        let data = data.ok()?;
        stream.flow_control().release_capacity(data.len()).ok()?;
        told.body.extend_from_slice(&data);
    }
    let trailers = stream.trailers().await.ok()?;
    told.trailers = trailers.as_ref().map(lines).unwrap_or_default();
    Some(told)
}

/// A path that was received, as a backend of HTTP/2 is asked for it: the same, but for what it must
/// escape.
pub(crate) fn http2_path(bytes: &[u8]) {
    let path = [b"/", bytes].concat();
    if crate::http::target::split(&path, false).is_err() {
        return;
    }
    let Ok(asked) = path_of(&path) else {
        panic!("no path of {}", path.escape_ascii());
    };
    let mut unescaped = Vec::new();
    let mut rest = asked.as_str().as_bytes();
    let mut received = &path[..];
    while let Some((&byte, behind)) = rest.split_first() {
        if received.first() == Some(&byte) {
            unescaped.push(byte);
            rest = behind;
        } else {
            let (escape, behind) = rest.split_at(3);
            let digits = std::str::from_utf8(&escape[1..]).expect("digits");
            assert_eq!(escape[0], b'%', "{}", path.escape_ascii());
            unescaped.push(u8::from_str_radix(digits, 16).expect("digits"));
            rest = behind;
        }
        received = received.get(1..).unwrap_or_default();
    }
    assert_eq!(unescaped, path, "{asked}");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEADS: &str = "(HTTP/1.1 103 \r\nlink: a\r\n\r\n){0,2}HTTP/1.[01] (200|204|304|404|101|500) ?O?K?\r\n\
                         ((content-length: ?[0-9]{1,2}|transfer-encoding: chunked|x-a: ?[ -~]{0,5}|Date: x|connection: close)\r\n){0,4}\r\n";
    const CHUNKS: &str = "([0-9a-f]{1,2}(;a)?\r\n[a-z]{0,12}\r\n|3\r\nabc\r\n){0,4}0\r\n(x-t: [a-z]{0,3}\r\n|content-length: 3\r\n|grpc-status: 0\r\n){0,3}\r\n";

    proptest! {
        #[test]
        fn any_answer_is_told_or_broken_off(
            seed: u8,
            head in HEADS,
            body in prop_oneof![
                Just(String::new()).prop_map(String::into_bytes),
                CHUNKS.prop_map(String::into_bytes),
                prop::collection::vec(any::<u8>(), 0..40),
            ],
        ) {
            http2_answer(&[&[seed], head.as_bytes(), &body].concat());
        }

        #[test]
        fn any_bytes_are_told_or_broken_off(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
            http2_answer(&bytes);
            http2_body(&bytes);
            http2_path(&bytes);
        }

        #[test]
        fn any_body_and_its_trailers_are_read(
            seed: u8,
            body in prop::collection::vec(0u8..255, 0..6000),
            trailers in prop::collection::vec(("[a-z-]{1,8}", "[\t -~]{0,8}"), 0..5),
        ) {
            let mut bytes = vec![seed];
            bytes.extend(body);
            for (name, value) in trailers {
                for part in [name, value] {
                    bytes.push(0xff);
                    bytes.extend_from_slice(part.as_bytes());
                }
            }
            http2_body(&bytes);
        }

        #[test]
        fn any_path_is_asked_for(bytes in "([!-~]|%[0-9a-fA-F]{2}|[\u{80}-\u{7ff}]){0,40}") {
            http2_path(bytes.as_bytes());
        }
    }

    /// The corpus's folders are the fuzz targets' names.
    #[test]
    fn the_corpus_keeps_every_promise() {
        for (target, check) in [
            ("http2_answer", http2_answer as fn(&[u8])),
            ("http2_body", http2_body),
            ("http2_path", http2_path),
        ] {
            let folder = std::path::Path::new("tests/corpus").join(target);
            let entries = std::fs::read_dir(&folder).expect("tests run in the package's folder");
            let paths: Vec<_> = entries.map(|entry| entry.expect("readable").path()).collect();
            assert!(paths.len() > 4, "{} is seeded", folder.display());
            for path in paths {
                check(&std::fs::read(path).expect("a file"));
            }
        }
    }
}

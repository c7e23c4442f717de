//! A second opinion on the grammar of heads: httparse finds the same parts in the same bytes, or refuses
//! them as well.

use std::mem::MaybeUninit;

use crate::http::HEADERS_MAX;
use crate::http::grammar::{self, Stop};
use crate::http::head::{Header, Kind, Span, Version};

/// Everything that lies in a head, as text: where it ends, its first line's parts, its lines.
type Parts = (usize, Vec<Vec<u8>>);

pub(super) fn request(bytes: &[u8]) {
    assert_eq!(our_request(bytes), their_request(bytes), "{}", bytes.escape_ascii());
}

pub(super) fn response(bytes: &[u8]) {
    assert_eq!(our_response(bytes), their_response(bytes), "{}", bytes.escape_ascii());
}

fn our_request(bytes: &[u8]) -> Result<Parts, Stop> {
    let line = grammar::request_line(bytes)?;
    our_parts(bytes, line.end, &[line.method, line.target], line.version, "")
}

fn our_response(bytes: &[u8]) -> Result<Parts, Stop> {
    let line = grammar::status_line(bytes)?;
    our_parts(bytes, line.end, &[line.reason], line.version, &line.status.to_string())
}

fn our_parts(
    bytes: &[u8],
    lines_at: usize,
    spans: &[Span],
    version: Version,
    status: &str,
) -> Result<Parts, Stop> {
    let mut headers: Vec<Header> = Vec::new();
    let end = grammar::header_lines(bytes, lines_at, &mut headers, |_| Kind::Other)?;
    let version = if version == Version::Http10 { "0" } else { "1" };
    let mut parts = vec![version.into(), status.into()];
    parts.extend(spans.iter().map(|span| span.in_bytes(bytes).to_vec()));
    for header in &headers {
        parts.extend([header.name, header.value].map(|span| span.in_bytes(bytes).to_vec()));
    }
    Ok((end, parts))
}

fn their_request(bytes: &[u8]) -> Result<Parts, Stop> {
    let mut lines = [const { MaybeUninit::uninit() }; HEADERS_MAX];
    let mut read = httparse::Request::new(&mut []);
    let end = ended(read.parse_with_uninit_headers(bytes, &mut lines))?;
    let first = [read.method, read.path].map(Option::unwrap_or_default);
    Ok((end, their_parts(read.version, String::new(), &first, read.headers)))
}

fn their_response(bytes: &[u8]) -> Result<Parts, Stop> {
    let mut lines = [const { MaybeUninit::uninit() }; HEADERS_MAX];
    let mut read = httparse::Response::new(&mut []);
    let mut parser = httparse::ParserConfig::default();
    parser.allow_multiple_spaces_in_response_status_delimiters(true);
    let end = ended(parser.parse_response_with_uninit_headers(&mut read, bytes, &mut lines))?;
    let status = read.code.unwrap_or_default().to_string();
    Ok((end, their_parts(read.version, status, &[read.reason.unwrap_or_default()], read.headers)))
}

fn ended(read: httparse::Result<usize>) -> Result<usize, Stop> {
    match read {
        Ok(httparse::Status::Complete(end)) => Ok(end),
        Ok(httparse::Status::Partial) => Err(Stop::Partial),
        Err(httparse::Error::Version) => Err(Stop::Version),
        Err(httparse::Error::TooManyHeaders) => Err(Stop::TooManyHeaders),
        Err(_) => Err(Stop::Broken),
    }
}

fn their_parts(
    version: Option<u8>,
    status: String,
    first: &[&str],
    headers: &[httparse::Header<'_>],
) -> Vec<Vec<u8>> {
    let version = version.unwrap_or_default().to_string();
    let mut parts = vec![version.into_bytes(), status.into_bytes()];
    parts.extend(first.iter().map(|part| part.as_bytes().to_vec()));
    for header in headers {
        parts.extend([header.name.as_bytes().to_vec(), header.value.to_vec()]);
    }
    parts
}

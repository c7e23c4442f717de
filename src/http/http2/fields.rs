//! A message's fields in HTTP/2, written as a head of HTTP/1.1, and a head's lines as fields.
//!
//! What is written here is parsed again like any other head, so whoever serves a request need not
//! know how it came. Only bytes that stand in one line, and names that are tokens in lower case, get
//! through (RFC 9113, 8.2); what belongs to one connection of HTTP/1.1 is refused on the way in and
//! left out on the way out (8.2.2).

use super::super::Error;
use super::super::grammar::{is_text, is_token};
use super::super::head::{Header, Kind};
use super::super::request::Request;
use super::super::response::Response;
use super::super::trailers;

/// A request's pseudo-header fields, as they were received.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a [u8],
    /// With the query.
    pub(crate) path: &'a [u8],
    pub(crate) authority: Option<&'a [u8]>,
}

/// What follows a message's fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ahead {
    Nothing,
    Data,
}

/// How the head that was written says where its body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framed {
    /// By its length, or there is no body.
    Length,
    Chunked,
}

/// Writes a request's head. An error is for the client; what was written till then may show what it
/// wanted, in a log.
pub(crate) fn request<'a>(
    out: &mut Vec<u8>,
    asked: Asked<'a>,
    fields: impl Iterator<Item = (&'a [u8], &'a [u8])>,
    ahead: Ahead,
) -> Result<Framed, Error> {
    if asked.method.is_empty() || !asked.method.iter().all(|&byte| is_token(byte)) {
        return Err(Error::Grammar);
    }
    if asked.path.is_empty() || !asked.path.iter().all(|&byte| is_visible(byte)) {
        return Err(Error::Target);
    }
    out.extend_from_slice(asked.method);
    out.push(b' ');
    out.extend_from_slice(asked.path);
    out.extend_from_slice(b" HTTP/1.1\r\n");
    // The form with an authority is that of a proxy's client, and HTTP/2 has a field for it.
    if !matches!(asked.path, [b'/', ..] | b"*") {
        return Err(Error::Target);
    }
    let mut host = asked.authority;
    let mut cookies: Vec<u8> = Vec::new();
    let mut has_length = false;
    if let Some(authority) = host {
        write_host(out, authority)?;
    }
    for (name, value) in fields {
        judge(name, value)?;
        match name {
            b"host" => match host {
                Some(known) if known.eq_ignore_ascii_case(value) => {}
                Some(_) => return Err(Error::Host),
                None => {
                    write_host(out, value)?;
                    host = Some(value);
                }
            },
            b"te" if !value.trim_ascii().eq_ignore_ascii_case(b"trailers") => {
                return Err(Error::Grammar);
            }
            b"te" => {}
            _ if is_of_connection(name) => return Err(Error::Grammar),
            // They may come one by one, and are one line elsewhere (RFC 9113, 8.2.3).
            b"cookie" => {
                if !cookies.is_empty() {
                    cookies.extend_from_slice(b"; ");
                }
                cookies.extend_from_slice(value);
            }
            b"content-length" => {
                if ahead == Ahead::Nothing && !value.iter().all(|&digit| digit == b'0') {
                    return Err(Error::ContentLength);
                }
                has_length = true;
                line(out, name, value);
            }
            _ => line(out, name, value),
        }
    }
    if !cookies.is_empty() {
        line(out, b"cookie", &cookies);
    }
    Ok(end(out, has_length, ahead))
}

/// Writes the head of a backend's response. Whoever asked with HEAD gets no body, whatever its
/// length is said to be.
pub(crate) fn response<'a>(
    out: &mut Vec<u8>,
    status: u16,
    fields: impl Iterator<Item = (&'a [u8], &'a [u8])>,
    ahead: Ahead,
    is_head: bool,
) -> Result<Framed, Error> {
    if !(100..600).contains(&status) || status == 101 {
        return Err(Error::Grammar);
    }
    let digits = [status / 100, status / 10 % 10, status % 10].map(|digit| b'0' + digit as u8);
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(&digits);
    out.extend_from_slice(b" \r\n");
    let mut has_length = false;
    for (name, value) in fields {
        judge(name, value)?;
        if is_of_connection(name) || name == b"te" {
            return Err(Error::Grammar);
        }
        has_length |= name == b"content-length";
        line(out, name, value);
    }
    if is_head || matches!(status, 100..=199 | 204 | 304) {
        out.extend_from_slice(b"\r\n");
        return Ok(Framed::Length);
    }
    if ahead == Ahead::Nothing && !has_length {
        out.extend_from_slice(b"content-length: 0\r\n");
        has_length = true;
    }
    Ok(end(out, has_length, ahead))
}

/// Writes the lines of a message's trailers that may be trailers, and the empty line behind them.
pub(crate) fn section<'a>(
    out: &mut Vec<u8>,
    fields: impl Iterator<Item = (&'a [u8], &'a [u8])>,
) -> Result<(), Error> {
    for (name, value) in fields {
        judge(name, value)?;
        if trailers::may_pass(name) {
            line(out, name, value);
        }
    }
    out.extend_from_slice(b"\r\n");
    Ok(())
}

/// The fields of a trailer section that was judged and filtered.
pub(crate) fn of_section(section: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    section.split(|&byte| byte == b'\n').filter_map(|line| {
        let colon = memchr::memchr(b':', line)?;
        Some((&line[..colon], line[colon + 1..].trim_ascii()))
    })
}

/// The fields of a response's head, but its status.
pub(crate) fn of_response<'a>(
    bytes: &'a [u8],
    response: &'a Response,
) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
    passing(bytes, &response.headers)
}

/// The fields of a request's head that are none of the pseudo-header fields.
pub(crate) fn of_request<'a>(
    bytes: &'a [u8],
    request: &'a Request,
) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
    passing(bytes, &request.headers).filter(|(name, _)| !name.eq_ignore_ascii_case(b"host"))
}

fn passing<'a>(
    bytes: &'a [u8],
    headers: &'a [Header],
) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
    let is_passing = |header: &&Header| match header.kind {
        Kind::Other
        | Kind::ContentLength
        | Kind::Host
        | Kind::Expect
        | Kind::ForwardedFor
        | Kind::ForwardedProto
        | Kind::Date
        | Kind::MaxForwards => true,
        Kind::HopByHop | Kind::Connection | Kind::TransferEncoding | Kind::Upgrade => false,
    };
    headers
        .iter()
        .filter(is_passing)
        .map(|header| (header.name.in_bytes(bytes), header.value.in_bytes(bytes)))
}

fn end(out: &mut Vec<u8>, has_length: bool, ahead: Ahead) -> Framed {
    let framed = match ahead {
        Ahead::Data if !has_length => {
            out.extend_from_slice(b"transfer-encoding: chunked\r\n");
            Framed::Chunked
        }
        Ahead::Data | Ahead::Nothing => Framed::Length,
    };
    out.extend_from_slice(b"\r\n");
    framed
}

fn write_host(out: &mut Vec<u8>, host: &[u8]) -> Result<(), Error> {
    if host.is_empty() || !host.iter().all(|&byte| is_visible(byte)) {
        return Err(Error::Host);
    }
    line(out, b"host", host);
    Ok(())
}

fn judge(name: &[u8], value: &[u8]) -> Result<(), Error> {
    let is_name =
        !name.is_empty() && name.iter().all(|&byte| is_token(byte) && !byte.is_ascii_uppercase());
    if is_name && value.iter().all(|&byte| is_text(byte)) { Ok(()) } else { Err(Error::Grammar) }
}

fn is_of_connection(name: &[u8]) -> bool {
    matches!(
        name,
        b"connection" | b"keep-alive" | b"proxy-connection" | b"transfer-encoding" | b"upgrade"
    )
}

fn is_visible(byte: u8) -> bool {
    byte > b' ' && byte != 0x7f
}

fn line(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

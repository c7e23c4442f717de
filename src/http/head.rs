//! What requests' and responses' heads share: ranges, header lines, the names that mean something
//! to a proxy, and the `Connection` header.
//!
//! Ranges point into the slice that was parsed; the caller keeps those bytes unchanged for as long
//! as it uses the head.

use super::{CONNECTION_OPTIONS_MAX, Error};

/// A range of the head's bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Span {
    /// Where `part`, a subslice of `whole`, lies in it.
    pub(crate) fn of(whole: &[u8], part: &[u8]) -> Self {
        let start = (part.as_ptr() as usize).wrapping_sub(whole.as_ptr() as usize);
        debug_assert!(start + part.len() <= whole.len(), "a part lies within its whole");
        Self { start: start as u32, end: (start + part.len()) as u32 }
    }

    /// The same part of bytes that stand elsewhere.
    pub(crate) fn moved(self, by: u32) -> Self {
        Self { start: self.start.wrapping_add(by), end: self.end.wrapping_add(by) }
    }

    pub(crate) fn in_bytes(self, bytes: &[u8]) -> &[u8] {
        bytes.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Version {
    Http10,
    #[default]
    Http11,
}

/// What a header line means to a proxy. `HopByHop` ends here; `Other` passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Other,
    HopByHop,
    Connection,
    ContentLength,
    TransferEncoding,
    Upgrade,
    Host,
    Expect,
    ForwardedFor,
    ForwardedProto,
    Date,
    MaxForwards,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) name: Span,
    pub(crate) value: Span,
    pub(crate) kind: Kind,
}

/// What the sender wants to become of its connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Persistence {
    #[default]
    KeepAlive,
    Close,
}

/// Of the names that `kind_of` tells apart.
const KNOWN_NAME_BYTES_MAX: usize = 17;

/// Sorted by length first: most names are told apart by that alone.
pub(crate) fn kind_of(name: &[u8]) -> Kind {
    match name.len() {
        2 if is(name, b"te") => Kind::HopByHop,
        4 if is(name, b"host") => Kind::Host,
        4 if is(name, b"date") => Kind::Date,
        6 if is(name, b"expect") => Kind::Expect,
        7 if is(name, b"upgrade") => Kind::Upgrade,
        10 if is(name, b"connection") => Kind::Connection,
        10 if is(name, b"keep-alive") => Kind::HopByHop,
        12 if is(name, b"max-forwards") => Kind::MaxForwards,
        14 if is(name, b"content-length") => Kind::ContentLength,
        // Settings for the switch to HTTP/2 that is not asked for on a client's behalf.
        14 if is(name, b"http2-settings") => Kind::HopByHop,
        15 if is(name, b"x-forwarded-for") => Kind::ForwardedFor,
        16 if is(name, b"proxy-connection") => Kind::HopByHop,
        17 if is(name, b"transfer-encoding") => Kind::TransferEncoding,
        17 if is(name, b"x-forwarded-proto") => Kind::ForwardedProto,
        _ => Kind::Other,
    }
}

/// Whether a token is `known`, in whichever case: of the characters of tokens, that bit sets apart
/// letters alone. A length that the compiler knows makes it a few comparisons of words.
fn is<const N: usize>(name: &[u8], known: &[u8; N]) -> bool {
    name.first_chunk::<N>().is_some_and(|name| {
        let pairs = name.iter().zip(known);
        pairs.fold(0, |differing, (byte, known)| differing | ((byte | 0x20) ^ known)) == 0
    })
}

/// As `kind_of`, but `X_Forwarded_For` and its like are dropped: a CGI or WSGI backend could not
/// tell them from the lines that this proxy answers for.
pub(crate) fn kind_of_request(name: &[u8]) -> Kind {
    let kind = kind_of(name);
    let mut hyphened = [0; KNOWN_NAME_BYTES_MAX];
    match hyphened.get_mut(..name.len()) {
        Some(hyphened) if kind == Kind::Other && name.contains(&b'_') => {
            for (to, from) in hyphened.iter_mut().zip(name) {
                *to = if *from == b'_' { b'-' } else { *from };
            }
            if kind_of(hyphened) == Kind::Other { Kind::Other } else { Kind::HopByHop }
        }
        _ => kind,
    }
}

/// What all `Connection` headers of a head say together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) persistence: Persistence,
    /// `upgrade` is named, so an `Upgrade` header means what it says.
    pub(crate) names_upgrade: bool,
}

/// Reads the `Connection` headers and marks the lines they name as hop-by-hop. Lines that frame the
/// message or that the proxy writes itself keep their kind: naming `Content-Length` here must not
/// remove it.
pub(crate) fn options(
    bytes: &[u8],
    headers: &mut [Header],
    version: Version,
) -> Result<Options, Error> {
    let mut close = false;
    let mut keep_alive = false;
    let mut names_upgrade = false;
    let mut seen = 0;
    let first = headers.iter().position(|header| header.kind == Kind::Connection);
    for at in first.unwrap_or(headers.len())..headers.len() {
        if headers[at].kind != Kind::Connection {
            continue;
        }
        // What nearly all heads say that say anything.
        if seen == 0 && headers[at].value.in_bytes(bytes) == b"keep-alive" {
            keep_alive = true;
            seen = 1;
            continue;
        }
        for option in elements(headers[at].value.in_bytes(bytes)) {
            seen += 1;
            if seen > CONNECTION_OPTIONS_MAX {
                return Err(Error::TooManyOptions);
            }
            if option.eq_ignore_ascii_case(b"close") {
                close = true;
            } else if option.eq_ignore_ascii_case(b"keep-alive") {
                keep_alive = true;
            } else if option.eq_ignore_ascii_case(b"upgrade") {
                names_upgrade = true;
            } else {
                mark_hop_by_hop(bytes, headers, option);
            }
        }
    }
    let persistence = match version {
        _ if close => Persistence::Close,
        Version::Http10 if !keep_alive => Persistence::Close,
        Version::Http10 | Version::Http11 => Persistence::KeepAlive,
    };
    Ok(Options { persistence, names_upgrade })
}

fn mark_hop_by_hop(bytes: &[u8], headers: &mut [Header], option: &[u8]) {
    for header in headers {
        if header.kind == Kind::Other && header.name.in_bytes(bytes).eq_ignore_ascii_case(option) {
            header.kind = Kind::HopByHop;
        }
    }
}

/// The elements of a comma-separated list, trimmed; empty ones are left out.
pub(crate) fn elements(value: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii).filter(|element| !element.is_empty())
}

/// Whether the bytes from `from` on may hold the empty line that ends a head, so that a head that
/// trickles in is not parsed again for every byte. `from` is how much was looked at before.
pub(crate) fn may_be_complete(bytes: &[u8], from: usize) -> bool {
    // The end may straddle the old and the new bytes: "\n\r" there, "\n" here.
    let from = from.saturating_sub(2);
    let fresh = bytes.get(from..).unwrap_or_default();
    memchr::memchr_iter(b'\n', fresh).any(|at| {
        let rest = &fresh[at + 1..];
        rest.starts_with(b"\n") || rest.starts_with(b"\r\n")
    })
}

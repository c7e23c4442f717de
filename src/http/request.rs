//! A request's head, parsed once and judged once: after `parse` says `Complete`, the message has
//! exactly one reading.
//!
//! `grammar` says where its parts lie; everything that decides framing or routing is decided here.

use super::framing::{self, Body};
use super::grammar::{self, RequestLine, Stop};
use super::head::{self, Header, Kind, Persistence, Span, Version};
use super::repeats::Repeats;
use super::{Error, target};

/// Methods a proxy treats differently from each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Method {
    #[default]
    Get,
    Head,
    Options,
    Other,
    /// POST, PATCH, LOCK: never repeated once a byte was sent.
    NonIdempotent,
}

impl Method {
    /// Methods are in capitals, as nginx reads them. CONNECT and TRACE are refused, as nginx does: the
    /// first asks for another kind of proxy, the second would echo headers that this proxy added.
    pub(crate) fn of(name: &[u8]) -> Result<Self, Error> {
        match name {
            b"GET" => Ok(Self::Get),
            b"HEAD" => Ok(Self::Head),
            b"OPTIONS" => Ok(Self::Options),
            b"POST" | b"PATCH" | b"LOCK" => Ok(Self::NonIdempotent),
            b"CONNECT" | b"TRACE" => Err(Error::Method),
            // A backend that ignores case would take `post` for a method that is not repeated.
            _ if name.len() <= METHOD_BYTES_MAX
                && name.iter().all(|byte| byte.is_ascii_uppercase() || b"-_".contains(byte)) =>
            {
                Ok(Self::Other)
            }
            _ => Err(Error::Grammar),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parsed {
    Partial,
    Complete,
}

/// One request's head as ranges of the bytes it was parsed from. Kept and parsed into again, so
/// that the list of headers is allocated once.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) method_name: Span,
    pub(crate) version: Version,
    /// Path and query to forward; see `target::Target::path_and_query`.
    pub(crate) path_and_query: Span,
    /// Host and port as the client named them; `None` only in HTTP/1.0.
    pub(crate) host: Option<Span>,
    pub(crate) headers: Vec<Header>,
    pub(crate) head_bytes: usize,
    pub(crate) body: Body,
    pub(crate) persistence: Persistence,
    /// The protocol asked for, when both `Connection: upgrade` and `Upgrade` say so.
    pub(crate) upgrade: Option<Span>,
    /// The client waits with its body for a word of the backend.
    pub(crate) expects_continue: bool,
    /// How many proxies an OPTIONS may still pass; other methods are not counted.
    pub(crate) max_forwards: Option<u32>,
}

/// Bytes of a first line around its target: method, version, spaces, line end.
const AROUND_TARGET_BYTES_MAX: usize = METHOD_BYTES_MAX + " ".len() + " HTTP/1.1\r\n".len();

/// Whether a target that has not ended may have become too long between `seen_bytes` and `bytes` of a
/// head: only then, and when the head may be complete, is there a reason to parse again.
pub(crate) fn outgrows_target(seen_bytes: usize, bytes: usize, target_bytes_max: usize) -> bool {
    bytes > target_bytes_max
        && seen_bytes <= target_bytes_max.saturating_add(AROUND_TARGET_BYTES_MAX)
}

impl Request {
    /// As `parse`, by what is known of lines that came before.
    pub(crate) fn parse_again(
        &mut self,
        bytes: &[u8],
        target_bytes_max: usize,
        known: &mut Repeats,
    ) -> Result<Parsed, Error> {
        let line = match grammar::request_line(bytes) {
            Ok(line) if line.version == Version::Http11 => line,
            Ok(_) | Err(_) => return self.parse(bytes, target_bytes_max),
        };
        if known.recall(bytes, line.end, self) {
            let target = self.begin(bytes, line, target_bytes_max)?;
            // Of lines nothing else depends on the method.
            return match self.method {
                Method::Options => self.judge(bytes, target),
                Method::Get | Method::Head | Method::Other | Method::NonIdempotent => {
                    self.place(bytes, target)
                }
            };
        }
        let parsed = self.parse_lines(bytes, line, target_bytes_max)?;
        if parsed == Parsed::Complete && self.method != Method::Options {
            known.learn(bytes, line.end, self);
        }
        Ok(parsed)
    }

    /// Parses the head at the front of `bytes`.
    pub(crate) fn parse(&mut self, bytes: &[u8], target_bytes_max: usize) -> Result<Parsed, Error> {
        match grammar::request_line(bytes) {
            Ok(line) => self.parse_lines(bytes, line, target_bytes_max),
            Err(stop) => stopped(stop, bytes, target_bytes_max),
        }
    }

    fn parse_lines(
        &mut self,
        bytes: &[u8],
        line: RequestLine,
        target_bytes_max: usize,
    ) -> Result<Parsed, Error> {
        let headers = &mut self.headers;
        match grammar::header_lines(bytes, line.end, headers, head::kind_of_request) {
            Ok(head_bytes) => self.head_bytes = head_bytes,
            Err(stop) => return stopped(stop, bytes, target_bytes_max),
        }
        let target = self.begin(bytes, line, target_bytes_max)?;
        self.judge(bytes, target)
    }

    /// Judges the first line.
    fn begin<'b>(
        &mut self,
        bytes: &'b [u8],
        line: RequestLine,
        target_bytes_max: usize,
    ) -> Result<&'b [u8], Error> {
        let target = line.target.in_bytes(bytes);
        if target.len() > target_bytes_max {
            return Err(Error::TargetTooLong);
        }
        self.version = line.version;
        self.method = Method::of(line.method.in_bytes(bytes))?;
        self.method_name = line.method;
        Ok(target)
    }

    /// Framing, host, target and connection: all that must have one reading only.
    fn judge(&mut self, bytes: &[u8], target: &[u8]) -> Result<Parsed, Error> {
        self.body = match framing::declared(bytes, &self.headers)? {
            Some(Body::Chunked) if self.version == Version::Http10 => {
                return Err(Error::TransferEncoding);
            }
            Some(body) => body,
            None => Body::None,
        };
        let options = head::options(bytes, &mut self.headers, self.version)?;
        self.persistence = options.persistence;
        self.host = None;
        self.upgrade = None;
        self.expects_continue = false;
        self.max_forwards = None;
        for header in &self.headers {
            match header.kind {
                Kind::Host => {
                    let host = header.value;
                    if !target::is_authority(host.in_bytes(bytes))
                        || self.host.replace(host).is_some()
                    {
                        return Err(Error::Host);
                    }
                }
                Kind::Upgrade if options.names_upgrade && self.version == Version::Http11 => {
                    let value = header.value.in_bytes(bytes);
                    self.upgrade = Some(header.value).filter(|_| may_switch_to(value));
                }
                // A proxy and its backend that disagree about who waits for whom lose their place
                // in the stream. HTTP/1.0 knows no expectations.
                Kind::Expect if self.version == Version::Http11 => {
                    let value = header.value.in_bytes(bytes);
                    let is_known = value.is_empty() || value.eq_ignore_ascii_case(b"100-continue");
                    if self.expects_continue || !is_known {
                        return Err(Error::Expectation);
                    }
                    self.expects_continue = !value.is_empty();
                }
                Kind::MaxForwards if self.method == Method::Options => {
                    let left = forwards(header.value.in_bytes(bytes))?;
                    self.max_forwards = Some(self.max_forwards.unwrap_or(left).min(left));
                }
                Kind::Other
                | Kind::HopByHop
                | Kind::Connection
                | Kind::ContentLength
                | Kind::TransferEncoding
                | Kind::Upgrade
                | Kind::Expect
                | Kind::ForwardedFor
                | Kind::ForwardedProto
                | Kind::Date
                | Kind::MaxForwards => {}
            }
        }
        // Without a body there is nothing to wait for.
        self.expects_continue &= self.body != Body::None;
        self.place(bytes, target)
    }

    fn place(&mut self, bytes: &[u8], target: &[u8]) -> Result<Parsed, Error> {
        let target = target::split(target, self.method == Method::Options)?;
        self.path_and_query = Span::of(bytes, target.path_and_query);
        let Some(authority) = target.authority else {
            return match (self.host, self.version) {
                (None, Version::Http11) => Err(Error::Host),
                (Some(_), _) | (None, Version::Http10) => Ok(Parsed::Complete),
            };
        };
        match self.host {
            Some(host) if is_same_authority(host.in_bytes(bytes), authority) => {
                Ok(Parsed::Complete)
            }
            None if self.version == Version::Http10 => {
                self.host = Some(Span::of(bytes, authority));
                Ok(Parsed::Complete)
            }
            Some(_) => Err(Error::Target),
            None => Err(Error::Host),
        }
    }

    /// Takes out the wish to be told to continue, once it is fulfilled here.
    pub(crate) fn drop_expectation(&mut self) {
        for header in &mut self.headers {
            if header.kind == Kind::Expect {
                header.kind = Kind::HopByHop;
            }
        }
    }

    pub(crate) fn values<'a>(
        &'a self,
        bytes: &'a [u8],
        name: &'a str,
    ) -> impl DoubleEndedIterator<Item = &'a [u8]> {
        self.headers
            .iter()
            .filter(move |header| header.name.in_bytes(bytes).eq_ignore_ascii_case(name.as_bytes()))
            .map(|header| header.value.in_bytes(bytes))
    }
}

/// What comes of a head that can not be read to its end.
fn stopped(stop: Stop, bytes: &[u8], target_bytes_max: usize) -> Result<Parsed, Error> {
    match stop {
        Stop::Partial if open_target_bytes(bytes) > target_bytes_max => Err(Error::TargetTooLong),
        Stop::Partial => Ok(Parsed::Partial),
        Stop::TooManyHeaders => Err(Error::TooManyHeaders),
        Stop::Version if names_other_version(bytes) => Err(Error::Version),
        Stop::Version | Stop::Broken => Err(Error::Grammar),
    }
}

/// Whether both name the same place: the scheme's own port may be left out (RFC 9110, 4.2.1).
fn is_same_authority(one: &[u8], other: &[u8]) -> bool {
    let without_port = |text: &[u8]| text.strip_suffix(b":80").unwrap_or(text).to_ascii_lowercase();
    one.eq_ignore_ascii_case(other) || without_port(one) == without_port(other)
}

/// A longer method is none; the longest that is registered has 17 letters.
pub(crate) const METHOD_BYTES_MAX: usize = 32;

/// HTTP/2 in the clear is not asked for on a client's behalf: all its requests would pass unseen.
fn may_switch_to(protocols: &[u8]) -> bool {
    let mut names = head::elements(protocols).peekable();
    names.peek().is_some() && !names.any(|name| name.eq_ignore_ascii_case(b"h2c"))
}

/// Whether the first line is a request's but for its version; else it is no HTTP at all.
fn names_other_version(bytes: &[u8]) -> bool {
    let line = bytes.trim_ascii_start().split(|&byte| byte == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let mut words = line.split(|&byte| byte == b' ').skip(2);
    match (words.next(), words.next()) {
        (Some([b'H', b'T', b'T', b'P', b'/', major, b'.', minor]), None) => {
            major.is_ascii_digit() && minor.is_ascii_digit()
        }
        _ => false,
    }
}

/// How long the target is so far, while the first line has not ended.
fn open_target_bytes(bytes: &[u8]) -> usize {
    let line = bytes.trim_ascii_start();
    if memchr::memchr(b'\n', line).is_some() {
        return 0;
    }
    let method_bytes = memchr::memchr(b' ', line).unwrap_or(line.len());
    let target = line.get(method_bytes + 1..).unwrap_or_default();
    memchr::memchr(b' ', target).unwrap_or(target.len())
}

/// A count that no chain of proxies reaches is as good as any larger one.
fn forwards(value: &[u8]) -> Result<u32, Error> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Err(Error::Grammar);
    }
    Ok(value.iter().fold(0, |count: u32, &digit| {
        count.saturating_mul(10).saturating_add(u32::from(digit - b'0'))
    }))
}

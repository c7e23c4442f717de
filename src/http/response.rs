//! A response's head from a backend, parsed once; a backend's ambiguous framing is refused like a
//! client's.

use std::mem::MaybeUninit;

use super::framing::{self, Body};
use super::head::{self, Header, Kind, Persistence, Span, Version};
use super::request::Parsed;
use super::{Error, HEADERS_MAX};

/// What the request was, as far as it decides how its response is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) is_head: bool,
    pub(crate) is_upgrade: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) reason: Span,
    pub(crate) version: Version,
    pub(crate) headers: Vec<Header>,
    pub(crate) head_bytes: usize,
    pub(crate) body: Body,
    pub(crate) persistence: Persistence,
    pub(crate) upgrade: Option<Span>,
    pub(crate) has_date: bool,
}

impl Response {
    pub(crate) fn parse(&mut self, bytes: &[u8], asked: Asked) -> Result<Parsed, Error> {
        let mut lines = [const { MaybeUninit::uninit() }; HEADERS_MAX];
        let mut grammar = httparse::Response::new(&mut []);
        let mut parser = httparse::ParserConfig::default();
        parser.allow_multiple_spaces_in_response_status_delimiters(true);
        match parser.parse_response_with_uninit_headers(&mut grammar, bytes, &mut lines) {
            Ok(httparse::Status::Complete(length)) => self.head_bytes = length,
            Ok(httparse::Status::Partial) => return Ok(Parsed::Partial),
            Err(httparse::Error::TooManyHeaders) => return Err(Error::TooManyHeaders),
            Err(httparse::Error::Version) => return Err(Error::Version),
            Err(_) => return Err(Error::Grammar),
        }
        let (Some(status), Some(version)) = (grammar.code, grammar.version) else {
            return Err(Error::Grammar);
        };
        if !(100..600).contains(&status) {
            return Err(Error::Grammar);
        }
        self.status = status;
        self.version = if version == 0 { Version::Http10 } else { Version::Http11 };
        // An absent reason is a static empty string, which lies nowhere in `bytes`.
        self.reason = match grammar.reason {
            Some(reason) if !reason.is_empty() => Span::of(bytes, reason.as_bytes()),
            _ => Span::default(),
        };
        self.headers.clear();
        self.headers.extend(grammar.headers.iter().map(|line| Header {
            name: Span::of(bytes, line.name.as_bytes()),
            value: Span::of(bytes, line.value),
            kind: head::kind_of(line.name.as_bytes()),
        }));
        self.judge(bytes, asked)?;
        Ok(Parsed::Complete)
    }

    fn judge(&mut self, bytes: &[u8], asked: Asked) -> Result<(), Error> {
        let declared = framing::declared(bytes, &self.headers)?;
        if declared == Some(Body::Chunked) && self.version == Version::Http10 {
            return Err(Error::TransferEncoding);
        }
        let options = head::options(bytes, &mut self.headers, self.version)?;
        let of_kind = |kind| self.headers.iter().find(|header| header.kind == kind);
        self.upgrade =
            of_kind(Kind::Upgrade).filter(|_| options.names_upgrade).map(|header| header.value);
        self.has_date = of_kind(Kind::Date).is_some();
        // A switch that nobody asked for would turn the rest of the connection into raw bytes.
        if self.status == 101 && !(asked.is_upgrade && self.upgrade.is_some()) {
            return Err(Error::Grammar);
        }
        self.body = match (self.status, declared) {
            (100..=199 | 204 | 304, _) => Body::None,
            _ if asked.is_head => Body::None,
            (_, Some(body)) => body,
            // Without content by its definition, though not by its framing.
            (205, None) => Body::Length(0),
            (_, None) => Body::UntilClose,
        };
        self.persistence = match (self.status, declared) {
            // Where such a response ends the backend knows better than we do.
            (205, None) if !asked.is_head => Persistence::Close,
            _ if self.body == Body::UntilClose => Persistence::Close,
            _ => options.persistence,
        };
        Ok(())
    }

    /// The values of the lines of that name, which is in lower case.
    pub(crate) fn values<'a>(
        &'a self,
        bytes: &'a [u8],
        name: &'a str,
    ) -> impl Iterator<Item = &'a [u8]> {
        self.headers
            .iter()
            .filter(move |header| header.name.in_bytes(bytes).eq_ignore_ascii_case(name.as_bytes()))
            .map(|header| header.value.in_bytes(bytes))
    }

    /// 100 to 199 but 101: another head follows.
    pub(crate) fn is_interim(&self) -> bool {
        (100..200).contains(&self.status) && self.status != 101
    }
}

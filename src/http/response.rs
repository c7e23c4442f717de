//! A response's head from a backend, parsed once; a backend's ambiguous framing is refused like a
//! client's.

use super::Error;
use super::framing::{self, Body};
use super::grammar::{self, Stop};
use super::head::{self, Header, Kind, Persistence, Span, Version};
use super::likeness::Likenesses;
use super::request::Parsed;

/// What the request was, as far as it decides how its response is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) is_head: bool,
    pub(crate) is_upgrade: bool,
}

#[derive(Debug, Default, PartialEq, Eq)]
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
    /// As `parse`, by what is known of heads like it.
    pub(crate) fn parse_alike(
        &mut self,
        bytes: &[u8],
        asked: Asked,
        known: &mut Likenesses,
    ) -> Result<Parsed, Error> {
        if known.recognise(bytes, asked, self) {
            return Ok(Parsed::Complete);
        }
        let parsed = self.parse(bytes, asked)?;
        if parsed == Parsed::Complete {
            known.learn(&bytes[..self.head_bytes], asked, self);
        }
        Ok(parsed)
    }

    pub(crate) fn parse(&mut self, bytes: &[u8], asked: Asked) -> Result<Parsed, Error> {
        match self.read(bytes) {
            Ok(()) => {}
            Err(Stop::Partial) => return Ok(Parsed::Partial),
            Err(Stop::TooManyHeaders) => return Err(Error::TooManyHeaders),
            Err(Stop::Version) => return Err(Error::Version),
            Err(Stop::Broken) => return Err(Error::Grammar),
        }
        if !(100..600).contains(&self.status) {
            return Err(Error::Grammar);
        }
        self.judge(bytes, asked)?;
        Ok(Parsed::Complete)
    }

    fn read(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        let line = grammar::status_line(bytes)?;
        (self.version, self.status, self.reason) = (line.version, line.status, line.reason);
        self.head_bytes = grammar::header_lines(bytes, line.end, &mut self.headers, head::kind_of)?;
        Ok(())
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

impl Clone for Response {
    fn clone(&self) -> Self {
        Self { headers: self.headers.clone(), ..*self }
    }

    /// Keeps the room that there is for headers.
    fn clone_from(&mut self, other: &Self) {
        let mut headers = std::mem::take(&mut self.headers);
        headers.clone_from(&other.headers);
        *self = Self { headers, ..*other };
    }
}

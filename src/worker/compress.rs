//! Whether an answer is compressed on its way, whoever gives it: a file or a backend.
//!
//! nginx's rules: good answers and the pages of two errors, of types that shrink, long enough, not
//! in a coding already. A tag becomes weak, for it is not byte for byte what it names any more, and
//! whoever keeps answers is told what they depend on.

use super::connection::Connection;
use super::encoder::Encoder;
use super::exchange::Exchange;
use super::server::Site;
use super::shape::{self, Shape};
use crate::config::model::files::{Coding, Compress};
use crate::http::coding;
use crate::http::framing::Body;
use crate::http::head::Version;

/// What of an answer decides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) content_type: &'a [u8],
    /// `None` when it is not known ahead.
    pub(crate) bytes: Option<u64>,
}

impl Answer<'_> {
    /// Whether it would be compressed for whoever takes that.
    pub(crate) fn is_compressible(&self, compress: &Compress) -> bool {
        matches!(self.status, 200 | 403 | 404)
            && self.bytes.is_none_or(|bytes| bytes > 0 && bytes >= compress.bytes_min)
            && !compress.codings.is_empty()
            && coding::is_of(self.content_type, &compress.types)
    }
}

/// What becomes of an answer.
pub(crate) enum Choice {
    AsItIs,
    /// Another client might get it compressed, or there is no room for one more.
    Plain,
    Compressed(Coding, Box<Encoder>),
}

impl Choice {
    pub(crate) fn is_compressed(&self) -> bool {
        match self {
            Self::AsItIs | Self::Plain => false,
            Self::Compressed(..) => true,
        }
    }
}

pub(crate) const VARY: &[u8] = b"Vary: Accept-Encoding\r\n";

impl Exchange {
    /// What of the codings of its route the client takes best.
    pub(crate) fn wanted(&self, shape: &Shape, head: &[u8]) -> Option<Coding> {
        let compress = shape.compress.as_ref()?;
        if self.request.version == Version::Http10 {
            return None;
        }
        let accept = self.request.values(head, "accept-encoding").next()?;
        coding::choose(accept, compress.codings.iter().map(|&it| (it, it.token())))
    }

    pub(crate) fn choose(
        &self,
        connection: &Connection,
        shape: &Shape,
        answer: Answer<'_>,
    ) -> Choice {
        if !shape.compress.as_ref().is_some_and(|it| answer.is_compressible(it)) {
            return Choice::AsItIs;
        }
        let encoder = self.wanted.and_then(|coding| {
            Some((coding, Encoder::new(coding, &connection.shared.compressions)?))
        });
        match encoder {
            Some((coding, encoder)) => Choice::Compressed(coding, encoder),
            None => Choice::Plain,
        }
    }

    /// The same of the backend's answer, whose head is at the front of `reply`.
    pub(crate) fn choose_for_reply(&self, connection: &Connection, site: &Site<'_>) -> Choice {
        let (shape, response) = (&site.route.shape, &self.response);
        let Some(reply) = self.reply.as_ref().filter(|_| shape.compress.is_some()) else {
            return Choice::AsItIs;
        };
        let head = &reply.content()[..response.head_bytes];
        let values = |name: &'static str| response.values(head, name);
        let is_fixed = values("content-encoding").next().is_some()
            || values("cache-control").any(|value| coding::has_word(value, "no-transform"));
        let bytes = match response.body {
            Body::Length(bytes) => Some(bytes),
            // What a GET would get.
            Body::None => values("content-length").next().and_then(number),
            Body::Chunked | Body::UntilClose => None,
        };
        if is_fixed || (response.body == Body::None && !self.is_head()) {
            return Choice::AsItIs;
        }
        let content_type = values("content-type").next().unwrap_or_default();
        self.choose(connection, shape, Answer { status: response.status, content_type, bytes })
    }

    /// Changes the head of a backend's answer as was chosen: marks the lines that do not pass, and
    /// adds those in their place.
    pub(crate) fn mark_reply(&mut self, choice: &Choice, head: &[u8]) {
        let coding = match choice {
            Choice::AsItIs => return,
            Choice::Plain => None,
            Choice::Compressed(coding, _) => Some(coding),
        };
        let Self { response, kept, .. } = self;
        if let Some(coding) = coding {
            write_coding(&mut kept.lines, *coding);
            if let Some(tag) = response.values(head, "etag").next() {
                write_weak_tag(&mut kept.lines, tag);
            }
            for name in ["etag", "accept-ranges", "content-length"] {
                shape::mark(&mut response.headers, head, name);
            }
        }
        if !response.values(head, "vary").any(|value| coding::has_word(value, "accept-encoding")) {
            kept.lines.extend_from_slice(VARY);
        }
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

pub(crate) fn write_coding(lines: &mut Vec<u8>, coding: Coding) {
    shape::line(lines, "Content-Encoding", |out| out.extend_from_slice(coding.token().as_bytes()));
}

pub(crate) fn write_weak_tag(lines: &mut Vec<u8>, tag: &[u8]) {
    shape::line(lines, "ETag", |out| {
        if !tag.starts_with(b"W/") {
            out.extend_from_slice(b"W/");
        }
        out.extend_from_slice(tag);
    });
}

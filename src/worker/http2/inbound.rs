//! One stream of a client's HTTP/2 connection, read and written like a connection of HTTP/1.1 that
//! serves one request.
//!
//! Its request's head was written out when the stream began (`open`); the body is read from here. The
//! answer is parsed as it is written, so what the stream sends is what the answer says, whoever wrote
//! it. An answer that breaks off must not look whole: a stream that is dropped before its end is reset
//! by the crate that speaks the protocol, once what was sent on it is out.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use h2::RecvStream;
use h2::server::SendResponse;

use super::super::stream::{Hangup, Stream};
use super::super::tls::facts::{self, Known};
use super::outbox::{Outbox, Piece};
use super::sink::{self, Sink};
use super::source::{Source, broken};
use crate::config::limits;
use crate::http::framing::Body;
use crate::http::http2::fields::{self, Framed};
use crate::http::request::Parsed;
use crate::http::response::{Asked, Response};

/// What all streams of a connection have in common.
pub(crate) struct Carrier {
    pub(super) scheme: &'static [u8],
    pub(super) local_address: Option<SocketAddr>,
    /// Of a connection over TLS.
    pub(super) known: Option<Known>,
    pub(super) outbox: Rc<Outbox>,
}

impl Carrier {
    pub(super) fn of(stream: &Stream) -> Self {
        Self {
            scheme: stream.scheme(),
            local_address: stream.local_address(),
            known: facts::known(stream),
            outbox: Rc::default(),
        }
    }
}

pub(crate) struct Inbound {
    carrier: Rc<Carrier>,
    source: Source,
    reply: Reply,
    asked: Asked,
    is_of_grpc: bool,
}

/// What a request's head says of its answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected {
    pub(super) is_head: bool,
    pub(super) is_of_grpc: bool,
}

/// How far the answer is.
enum Reply {
    /// The beginning of a head, most often nothing.
    Head {
        respond: SendResponse<Piece>,
        begun: Vec<u8>,
    },
    Body(Sink),
}

impl Inbound {
    pub(super) fn new(
        carrier: Rc<Carrier>,
        (body, framed): (RecvStream, Framed),
        respond: SendResponse<Piece>,
        Expected { is_head, is_of_grpc }: Expected,
    ) -> Self {
        Self {
            carrier,
            source: Source::new(body, framed),
            reply: Reply::Head { respond, begun: Vec::new() },
            asked: Asked { is_head, is_upgrade: false },
            is_of_grpc,
        }
    }

    /// Whether its client looks for an answer of gRPC.
    pub(crate) fn is_of_grpc(&self) -> bool {
        self.is_of_grpc
    }

    pub(crate) fn scheme(&self) -> &'static [u8] {
        self.carrier.scheme
    }

    pub(crate) fn local_address(&self) -> Option<SocketAddr> {
        self.carrier.local_address
    }

    pub(crate) fn known(&self) -> Option<&Known> {
        self.carrier.known.as_ref()
    }

    /// Whether its client was asked for a certificate of these authorities; in plain nobody is, and
    /// nothing is asked for that needs one.
    pub(crate) fn answers_to(&self, roots: &Arc<str>) -> bool {
        self.known().is_none_or(|known| known.answers_to(roots))
    }

    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        space: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.source.poll_read(cx, space)
    }

    pub(crate) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        first: &[u8],
        second: &[u8],
    ) -> Poll<io::Result<usize>> {
        sink::in_turn([first, second], |rest| self.poll_take(cx, rest))
    }

    fn poll_take(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.reply {
            Reply::Head { .. } => Poll::Ready(self.take_head(bytes)),
            Reply::Body(sink) => sink.poll_write(cx, bytes),
        }
    }

    /// Takes what belongs to a head, and sends it when it is whole.
    fn take_head(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Reply::Head { respond, begun } = &mut self.reply else { return Ok(0) };
        let before = begun.len();
        let head = if begun.is_empty() {
            bytes
        } else {
            begun.extend_from_slice(bytes);
            &begun[..]
        };
        let mut response = Response::default();
        match response.parse(head, self.asked).map_err(sink::malformed)? {
            Parsed::Complete => {}
            Parsed::Partial if head.len() > limits::http2::ANSWER_HEAD_BYTES_MAX => {
                return Err(io::ErrorKind::InvalidData.into());
            }
            Parsed::Partial => {
                if before == 0 {
                    begun.extend_from_slice(bytes);
                }
                return Ok(bytes.len());
            }
        }
        let taken = response.head_bytes - before;
        let map = sink::map_of(fields::of_response(head, &response))?;
        let mut answer = ::http::Response::new(());
        *answer.status_mut() =
            ::http::StatusCode::from_u16(response.status).map_err(sink::malformed)?;
        *answer.headers_mut() = map;
        if response.is_interim() {
            begun.clear();
            respond.send_informational(answer).map_err(broken)?;
            return Ok(taken);
        }
        let is_whole = matches!(response.body, Body::None | Body::Length(0));
        let stream = respond.send_response(answer, is_whole).map_err(broken)?;
        self.reply = Reply::Body(Sink::new(stream, Rc::clone(&self.carrier.outbox), response.body));
        Ok(taken)
    }

    /// Ends what ends with its connection.
    pub(crate) fn shut_down(&mut self) -> io::Result<()> {
        match &mut self.reply {
            Reply::Head { .. } => Ok(()),
            Reply::Body(sink) => sink.end(),
        }
    }

    /// Whether an answer was begun and is not whole.
    pub(crate) fn is_broken_off(&self) -> bool {
        match &self.reply {
            Reply::Head { .. } => false,
            Reply::Body(sink) => !sink.is_over(),
        }
    }

    /// Whether the client has taken the request back, or is gone.
    pub(crate) fn poll_hangup(&mut self, cx: &mut Context<'_>) -> Poll<Hangup> {
        let reset = match &mut self.reply {
            Reply::Head { respond, .. } => respond.poll_reset(cx).map(|_| ()),
            Reply::Body(sink) => sink.poll_reset(cx),
        };
        reset.map(|()| Hangup::Reset)
    }
}

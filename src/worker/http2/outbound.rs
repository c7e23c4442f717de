//! One request on a backend's HTTP/2 connection, written and read like a connection of HTTP/1.1 that
//! serves one request.
//!
//! The request's head is parsed as it is written, and so is its body's framing; what the backend
//! answers is read from here as a head of HTTP/1.1 and a body. A backend that says it has done nothing
//! with a request lets it be asked elsewhere, whatever the request is.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ::http::uri::PathAndQuery;
use h2::client::{ResponseFuture, SendRequest};

use super::outbox::Piece;
use super::silence::{self, Silence};
use super::sink::{self, Sink};
use super::source::{Source, broken};
use super::trunks::Rider;
use crate::config::limits;
use crate::http::framing::Body;
use crate::http::http2::fields::{self, Ahead};
use crate::http::request::{Method, Parsed, Request};

/// Stands for the word of a backend that would only be a delay: DATA waits for its window in any case.
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

const HEX: &[u8; 16] = b"0123456789ABCDEF";

pub(crate) struct Outbound {
    asking: Asking,
    answer: Answer,
    /// Of HTTP/1.1, ready to be read.
    ahead: &'static [u8],
    scheme: &'static str,
    is_head: bool,
    silence: Option<Silence>,
    rider: Rider,
}

enum Asking {
    /// The beginning of a head, most often nothing.
    Head {
        sender: SendRequest<Piece>,
        begun: Vec<u8>,
    },
    Body(Sink),
}

enum Answer {
    Unasked,
    Head(ResponseFuture),
    Body(Source),
}

impl Outbound {
    pub(super) fn new(sender: SendRequest<Piece>, rider: Rider, scheme: &'static str) -> Self {
        Self {
            asking: Asking::Head { sender, begun: Vec::new() },
            answer: Answer::Unasked,
            ahead: b"",
            scheme,
            is_head: false,
            silence: None,
            rider,
        }
    }

    /// Why there is no answer, once that is known.
    pub(crate) fn silence(&self) -> Option<Silence> {
        self.silence
    }

    /// The connection has shown that nothing can be expected of it.
    pub(crate) fn distrust(&self) {
        self.rider.trunk().distrust();
    }

    pub(crate) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        first: &[u8],
        second: &[u8],
    ) -> Poll<io::Result<usize>> {
        sink::in_turn([first, second], |rest| match &mut self.asking {
            Asking::Head { .. } => self.poll_ask(cx, rest),
            Asking::Body(sink) => sink.poll_write(cx, rest),
        })
    }

    /// Takes what belongs to a head, and asks when it is whole and the backend takes requests.
    fn poll_ask(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let Asking::Head { sender, begun } = &mut self.asking else { return Poll::Ready(Ok(0)) };
        if let Err(error) = ready!(sender.poll_ready(cx)) {
            // Nothing was sent on it.
            self.silence = Some(Silence::Unmet);
            return Poll::Ready(Err(broken(error)));
        }
        let before = begun.len();
        let head = if begun.is_empty() {
            bytes
        } else {
            begun.extend_from_slice(bytes);
            &begun[..]
        };
        let mut request = Request::default();
        match request.parse(head, usize::MAX) {
            Ok(Parsed::Complete) => {}
            Ok(Parsed::Partial) if head.len() <= limits::http2::ANSWER_HEAD_BYTES_MAX => {
                if before == 0 {
                    begun.extend_from_slice(bytes);
                }
                return Poll::Ready(Ok(bytes.len()));
            }
            Ok(Parsed::Partial) | Err(_) => {
                self.silence = Some(Silence::Unspeakable);
                return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
            }
        }
        let taken = request.head_bytes - before;
        let is_whole = matches!(request.body, Body::None | Body::Length(0));
        let asked = match message(head, &request, self.scheme) {
            Ok(asked) => asked,
            Err(error) => {
                self.silence = Some(Silence::Unspeakable);
                return Poll::Ready(Err(error));
            }
        };
        let sent = sender.send_request(asked, is_whole);
        let (future, stream) = match sent {
            Ok(sent) => sent,
            Err(error) => {
                self.silence = Some(Silence::Unmet);
                return Poll::Ready(Err(broken(error)));
            }
        };
        self.is_head = request.method == Method::Head;
        if request.expects_continue {
            self.ahead = CONTINUE;
        }
        self.answer = Answer::Head(future);
        let outbox = self.rider.trunk().outbox();
        self.asking = Asking::Body(Sink::new(stream, outbox, request.body));
        Poll::Ready(Ok(taken))
    }

    /// Reads into `space`, which is not empty; `Ok(0)` is the end.
    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        space: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if !self.ahead.is_empty() {
            let taken = self.ahead.len().min(space.len());
            space[..taken].copy_from_slice(&self.ahead[..taken]);
            self.ahead = &self.ahead[taken..];
            return Poll::Ready(Ok(taken));
        }
        if let Answer::Head(future) = &mut self.answer {
            let answered = ready!(Pin::new(future).poll(cx));
            let begun = match answered {
                Ok(response) => begin(response, self.is_head).inspect_err(|_| {
                    self.silence = Some(Silence::Malformed);
                }),
                Err(error) => {
                    self.silence = Some(silence::of(&error));
                    Err(broken(error))
                }
            };
            self.answer = Answer::Body(begun?);
        }
        match &mut self.answer {
            Answer::Body(source) => source.poll_read(cx, space),
            // Whoever waits for an answer has asked, or met what became of that.
            Answer::Unasked if self.silence.is_some() => {
                Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
            }
            Answer::Unasked | Answer::Head(_) => Poll::Pending,
        }
    }

    pub(crate) fn shut_down(&mut self) -> io::Result<()> {
        match &mut self.asking {
            Asking::Head { .. } => Ok(()),
            Asking::Body(sink) => sink.end(),
        }
    }

    pub(crate) fn scheme(&self) -> &'static [u8] {
        self.scheme.as_bytes()
    }
}

fn message(
    head: &[u8],
    request: &Request,
    scheme: &'static str,
) -> io::Result<::http::Request<()>> {
    let path = path_of(request.path_and_query.in_bytes(head))?;
    let host = request.host.map_or(&b""[..], |host| host.in_bytes(head));
    let uri = ::http::Uri::builder()
        .scheme(scheme)
        .authority(host)
        .path_and_query(path)
        .build()
        .map_err(sink::malformed)?;
    let mut map = sink::map_of(fields::of_request(head, request).filter(|(name, _)| {
        // Answered here.
        !name.eq_ignore_ascii_case(b"expect")
    }))?;
    // Trailers are passed on, to whoever takes them.
    map.insert(::http::header::TE, ::http::HeaderValue::from_static("trailers"));
    let mut asked = ::http::Request::new(());
    let method = request.method_name.in_bytes(head);
    *asked.method_mut() = ::http::Method::from_bytes(method).map_err(sink::malformed)?;
    *asked.uri_mut() = uri;
    *asked.headers_mut() = map;
    Ok(asked)
}

/// As it was received; where that is none that HTTP/2 knows, what must not stand in it is
/// percent-encoded (RFC 3986, 2.1).
pub(super) fn path_of(received: &[u8]) -> io::Result<PathAndQuery> {
    if let Ok(path) = PathAndQuery::try_from(received) {
        return Ok(path);
    }
    let mut encoded = Vec::with_capacity(received.len() * 2);
    for &byte in received {
        if byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte) {
            encoded.push(byte);
        } else {
            let digits = [byte >> 4, byte & 0xf].map(|digit| HEX[usize::from(digit)]);
            encoded.extend_from_slice(&[b'%', digits[0], digits[1]]);
        }
    }
    PathAndQuery::try_from(encoded).map_err(sink::malformed)
}

/// Comes to an answer's body, with its head in front.
fn begin(response: ::http::Response<h2::RecvStream>, is_head: bool) -> io::Result<Source> {
    let (parts, body) = response.into_parts();
    let ahead = if body.is_end_stream() { Ahead::Nothing } else { Ahead::Data };
    let mut head = Vec::with_capacity(limits::http2::HEAD_BYTES);
    let lines = parts.headers.iter();
    let lines = lines.map(|(name, value)| (name.as_str().as_bytes(), value.as_bytes()));
    let status = parts.status.as_u16();
    let framed =
        fields::response(&mut head, status, lines, ahead, is_head).map_err(sink::malformed)?;
    let mut source = Source::new(body, framed);
    source.lead(head);
    Ok(source)
}

//! The handshake with a client: who it wants to talk to decides which certificate it is shown, and
//! everything else that the server has to say about TLS.

use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use rustls::server::{Accepted, AcceptedAlert, Acceptor};
use rustls::{Connection as Session, Error, HandshakeKind, InvalidMessage};

use super::super::buffer::Buffer;
use super::super::connection::Connection;
use super::super::generation::Generation;
use super::super::stream::Stream;
use super::super::watch::Phase;
use super::{Pipe, Secured};
use crate::config::model::Address;
use crate::scoreboard::crew::Handshake;
use crate::sys;

/// What a client is told that speaks HTTP in plain where TLS is spoken, in nginx's words.
const PLAIN_REQUEST: &[u8] = b"HTTP/1.1 400 Bad Request\r\n\
    Server: pilothouse\r\nContent-Type: text/plain\r\nContent-Length: 51\r\n\
    Connection: close\r\n\r\nThe plain HTTP request was sent to an HTTPS port.\r\n";

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Made,
    Failed,
    /// The client speaks HTTP, in plain, and was told so: it is to read that.
    Plain,
}

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Tls(#[from] Error),
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("not over in time")]
    Late,
    /// Not a word came: somebody only looked whether we are there.
    #[error("silence")]
    Silence,
    #[error("no certificate")]
    Unfurnished,
    #[error("a request in plain")]
    Plain,
}

/// Begins the session; from then on what is read and written is in it.
pub(crate) async fn run(connection: &mut Connection) -> Outcome {
    let shared = Rc::clone(&connection.shared);
    let Some(generation) = connection.generation() else { return Outcome::Failed };
    let seat = Rc::clone(&connection.seat);
    let _turn = shared.handshakes.begin(&seat);
    shared.seats.enter(&seat, Phase::Active);
    connection.limit(generation.handshake_timeout_ms(&connection.listener));
    let mut hello = Hello {
        acceptor: Acceptor::default(),
        ahead: connection.unread.take(),
        has_begun: false,
        is_of_http: generation.tcp_routes.of(&connection.listener).is_none(),
    };
    let made = poll_fn(|cx| match hello.poll(cx, connection, &generation) {
        Poll::Pending if seat.is_late() => Poll::Ready(Err(Failure::Late)),
        polled => polled,
    })
    .await;
    if let Some(ahead) = hello.ahead.take() {
        shared.buffers.borrow_mut().give(ahead);
    }
    shared.refresh();
    shared.seats.enter(&seat, Phase::Idle);
    match made {
        Ok(kind) => {
            shared.crew.shook_hands(kind);
            Outcome::Made
        }
        Err(Failure::Silence) => Outcome::Failed,
        Err(failure) => {
            shared.crew.shook_hands(Handshake::Failed);
            if shared.may_complain() {
                let (listener, peer) = (&connection.listener, connection.peer);
                sys::log::notice!("worker", "TLS handshake on {listener} with {peer}: {failure}");
            }
            if matches!(failure, Failure::Plain) { Outcome::Plain } else { Outcome::Failed }
        }
    }
}

struct Hello {
    acceptor: Acceptor,
    /// What came together with a PROXY header.
    ahead: Option<Buffer>,
    has_begun: bool,
    /// Whoever speaks in plain is answered in HTTP.
    is_of_http: bool,
}

impl Hello {
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        connection: &mut Connection,
        generation: &Generation,
    ) -> Poll<Result<Handshake, Failure>> {
        let listener = &connection.listener;
        let Stream::Tls(secured) = &mut connection.client else {
            return Poll::Ready(Err(Failure::Unfurnished));
        };
        if secured.session().is_none() {
            let accepted = ready!(self.poll_hello(cx, secured))?;
            begin(secured, generation, listener, accepted, cx)?;
        }
        ready!(secured.poll_handshake(cx)).map_err(of_session)?;
        let kind = match secured.session() {
            Some(Session::Server(session)) => session.handshake_kind(),
            Some(Session::Client(_)) | None => None,
        };
        Poll::Ready(Ok(match kind {
            Some(HandshakeKind::Resumed) => Handshake::Resumed,
            Some(HandshakeKind::Full | HandshakeKind::FullWithHelloRetryRequest) | None => {
                Handshake::Full
            }
        }))
    }

    /// Reads until the client has said whom it wants.
    fn poll_hello(
        &mut self,
        cx: &mut Context<'_>,
        secured: &mut Secured,
    ) -> Poll<Result<Accepted, Failure>> {
        loop {
            let mut pipe = Pipe { stream: secured.plain(), cx: &mut *cx };
            let read = match &mut self.ahead {
                Some(ahead) if !ahead.is_empty() => {
                    let count = self.acceptor.read_tls(&mut ahead.content());
                    count.inspect(|count| ahead.consume(*count))
                }
                Some(_) | None => self.acceptor.read_tls(&mut pipe),
            };
            match read {
                Ok(0) if !self.has_begun => return Poll::Ready(Err(Failure::Silence)),
                Ok(0) => return Poll::Ready(Err(Failure::Io(io::ErrorKind::UnexpectedEof.into()))),
                Ok(_) => self.has_begun = true,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
                Err(error) => return Poll::Ready(Err(error.into())),
            }
            match self.acceptor.accept() {
                Ok(Some(accepted)) => return Poll::Ready(Ok(accepted)),
                Ok(None) => {}
                Err((Error::InvalidMessage(InvalidMessage::InvalidContentType), _))
                    if self.is_of_http =>
                {
                    // Once, and as much as the kernel takes.
                    let _told_or_not = secured.plain().poll_write(cx, PLAIN_REQUEST, &[]);
                    return Poll::Ready(Err(Failure::Plain));
                }
                Err((error, alert)) => {
                    tell(secured, alert, cx);
                    return Poll::Ready(Err(error.into()));
                }
            }
        }
    }
}

fn begin(
    secured: &mut Secured,
    generation: &Generation,
    listener: &Address,
    accepted: Accepted,
    cx: &mut Context<'_>,
) -> Result<(), Failure> {
    let name = accepted.client_hello().server_name().unwrap_or_default().as_bytes().to_vec();
    let serving = generation.serving(listener, &name).ok_or(Failure::Unfurnished)?;
    let config = if generation.tcp_routes.of(listener).is_some() {
        &serving.config_tcp
    } else if generation.offers_http2(listener) {
        &serving.config
    } else {
        &serving.config_http1
    };
    match accepted.into_connection(std::sync::Arc::clone(config)) {
        Ok(session) => {
            secured.begin(session, serving.authority.clone());
            Ok(())
        }
        Err((error, alert)) => {
            tell(secured, alert, cx);
            Err(error.into())
        }
    }
}

/// Says why, as far as the kernel takes it at once.
fn tell(secured: &mut Secured, mut alert: AcceptedAlert, cx: &mut Context<'_>) {
    let _told_or_not = alert.write(&mut Pipe { stream: secured.plain(), cx });
}

fn of_session(error: io::Error) -> Failure {
    match error.downcast::<Error>() {
        Ok(error) => Failure::Tls(error),
        Err(error) => Failure::Io(error),
    }
}

//! The control API over TCP: the same questions as on the socket, from whoever `entrance` lets in.
//!
//! Bounded against strangers: so many connections, so long for a head, and so long for an answer to
//! be taken. A door that is closed takes no further request, so that a changed token holds at once;
//! what is being answered has a moment to be told.

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, HOST, HeaderValue, WWW_AUTHENTICATE};
use hyper::http::uri::Authority;
use hyper::{Request, Response, StatusCode};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio::time::Sleep;

use super::call::{Caller, Peer};
use super::entrance::{Asking, Entrance, Refusal, Speech};
use super::rpc;
use super::server::{ACCEPT_PAUSE, Asked, Body, Bounds, Desk, TOO_MANY_CLIENTS, failure, hold};
use crate::sys;

/// Who is let in, until it is closed.
pub(crate) struct Door {
    entrance: Entrance,
    is_closed: Cell<bool>,
    closing: Notify,
}

impl Door {
    pub(crate) fn new(entrance: Entrance) -> Self {
        Self { entrance, is_closed: Cell::new(false), closing: Notify::new() }
    }

    pub(crate) fn close(&self) {
        self.is_closed.set(true);
        self.closing.notify_one();
    }

    pub(crate) fn speech(&self) -> Speech {
        self.entrance.speech()
    }

    fn peer(&self, address: SocketAddr) -> Peer {
        match self.entrance.speech() {
            Speech::Api => Peer::Network(address),
            Speech::Supervisor => Peer::Supervisor(address),
        }
    }

    /// Whether it lets in the same.
    pub(crate) fn is_for(&self, entrance: &Entrance) -> bool {
        self.entrance.is_same(entrance)
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// How long a client may take nothing of its answer.
    pub(crate) stall: Duration,
    /// How long what is being answered goes on behind a closed door.
    pub(crate) closing: Duration,
}

/// Serves until the door is closed; must run inside a `LocalSet`.
pub(crate) async fn serve(
    listener: TcpListener,
    door: Rc<Door>,
    (bounds, patience): (Bounds, Patience),
    asked: mpsc::Sender<Asked>,
) {
    let mut talks = JoinSet::new();
    let endless = bounds.endless_places();
    loop {
        // In this order: what comes after the closing is another door's, on the same socket.
        let accepted = tokio::select! {
            biased;
            () = door.closing.notified() => break,
            Some(_over) = talks.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) if talks.len() >= bounds.clients_max => refuse(stream),
            Ok((stream, peer)) => {
                let (door, asked) = (Rc::clone(&door), asked.clone());
                let endless = Arc::clone(&endless);
                talks.spawn_local(async move {
                    let caller = Caller { peer: door.peer(peer), role: door.entrance.role() };
                    let desk = Desk { bounds, endless, asked, caller };
                    let stream = Impatient::new(stream, patience.stall);
                    hold(stream, bounds, async |request| answer(&door, &desk, request).await).await;
                });
            }
            Err(error) => {
                sys::log::warning!("control", "accept on the control address: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    finish(talks, patience.closing).await;
}

async fn finish(mut talks: JoinSet<()>, limit: Duration) {
    let finished = async { while talks.join_next().await.is_some() {} };
    // Whoever is still there then, a follower of something without end, is let go.
    let _in_time_or_not = tokio::time::timeout(limit, finished).await;
}

/// A client too many gets its answer at once, if it fits where nothing waits yet.
fn refuse(stream: TcpStream) {
    // Not by the runtime, which has not heard yet that the fresh socket can be written to.
    let _closing_says_enough = stream
        .into_std()
        .and_then(|mut stream| io::Write::write_all(&mut stream, TOO_MANY_CLIENTS));
}

async fn answer(door: &Door, desk: &Desk, request: Request<Incoming>) -> Response<Body> {
    if door.is_closed.get() {
        return failure(StatusCode::SERVICE_UNAVAILABLE, "this address is being closed");
    }
    let headers = request.headers();
    let asking = Asking {
        method: request.method().as_str(),
        authority: request.uri().authority().map(Authority::as_str),
        host: headers.get(HOST).map(HeaderValue::as_bytes),
        authorization: headers.get(AUTHORIZATION).map(HeaderValue::as_bytes),
    };
    let target = request.uri().path();
    let is_rpc = rpc::desk::is_for(target) || rpc::tail::parse(target).is_some();
    match (door.entrance.judge(&asking), door.entrance.speech()) {
        (Err(refusal), _) => refused(refusal),
        (Ok(()), Speech::Supervisor) if !is_rpc => {
            failure(StatusCode::NOT_FOUND, "only Supervisor's protocol is spoken here: POST /RPC2")
        }
        (Ok(()), Speech::Api | Speech::Supervisor) => desk.answer(request).await,
    }
}

fn refused(refusal: Refusal) -> Response<Body> {
    let challenge = match refusal {
        Refusal::NoToken => "Bearer realm=\"pilothouse\"",
        // As Supervisor names it.
        Refusal::NoLogin => "Basic realm=\"default\"",
        Refusal::ForeignHost | Refusal::ReadOnly => {
            return failure(StatusCode::FORBIDDEN, &refusal.to_string());
        }
    };
    let mut response = failure(StatusCode::UNAUTHORIZED, &refusal.to_string());
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    response
}

/// A stream that fails when its peer takes nothing for a while.
struct Impatient<Stream> {
    stream: Stream,
    patience: Duration,
    /// Since the peer stopped taking.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<Stream> Impatient<Stream> {
    fn new(stream: Stream, patience: Duration) -> Self {
        Self { stream, patience, stalled: None }
    }

    /// Passes the result on, or ends the wait for one.
    fn judge<T>(
        &mut self,
        result: Poll<io::Result<T>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if result.is_ready() {
            self.stalled = None;
            return result;
        }
        let patience = self.patience;
        let sleep = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        ready!(sleep.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<Stream: AsyncRead + Unpin> AsyncRead for Impatient<Stream> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<Stream: AsyncWrite + Unpin> AsyncWrite for Impatient<Stream> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.judge(written, context)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.judge(flushed, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(context);
        self.judge(shut, context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[test]
    fn who_takes_nothing_is_given_up_and_who_is_slow_is_not() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let (ours, mut theirs) = tokio::io::duplex(4);
            let mut ours = Impatient::new(ours, Duration::from_millis(50));
            let slow = async {
                let mut taken = [0; 4];
                for _ in 0..4 {
                    theirs.read_exact(&mut taken[..1]).await.unwrap();
                }
            };
            let (written, ()) = tokio::join!(ours.write_all(b"12345678"), slow);
            written.unwrap();
            let error = ours.write_all(b"more than it holds").await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        });
    }
}

//! The control socket, engine side: HTTP in, one `Asked` to the master, its reply out.
//!
//! Decides who may command (the socket's owner and root) and bounds everything a client can make
//! the engine hold; decides nothing else. Runs on the master's own thread and never blocks it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Frame, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::call::{Caller, Command, Peer, Query};
use super::openapi;
use super::route::{self, Ask, Unroutable};
use super::rpc;
use super::version;
use super::wire::{Answer, Outcome, Role};
use crate::sys;

/// One question to the master. A dropped `reply` is answered as 503.
#[derive(Debug)]
pub(crate) enum Asked {
    Command {
        command: Command,
        caller: Caller,
        reply: oneshot::Sender<Answer>,
    },
    Query {
        query: Query,
        caller: Caller,
        reply: oneshot::Sender<Reply>,
    },
    /// By one of Supervisor's clients.
    Rpc(rpc::desk::Asked),
}

#[derive(Debug)]
pub(crate) enum Reply {
    /// One JSON document.
    Json(Vec<u8>),
    /// Prometheus's text.
    Metrics(Vec<u8>),
    /// NDJSON until the sender is dropped; each item holds whole lines with their line feeds.
    Lines(mpsc::Receiver<Bytes>),
    /// What was asked about does not exist: for people.
    Missing(String),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Besides root, who may command: the user the engine runs as.
    pub(crate) owner_uid: u32,
    pub(crate) clients_max: usize,
    pub(crate) body_bytes_max: usize,
    /// For a whole request to arrive, head and body each.
    pub(crate) header_timeout_ms: u64,
}

impl Bounds {
    /// Clients that may have an answer without end at a time: the other places are kept for whoever
    /// asks or commands.
    fn endless_max(self) -> usize {
        self.clients_max - self.clients_max / 8
    }

    pub(super) fn endless_places(self) -> Arc<Semaphore> {
        Arc::new(Semaphore::new(self.endless_max()))
    }
}

/// After a failed accept (descriptors used up), so that the loop does not spin.
pub(super) const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until the task is dropped; must run inside a `LocalSet`.
pub(crate) async fn serve(listener: UnixListener, bounds: Bounds, asked: mpsc::Sender<Asked>) {
    let places = Arc::new(Semaphore::new(bounds.clients_max));
    let endless = bounds.endless_places();
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _unnamed)) => stream,
            Err(error) => {
                sys::log::warning!("control", "accept on the control socket: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            refuse(stream);
            continue;
        };
        let (asked, endless) = (asked.clone(), Arc::clone(&endless));
        tokio::task::spawn_local(async move {
            converse(stream, bounds, endless, asked).await;
            drop(place);
        });
    }
}

/// A client too many gets its answer at once, instead of waiting behind consoles that never leave.
fn refuse(stream: UnixStream) {
    // A fresh socket's buffer has room for it; should it not, closing says enough.
    let _closing_says_enough = stream
        .into_std()
        .and_then(|mut stream| std::io::Write::write_all(&mut stream, TOO_MANY_CLIENTS));
}

/// With its length: a client need not read on to the end, which is a reset when its question came
/// after it was refused.
pub(super) const TOO_MANY_CLIENTS: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n\
    Connection: close\r\nContent-Length: 41\r\n\r\n{\"error\":\"too many clients are attached\"}";

async fn converse(
    stream: UnixStream,
    bounds: Bounds,
    endless: Arc<Semaphore>,
    asked: mpsc::Sender<Asked>,
) {
    let Ok(credentials) = stream.peer_cred() else { return };
    let uid = credentials.uid();
    let pid = credentials.pid().and_then(|pid| u32::try_from(pid).ok()).unwrap_or(0);
    let caller = Caller { peer: Peer::Process { uid, pid }, role: role_of(uid, bounds.owner_uid) };
    let desk = Desk { bounds, endless, asked, caller };
    hold(stream, bounds, async |request| desk.answer(request).await).await;
}

/// HTTP/1.1 on the stream until either side ends it.
pub(super) async fn hold(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    bounds: Bounds,
    answer: impl AsyncFn(Request<Incoming>) -> Response<Body>,
) {
    let answer = &answer;
    let service =
        service_fn(
            |request| async move { Ok::<_, std::convert::Infallible>(answer(request).await) },
        );
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(bounds.header_timeout_ms))
        .serve_connection(TokioIo::new(stream), service);
    // A client that leaves or talks nonsense harms only itself.
    let _the_clients_own_affair = connection.await;
}

/// Root and the engine's own user operate; everyone else who reaches the socket may look.
pub(crate) fn role_of(uid: u32, owner_uid: u32) -> Role {
    if uid == 0 || uid == owner_uid { Role::Operate } else { Role::Read }
}

/// What one connection needs to answer its requests.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) bounds: Bounds,
    /// Places for answers without end.
    pub(super) endless: Arc<Semaphore>,
    pub(super) asked: mpsc::Sender<Asked>,
    pub(super) caller: Caller,
}

impl Desk {
    pub(super) async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let (head, body) = request.into_parts();
        let limit = Duration::from_millis(self.bounds.header_timeout_ms);
        let body = Limited::new(body, self.bounds.body_bytes_max).collect();
        let body = match tokio::time::timeout(limit, body).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(error)) => {
                return failure(StatusCode::PAYLOAD_TOO_LARGE, &format!("read body: {error}"));
            }
            Err(_late) => return failure(StatusCode::REQUEST_TIMEOUT, "read body: timed out"),
        };
        let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
        if rpc::desk::is_for(target) {
            return self.call(head.method.as_str(), &body).await;
        }
        if let Some(tail) = rpc::tail::parse(target) {
            return self.tail(head.method.as_str(), tail).await;
        }
        if target == openapi::PATH {
            return described(&head.method);
        }
        match route::parse(head.method.as_str(), target, &body) {
            Ok(Ask::Command(command)) => self.command(command).await,
            Ok(Ask::Query(query)) => self.query(query).await,
            Err(error) => unroutable(&error),
        }
    }

    /// As Supervisor's clients ask.
    async fn call(&self, method: &str, body: &[u8]) -> Response<Body> {
        let desk = rpc::desk::Desk { caller: &self.caller, asked: &self.asked };
        let rpc::desk::Answer { status, text } = desk.answer(method, body).await;
        match status {
            StatusCode::OK => response(status, "text/xml", Body::Whole(Some(Bytes::from(text)))),
            _ => failure(status, &text),
        }
    }

    async fn tail(&self, method: &str, tail: rpc::tail::Tail) -> Response<Body> {
        if method != "GET" {
            return failure(StatusCode::BAD_REQUEST, "only GET is understood here");
        }
        let (reply, answer) = oneshot::channel();
        match self.ask(Asked::Rpc(rpc::desk::Asked::Tail { tail, reply }), answer).await {
            // Without a length, so that it goes out in chunks: clients read nothing else.
            Some(Some(pieces)) => self.endless("text/plain;charset=utf-8", pieces),
            Some(None) => failure(StatusCode::NOT_FOUND, "no such log"),
            None => unanswered(),
        }
    }

    async fn command(&self, command: Command) -> Response<Body> {
        if self.caller.role == Role::Read {
            let peer = self.caller.peer;
            let text = format!("{peer} may read but not operate this engine");
            return failure(StatusCode::FORBIDDEN, &text);
        }
        let (reply, answer) = oneshot::channel();
        let caller = self.caller.clone();
        let asked = Asked::Command { command, caller, reply };
        match self.ask(asked, answer).await {
            Some(answer) => {
                let status = match answer.outcome {
                    Outcome::Changed | Outcome::Unchanged => StatusCode::OK,
                    Outcome::Unknown => StatusCode::NOT_FOUND,
                    Outcome::Refused => StatusCode::CONFLICT,
                };
                json(status, serde_json::to_vec(&answer).expect("an answer is plain data"))
            }
            None => unanswered(),
        }
    }

    async fn query(&self, query: Query) -> Response<Body> {
        let (reply, answer) = oneshot::channel();
        let caller = self.caller.clone();
        match self.ask(Asked::Query { query, caller, reply }, answer).await {
            Some(Reply::Json(document)) => json(StatusCode::OK, document),
            Some(Reply::Metrics(text)) => {
                let body = Body::Whole(Some(Bytes::from(text)));
                response(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", body)
            }
            Some(Reply::Lines(lines)) => self.endless("application/x-ndjson", lines),
            Some(Reply::Missing(text)) => failure(StatusCode::NOT_FOUND, &text),
            None => unanswered(),
        }
    }

    /// An answer that may have no end, while there are places for such.
    fn endless(&self, content_type: &'static str, lines: mpsc::Receiver<Bytes>) -> Response<Body> {
        match Arc::clone(&self.endless).try_acquire_owned() {
            Ok(place) => {
                response(StatusCode::OK, content_type, Body::Lines { lines, _place: place })
            }
            Err(_none_free) => failure(
                StatusCode::SERVICE_UNAVAILABLE,
                "too many clients follow something already",
            ),
        }
    }

    async fn ask<T>(&self, asked: Asked, answer: oneshot::Receiver<T>) -> Option<T> {
        self.asked.send(asked).await.ok()?;
        answer.await.ok()
    }
}

fn described(method: &Method) -> Response<Body> {
    if *method == Method::GET || *method == Method::HEAD {
        return json(StatusCode::OK, openapi::DOCUMENT.to_vec());
    }
    let path = openapi::PATH.to_owned();
    unroutable(&Unroutable::MethodNotAllowed { path, allow: "GET" })
}

fn unroutable(error: &Unroutable) -> Response<Body> {
    let text = error.to_string();
    match error {
        Unroutable::NotFound { .. } => failure(StatusCode::NOT_FOUND, &text),
        Unroutable::Malformed { .. } => failure(StatusCode::BAD_REQUEST, &text),
        Unroutable::MethodNotAllowed { allow, .. } => {
            let mut response = failure(StatusCode::METHOD_NOT_ALLOWED, &text);
            response.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
            response
        }
    }
}

fn unanswered() -> Response<Body> {
    failure(StatusCode::SERVICE_UNAVAILABLE, "the engine is going down and did not answer")
}

pub(super) fn failure(status: StatusCode, text: &str) -> Response<Body> {
    json(status, serde_json::json!({ "error": text }).to_string().into_bytes())
}

fn json(status: StatusCode, document: Vec<u8>) -> Response<Body> {
    response(status, "application/json", Body::Whole(Some(Bytes::from(document))))
}

fn response(status: StatusCode, content_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    let version = HeaderValue::from_static(version::OURS);
    response.headers_mut().insert(version::HEADER, version);
    response
}

pub(super) enum Body {
    Whole(Option<Bytes>),
    Lines { lines: mpsc::Receiver<Bytes>, _place: OwnedSemaphorePermit },
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match &mut *self {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Lines { lines, .. } => {
                lines.poll_recv(context).map(|line| line.map(|bytes| Ok(Frame::data(bytes))))
            }
        }
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        match self {
            Self::Whole(bytes) => {
                hyper::body::SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64)
            }
            Self::Lines { .. } => hyper::body::SizeHint::default(),
        }
    }
}

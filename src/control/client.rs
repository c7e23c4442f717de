//! The control socket, asking side: what the console, the command line and the demo's load use.
//!
//! One connection a question, so a lost engine shows as an error of that question and the next one
//! simply tries again. Retries nothing by itself.

use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::header::HeaderValue;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;

use super::call::{Command, Query};
use super::route;
use super::version::{self, Version};
use super::wire::{Answer, Status};

#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// The socket is absent, or nobody listens on it.
    #[error("no engine answers on {}: {cause}", .socket.display())]
    NoEngine { socket: PathBuf, cause: io::Error },
    #[error("{0}")]
    NotPermitted(String),
    /// The engine understood and said no, or does not know what was asked about.
    #[error("{0}")]
    Refused(String),
    /// The conversation broke off, or was not the control protocol.
    #[error("talk to the engine on {}: {cause}", .socket.display())]
    Protocol { socket: PathBuf, cause: String },
}

/// A line that grows past this is not from our engine: the first frame of a watch, the longest
/// there is, holds 15 minutes of samples of every backend.
const LINE_BYTES_MAX: usize = 64 << 20;

/// For an answer that costs the engine no work. Commands have no such limit: a roll takes its time.
const DOCUMENT_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Clone, Debug)]
pub(crate) struct Client {
    socket: PathBuf,
    /// The socket is the near end of a line to another machine, which is called so.
    far: Option<PathBuf>,
}

impl Client {
    /// Touches nothing yet: whether an engine answers shows with the first question.
    pub(crate) fn new(socket: impl Into<PathBuf>) -> Self {
        Self { socket: socket.into(), far: None }
    }

    /// Through the near end of a line to the place that people call `name`.
    pub(crate) fn through(socket: impl Into<PathBuf>, name: &str) -> Self {
        Self { socket: socket.into(), far: Some(PathBuf::from(name)) }
    }

    /// As people call the place.
    fn place(&self) -> &Path {
        self.far.as_deref().unwrap_or(&self.socket)
    }

    pub(crate) async fn status(&self) -> Result<Status, ClientError> {
        self.document(&Query::Status).await
    }

    /// Returns when the engine has answered at all: to a question that has no answer, which costs it
    /// and the line next to nothing.
    pub(crate) async fn ping(&self) -> Result<(), ClientError> {
        let request = route::Request {
            method: route::Method::Get,
            target: "/v1/ping".to_owned(),
            body: Vec::new(),
        };
        let answered = tokio::time::timeout(DOCUMENT_TIMEOUT, self.send(&request)).await;
        answered.map_err(|_late| self.protocol("no answer in time"))?.map(drop)
    }

    /// The answer of a query that is one JSON document.
    pub(crate) async fn document<T: DeserializeOwned>(
        &self,
        query: &Query,
    ) -> Result<T, ClientError> {
        let request = route::Request::from(query);
        let asking = async {
            let response = self.send(&request).await?;
            let status = response.status();
            let version = version_of(&response);
            Ok((status, version, self.whole(response).await?))
        };
        let answered = tokio::time::timeout(DOCUMENT_TIMEOUT, asking).await;
        let (status, version, body) =
            answered.map_err(|_late| self.protocol("no answer in time"))??;
        if status != StatusCode::OK {
            return Err(self.failure(status, &body));
        }
        serde_json::from_slice(&body).map_err(|error| self.protocol(version.explain(&error)))
    }

    /// An unknown target or a refusal is an `Answer` too: the engine did understand.
    pub(crate) async fn command(&self, command: &Command) -> Result<Answer, ClientError> {
        let response = self.send(&route::Request::from(command)).await?;
        let status = response.status();
        let body = self.whole(response).await?;
        let is_answer = [StatusCode::OK, StatusCode::NOT_FOUND, StatusCode::CONFLICT];
        match serde_json::from_slice(&body) {
            Ok(answer) if is_answer.contains(&status) => Ok(answer),
            Ok(_) | Err(_) => Err(self.failure(status, &body)),
        }
    }

    /// A query answered line by line: `Watch`, `Events`, `Log`.
    pub(crate) async fn lines(&self, query: &Query) -> Result<Lines, ClientError> {
        let response = self.send(&route::Request::from(query)).await?;
        let status = response.status();
        if status != StatusCode::OK {
            let body = self.whole(response).await?;
            return Err(self.failure(status, &body));
        }
        let version = version_of(&response);
        let (place, body) = (self.place().to_owned(), response.into_body());
        Ok(Lines { place, version, body, buffer: BytesMut::new(), searched: 0 })
    }

    async fn send(&self, request: &route::Request) -> Result<Response<Incoming>, ClientError> {
        let stream =
            UnixStream::connect(&self.socket).await.map_err(|cause| self.unreachable(cause))?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| self.protocol(error))?;
        // Ends with the response's body; what goes wrong on it, the body reports too.
        tokio::spawn(connection);
        let method = match request.method {
            route::Method::Get => Method::GET,
            route::Method::Post => Method::POST,
        };
        let request = Request::builder()
            .method(method)
            .uri(&request.target)
            .header(hyper::header::HOST, "pilothouse")
            .header(hyper::header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(request.body.clone())))
            .map_err(|error| self.protocol(error))?;
        sender.send_request(request).await.map_err(|error| match self.far {
            // The line's near end always answers; that nobody does at the other shows only here.
            Some(_) => self.unreachable(io::Error::other(error)),
            None => self.protocol(error),
        })
    }

    fn unreachable(&self, cause: io::Error) -> ClientError {
        if cause.kind() == io::ErrorKind::PermissionDenied {
            let place = self.place().display();
            ClientError::NotPermitted(format!("connect to {place}: permission denied"))
        } else {
            ClientError::NoEngine { socket: self.place().to_owned(), cause }
        }
    }

    async fn whole(&self, response: Response<Incoming>) -> Result<Bytes, ClientError> {
        let body = Limited::new(response.into_body(), LINE_BYTES_MAX).collect().await;
        body.map(http_body_util::Collected::to_bytes).map_err(|error| self.protocol(error))
    }

    fn failure(&self, status: StatusCode, body: &[u8]) -> ClientError {
        #[derive(Deserialize)]
        struct Failure {
            error: String,
        }
        match serde_json::from_slice::<Failure>(body) {
            Ok(Failure { error }) if status == StatusCode::FORBIDDEN => {
                ClientError::NotPermitted(error)
            }
            Ok(Failure { error }) => ClientError::Refused(error),
            Err(_) => self.protocol(format!("answered {status} without saying why")),
        }
    }

    fn protocol(&self, cause: impl Display) -> ClientError {
        ClientError::Protocol { socket: self.place().to_owned(), cause: cause.to_string() }
    }
}

fn version_of(response: &Response<Incoming>) -> Version {
    Version::told(response.headers().get(version::HEADER).map(HeaderValue::as_bytes))
}

/// The lines of a streamed answer.
#[derive(Debug)]
pub(crate) struct Lines {
    place: PathBuf,
    version: Version,
    body: Incoming,
    buffer: BytesMut,
    /// Bytes of `buffer` known to hold no line feed, so that a long line is searched once.
    searched: usize,
}

impl Lines {
    /// The next line as the value it holds; `None` when the engine ended the stream. Safe to cancel.
    pub(crate) async fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>, ClientError> {
        loop {
            if let Some(at) = memchr::memchr(b'\n', &self.buffer[self.searched..]) {
                let line = self.buffer.split_to(self.searched + at + 1);
                self.searched = 0;
                let value = serde_json::from_slice(&line);
                return value
                    .map(Some)
                    .map_err(|error| self.protocol(self.version.explain(&error)));
            }
            self.searched = self.buffer.len();
            if self.buffer.len() > LINE_BYTES_MAX {
                return Err(self.protocol("a line is too long"));
            }
            match self.body.frame().await {
                None if self.buffer.is_empty() => return Ok(None),
                None => return Err(self.protocol("the last line is cut off")),
                // The text of the library says nothing to who only sees the end of what he follows.
                Some(Err(error)) => {
                    return Err(self.protocol(format!("the engine went away ({error})")));
                }
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.buffer.extend_from_slice(&data);
                    }
                }
            }
        }
    }

    fn protocol(&self, cause: impl Display) -> ClientError {
        ClientError::Protocol { socket: self.place.clone(), cause: cause.to_string() }
    }
}

//! One probe of one address: does it accept a connection, finish a handshake, answer a request well?
//!
//! Used for the readiness of programs and for active checks of backends. Keeps no count of results
//! and decides nothing; see `checks` and `programs`.

mod answer;
mod tls;

#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream, UnixStream};

use crate::config::model::health::{Check, CheckKind};
use crate::config::model::{Address, ProxyProtocol};
use crate::sys;

use answer::Request;
use tls::Dialer;

#[derive(Clone)]
pub(crate) struct Probe {
    address: Address,
    question: Rc<Question>,
    timeout_ms: u64,
}

/// What is asked, ready to be asked of any number of backends.
pub(crate) struct Question {
    /// Sent first: a PROXY header that speaks for nobody, where backends expect one.
    introduction: &'static [u8],
    /// Where it comes from; `None`: the kernel chooses.
    bind: Option<IpAddr>,
    handshake: Option<Dialer>,
    request: Option<Request>,
}

/// What was good, for people: `ok`, or with the status of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Good {
    Connected,
    Answered(u16),
}

impl std::fmt::Display for Good {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Connected => f.write_str("ok"),
            Self::Answered(status) => write!(f, "ok, {status}"),
        }
    }
}

/// What was wrong, for people; the address is known where it is shown.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProbeError {
    #[error("no answer within {timeout_ms} ms")]
    Timeout { timeout_ms: u64 },
    #[error("{0}")]
    Io(String),
    #[error("tls: {0}")]
    Tls(String),
    #[error("status {0}")]
    Status(u16),
    #[error("closed without an answer")]
    NoAnswer,
    #[error("the answer is not HTTP")]
    NotHttp,
    #[error("the answer breaks off")]
    Cut,
    #[error("status {0}, but the body does not match")]
    Body(u16),
}

impl Question {
    pub(crate) fn new(check: &Check) -> Self {
        let (handshake, request) = match &check.kind {
            CheckKind::Tcp => (None, None),
            CheckKind::Tls(tls) => (Some(Dialer::new(tls, None)), None),
            CheckKind::Http { request, tls } => {
                let handshake = tls.as_ref().map(|tls| Dialer::new(tls, Some(request)));
                (handshake, Some(Request::new(request)))
            }
        };
        let introduction = introduction(check.proxy_protocol);
        Self { introduction, bind: check.bind, handshake, request }
    }
}

impl Probe {
    pub(crate) fn of_check(backend: &Address, check: &Check, question: Rc<Question>) -> Self {
        let address = match (backend, check.port) {
            (Address::Tcp(address), Some(port)) => {
                Address::Tcp(SocketAddr::new(address.ip(), port))
            }
            (Address::Tcp(_) | Address::Unix(_), _) => backend.clone(),
        };
        Self { address, question, timeout_ms: check.timeout_ms }
    }

    /// An accepted connection is answer enough.
    pub(crate) fn of_connection(address: Address, timeout_ms: u64) -> Self {
        let question = Question { introduction: b"", bind: None, handshake: None, request: None };
        Self { address, question: Rc::new(question), timeout_ms }
    }

    /// Asks once. The connection is closed afterwards.
    pub(crate) async fn ask(&self) -> Result<Good, ProbeError> {
        let Self { timeout_ms, .. } = *self;
        tokio::time::timeout(Duration::from_millis(timeout_ms), self.ask_untimed())
            .await
            .unwrap_or(Err(ProbeError::Timeout { timeout_ms }))
    }

    async fn ask_untimed(&self) -> Result<Good, ProbeError> {
        match &self.address {
            Address::Tcp(address) => {
                let connected = match self.question.bind {
                    None => TcpStream::connect(address).await,
                    Some(own) => connect_from(own, *address).await,
                };
                let stream = connected.map_err(|error| io(&error))?;
                // One request: waiting for more of it would only delay the answer.
                let _latency_only = stream.set_nodelay(true);
                self.ask_through(stream).await
            }
            Address::Unix(path) => {
                self.ask_through(UnixStream::connect(path).await.map_err(|error| io(&error))?).await
            }
        }
    }

    async fn ask_through(
        &self,
        mut stream: impl AsyncRead + AsyncWrite + Unpin,
    ) -> Result<Good, ProbeError> {
        let question = &*self.question;
        stream.write_all(question.introduction).await.map_err(|error| io(&error))?;
        match (&question.handshake, &question.request) {
            (None, None) => Ok(Good::Connected),
            (None, Some(request)) => request.ask(stream, &self.host()).await,
            (Some(dialer), request) => {
                let stream = dialer.dial(stream, &self.address).await?;
                match request {
                    None => Ok(Good::Connected),
                    Some(request) => request.ask(stream, &self.host()).await,
                }
            }
        }
    }

    /// For a request that names no other.
    fn host(&self) -> String {
        match &self.address {
            Address::Tcp(address) => address.to_string(),
            Address::Unix(_) => "localhost".to_owned(),
        }
    }
}

async fn connect_from(own: IpAddr, address: SocketAddr) -> std::io::Result<TcpStream> {
    TcpSocket::from_std_stream(sys::origin::socket(own)?).connect(address).await
}

fn introduction(version: Option<ProxyProtocol>) -> &'static [u8] {
    match version {
        None => b"",
        Some(ProxyProtocol::V1) => b"PROXY UNKNOWN\r\n",
        Some(ProxyProtocol::V2) => b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0",
    }
}

fn io(error: &std::io::Error) -> ProbeError {
    ProbeError::Io(words(error))
}

/// The kernel's words without the number that `io::Error` adds.
fn words(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}

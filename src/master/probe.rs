//! One probe of one address: does it accept a connection, does it answer a GET well?
//!
//! Used for the readiness of programs and for active checks of backends. Keeps no count of results
//! and decides nothing; see `checks` and `programs`.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};

use crate::config::model::{Address, Check, CheckKind, ProxyProtocol};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Probe {
    pub(crate) address: Address,
    /// Sent first: a PROXY header that speaks for nobody, where backends expect one.
    pub(crate) introduction: &'static [u8],
    pub(crate) question: Question,
    pub(crate) timeout_ms: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// An accepted connection is answer enough.
    Connect,
    /// A status from 200 to 399 is good.
    Get { path: String },
}

/// What was wrong, for people; the address is known where it is shown.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProbeError {
    #[error("no answer within {timeout_ms} ms")]
    Timeout { timeout_ms: u64 },
    #[error("{0}")]
    Io(String),
    #[error("status {0}")]
    Status(u16),
    #[error("the answer is not HTTP")]
    NotHttp,
}

/// `HTTP/1.1 200`: what is read of an answer.
const STATUS_LINE_BYTES: usize = 12;

impl Probe {
    pub(crate) fn of_check(address: Address, check: &Check) -> Self {
        let question = match &check.kind {
            CheckKind::Http { path } => Question::Get { path: path.clone() },
            CheckKind::Tcp => Question::Connect,
        };
        let introduction = introduction(check.proxy_protocol);
        Self { address, introduction, question, timeout_ms: check.timeout_ms }
    }

    /// Asks once. The connection is closed afterwards.
    pub(crate) async fn ask(&self) -> Result<(), ProbeError> {
        let Self { timeout_ms, .. } = *self;
        tokio::time::timeout(Duration::from_millis(timeout_ms), self.ask_untimed())
            .await
            .unwrap_or(Err(ProbeError::Timeout { timeout_ms }))
    }

    async fn ask_untimed(&self) -> Result<(), ProbeError> {
        match &self.address {
            Address::Tcp(address) => {
                self.ask_through(TcpStream::connect(address).await.map_err(|error| io(&error))?)
                    .await
            }
            Address::Unix(path) => {
                self.ask_through(UnixStream::connect(path).await.map_err(|error| io(&error))?).await
            }
        }
    }

    async fn ask_through(
        &self,
        mut stream: impl AsyncRead + AsyncWrite + Unpin,
    ) -> Result<(), ProbeError> {
        stream.write_all(self.introduction).await.map_err(|error| io(&error))?;
        let Question::Get { path } = &self.question else { return Ok(()) };
        let host = match &self.address {
            Address::Tcp(address) => address.to_string(),
            Address::Unix(_) => "localhost".to_owned(),
        };
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: pilothouse-check\r\n\
             Connection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.map_err(|error| io(&error))?;
        let mut line = [0; STATUS_LINE_BYTES];
        stream.read_exact(&mut line).await.map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => ProbeError::NotHttp,
            _ => io(&error),
        })?;
        match status(line) {
            Some(200..=399) => Ok(()),
            Some(status) => Err(ProbeError::Status(status)),
            None => Err(ProbeError::NotHttp),
        }
    }
}

fn introduction(version: Option<ProxyProtocol>) -> &'static [u8] {
    match version {
        None => b"",
        Some(ProxyProtocol::V1) => b"PROXY UNKNOWN\r\n",
        Some(ProxyProtocol::V2) => b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0",
    }
}

fn status(line: [u8; STATUS_LINE_BYTES]) -> Option<u16> {
    let line = std::str::from_utf8(&line).ok()?;
    let (version, status) = line.split_once(' ')?;
    let is_http = matches!(version, "HTTP/1.0" | "HTTP/1.1");
    status.parse().ok().filter(|_| is_http)
}

fn io(error: &std::io::Error) -> ProbeError {
    // The kernel's words without the number that `io::Error` adds.
    let text = error.to_string();
    let words = text.split(" (os error").next().unwrap_or_default().to_lowercase();
    ProbeError::Io(words)
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::TcpListener;

    use super::*;

    async fn ask(answer: &'static str) -> Result<(), ProbeError> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = Address::Tcp(listener.local_addr().unwrap());
        let server = async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            // Bytes left unread would turn the close into a reset.
            while !request.ends_with(b"\r\n\r\n") {
                request.push(stream.read_u8().await.unwrap());
            }
            assert!(request.starts_with(b"GET /healthz HTTP/1.1\r\n"));
            stream.write_all(answer.as_bytes()).await.unwrap();
            if answer.is_empty() {
                std::future::pending::<()>().await;
            }
        };
        let question = Question::Get { path: "/healthz".into() };
        let probe = Probe { address, introduction: b"", question, timeout_ms: 100 };
        let asked = probe.ask();
        tokio::pin!(asked);
        tokio::select! {
            result = &mut asked => result,
            () = server => asked.await,
        }
    }

    #[tokio::test]
    async fn the_status_decides() {
        let cases = [
            ("HTTP/1.1 200 OK\r\n\r\n", Ok(())),
            ("HTTP/1.0 302 Found\r\n\r\n", Ok(())),
            ("HTTP/1.1 404 Not Found\r\n\r\n", Err(ProbeError::Status(404))),
            ("HTTP/1.1 503 Busy\r\n\r\n", Err(ProbeError::Status(503))),
            ("220 mail.example.com ESMTP\r\n", Err(ProbeError::NotHttp)),
            ("short", Err(ProbeError::NotHttp)),
            ("", Err(ProbeError::Timeout { timeout_ms: 100 })),
        ];
        for (answer, expected) in cases {
            assert_eq!(ask(answer).await, expected, "{answer:?}");
        }
    }

    #[tokio::test]
    async fn nobody_there_is_said_in_words() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = Address::Tcp(listener.local_addr().unwrap());
        drop(listener);
        let probe =
            Probe { address, introduction: b"", question: Question::Connect, timeout_ms: 100 };
        assert_eq!(probe.ask().await, Err(ProbeError::Io("connection refused".into())));
    }
}

//! The request of a probe, and whether the answer to it is good.
//!
//! An answer is read by the rules that hold for every backend's: one whose framing the workers would
//! refuse is no good answer. Of its body no more is read than is looked at.

use std::fmt::Write as _;

use regex::bytes::Regex;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::{Good, ProbeError, io};
use crate::config::limits::{CHECK_BODY_BYTES_MAX, CHECK_HEAD_BYTES_MAX};
use crate::config::model::health::{CheckRequest, Excerpt, Statuses};
use crate::config::pattern;
use crate::http::framing::Reader;
use crate::http::request::Parsed;
use crate::http::response::{Asked, Response};

/// Read at a time.
const PIECE_BYTES: usize = 4 * 1024;

const _: () = assert!(PIECE_BYTES <= CHECK_HEAD_BYTES_MAX);

pub(super) struct Request {
    method: String,
    path: String,
    host: Option<String>,
    headers: Vec<(String, String)>,
    expect: Vec<Statuses>,
    body: Option<Wanted>,
}

enum Wanted {
    Text(Vec<u8>),
    Match(Regex),
}

impl Wanted {
    fn is_in(&self, body: &[u8]) -> bool {
        match self {
            Self::Text(text) => memchr::memmem::find(body, text).is_some(),
            Self::Match(regex) => regex.is_match(body),
        }
    }
}

impl Request {
    pub(super) fn new(request: &CheckRequest) -> Self {
        let body = request.body.as_ref().map(|excerpt| match excerpt {
            Excerpt::Text(text) => Wanted::Text(text.clone().into_bytes()),
            Excerpt::Regex { pattern, case } => {
                Wanted::Match(pattern::compile(pattern, *case).expect("it compiled at load"))
            }
        });
        Self {
            method: request.method.clone(),
            path: request.path.clone(),
            host: request.host.clone(),
            headers: request.headers.clone(),
            expect: request.expect.clone(),
            body,
        }
    }

    pub(super) async fn ask(
        &self,
        mut stream: impl AsyncRead + AsyncWrite + Unpin,
        host: &str,
    ) -> Result<Good, ProbeError> {
        stream.write_all(self.head(host).as_bytes()).await.map_err(|error| io(&error))?;
        // A stream may keep what it was given until it is told to send it.
        stream.flush().await.map_err(|error| io(&error))?;
        let mut bytes = Vec::with_capacity(PIECE_BYTES);
        let response = self.response(&mut stream, &mut bytes).await?;
        let status = response.status;
        if !self.expect.iter().any(|range| (range.first..=range.last).contains(&status)) {
            return Err(ProbeError::Status(status));
        }
        if let Some(wanted) = &self.body {
            bytes.drain(..response.head_bytes);
            let body = body(&mut stream, bytes, &response).await?;
            if !wanted.is_in(&body) {
                return Err(ProbeError::Body(status));
            }
        }
        Ok(Good::Answered(status))
    }

    fn head(&self, host: &str) -> String {
        let host = self.host.as_deref().unwrap_or(host);
        let mut head = format!("{} {} HTTP/1.1\r\nHost: {host}\r\n", self.method, self.path);
        let is_agent = |(name, _): &(String, String)| name.eq_ignore_ascii_case("user-agent");
        if !self.headers.iter().any(is_agent) {
            head.push_str("User-Agent: pilothouse-check\r\n");
        }
        for (name, value) in &self.headers {
            write!(head, "{name}: {value}\r\n").expect("a String takes what it is given");
        }
        // A method that may have a body says that there is none.
        if !["GET", "HEAD", "OPTIONS", "TRACE", "DELETE"].contains(&self.method.as_str()) {
            head.push_str("Content-Length: 0\r\n");
        }
        head.push_str("Connection: close\r\n\r\n");
        head
    }

    /// The final head; `bytes` begins with it and goes on with what came behind it.
    async fn response(
        &self,
        stream: &mut (impl AsyncRead + Unpin),
        bytes: &mut Vec<u8>,
    ) -> Result<Response, ProbeError> {
        let asked = Asked { is_head: self.method == "HEAD", is_upgrade: false };
        let mut response = Response::default();
        loop {
            match response.parse(bytes, asked) {
                Ok(Parsed::Complete) if response.is_interim() => {
                    bytes.drain(..response.head_bytes);
                }
                Ok(Parsed::Complete) => return Ok(response),
                Ok(Parsed::Partial) if bytes.len() >= CHECK_HEAD_BYTES_MAX => {
                    return Err(ProbeError::NotHttp);
                }
                Ok(Parsed::Partial) => match (more(stream, bytes).await?, bytes.is_empty()) {
                    (0, true) => return Err(ProbeError::NoAnswer),
                    (0, false) => return Err(ProbeError::NotHttp),
                    (_, _) => {}
                },
                Err(_) => return Err(ProbeError::NotHttp),
            }
        }
    }
}

/// The body without its framing, or as much of its beginning as is looked at.
async fn body(
    stream: &mut (impl AsyncRead + Unpin),
    mut bytes: Vec<u8>,
    response: &Response,
) -> Result<Vec<u8>, ProbeError> {
    let mut reader = Reader::new(response.body);
    let mut body = Vec::new();
    loop {
        let taken = reader.strip(&mut bytes).map_err(|_| ProbeError::NotHttp)?;
        body.extend_from_slice(&bytes[..taken.kept]);
        bytes.drain(..taken.bytes);
        if reader.is_end() || body.len() >= CHECK_BODY_BYTES_MAX {
            body.truncate(CHECK_BODY_BYTES_MAX);
            return Ok(body);
        }
        // Framing that is not whole yet is bounded by its own rules.
        if more(stream, &mut bytes).await? == 0 {
            let is_end = matches!(reader, Reader::UntilClose);
            return if is_end { Ok(body) } else { Err(ProbeError::Cut) };
        }
    }
}

async fn more(
    stream: &mut (impl AsyncRead + Unpin),
    bytes: &mut Vec<u8>,
) -> Result<usize, ProbeError> {
    let mut piece = [0; PIECE_BYTES];
    let count = match stream.read(&mut piece).await {
        Ok(count) => count,
        // A TLS connection that ends without saying so: where its answer is whole, that is no matter.
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => 0,
        Err(error) => return Err(io(&error)),
    };
    bytes.extend_from_slice(&piece[..count]);
    Ok(count)
}

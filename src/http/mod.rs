//! The HTTP/1.1 protocol, without sockets: heads, framing, chunks, targets, addresses.
//!
//! Pure functions over byte slices. A parsed head is a list of ranges into the bytes it came in;
//! rewriting copies those ranges, so there is no header map and no allocation per header. What two
//! parsers could read differently is refused here, before anything is forwarded: nothing above
//! this folder judges a message's framing again.

pub(crate) mod chunk;
pub(crate) mod client_hello;
pub(crate) mod client_ip;
pub(crate) mod coding;
pub(crate) mod credentials;
pub(crate) mod date;
pub(crate) mod escape;
pub(crate) mod framing;
mod grammar;
pub(crate) mod head;
pub(crate) mod http2;
pub(crate) mod likeness;
pub(crate) mod listing;
pub(crate) mod lookup;
pub(crate) mod mime;
pub(crate) mod multipart;
pub(crate) mod proxy_header;
pub(crate) mod ranges;
pub(crate) mod repeats;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod rewrite;
pub(crate) mod route;
pub(crate) mod status;
pub(crate) mod target;
pub(crate) mod trailers;
pub(crate) mod validators;

#[cfg(any(test, fuzzing))]
pub(crate) mod properties;
#[cfg(test)]
mod tests;

/// Header lines of one head; the role that reads heads asserts that `config::limits` agrees.
pub(crate) const HEADERS_MAX: usize = 128;
/// Names in all `Connection` headers of one head, so that comparing them stays cheap.
pub(crate) const CONNECTION_OPTIONS_MAX: usize = 32;
/// One chunk's size line with its extensions.
pub(crate) const CHUNK_LINE_BYTES_MAX: u32 = 4 * 1024;
/// By how much the size lines of a body may outweigh its payload, so that a body cannot be almost
/// all extensions and pass every limit on its payload.
pub(crate) const CHUNK_EXCESS_BYTES_MAX: u64 = 16 * 1024;
/// All trailer lines after the last chunk: they are judged together, so they must fit a buffer.
pub(crate) const TRAILER_BYTES_MAX: usize = 16 * 1024;
/// The largest length that every other reader can be expected to hold; nginx's bound, too.
pub(crate) const LENGTH_MAX: u64 = i64::MAX as u64;

/// Why a message is refused. A request's refusal becomes its `status`; a response's becomes a 502.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    #[error("head does not follow the grammar")]
    Grammar,
    #[error("protocol version is not HTTP/1.0 or HTTP/1.1")]
    Version,
    #[error("target is longer than allowed")]
    TargetTooLong,
    #[error("more header lines than allowed")]
    TooManyHeaders,
    #[error("method is not served by a reverse proxy")]
    Method,
    #[error("host is missing, repeated or not a host")]
    Host,
    #[error("target is not a path, or disagrees with the host")]
    Target,
    #[error("content length is repeated, a list or not a number")]
    ContentLength,
    #[error("transfer encoding is not exactly one chunked")]
    TransferEncoding,
    #[error("both content length and transfer encoding")]
    TwoLengths,
    #[error("connection header names too many options")]
    TooManyOptions,
    #[error("expectation is not exactly one 100-continue")]
    Expectation,
    #[error("chunk framing is broken")]
    Chunk,
}

impl Error {
    /// What a client is answered; nginx's choices, and 431 where nginx has its private 494.
    pub(crate) fn status(self) -> u16 {
        match self {
            Self::Version => 505,
            Self::TargetTooLong => 414,
            Self::TooManyHeaders => 431,
            Self::Method => 405,
            Self::Expectation => 417,
            Self::Grammar
            | Self::Host
            | Self::Target
            | Self::ContentLength
            | Self::TransferEncoding
            | Self::TwoLengths
            | Self::TooManyOptions
            | Self::Chunk => 400,
        }
    }
}

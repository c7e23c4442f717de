//! The words behind `__origin` and `__load`.
//!
//! Not the command line's parser, since these words are between our own files and not for people.

use std::net::SocketAddr;
use std::str::FromStr;

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadOption {
    #[error("unknown option `{0}`")]
    Unknown(String),
    #[error("option `{0}` has no value")]
    NoValue(String),
    #[error("option `{option}` cannot be `{value}`")]
    BadValue { option: String, value: String },
    #[error("option `{0}` is missing")]
    Missing(&'static str),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) port: u16,
    /// What responses say about who answered.
    pub(super) name: String,
    pub(super) delay_ms: u64,
    /// Up to this much is added to the delay, evenly spread.
    pub(super) jitter_ms: u64,
    /// Crashes now and then, see `outage`.
    pub(super) has_outages: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Load {
    /// Requests a second, over all connections.
    pub(super) rate: u32,
    pub(super) connections: u16,
    /// For ever without it.
    pub(super) seconds: Option<u64>,
    /// Without it, the first listener of the engine behind `$PILOTHOUSE_SOCKET`.
    pub(super) target: Option<SocketAddr>,
}

const RATE: u32 = 120;
const CONNECTIONS: u16 = 24;
/// A demo shows; it does not measure.
const RATE_MAX: u32 = 10_000;
const CONNECTIONS_MAX: u16 = 240;

impl Origin {
    pub(super) fn parse(arguments: &[String]) -> Result<Self, BadOption> {
        let (mut port, mut name) = (None, None);
        let (mut delay_ms, mut jitter_ms, mut has_outages) = (0, 0, false);
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--port" => port = Some(value(word, words.next())?),
                "--name" => name = Some(value(word, words.next())?),
                "--delay-ms" => delay_ms = value(word, words.next())?,
                "--jitter-ms" => jitter_ms = value(word, words.next())?,
                "--outages" => has_outages = true,
                _ => return Err(BadOption::Unknown(word.clone())),
            }
        }
        let port = match port {
            None if std::env::var_os("LISTEN_FDS").is_some() => 0,
            port => port.ok_or(BadOption::Missing("--port"))?,
        };
        let name = name.unwrap_or_else(|| format!("127.0.0.1:{port}"));
        Ok(Self { port, name, delay_ms, jitter_ms, has_outages })
    }
}

impl Load {
    pub(super) fn parse(arguments: &[String]) -> Result<Self, BadOption> {
        let mut load = Self { rate: RATE, connections: CONNECTIONS, seconds: None, target: None };
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--rate" => load.rate = value(word, words.next())?,
                "--connections" => load.connections = value(word, words.next())?,
                "--seconds" => load.seconds = Some(value(word, words.next())?),
                "--target" => load.target = Some(value(word, words.next())?),
                _ => return Err(BadOption::Unknown(word.clone())),
            }
        }
        load.rate = load.rate.clamp(1, RATE_MAX);
        load.connections = load.connections.clamp(1, CONNECTIONS_MAX);
        Ok(load)
    }
}

fn value<T: FromStr>(option: &str, word: Option<&String>) -> Result<T, BadOption> {
    let word = word.ok_or_else(|| BadOption::NoValue(option.to_owned()))?;
    let bad = || BadOption::BadValue { option: option.to_owned(), value: word.clone() };
    word.parse().map_err(|_| bad())
}

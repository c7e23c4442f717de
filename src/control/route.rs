//! Between HTTP and `call`: which method, path and body is which command or query, both ways.
//!
//! This file reads what the server was sent, `written` writes what the client sends; a verb is spelled
//! in no third place. Pure: no sockets, and no knowledge of which upstreams or programs exist.

mod written;

use super::body;
use super::call::{
    ALL, Addition, BackendTarget, BackendVerb, Command, ProgramTarget, ProgramVerb, Query, Rank,
    Removal, UpstreamVerb,
};
use super::percent;
use super::rate::Rate;
use super::requests;
use super::wire::Stream;

/// Where Prometheus looks by itself.
const METRICS: &str = "/metrics";

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    Command(Command),
    Query(Query),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Post,
}

/// What the client sends; `target` is the path with its query string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) target: String,
    pub(crate) body: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unroutable {
    #[error("{path}: no such path")]
    NotFound { path: String },
    #[error("{path}: only {allow} is allowed")]
    MethodNotAllowed { path: String, allow: &'static str },
    #[error("{path}: {cause}")]
    Malformed { path: String, cause: String },
}

/// Reads a request; `target` may carry a query string, an empty body counts as `{}`.
pub(crate) fn parse(method: &str, target: &str, body: &[u8]) -> Result<Ask, Unroutable> {
    let (path, parameters) = target.split_once('?').unwrap_or((target, ""));
    let not_found = || Unroutable::NotFound { path: path.to_owned() };
    let malformed = |cause| Unroutable::Malformed { path: path.to_owned(), cause };

    if path == METRICS {
        return asked(method, path, Query::Metrics);
    }
    let segments = path
        .strip_prefix("/v1/")
        .ok_or_else(not_found)?
        .split('/')
        .map(percent::decode)
        .collect::<Option<Vec<String>>>()
        .ok_or_else(|| malformed("a percent escape is not UTF-8 text".to_owned()))?;
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();

    if let Some(query) = query(&segments, parameters).map_err(malformed)? {
        return asked(method, path, query);
    }
    let action = Action::at(&segments).map_err(malformed)?.ok_or_else(not_found)?;
    if method != "POST" {
        return Err(Unroutable::MethodNotAllowed { path: path.to_owned(), allow: "POST" });
    }
    action.command(body).map(Ask::Command).map_err(malformed)
}

fn asked(method: &str, path: &str, query: Query) -> Result<Ask, Unroutable> {
    match method {
        "GET" | "HEAD" => Ok(Ask::Query(query)),
        _ => Err(Unroutable::MethodNotAllowed { path: path.to_owned(), allow: "GET" }),
    }
}

fn query(segments: &[&str], parameters: &str) -> Result<Option<Query>, String> {
    let query = match segments {
        ["status"] => Query::Status,
        ["watch"] => Query::Watch { rate: Rate::parse(parameters)? },
        ["history"] => Query::History,
        ["plan"] => Query::Plan,
        ["upstreams", upstream, "explain"] => Query::Explain { upstream: (*upstream).to_owned() },
        ["events"] => Query::Events { follow: Parameters::parse(parameters)?.follow },
        ["requests"] => requests(parameters)?,
        ["log"] => log(ALL, None, parameters)?,
        ["engine", "log"] => engine_log(parameters)?,
        ["programs", name, "log"] => log(name, None, parameters)?,
        ["programs", name, instance, "log"] => log(name, Some(number(instance)?), parameters)?,
        _ => return Ok(None),
    };
    Ok(Some(query))
}

fn log(name: &str, instance: Option<u32>, parameters: &str) -> Result<Query, String> {
    let Parameters { follow, tail, stream } = Parameters::parse(parameters)?;
    let target = ProgramTarget { name: name.to_owned(), instance, incarnation: None };
    Ok(Query::Log { target, stream, tail, follow })
}

fn engine_log(text: &str) -> Result<Query, String> {
    match Parameters::parse(text)? {
        Parameters { follow, tail, stream: None } => Ok(Query::EngineLog { tail, follow }),
        Parameters { stream: Some(_), .. } => {
            Err("`stream`: the engine's log is one; expected `follow=1` or `tail=N`".to_owned())
        }
    }
}

fn requests(text: &str) -> Result<Query, String> {
    let mut filter = requests::Filter::default();
    let mut rest = Parameters::default();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = percent::decode(value)
            .ok_or_else(|| format!("`{pair}`: a percent escape is not UTF-8 text"))?;
        if !filter.take(name, &value)? && (name == "stream" || !rest.take(name, &value)?) {
            let filters = requests::Filter::NAMES.join(", ");
            return Err(format!("`{pair}`: expected `follow=1`, `tail=N`, or one of {filters}"));
        }
    }
    Ok(Query::Requests { filter, tail: rest.tail, follow: rest.follow })
}

fn number(segment: &str) -> Result<u32, String> {
    segment.parse().map_err(|_| format!("instance `{segment}` is not a number"))
}

#[derive(Default)]
struct Parameters {
    follow: bool,
    tail: Option<u32>,
    stream: Option<Stream>,
}

impl Parameters {
    fn parse(text: &str) -> Result<Self, String> {
        let mut parameters = Self::default();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if !parameters.take(name, value)? {
                return Err(format!(
                    "`{pair}`: expected `follow=1`, `tail=N`, `stream=stdout` or `stream=stderr`"
                ));
            }
        }
        Ok(parameters)
    }

    /// `Ok(false)`: it is none of these.
    fn take(&mut self, name: &str, value: &str) -> Result<bool, String> {
        match (name, value) {
            ("follow", "0" | "false") => self.follow = false,
            ("follow", "" | "1" | "true") => self.follow = true,
            ("tail", "") => self.tail = None,
            ("tail", count) => {
                let count = count.parse();
                self.tail =
                    Some(count.map_err(|_| format!("`tail={value}`: expected a number of lines"))?);
            }
            ("stream", "") => self.stream = None,
            ("stream", "stdout") => self.stream = Some(Stream::Stdout),
            ("stream", "stderr") => self.stream = Some(Stream::Stderr),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// What a path asks to be done, before its body is read.
enum Action<'a> {
    Backend { upstream: &'a str, backend: &'a str, verb: BackendWord },
    Add { upstream: &'a str },
    Upstream { name: &'a str, verb: UpstreamWord },
    Program { name: &'a str, instance: Option<u32>, verb: ProgramWord },
    Scale { name: &'a str, verb: ScaleWord },
    Reload,
    Revert,
    Reopen,
    Upgrade,
    Shutdown,
}

enum BackendWord {
    Drain,
    Enable,
    Down,
    Weight,
    MaxConns,
    Remove,
}

enum UpstreamWord {
    Strategy,
    Reset,
}

enum ScaleWord {
    Scale,
    Reset,
}

enum ProgramWord {
    Plain(ProgramVerb),
    Roll,
    Signal,
    Stdin,
}

impl<'a> Action<'a> {
    fn at(segments: &[&'a str]) -> Result<Option<Self>, String> {
        Ok(match *segments {
            ["reload"] => Some(Self::Reload),
            ["revert"] => Some(Self::Revert),
            ["reopen"] => Some(Self::Reopen),
            ["upgrade"] => Some(Self::Upgrade),
            ["shutdown"] => Some(Self::Shutdown),
            ["upstreams", upstream, "backends", backend, word] => {
                BackendWord::parse(word).map(|verb| Self::Backend { upstream, backend, verb })
            }
            ["upstreams", upstream, "backends"] => Some(Self::Add { upstream }),
            ["upstreams", name, word] => {
                UpstreamWord::parse(word).map(|verb| Self::Upstream { name, verb })
            }
            ["programs", name, "scale"] => Some(Self::Scale { name, verb: ScaleWord::Scale }),
            ["programs", name, "reset"] => Some(Self::Scale { name, verb: ScaleWord::Reset }),
            ["programs", name, word] => {
                ProgramWord::parse(word).map(|verb| Self::Program { name, instance: None, verb })
            }
            ["programs", name, instance, word] => match ProgramWord::parse(word) {
                Some(verb) => Some(Self::Program { name, instance: Some(number(instance)?), verb }),
                None => None,
            },
            _ => None,
        })
    }

    fn command(self, body: &[u8]) -> Result<Command, String> {
        match self {
            Self::Backend { upstream, backend, verb } => {
                let (verb, key) = verb.with(body)?;
                let (upstream, backend) = (upstream.to_owned(), backend.to_owned());
                Ok(Command::Backend { target: BackendTarget { upstream, backend, key }, verb })
            }
            Self::Add { upstream } => {
                let body::Add { address, weight, backup } = body::read(body)?;
                let rank = if backup { Rank::Backup } else { Rank::Primary };
                Ok(Command::Add(Addition { upstream: upstream.to_owned(), address, weight, rank }))
            }
            Self::Upstream { name, verb } => {
                Ok(Command::Upstream { name: name.to_owned(), verb: verb.with(body)? })
            }
            Self::Program { name, instance, verb } => {
                let (verb, incarnation) = verb.with(body)?;
                let target = ProgramTarget { name: name.to_owned(), instance, incarnation };
                Ok(Command::Program { target, verb })
            }
            Self::Scale { name, verb } => {
                let instances = match verb {
                    ScaleWord::Scale => {
                        body::read(body).map(|body::Scale { instances }| Some(instances))
                    }
                    ScaleWord::Reset => body::read(body).map(|body::Nothing {}| None),
                }?;
                Ok(Command::Scale { program: name.to_owned(), instances })
            }
            Self::Reload => body::read::<body::Nothing>(body).map(|_| Command::Reload),
            Self::Revert => body::read::<body::Nothing>(body).map(|_| Command::Revert),
            Self::Reopen => body::read::<body::Nothing>(body).map(|_| Command::Reopen),
            Self::Upgrade => body::read::<body::Nothing>(body).map(|_| Command::Upgrade),
            Self::Shutdown => body::read::<body::Nothing>(body).map(|_| Command::Shutdown),
        }
    }
}

impl BackendWord {
    fn parse(word: &str) -> Option<Self> {
        match word {
            "drain" => Some(Self::Drain),
            "enable" => Some(Self::Enable),
            "down" => Some(Self::Down),
            "weight" => Some(Self::Weight),
            "max_conns" => Some(Self::MaxConns),
            "remove" => Some(Self::Remove),
            _ => None,
        }
    }

    /// The verb whole, and the key of the row it is meant for.
    fn with(self, body: &[u8]) -> Result<(BackendVerb, Option<u32>), String> {
        match self {
            Self::Drain => body::read(body)
                .map(|body::Drain { timeout_ms, key }| (BackendVerb::Drain { timeout_ms }, key)),
            Self::Enable => body::read(body).map(|body::Key { key }| (BackendVerb::Enable, key)),
            Self::Down => body::read(body).map(|body::Key { key }| (BackendVerb::Down, key)),
            Self::Weight => body::read(body)
                .map(|body::Weight { weight, key }| (BackendVerb::Weight { weight }, key)),
            Self::MaxConns => body::read(body).map(|body::MaxConns { max_conns, key }| {
                (BackendVerb::MaxConns { max_conns }, key)
            }),
            Self::Remove => {
                let body::Remove { now, timeout_ms, key } = body::read(body)?;
                let removal = match (now, timeout_ms) {
                    (true, Some(_)) => return Err("`now` leaves no time to drain".to_owned()),
                    (true, None) => Removal::AtOnce,
                    (false, timeout_ms) => Removal::Drained { timeout_ms },
                };
                Ok((BackendVerb::Remove(removal), key))
            }
        }
    }
}

impl UpstreamWord {
    fn parse(word: &str) -> Option<Self> {
        match word {
            "strategy" => Some(Self::Strategy),
            "reset" => Some(Self::Reset),
            _ => None,
        }
    }

    fn with(self, body: &[u8]) -> Result<UpstreamVerb, String> {
        match self {
            Self::Strategy => body::read(body)
                .map(|body::Strategy { strategy }| UpstreamVerb::Strategy { strategy }),
            Self::Reset => body::read::<body::Nothing>(body).map(|_| UpstreamVerb::Reset),
        }
    }
}

impl ProgramWord {
    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "start" => Self::Plain(ProgramVerb::Start),
            "stop" => Self::Plain(ProgramVerb::Stop),
            "restart" => Self::Plain(ProgramVerb::Restart),
            "roll" => Self::Roll,
            "reload" => Self::Plain(ProgramVerb::Reload),
            "kill" => Self::Plain(ProgramVerb::Kill),
            "clear" => Self::Plain(ProgramVerb::Clear),
            "signal" => Self::Signal,
            "stdin" => Self::Stdin,
            _ => return None,
        })
    }

    /// The verb whole, and the incarnation it is meant for.
    fn with(self, body: &[u8]) -> Result<(ProgramVerb, Option<u32>), String> {
        match self {
            Self::Plain(verb) => {
                body::read(body).map(|body::Instance { incarnation }| (verb, incarnation))
            }
            Self::Roll => body::read(body)
                .map(|body: body::Roll| (ProgramVerb::Roll(body.pace()), body.incarnation)),
            Self::Signal => body::read(body).map(|body::Signal { signal, incarnation }| {
                (ProgramVerb::Signal { signal }, incarnation)
            }),
            // The body is what is written, byte by byte.
            Self::Stdin => Ok((ProgramVerb::Input { bytes: body.to_vec() }, None)),
        }
    }
}

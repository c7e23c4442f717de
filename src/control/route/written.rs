//! What the client sends: the counterpart of what `route` reads.

use serde_json::json;

use super::{METRICS, Method, Request};
use crate::control::body;
use crate::control::call::{
    ALL, Addition, BackendVerb, Command, ProgramTarget, ProgramVerb, Query, Rank, Removal,
    UpstreamVerb,
};
use crate::control::percent;
use crate::control::wire::Stream;

impl From<&Query> for Request {
    fn from(query: &Query) -> Self {
        let target = match query {
            Query::Status => "/v1/status".to_owned(),
            Query::Watch { rate } => format!("/v1/watch{}", rate.parameters()),
            Query::History => "/v1/history".to_owned(),
            Query::Plan => "/v1/plan".to_owned(),
            Query::Metrics => METRICS.to_owned(),
            Query::Explain { upstream } => {
                format!("/v1/upstreams/{}/explain", percent::encode(upstream))
            }
            Query::Events { follow } => format!("/v1/events?follow={}", u8::from(*follow)),
            Query::Requests { filter, tail, follow } => {
                let tail = tail.map_or_else(String::new, |count| count.to_string());
                let (follow, filter) = (u8::from(*follow), filter.parameters());
                format!("/v1/requests?follow={follow}&tail={tail}{filter}")
            }
            Query::Log { target, stream, tail, follow } => {
                let stream = match stream {
                    None | Some(Stream::Mark) => "",
                    Some(Stream::Stdout) => "stdout",
                    Some(Stream::Stderr) => "stderr",
                };
                let tail = tail.map_or_else(String::new, |count| count.to_string());
                let follow = u8::from(*follow);
                let at = match target {
                    ProgramTarget { name, instance: None, .. } if name == ALL => "/v1".to_owned(),
                    target => program(target),
                };
                format!("{at}/log?stream={stream}&tail={tail}&follow={follow}")
            }
            Query::EngineLog { tail, follow } => {
                let tail = tail.map_or_else(String::new, |count| count.to_string());
                format!("/v1/engine/log?tail={tail}&follow={}", u8::from(*follow))
            }
        };
        Self { method: Method::Get, target, body: Vec::new() }
    }
}

impl From<&Command> for Request {
    fn from(command: &Command) -> Self {
        let (target, body) = match command {
            Command::Backend { target, verb } => {
                let (word, body) = backend_verb(*verb, target.key);
                let upstream = percent::encode(&target.upstream);
                let backend = percent::encode(&target.backend);
                (format!("/v1/upstreams/{upstream}/backends/{backend}/{word}"), body)
            }
            Command::Add(Addition { upstream, address, weight, rank }) => {
                let (address, backup) = (address.clone(), *rank == Rank::Backup);
                let target = format!("/v1/upstreams/{}/backends", percent::encode(upstream));
                (target, json!(body::Add { address, weight: *weight, backup }))
            }
            Command::Upstream { name, verb } => {
                let (word, body) = upstream_verb(verb);
                (format!("/v1/upstreams/{}/{word}", percent::encode(name)), body)
            }
            Command::Program { target, verb: ProgramVerb::Input { bytes } } => {
                let target = format!("{}/stdin", program(target));
                return Self { method: Method::Post, target, body: bytes.clone() };
            }
            Command::Program { target, verb } => {
                let (word, body) = program_verb(verb, target.incarnation);
                (format!("{}/{word}", program(target)), body)
            }
            Command::Scale { program, instances } => {
                let (word, body) = match *instances {
                    Some(instances) => ("scale", json!(body::Scale { instances })),
                    None => ("reset", json!({})),
                };
                (format!("/v1/programs/{}/{word}", percent::encode(program)), body)
            }
            Command::Reload => ("/v1/reload".to_owned(), json!({})),
            Command::Revert => ("/v1/revert".to_owned(), json!({})),
            Command::Reopen => ("/v1/reopen".to_owned(), json!({})),
            Command::Upgrade => ("/v1/upgrade".to_owned(), json!({})),
            Command::Shutdown => ("/v1/shutdown".to_owned(), json!({})),
        };
        Self { method: Method::Post, target, body: body.to_string().into_bytes() }
    }
}

fn program(target: &ProgramTarget) -> String {
    let name = percent::encode(&target.name);
    match target.instance {
        None => format!("/v1/programs/{name}"),
        Some(instance) => format!("/v1/programs/{name}/{instance}"),
    }
}

fn backend_verb(verb: BackendVerb, key: Option<u32>) -> (&'static str, serde_json::Value) {
    match verb {
        BackendVerb::Drain { timeout_ms } => ("drain", json!(body::Drain { timeout_ms, key })),
        BackendVerb::Enable => ("enable", json!(body::Key { key })),
        BackendVerb::Down => ("down", json!(body::Key { key })),
        BackendVerb::Weight { weight } => ("weight", json!(body::Weight { weight, key })),
        BackendVerb::MaxConns { max_conns } => {
            ("max_conns", json!(body::MaxConns { max_conns, key }))
        }
        BackendVerb::Remove(removal) => {
            let (now, timeout_ms) = match removal {
                Removal::Drained { timeout_ms } => (false, timeout_ms),
                Removal::AtOnce => (true, None),
            };
            ("remove", json!(body::Remove { now, timeout_ms, key }))
        }
    }
}

fn upstream_verb(verb: &UpstreamVerb) -> (&'static str, serde_json::Value) {
    match verb {
        UpstreamVerb::Strategy { strategy } => {
            ("strategy", json!(body::Strategy { strategy: strategy.clone() }))
        }
        UpstreamVerb::Reset => ("reset", json!({})),
    }
}

fn program_verb(verb: &ProgramVerb, incarnation: Option<u32>) -> (&'static str, serde_json::Value) {
    let word = match verb {
        ProgramVerb::Start => "start",
        ProgramVerb::Stop => "stop",
        ProgramVerb::Restart => "restart",
        ProgramVerb::Roll(pace) => return ("roll", json!(body::Roll::new(pace, incarnation))),
        ProgramVerb::Reload => "reload",
        ProgramVerb::Kill => "kill",
        ProgramVerb::Input { .. } => "stdin",
        ProgramVerb::Clear => "clear",
        ProgramVerb::Signal { signal } => {
            return ("signal", json!(body::Signal { signal: signal.clone(), incarnation }));
        }
    };
    (word, json!(body::Instance { incarnation }))
}

//! What can be asked, as a table: method, path, what goes with it and what comes back.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Value, json};

use crate::control::body;
use crate::control::explain::Explanation;
use crate::control::openapi::PATH;
use crate::control::plan::Plan;
use crate::control::requests::{Filter, RequestLine};
use crate::control::sample::Sample;
use crate::control::wire::{EventRecord, Frame, LogLine, Status};

type Make = fn(&mut SchemaGenerator) -> Schema;

pub(super) struct Operation {
    pub(super) method: &'static str,
    /// With `{name}` for what is chosen.
    pub(super) path: &'static str,
    pub(super) summary: &'static str,
    pub(super) parameters: Vec<Parameter>,
    pub(super) sent: Sent,
    pub(super) answered: Answered,
}

/// Of a query string: its name and its schema.
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    pub(super) schema: Value,
}

pub(super) enum Sent {
    Nothing,
    Json(Make),
    Bytes,
}

pub(super) enum Answered {
    /// One document.
    Json(Make),
    /// One document a line.
    Lines(Make),
    /// Prometheus's text.
    Metrics,
    /// What was done.
    Outcome,
    /// This description.
    Description,
}

impl Operation {
    pub(super) fn id(&self) -> String {
        let words = self.path.trim_start_matches("/v1").replace(['{', '}'], "");
        format!("{}{}", self.method.to_lowercase(), words.replace('/', "_"))
    }

    /// A path of its form.
    pub(super) fn example(&self) -> String {
        let path = self.path.replace("{upstream}", "api").replace("{backend}", "10.0.0.9:80");
        path.replace("{program}", "web").replace("{instance}", "0")
    }

    pub(super) fn body_example(&self) -> String {
        let word = self.path.rsplit('/').next().unwrap_or_default();
        let body = match word {
            "backends" => json!({ "address": "10.0.0.9:80" }),
            "weight" => json!({ "weight": 1 }),
            "max_conns" => json!({ "max_conns": 1 }),
            "strategy" => json!({ "strategy": "random" }),
            "scale" => json!({ "instances": 1 }),
            "signal" => json!({ "signal": "HUP" }),
            _ => return String::new(),
        };
        body.to_string()
    }

    /// Whether a path is of its form.
    pub(super) fn is_at(&self, path: &str) -> bool {
        let (mut own, mut given) = (self.path.split('/'), path.split('/'));
        loop {
            match (own.next(), given.next()) {
                (None, None) => return true,
                (Some(own), Some(given)) if own.starts_with('{') || own == given => {}
                _ => return false,
            }
        }
    }
}

/// More fixed words come first: `/v1/programs/{program}/scale` is no verb of an instance.
pub(super) fn all() -> Vec<Operation> {
    let mut all = queries();
    all.extend(engine_commands());
    all.extend(upstream_commands());
    all.extend(program_commands());
    all.extend(instance_commands());
    all
}

fn schema<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

fn get(path: &'static str, summary: &'static str, answered: Answered) -> Operation {
    let parameters = Vec::new();
    Operation { method: "GET", path, summary, parameters, sent: Sent::Nothing, answered }
}

fn post(path: &'static str, summary: &'static str, make: Make) -> Operation {
    let (sent, answered) = (Sent::Json(make), Answered::Outcome);
    Operation { method: "POST", path, summary, parameters: Vec::new(), sent, answered }
}

fn queries() -> Vec<Operation> {
    let with = |operation, parameters| Operation { parameters, ..operation };
    let lines = |path, summary, make, parameters| {
        with(get(path, summary, Answered::Lines(make)), parameters)
    };
    let log = || vec![stream(), tail(), follow()];
    vec![
        get("/v1/status", "Everything as it stands", Answered::Json(schema::<Status>)),
        lines("/v1/watch", "A snapshot, then what changes, without end", schema::<Frame>, rate()),
        get(
            "/v1/history",
            "The last 15 minutes by the second",
            Answered::Json(schema::<Vec<Sample>>),
        ),
        get("/v1/plan", "What a reload would do", Answered::Json(schema::<Plan>)),
        get(
            "/v1/upstreams/{upstream}/explain",
            "Whether it balances as promised, and what other strategies would do",
            Answered::Json(schema::<Explanation>),
        ),
        lines("/v1/events", "What was done and by whom", schema::<EventRecord>, vec![follow()]),
        lines("/v1/requests", "Requests that have ended", schema::<RequestLine>, filters()),
        lines("/v1/log", "The output of all programs", schema::<LogLine>, log()),
        lines("/v1/programs/{program}/log", "The output of a program", schema::<LogLine>, log()),
        lines(
            "/v1/programs/{program}/{instance}/log",
            "The output of one instance",
            schema::<LogLine>,
            log(),
        ),
        lines(
            "/v1/engine/log",
            "What the engine's own processes log",
            schema::<LogLine>,
            vec![tail(), follow()],
        ),
        get("/metrics", "For Prometheus", Answered::Metrics),
        get(PATH, "This description", Answered::Description),
    ]
}

fn engine_commands() -> Vec<Operation> {
    vec![
        post("/v1/reload", "Reads the configuration again", schema::<body::Nothing>),
        post("/v1/revert", "Back to what ran before the last reload", schema::<body::Nothing>),
        post("/v1/reopen", "Opens log files again", schema::<body::Nothing>),
        post("/v1/upgrade", "The binary at the engine's path takes over", schema::<body::Nothing>),
        post("/v1/shutdown", "Stops the engine and its programs", schema::<body::Nothing>),
    ]
}

fn upstream_commands() -> Vec<Operation> {
    vec![
        post("/v1/upstreams/{upstream}/strategy", "Balances by another", schema::<body::Strategy>),
        post("/v1/upstreams/{upstream}/reset", "As the file says", schema::<body::Nothing>),
        post("/v1/upstreams/{upstream}/backends", "One backend more", schema::<body::Add>),
        post(
            "/v1/upstreams/{upstream}/backends/{backend}/drain",
            "No new request; the running ones finish",
            schema::<body::Drain>,
        ),
        post(
            "/v1/upstreams/{upstream}/backends/{backend}/enable",
            "Takes requests again",
            schema::<body::Key>,
        ),
        post(
            "/v1/upstreams/{upstream}/backends/{backend}/down",
            "No new request, at once",
            schema::<body::Key>,
        ),
        post(
            "/v1/upstreams/{upstream}/backends/{backend}/weight",
            "Another share",
            schema::<body::Weight>,
        ),
        post(
            "/v1/upstreams/{upstream}/backends/{backend}/max_conns",
            "Another bound of requests in flight",
            schema::<body::MaxConns>,
        ),
        post(
            "/v1/upstreams/{upstream}/backends/{backend}/remove",
            "Leaves, drained unless now",
            schema::<body::Remove>,
        ),
    ]
}

/// The verbs of a program, of all its instances; `all` names every program.
fn program_commands() -> Vec<Operation> {
    let stdin = post("/v1/programs/{program}/stdin", "To its input", schema::<body::Nothing>);
    vec![
        post("/v1/programs/{program}/scale", "So many instances", schema::<body::Scale>),
        post("/v1/programs/{program}/reset", "As many as the file says", schema::<body::Nothing>),
        post("/v1/programs/{program}/start", "Starts it", schema::<body::Instance>),
        post("/v1/programs/{program}/stop", "Stops it", schema::<body::Instance>),
        post("/v1/programs/{program}/restart", "Restarts it, drained", schema::<body::Instance>),
        post("/v1/programs/{program}/roll", "A few at a time", schema::<body::Roll>),
        post("/v1/programs/{program}/reload", "As its `reload` says", schema::<body::Instance>),
        post("/v1/programs/{program}/kill", "SIGKILL, at once", schema::<body::Instance>),
        post("/v1/programs/{program}/clear", "Removes its output", schema::<body::Instance>),
        post("/v1/programs/{program}/signal", "A signal", schema::<body::Signal>),
        Operation { sent: Sent::Bytes, ..stdin },
    ]
}

/// The same of one instance.
fn instance_commands() -> Vec<Operation> {
    let stdin =
        post("/v1/programs/{program}/{instance}/stdin", "To its input", schema::<body::Nothing>);
    vec![
        post("/v1/programs/{program}/{instance}/start", "Starts it", schema::<body::Instance>),
        post("/v1/programs/{program}/{instance}/stop", "Stops it", schema::<body::Instance>),
        post("/v1/programs/{program}/{instance}/restart", "Restarts it", schema::<body::Instance>),
        post(
            "/v1/programs/{program}/{instance}/roll",
            "Restarts it, ready first",
            schema::<body::Roll>,
        ),
        post(
            "/v1/programs/{program}/{instance}/reload",
            "As `reload` says",
            schema::<body::Instance>,
        ),
        post(
            "/v1/programs/{program}/{instance}/kill",
            "SIGKILL, at once",
            schema::<body::Instance>,
        ),
        post(
            "/v1/programs/{program}/{instance}/clear",
            "Removes its output",
            schema::<body::Instance>,
        ),
        post("/v1/programs/{program}/{instance}/signal", "A signal", schema::<body::Signal>),
        Operation { sent: Sent::Bytes, ..stdin },
    ]
}

fn follow() -> Parameter {
    Parameter {
        name: "follow",
        description: "whether the answer goes on, without end",
        schema: json!({ "enum": ["0", "1", "false", "true", ""] }),
    }
}

fn tail() -> Parameter {
    Parameter {
        name: "tail",
        description: "no more than the last so many",
        schema: json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX }),
    }
}

fn stream() -> Parameter {
    Parameter {
        name: "stream",
        description: "without it, both",
        schema: json!({ "enum": ["stdout", "stderr", ""] }),
    }
}

fn rate() -> Vec<Parameter> {
    vec![Parameter {
        name: "rate",
        description: "how often is told what changed: without it ten times a second, else once a \
                      second or every other",
        schema: json!({ "enum": ["calm", "sparing"] }),
    }]
}

fn filters() -> Vec<Parameter> {
    let filter = |name| {
        let schema = match name {
            "status" => json!({ "type": "string", "pattern": "^([1-5][0-9][0-9]|[1-5]xx)$" }),
            "client" => json!({ "type": "string", "anyOf": [
                { "const": "" },
                { "format": "ipv4" },
                { "format": "ipv6" },
                { "pattern": "^(([1-9]?[0-9])\\.){3}([1-9]?[0-9])/([12]?[0-9]|3[0-2])$" },
            ] }),
            _ => json!({ "type": "string" }),
        };
        Parameter { name, description: "no other ones", schema }
    };
    Filter::NAMES.into_iter().map(filter).chain([tail(), follow()]).collect()
}

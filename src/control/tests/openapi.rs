//! The API's description holds for the API: it is made from the wire types, every operation in it is
//! understood by `route`, and everything that the client can ask is an operation in it.

mod document;
mod operations;

use std::collections::BTreeSet;
use std::path::Path;

use operations::{Operation, Sent};

use crate::control::call::{
    Addition, BackendTarget, BackendVerb, Command, Pace, ProgramTarget, ProgramVerb, Query, Rank,
    Removal, UpstreamVerb,
};
use crate::control::openapi::{DOCUMENT, PATH};
use crate::control::rate::Rate;
use crate::control::requests::Filter;
use crate::control::route::{Ask, Method, Request, parse};

#[test]
fn the_document_is_what_the_types_say() {
    let mut made = serde_json::to_string_pretty(&document::make()).unwrap();
    made.push('\n');
    if std::env::var_os("PILOTHOUSE_WRITE_OPENAPI").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/control/openapi.json");
        std::fs::write(path, &made).unwrap();
    }
    assert!(
        made.as_bytes() == DOCUMENT,
        "src/control/openapi.json is not what the types say: write it anew by \
         PILOTHOUSE_WRITE_OPENAPI=1 cargo test --lib openapi"
    );
}

#[test]
fn every_operation_is_understood() {
    for operation in operations::all() {
        if operation.path == PATH {
            continue;
        }
        let target = operation.example();
        let body = operation.body_example();
        let ask = parse(operation.method, &target, body.as_bytes())
            .unwrap_or_else(|error| panic!("{}: {error}", operation.id()));
        let is_fit = match (&ask, &operation.sent) {
            (Ask::Query(_), Sent::Nothing) | (Ask::Command(_), Sent::Json(_) | Sent::Bytes) => true,
            (Ask::Query(_) | Ask::Command(_), _) => false,
        };
        assert!(is_fit, "{}: {ask:?}", operation.id());
    }
}

#[test]
fn everything_that_can_be_asked_is_an_operation() {
    let operations = operations::all();
    let mut met = BTreeSet::new();
    let requests = commands().iter().map(Request::from).collect::<Vec<_>>();
    let queries = queries().iter().map(Request::from).collect::<Vec<_>>();
    for request in requests.into_iter().chain(queries) {
        let method = match request.method {
            Method::Get => "GET",
            Method::Post => "POST",
        };
        let path = request.target.split('?').next().unwrap();
        let is_it = |operation: &&Operation| operation.method == method && operation.is_at(path);
        let operation = operations.iter().find(is_it);
        met.insert(operation.unwrap_or_else(|| panic!("{method} {path} is none")).id());
    }
    let all: BTreeSet<String> = operations.iter().map(Operation::id).collect();
    let own = BTreeSet::from(["get_openapi.json".to_owned()]);
    assert_eq!(all.difference(&met).cloned().collect::<BTreeSet<_>>(), own);
}

/// One of each; a new one does not compile before it is here.
fn commands() -> Vec<Command> {
    let mut all = vec![
        Command::Add(Addition {
            upstream: "api".into(),
            address: "10.0.0.9:80".into(),
            weight: None,
            rank: Rank::Primary,
        }),
        Command::Scale { program: "web".into(), instances: Some(2) },
        Command::Scale { program: "web".into(), instances: None },
        Command::Reload,
        Command::Revert,
        Command::Reopen,
        Command::Upgrade,
        Command::Shutdown,
    ];
    all.extend(backend_verbs().map(|verb| Command::Backend {
        target: BackendTarget { upstream: "api".into(), backend: "10.0.0.9:80".into(), key: None },
        verb,
    }));
    let strategy = UpstreamVerb::Strategy { strategy: "random".into() };
    for verb in [strategy, UpstreamVerb::Reset] {
        all.push(Command::Upstream { name: "api".into(), verb });
    }
    for instance in [None, Some(0)] {
        let target = ProgramTarget { name: "web".into(), instance, incarnation: None };
        let of = |verb| Command::Program { target: target.clone(), verb };
        all.extend(program_verbs().map(of));
    }
    for command in &all {
        match command {
            Command::Backend { .. }
            | Command::Add(_)
            | Command::Upstream { .. }
            | Command::Program { .. }
            | Command::Scale { .. }
            | Command::Reload
            | Command::Revert
            | Command::Reopen
            | Command::Upgrade
            | Command::Shutdown => {}
        }
    }
    all
}

fn backend_verbs() -> impl Iterator<Item = BackendVerb> {
    let all = [
        BackendVerb::Drain { timeout_ms: None },
        BackendVerb::Enable,
        BackendVerb::Down,
        BackendVerb::Weight { weight: 1 },
        BackendVerb::MaxConns { max_conns: 1 },
        BackendVerb::Remove(Removal::AtOnce),
    ];
    all.into_iter().inspect(|verb| match verb {
        BackendVerb::Drain { .. }
        | BackendVerb::Enable
        | BackendVerb::Down
        | BackendVerb::Weight { .. }
        | BackendVerb::MaxConns { .. }
        | BackendVerb::Remove(_) => {}
    })
}

fn program_verbs() -> impl Iterator<Item = ProgramVerb> {
    let all = [
        ProgramVerb::Start,
        ProgramVerb::Stop,
        ProgramVerb::Restart,
        ProgramVerb::Roll(Pace::default()),
        ProgramVerb::Reload,
        ProgramVerb::Kill,
        ProgramVerb::Clear,
        ProgramVerb::Signal { signal: "HUP".into() },
        ProgramVerb::Input { bytes: b"x".to_vec() },
    ];
    all.into_iter().inspect(|verb| match verb {
        ProgramVerb::Start
        | ProgramVerb::Stop
        | ProgramVerb::Restart
        | ProgramVerb::Roll(_)
        | ProgramVerb::Reload
        | ProgramVerb::Kill
        | ProgramVerb::Clear
        | ProgramVerb::Signal { .. }
        | ProgramVerb::Input { .. } => {}
    })
}

fn queries() -> Vec<Query> {
    let log = |name: &str, instance| {
        let target = ProgramTarget { name: name.into(), instance, incarnation: None };
        Query::Log { target, stream: None, tail: None, follow: false }
    };
    let all = vec![
        Query::Status,
        Query::Watch { rate: Rate::Calm },
        Query::Events { follow: false },
        Query::Explain { upstream: "api".into() },
        Query::History,
        Query::Plan,
        Query::Metrics,
        Query::Requests { filter: Filter::default(), tail: None, follow: false },
        log("all", None),
        log("web", None),
        log("web", Some(0)),
        Query::EngineLog { tail: None, follow: false },
    ];
    for query in &all {
        match query {
            Query::Status
            | Query::Watch { .. }
            | Query::Events { .. }
            | Query::Explain { .. }
            | Query::History
            | Query::Plan
            | Query::Metrics
            | Query::Requests { .. }
            | Query::EngineLog { .. }
            | Query::Log { .. } => {}
        }
    }
    all
}

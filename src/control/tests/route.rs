//! Every command and query survives the way through HTTP; everything else gets its status.

use proptest::prelude::*;

use crate::control::call::{
    Addition, BackendTarget, BackendVerb, Command, Pace, ProgramTarget, ProgramVerb, Query, Rank,
    Removal, UpstreamVerb,
};
use crate::control::rate::Rate;
use crate::control::requests::Filter;
use crate::control::route::{Ask, Method, Request, Unroutable, parse};
use crate::control::wire::Stream;

#[track_caller]
fn check(method: &str, target: &str, body: &str, expected: &Ask) {
    assert_eq!(parse(method, target, body.as_bytes()).as_ref(), Ok(expected), "{method} {target}");
}

fn backend(verb: BackendVerb, key: Option<u32>) -> Ask {
    let target =
        BackendTarget { upstream: "api".to_owned(), backend: "10.0.3.1:8080".to_owned(), key };
    Ask::Command(Command::Backend { target, verb })
}

fn program(instance: Option<u32>, incarnation: Option<u32>, verb: ProgramVerb) -> Ask {
    let target = ProgramTarget { name: "api".to_owned(), instance, incarnation };
    Ask::Command(Command::Program { target, verb })
}

#[test]
fn the_promised_paths_are_understood() {
    let at = "/v1/upstreams/api/backends/10.0.3.1:8080";
    let drain = |timeout_ms| BackendVerb::Drain { timeout_ms };
    check("POST", &format!("{at}/drain"), "", &backend(drain(None), None));
    let body = r#"{"timeout_ms":30000,"key":65537}"#;
    check("POST", &format!("{at}/drain"), body, &backend(drain(Some(30_000)), Some(65_537)));
    check("POST", &format!("{at}/enable"), "{}", &backend(BackendVerb::Enable, None));
    check("POST", &format!("{at}/down"), " \n", &backend(BackendVerb::Down, None));
    let weight = BackendVerb::Weight { weight: 5 };
    check("POST", &format!("{at}/weight"), r#"{"weight":5}"#, &backend(weight, None));
    let bound = BackendVerb::MaxConns { max_conns: 64 };
    check("POST", &format!("{at}/max_conns"), r#"{"max_conns":64}"#, &backend(bound, None));
    let gently = BackendVerb::Remove(Removal::Drained { timeout_ms: None });
    check("POST", &format!("{at}/remove"), "", &backend(gently, None));
    let at_once = BackendVerb::Remove(Removal::AtOnce);
    check("POST", &format!("{at}/remove"), r#"{"now":true,"key":7}"#, &backend(at_once, Some(7)));
    let addition = Addition {
        upstream: "api".to_owned(),
        address: "10.0.3.9:8080".to_owned(),
        weight: Some(3),
        rank: Rank::Backup,
    };
    let body = r#"{"address":"10.0.3.9:8080","weight":3,"backup":true}"#;
    check("POST", "/v1/upstreams/api/backends", body, &Ask::Command(Command::Add(addition)));

    check("POST", "/v1/programs/api/restart", "", &program(None, None, ProgramVerb::Restart));
    let body = r#"{"incarnation":3}"#;
    check("POST", "/v1/programs/api/0/kill", body, &program(Some(0), Some(3), ProgramVerb::Kill));
    let hup = || ProgramVerb::Signal { signal: "HUP".to_owned() };
    check(
        "POST",
        "/v1/programs/api/1/signal",
        r#"{"signal":"HUP"}"#,
        &program(Some(1), None, hup()),
    );
    let input = ProgramVerb::Input { bytes: b"{not json\n".to_vec() };
    check("POST", "/v1/programs/api/1/stdin", "{not json\n", &program(Some(1), None, input));
    let number = ProgramVerb::Signal { signal: "15".to_owned() };
    check("POST", "/v1/programs/api/signal", r#"{"signal":15}"#, &program(None, None, number));

    let scale = |instances| Ask::Command(Command::Scale { program: "web".to_owned(), instances });
    check("POST", "/v1/programs/web/scale", r#"{"instances":5}"#, &scale(Some(5)));
    check("POST", "/v1/programs/web/reset", "", &scale(None));

    let verb = UpstreamVerb::Strategy { strategy: "ip_hash".to_owned() };
    let strategy = Ask::Command(Command::Upstream { name: "api".to_owned(), verb });
    check("POST", "/v1/upstreams/api/strategy", r#"{"strategy":"ip_hash"}"#, &strategy);
    check("POST", "/v1/reload", "", &Ask::Command(Command::Reload));

    check("GET", "/v1/status", "", &Ask::Query(Query::Status));
    let explain = Query::Explain { upstream: "a b".to_owned() };
    check("GET", "/v1/upstreams/a%20b/explain", "", &Ask::Query(explain));
    check("GET", "/v1/events?follow=1", "", &Ask::Query(Query::Events { follow: true }));
    let mut filter = Filter::default();
    assert!(filter.take("status", "5xx").unwrap() && filter.take("path", "/a b").unwrap());
    let requests = Query::Requests { filter, tail: Some(9), follow: true };
    let target = "/v1/requests?status=5xx&path=/a%20b&tail=9&follow=1";
    check("GET", target, "", &Ask::Query(requests));
    let target = ProgramTarget { name: "api".to_owned(), instance: Some(0), incarnation: None };
    let log = Query::Log { target, stream: Some(Stream::Stdout), tail: Some(9), follow: true };
    check("GET", "/v1/programs/api/0/log?stream=stdout&tail=9&follow=1", "", &Ask::Query(log));
    let target = ProgramTarget { name: "all".to_owned(), instance: None, incarnation: None };
    let log = Query::Log { target, stream: None, tail: Some(9), follow: true };
    check("GET", "/v1/log?stream=&tail=9&follow=1", "", &Ask::Query(log));
    let log = Query::EngineLog { tail: Some(9), follow: true };
    check("GET", "/v1/engine/log?tail=9&follow=1", "", &Ask::Query(log));
}

const ONE_LOG: &str =
    "/v1/engine/log: `stream`: the engine's log is one; expected `follow=1` or `tail=N`";

#[test]
fn what_is_wrong_is_said() {
    for (method, target, body, expected) in [
        ("GET", "/", "", "/: no such path"),
        ("GET", "/v2/status", "", "/v2/status: no such path"),
        ("POST", "/v1/upstreams/api/explode", "", "/v1/upstreams/api/explode: no such path"),
        ("POST", "/v1/status", "", "/v1/status: only GET is allowed"),
        ("GET", "/v1/reload", "", "/v1/reload: only POST is allowed"),
        ("POST", "/v1/upstreams/a/explain", "", "/v1/upstreams/a/explain: only GET is allowed"),
        ("GET", "/v1/engine/log?stream=stdout", "", ONE_LOG),
        (
            "GET",
            "/v1/events?follow=maybe",
            "",
            "/v1/events: `follow=maybe`: expected `follow=1`, `tail=N`, `stream=stdout` or `stream=stderr`",
        ),
        (
            "POST",
            "/v1/programs/api/x/stop",
            "",
            "/v1/programs/api/x/stop: instance `x` is not a number",
        ),
        (
            "POST",
            "/v1/programs/%zz/stop",
            "",
            "/v1/programs/%zz/stop: a percent escape is not UTF-8 text",
        ),
        (
            "POST",
            "/v1/programs/%ff/stop",
            "",
            "/v1/programs/%ff/stop: a percent escape is not UTF-8 text",
        ),
        (
            "POST",
            "/v1/reload",
            r#"{"now":1}"#,
            "/v1/reload: read body: unknown field `now`, there are no fields at line 1 column 6",
        ),
        (
            "POST",
            "/v1/upstreams/a/backends/b/weight",
            "",
            "/v1/upstreams/a/backends/b/weight: read body: missing field `weight` at line 1 column 2",
        ),
        (
            "POST",
            "/v1/upstreams/a/backends/b/drain",
            r#"{"weight":1}"#,
            "/v1/upstreams/a/backends/b/drain: read body: unknown field `weight`, expected `timeout_ms` or `key` at line 1 column 9",
        ),
        (
            "POST",
            "/v1/upstreams/a/backends",
            "{}",
            "/v1/upstreams/a/backends: read body: missing field `address` at line 1 column 2",
        ),
        (
            "POST",
            "/v1/upstreams/a/backends/b/remove",
            r#"{"now":true,"timeout_ms":5}"#,
            "/v1/upstreams/a/backends/b/remove: `now` leaves no time to drain",
        ),
    ] {
        let found = parse(method, target, body.as_bytes()).expect_err(target);
        assert_eq!(found.to_string(), expected);
    }
}

#[test]
fn a_wrong_method_names_the_right_one() {
    let found = parse("DELETE", "/v1/watch", b"");
    let allow = "GET";
    assert_eq!(found, Err(Unroutable::MethodNotAllowed { path: "/v1/watch".to_owned(), allow }));
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("10.0.3.1:8080".to_owned()),
        Just("[::1]:80".to_owned()),
        Just("unix:/run/a b/c.sock".to_owned()),
        any::<String>(),
    ]
}

fn pace() -> impl Strategy<Value = Pace> {
    let count = any::<Option<u32>>;
    (count(), count(), any::<Option<u64>>(), any::<Option<bool>>()).prop_map(
        |(max_unavailable, max_surge, min_ready_ms, stop_on_failure)| Pace {
            max_unavailable,
            max_surge,
            min_ready_ms,
            stop_on_failure,
        },
    )
}

fn command() -> impl Strategy<Value = Command> {
    let key = any::<Option<u32>>;
    let backend_verb = prop_oneof![
        any::<Option<u64>>().prop_map(|timeout_ms| BackendVerb::Drain { timeout_ms }),
        Just(BackendVerb::Enable),
        Just(BackendVerb::Down),
        any::<u32>().prop_map(|weight| BackendVerb::Weight { weight }),
        any::<u32>().prop_map(|max_conns| BackendVerb::MaxConns { max_conns }),
        any::<Option<u64>>()
            .prop_map(|timeout_ms| BackendVerb::Remove(Removal::Drained { timeout_ms })),
        Just(BackendVerb::Remove(Removal::AtOnce)),
    ];
    let upstream_verb = prop_oneof![
        any::<String>().prop_map(|strategy| UpstreamVerb::Strategy { strategy }),
        Just(UpstreamVerb::Reset),
    ];
    let program_verb = prop_oneof![
        Just(ProgramVerb::Start),
        Just(ProgramVerb::Stop),
        Just(ProgramVerb::Restart),
        pace().prop_map(ProgramVerb::Roll),
        Just(ProgramVerb::Reload),
        Just(ProgramVerb::Kill),
        Just(ProgramVerb::Clear),
        any::<String>().prop_map(|signal| ProgramVerb::Signal { signal }),
    ];
    prop_oneof![
        (name(), name(), key(), backend_verb).prop_map(|(upstream, backend, key, verb)| {
            Command::Backend { target: BackendTarget { upstream, backend, key }, verb }
        }),
        (name(), name(), key(), any::<bool>()).prop_map(
            |(upstream, address, weight, is_backup)| {
                let rank = if is_backup { Rank::Backup } else { Rank::Primary };
                Command::Add(Addition { upstream, address, weight, rank })
            }
        ),
        (name(), upstream_verb).prop_map(|(name, verb)| Command::Upstream { name, verb }),
        (name(), key(), key(), program_verb).prop_map(|(name, instance, incarnation, verb)| {
            Command::Program { target: ProgramTarget { name, instance, incarnation }, verb }
        }),
        (name(), key()).prop_map(|(program, instances)| Command::Scale { program, instances }),
        Just(Command::Reload),
        Just(Command::Reopen),
        Just(Command::Revert),
        Just(Command::Upgrade),
        Just(Command::Shutdown),
    ]
}

fn query() -> impl Strategy<Value = Query> {
    let stream = prop_oneof![Just(None), Just(Some(Stream::Stdout)), Just(Some(Stream::Stderr))];
    prop_oneof![
        Just(Query::Status),
        Just(Query::Watch { rate: Rate::Full }),
        Just(Query::Watch { rate: Rate::Calm }),
        Just(Query::Watch { rate: Rate::Sparing }),
        Just(Query::History),
        Just(Query::Plan),
        any::<bool>().prop_map(|follow| Query::Events { follow }),
        any::<(Option<u32>, bool)>().prop_map(|(tail, follow)| Query::EngineLog { tail, follow }),
        (name(), any::<Option<u32>>(), stream, any::<Option<u32>>(), any::<bool>()).prop_map(
            |(name, instance, stream, tail, follow)| {
                let target = ProgramTarget { name, instance, incarnation: None };
                Query::Log { target, stream, tail, follow }
            }
        ),
    ]
}

#[track_caller]
fn read_back(request: &Request) -> Ask {
    let method = match request.method {
        Method::Get => "GET",
        Method::Post => "POST",
    };
    assert!(request.target.parse::<hyper::Uri>().is_ok(), "{}", request.target);
    parse(method, &request.target, &request.body).expect("the server reads what the client writes")
}

proptest! {
    #[test]
    fn the_server_reads_every_command_the_client_writes(command in command()) {
        prop_assert_eq!(read_back(&Request::from(&command)), Ask::Command(command));
    }

    #[test]
    fn the_server_reads_every_query_the_client_writes(query in query()) {
        prop_assert_eq!(read_back(&Request::from(&query)), Ask::Query(query));
    }

    #[test]
    fn no_request_panics(method in "GET|POST|PUT", target in "(/v1)?(/[a-z%0-9:]{0,9}){0,6}[?]?[a-z&=]{0,9}", body in any::<Vec<u8>>()) {
        let _either_way_is_fine = parse(&method, &target, &body);
    }
}

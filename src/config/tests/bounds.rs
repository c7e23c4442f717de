//! Bounds and time limits towards clients and backends: what may be set where, and what a route
//! takes over from its server.

use super::super::limits;
use super::super::model::{Delivery, HalfClose, HeadLimits, Keepalive};
use super::errors::check_short;
use super::good;

const UPSTREAM: &str = "[upstream.a]\nbackend = [{ address = \"127.0.0.1:1\" }]\n";

#[test]
fn a_server_has_its_own_limits() {
    let config = good(&format!(
        r#"
        [engine]
        worker_connections = 7
        [[server]]
        listen = "[::]:1"
        header_max = "4KB"
        header_lines_max = 20
        uri_max = "24KB"
        header_timeout = "5s"
        keepalive_timeout = "0s"
        keepalive_requests = 1
        route = [{{ path = "/", upstream = "a" }}]
        {UPSTREAM}"#
    ));
    let client = config.servers[0].client;
    let head =
        HeadLimits { bytes_max: 4096, lines_max: 20, target_bytes_max: 24 << 10, timeout_ms: 5000 };
    assert_eq!((config.engine.worker_connections, client.head), (Some(7), head));
    assert_eq!(client.keepalive, Keepalive { timeout_ms: 0, requests_max: 1 });
}

#[test]
fn a_route_starts_from_its_servers_limits() {
    let config = good(&format!(
        r#"
        [[server]]
        listen = "[::]:1"
        body_max = "10B"
        body_timeout = "1s"
        half_close = "answer"
        route = [
            {{ path = "/", upstream = "a" }},
            {{ path = "/own", upstream = "a", body_max = "0B", send_timeout = "2s", half_close = "cancel" }},
        ]
        {UPSTREAM}"#
    ));
    let [first, own] = &config.servers[0].routes[..] else { panic!("two routes") };
    let (first, own) = (first.limits, own.limits);
    assert_eq!((first.body_bytes_max, own.body_bytes_max), (10, 0));
    assert_eq!((first.body_timeout_ms, own.body_timeout_ms), (1000, 1000));
    assert_eq!((first.send_timeout_ms, own.send_timeout_ms), (limits::SEND_TIMEOUT_MS, 2000));
    assert_eq!((first.half_close, own.half_close), (HalfClose::Answer, HalfClose::Cancel));
}

#[test]
fn what_is_kept_has_a_bound_and_what_passes_has_none() {
    for (server, route, expected) in [
        ("", "", (Delivery::Streamed, u64::MAX)),
        ("request_buffering = true", "", (Delivery::Buffered, 1 << 20)),
        ("", ", request_buffering = true", (Delivery::Buffered, 1 << 20)),
        ("request_buffering = true", ", request_buffering = false", (Delivery::Streamed, u64::MAX)),
        ("body_max = \"2B\"", ", request_buffering = true", (Delivery::Buffered, 2)),
    ] {
        let config = good(&format!(
            "[[server]]\nlisten = \"[::]:1\"\n{server}\nroute = [{{ path = \"/\", upstream = \"a\"{route} }}]\n{UPSTREAM}"
        ));
        let limits = config.servers[0].routes[0].limits;
        assert_eq!((limits.delivery, limits.body_bytes_max), expected, "{server} {route}");
    }
}

#[test]
fn read_timeout_stands_for_both_waits_of_a_response() {
    for (keys, expected) in [
        ("", (limits::FIRST_BYTE_TIMEOUT_MS, limits::BETWEEN_BYTES_TIMEOUT_MS)),
        ("read_timeout = \"9s\"", (9000, 9000)),
        ("read_timeout = \"9s\"\nfirst_byte_timeout = \"1s\"", (1000, 9000)),
        ("between_bytes_timeout = \"2s\"\nread_timeout = \"9s\"", (9000, 2000)),
    ] {
        let config = good(&format!("{UPSTREAM}{keys}"));
        let upstream = &config.upstreams[0];
        assert_eq!(
            (upstream.first_byte_timeout_ms, upstream.between_bytes_timeout_ms),
            expected,
            "{keys}"
        );
    }
}

#[test]
fn limits_that_cannot_be_are_refused() {
    for (lines, error) in [
        ("header_max = \"64KB\"", "3:14 `header_max` is 64KB, out of range (expected 1KB to 32KB)"),
        ("header_max = \"10B\"", "3:14 `header_max` is 10B, out of range (expected 1KB to 32KB)"),
        ("header_max = 32", "3:14 expected a size such as \"50MB\", found integer 32"),
        ("uri_max = \"1MB\"", "3:11 `uri_max` is 1MB, out of range (expected 1B to 24KB)"),
        (
            "header_lines_max = 129",
            "3:20 `header_lines_max` is 129, out of range (expected 1 to 128)",
        ),
        (
            "keepalive_requests = 0",
            "3:22 `keepalive_requests` is 0, out of range (expected 1 to 1000000000)",
        ),
        ("half_close = \"anser\"", "3:14 unknown half_close `anser` (did you mean `answer`?)"),
        ("half_close = true", "3:14 expected a string, found boolean true"),
        ("send_timeout = \"0s\"", "3:16 `send_timeout` is zero (expected more than zero)"),
        (
            "client_max_body_size = \"1MB\"",
            "3:1 unknown key `client_max_body_size` in [[server]] (did you mean `body_max`?)",
        ),
    ] {
        let server = format!(
            "[[server]]\nlisten = \"[::]:1\"\n{lines}\nroute = [{{ path = \"/\", upstream = \"a\" }}]\n"
        );
        check_short(&format!("{server}{UPSTREAM}"), &[error]);
    }
    for (lines, error) in [
        (
            "first_byte_timeout = \"0s\"",
            "3:22 `first_byte_timeout` is zero (expected more than zero)",
        ),
        (
            "send_timeout = \"1\"",
            "3:16 `1` is not a duration (a whole number and a unit: \"500ms\", \"30s\", \"2m\", \"1h30m\")",
        ),
        (
            "proxy_send_timeout = \"1s\"",
            "3:1 unknown key `proxy_send_timeout` in [upstream.a] (did you mean `send_timeout`?)",
        ),
        (
            "[engine]\nworker_connections = 0",
            "4:22 `worker_connections` is 0, out of range (expected 1 to 1048576)",
        ),
    ] {
        check_short(&format!("{UPSTREAM}{lines}"), &[error]);
    }
}

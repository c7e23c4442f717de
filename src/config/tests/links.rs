//! The keys about retries and about connections to backends.

use super::errors::check_short;
use super::good;
use crate::config::model::{ProxyProtocol, Upstream};
use crate::config::retry::{Condition, Conditions};

const BACKEND: &str = "backend = [{ address = \"127.0.0.1:1\" }]";

fn upstream(lines: &str) -> Upstream {
    good(&format!("[upstream.a]\n{lines}\n{BACKEND}")).upstreams.remove(0)
}

#[test]
fn retries_read_like_nginx() {
    let by_default = upstream("").retry;
    assert_eq!((by_default.more_max, by_default.timeout_ms), (1, 0));
    assert_eq!(by_default.budget_percent, Some(20));
    assert!(by_default.on.holds(Condition::Error) && by_default.on.holds(Condition::Timeout));
    assert!(!by_default.on.holds(Condition::NonIdempotent));
    let all = "\"error\", \"timeout\", \"invalid_header\", \"http_500\", \"http_502\", \"http_503\", \
               \"http_504\", \"http_403\", \"http_404\", \"http_429\", \"non_idempotent\"";
    let retry = upstream(&format!(
        "retry_on = [{all}]\nretries = 3\nretry_timeout = \"2s\"\nretry_budget = \"5 %\""
    ))
    .retry;
    assert_eq!((retry.more_max, retry.timeout_ms, retry.budget_percent), (3, 2_000, Some(5)));
    for status in [500, 502, 503, 504, 403, 404, 429] {
        assert!(Condition::of_status(status).is_some_and(|condition| retry.on.holds(condition)));
    }
    assert!(retry.on.holds(Condition::NonIdempotent) && retry.on.holds(Condition::InvalidHeader));
    assert_eq!(Condition::of_status(501), None);
    let off = upstream("retry_on = \"off\"\nretry_budget = \"off\"").retry;
    assert_eq!((off.on, off.budget_percent), (Conditions::default(), None));
    assert_eq!(upstream("retry_on = []").retry.on, Conditions::default());
}

#[test]
fn connections_to_backends_have_bounds() {
    let links = upstream("").links;
    assert_eq!((links.idle_max, links.idle_timeout_ms, links.age_max_ms), (64, 60_000, 3_600_000));
    assert_eq!((links.requests_max, links.tcp_keepalive_ms), (1000, 60_000));
    assert_eq!((links.proxy_protocol, links.bind), (None, None));
    let links = upstream(
        "keepalive_timeout = \"5s\"\nkeepalive_time = \"10m\"\nkeepalive_requests = 7\n\
         connections_max = 3\ntcp_keepalive = \"0s\"\nproxy_protocol = \"v2\"\nbind = \"127.0.0.2\"",
    )
    .links;
    assert_eq!((links.idle_timeout_ms, links.age_max_ms, links.requests_max), (5_000, 600_000, 7));
    assert_eq!((links.connections_max, links.tcp_keepalive_ms), (3, 0));
    assert_eq!(links.proxy_protocol, Some(ProxyProtocol::V2));
    assert_eq!(links.bind, Some("127.0.0.2".parse().unwrap()));
}

#[test]
fn connections_begin_in_the_family_of_their_backends() {
    let file = |bind: &str, address: &str| {
        format!("[upstream.a]\nbind = \"{bind}\"\nbackend = [{{ address = \"{address}\" }}]\n")
    };
    for (bind, address) in
        [("::1", "[::2]:1"), ("127.0.0.2", "unix:/run/a"), ("::1", "unix:/run/a"), ("::1", "a.b:1")]
    {
        good(&file(bind, address));
    }
    let other = "(both are IPv4, or both are IPv6)";
    for (bind, address, error) in [
        ("::1", "1.1.1.1:1", format!("2:1 no connection goes from ::1 to 1.1.1.1:1 {other}")),
        ("1.1.1.1", "[::1]:1", format!("2:1 no connection goes from 1.1.1.1 to [::1]:1 {other}")),
        (
            "1.1.1.1:0",
            "1.1.1.1:1",
            "2:8 `1.1.1.1:0` is no address to connect from (one of this machine, such as \"10.0.0.5\")"
                .to_owned(),
        ),
    ] {
        check_short(&file(bind, address), &[&error]);
    }
    let checked = "[upstream.a]\nbind = \"127.0.0.2\"\ncheck = {}\n";
    let checked = good(&format!("{checked}{BACKEND}")).upstreams.remove(0).check;
    assert_eq!(checked.expect("a check").bind, Some("127.0.0.2".parse().unwrap()));
}

#[test]
fn a_listener_may_expect_the_proxy_protocol() {
    let server = |listen: &str| {
        format!(
            "[[server]]\nlisten = {listen}\nhosts = [\"HOST\"]\n\
             [[server.route]]\npath = \"/\"\nupstream = \"a\"\n"
        )
    };
    let upstream = format!("[upstream.a]\n{BACKEND}\n");
    let proxied = "{ address = \"127.0.0.1:80\", proxy_protocol = true }";
    let config = good(&format!("{}{upstream}", server(&format!("[{proxied}, \"127.0.0.1:81\"]"))));
    let listen = &config.servers[0].listen;
    assert_eq!((listen[0].proxy_protocol, listen[1].proxy_protocol), (true, false));

    let first = server(proxied).replace("HOST", "one");
    let second = server("\"127.0.0.1:80\"").replace("HOST", "two");
    check_short(
        &format!("{first}{second}{upstream}"),
        &[
            "8:10 127.0.0.1:80 has the PROXY protocol in one server and not in another (first on line 2)",
        ],
    );
    let wrong = server("{ address = \"127.0.0.1:80\", proxy_protocol = \"v2\" }");
    check_short(
        &format!("{wrong}{upstream}"),
        &["2:55 expected true or false, found string \"v2\""],
    );
}

#[test]
fn errors() {
    for (lines, error) in [
        ("retries = 65", "2:11 `retries` is 65, out of range (expected 0 to 64)"),
        (
            "retry_on = [\"error\", \"http_50\"]",
            "2:22 unknown condition `http_50` (did you mean `http_500`?)",
        ),
        (
            "retry_on = [\"error\", \"off\"]",
            "2:22 `off` stands beside other conditions (it stands alone)",
        ),
        ("retry_on = 5", "2:12 expected a string, found integer 5"),
        (
            "retry_budget = \"101%\"",
            "2:16 `101%` is not a share of the requests (expected \"0%\" to \"100%\", or \"off\" for no budget)",
        ),
        (
            "retry_budget = \"20\"",
            "2:16 `20` is not a share of the requests (expected \"0%\" to \"100%\", or \"off\" for no budget)",
        ),
        ("retry_budget = 20", "2:16 expected a string, found integer 20"),
        (
            "retry_timeout = \"5\"",
            "2:17 `5` is not a duration (a whole number and a unit: \"500ms\", \"30s\", \"2m\", \"1h30m\")",
        ),
        (
            "next_upstream = \"error\"",
            "2:1 unknown key `next_upstream` in [upstream.a] (did you mean `retry_on`?)",
        ),
        ("keepalive = 70000", "2:13 `keepalive` is 70000, out of range (expected 0 to 65535)"),
        (
            "keepalive_timeout = \"0s\"",
            "2:21 `keepalive_timeout` is zero (expected more than zero)",
        ),
        ("keepalive_time = \"0s\"", "2:18 `keepalive_time` is zero (expected more than zero)"),
        (
            "keepalive_requests = 0",
            "2:22 `keepalive_requests` is 0, out of range (expected 1 to 4294967295)",
        ),
        (
            "connections_max = 0",
            "2:19 `connections_max` is 0, out of range (expected 1 to 1000000)",
        ),
        ("tcp_keepalive = 60", "2:17 expected a duration such as \"30s\", found integer 60"),
        ("proxy_protocol = \"v3\"", "2:18 unknown PROXY protocol `v3` (did you mean `v1`?)"),
        ("proxy_protocol = true", "2:18 expected a string, found boolean true"),
    ] {
        check_short(&format!("[upstream.a]\n{lines}\n{BACKEND}"), &[error]);
    }
}

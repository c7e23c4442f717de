//! The keys about how much backends take, who waits, and who comes back.

use super::errors::check_short;
use super::good;
use crate::config::model::Upstream;
use crate::config::model::capacity::{OnDrain, Place, Queue, Renewal, Session, Token, WaitWhen};

fn upstream(lines: &str, backend: &str) -> Upstream {
    good(&format!("[upstream.a]\n{lines}\nbackend = [{{ address = \"127.0.0.1:1\", {backend} }}]"))
        .upstreams
        .remove(0)
}

#[test]
fn nothing_is_bounded_by_default() {
    let upstream = upstream("", "");
    assert_eq!((upstream.queue, upstream.sticky), (None, None));
    let backend = &upstream.backends[0];
    assert_eq!((backend.max_conns, backend.priority, &backend.route), (0, 0, &None));
}

#[test]
fn bounds_and_queues() {
    let found = upstream("queue = { length = 7 }", "max_conns = 40, priority = 2");
    assert_eq!(found.queue, Some(Queue { length: 7, timeout_ms: 60_000, when: WaitWhen::Full }));
    assert_eq!((found.backends[0].max_conns, found.backends[0].priority), (40, 2));
    let text = "queue = { length = 1, timeout = \"5s\", when = \"unavailable\" }";
    let when = WaitWhen::Unavailable;
    assert_eq!(upstream(text, "").queue, Some(Queue { length: 1, timeout_ms: 5_000, when }));
    let config = good(
        "[upstream.a]\n[program.p]\ncommand = \"p\"\n\
         serves = { upstream = \"a\", port = 9001, max_conns = 3, priority = 1 }",
    );
    let serves = config.programs[0].serves.as_ref().unwrap();
    assert_eq!((serves.max_conns, serves.priority), (3, 1));
}

#[test]
fn sticky_cookies_read_like_nginx() {
    for (keys, attributes, renewal) in [
        ("", "; path=/", Renewal::Once),
        (", path = \"/app\"", "; path=/app", Renewal::Once),
        (", max_age = \"1h\"", "; max-age=3600; path=/", Renewal::Always),
        (
            ", domain = \".example.com\", http_only = true, secure = true, same_site = \"none\"",
            "; domain=.example.com; httponly; secure; samesite=none; path=/",
            Renewal::Once,
        ),
    ] {
        let lines = format!("sticky = {{ cookie = \"srv\"{keys} }}");
        let sticky = upstream(&lines, "route = \"a\"").sticky.unwrap();
        let Token::Cookie(cookie) = sticky.by else { panic!("a cookie") };
        assert_eq!(cookie.name, "srv");
        assert_eq!((cookie.attributes.as_str(), cookie.renewal), (attributes, renewal));
        assert_eq!(sticky.on_drain, OnDrain::Move);
    }
    for (keys, place, timeout_ms) in [
        ("learn = \"SID\"", Place::Cookie, 600_000),
        ("header = \"SID\", timeout = \"5m\"", Place::Header, 300_000),
    ] {
        let sticky = upstream(&format!("sticky = {{ {keys} }}"), "").sticky.unwrap();
        let session = Session { place, name: "SID".to_owned(), timeout_ms };
        assert_eq!(sticky.by, Token::Session(session));
    }
    let lines = "sticky = { cookie = \"srv\", on_drain = \"follow\" }";
    assert_eq!(upstream(lines, "").sticky.unwrap().on_drain, OnDrain::Follow);
}

#[test]
fn errors_about_capacity() {
    const BACKEND: &str = "backend = [{ address = \"127.0.0.1:1\" }]";
    for (lines, error) in [
        ("queue = 5", "2:9 expected a table, found integer 5"),
        (
            "queue = { timeout = \"1s\" }",
            "2:9 [upstream.a.queue] has no `length` (such as `length = 100`)",
        ),
        ("queue = { length = 0 }", "2:20 `length` is 0, out of range (expected 1 to 100000)"),
        (
            "queue = { length = 5, timeout = \"0s\" }",
            "2:33 `timeout` is zero (expected more than zero)",
        ),
        (
            "queue = { size = 5 }",
            "2:9 [upstream.a.queue] has no `length` (such as `length = 100`)\n\
             2:11 unknown key `size` in [upstream.a.queue] (did you mean `length`?)",
        ),
        (
            "queue = { length = 5, when = \"empty\" }",
            "2:30 unknown time to wait `empty` (expected `full` or `unavailable`)",
        ),
        ("sticky = true", "2:10 expected a table, found boolean true"),
        (
            "sticky = { }",
            "2:10 [upstream.a.sticky] has no `cookie` (such as `cookie = \"srv\"`; or `learn`, or `header`)",
        ),
        (
            "sticky = { cookie = \"a b\" }",
            "2:21 `a b` is no name for a cookie (letters, digits, `-` and `_`)",
        ),
        (
            "sticky = { cookie = \"a\", path = \"/;x\" }",
            "2:33 `/;x` is no path of a cookie (visible characters without `;` and `,`)",
        ),
        (
            "sticky = { cookie = \"a\", same_site = \"none\" }",
            "2:38 browsers drop a cookie with `same_site = \"none\"` that is not secure (add `secure = true`)",
        ),
        (
            "sticky = { cookie = \"a\", same_site = \"lux\" }",
            "2:38 unknown same_site `lux` (did you mean `lax`?)",
        ),
        (
            "sticky = { cookie = \"a\", on_drain = \"stay\" }",
            "2:37 unknown on_drain `stay` (expected `move` or `follow`)",
        ),
        (
            "sticky = { header = \"a\", cookie = \"b\" }",
            "2:12 `cookie` and `header` exclude each other (a client is known by one of them)",
        ),
        (
            "sticky = { learn = \"a\", max_age = \"1h\" }",
            "2:25 unknown key `max_age` in [upstream.a.sticky] (expected `learn`, `timeout` or `on_drain`)",
        ),
        (
            "max_conns = 5",
            "2:1 unknown key `max_conns` in [upstream.a] (did you mean `connections_max`?)",
        ),
    ] {
        let expected: Vec<&str> = error.split('\n').collect();
        check_short(&format!("[upstream.a]\n{lines}\n{BACKEND}"), &expected);
    }
}

#[test]
fn tcp_routes_know_no_sessions() {
    let text = "[[stream]]\nlisten = [\"127.0.0.1:1\"]\nupstream = \"a\"\n[upstream.a]\n\
                backend = [{ address = \"127.0.0.1:2\" }]\nsticky = { cookie = \"srv\" }";
    let error = "6:1 only TCP routes lead here, and their clients bring no cookies \
                 (`ip_hash` brings a client's network back)";
    check_short(text, &[error]);
}

#[test]
fn errors_about_a_backends_place() {
    for (keys, error) in [
        ("max_conns = -1", "2:51 `max_conns` is -1, out of range (expected 0 to 1000000)"),
        ("priority = 256", "2:50 `priority` is 256, out of range (expected 0 to 255)"),
        (
            "maxconn = 5",
            "2:39 unknown key `maxconn` in [[upstream.a.backend]] (did you mean `max_conns`?)",
        ),
        (
            "priority = 1, backup = true",
            "2:39 a backup has no `priority` (backups come after every priority)",
        ),
        (
            "route = \"a;b\"",
            "2:47 `a;b` is no value of a cookie (1 to 64 letters, digits and marks without a meaning in cookies)",
        ),
    ] {
        let other = "{ address = \"127.0.0.1:2\" }";
        let text =
            format!("[upstream.a]\nbackend = [{{ address = \"127.0.0.1:1\", {keys} }}, {other}]");
        check_short(&text, &[error]);
    }
    check_short(
        "[upstream.a]\nbackend = [{ address = \"app.internal:80\", route = \"a\" }]",
        &[
            "2:51 backends behind a name or a list have no `route` of the file (each is told by its address)",
        ],
    );
    check_short(
        "[upstream.a]\nbackend = [{ address = \"127.0.0.1:1\", route = \"a\" }, \
         { address = \"127.0.0.1:2\", route = \"a\" }]",
        &["2:66 `route` is `a`, as another backend's is (of the one on line 2)"],
    );
    check_short(
        "[upstream.a]\nstrategy = \"ip_hash\"\nbackend = [{ address = \"127.0.0.1:1\" }, \
         { address = \"127.0.0.1:2\", priority = 1 }, { address = \"127.0.0.1:3\", priority = 0 }]",
        &[
            "3:68 `ip_hash` has no use for a priority (a client's backend is given by its address alone)",
        ],
    );
}

//! `strategy`, `hash_key` and `least_time`.

use super::errors::check_short;
use super::good;
use crate::config::model::{Strategy, Upstream};
use crate::config::strategy::Timing;
use crate::config::template::{Part, Variable};

const BACKEND: &str = "backend = [{ address = \"127.0.0.1:1\" }]";
const STREAM: &str = "[[stream]]\nlisten = \"127.0.0.1:2\"\nupstream = \"a\"\n";

fn upstream(lines: &str) -> Upstream {
    good(&format!("[upstream.a]\n{lines}\n{BACKEND}")).upstreams.remove(0)
}

#[test]
fn every_strategy_has_its_name() {
    for strategy in Strategy::ALL {
        let key = if strategy.needs_key() { "hash_key = \"$uri\"" } else { "" };
        let read = upstream(&format!("strategy = \"{}\"\n{key}", strategy.name()));
        assert_eq!(read.strategy, strategy);
        assert_eq!(Strategy::parse(strategy.name()), Some(strategy));
    }
}

#[test]
fn a_key_is_a_text_with_variables() {
    assert_eq!(upstream("").hash_key, None);
    let key = upstream("strategy = \"hash\"\nhash_key = \"${host}/$arg_id\"").hash_key;
    let expected = [
        Part::Variable(Variable::Host),
        Part::Text("/".to_owned()),
        Part::Variable(Variable::Argument("id".to_owned())),
    ];
    assert_eq!(key.map(|key| key.parts).as_deref(), Some(&expected[..]));
    // Ready for an operator who switches.
    assert!(upstream("hash_key = \"$request_uri\"").hash_key.is_some());
}

#[test]
fn least_time_goes_by_the_head_unless_told_otherwise() {
    assert_eq!(upstream("strategy = \"least_time\"").timing, Timing::Header);
    for (word, timing) in [("header", Timing::Header), ("last_byte", Timing::LastByte)] {
        let lines = format!("strategy = \"least_time\"\nleast_time = \"{word}\"");
        assert_eq!(upstream(&lines).timing, timing);
    }
}

#[test]
fn a_tcp_route_is_hashed_by_what_a_connection_has() {
    let lines = "strategy = \"hash_consistent\"\nhash_key = \"$remote_addr:$server_port\"";
    good(&format!("{STREAM}[upstream.a]\n{lines}\n{BACKEND}"));
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn bad_keys_are_told() {
    let backup =
        "backend = [{ address = \"127.0.0.1:1\" }, { address = \"127.0.0.1:2\", backup = true }]";
    let second =
        "backend = [{ address = \"127.0.0.1:1\" }, { address = \"127.0.0.1:2\", priority = 1 }]";
    for (lines, backend, error) in [
        (
            "strategy = \"hash\"",
            BACKEND,
            "2:12 strategy `hash` needs a `hash_key` (such as `hash_key = \"$request_uri\"`)",
        ),
        (
            "strategy = \"hash_consistent\"",
            BACKEND,
            "2:12 strategy `hash_consistent` needs a `hash_key` (such as `hash_key = \"$request_uri\"`)",
        ),
        (
            "hash_key = \"\"",
            BACKEND,
            "2:12 `hash_key` is the same for every request (such as `hash_key = \"$request_uri\"`)",
        ),
        (
            "hash_key = \"$request_url\"",
            BACKEND,
            "2:13 unknown variable `request_url` (did you mean `$request_uri`?)",
        ),
        (
            "hash_key = \"$status\"",
            BACKEND,
            "2:13 `$status` is not known here yet (it is of the response)",
        ),
        (
            "hash_key = \"$1\"",
            BACKEND,
            "2:13 no group `$1` in the regular expression (there is none here)",
        ),
        ("hash_key = 7", BACKEND, "2:12 expected a string, found integer 7"),
        (
            "hash = \"$uri\"",
            BACKEND,
            "2:1 unknown key `hash` in [upstream.a] (did you mean `hash_key`?)",
        ),
        (
            "least_time = \"headers\"",
            BACKEND,
            "2:14 unknown time `headers` (did you mean `header`?)",
        ),
        (
            "strategy = \"hash\"\nhash_key = \"$uri\"",
            backup,
            "4:68 `hash` has no use for a backup (a key's backend is given by it alone)",
        ),
        (
            "strategy = \"hash_consistent\"\nhash_key = \"$uri\"",
            backup,
            "4:68 `hash_consistent` has no use for a backup (a key's backend is given by it alone)",
        ),
        (
            "strategy = \"random\"",
            backup,
            "3:68 `random` has no use for a backup (it draws among all backends alike)",
        ),
        (
            "strategy = \"random_two\"",
            backup,
            "3:68 `random_two` has no use for a backup (it draws among all backends alike)",
        ),
        (
            "strategy = \"random\"",
            second,
            "3:68 `random` has no use for a priority (it draws among all backends alike)",
        ),
        (
            "strategy = \"sticky\"",
            BACKEND,
            "2:12 `sticky` is no strategy: it goes with any of them (such as `sticky = { cookie = \"srv\" }`)",
        ),
    ] {
        check_short(&format!("[upstream.a]\n{lines}\n{backend}"), &[error]);
    }
    let streamed = format!("[upstream.a]\nhash_key = \"$uri\"\n{BACKEND}\n{STREAM}");
    check_short(
        &streamed,
        &[
            "2:12 `hash_key` names what only a request has, and a TCP route leads here (a connection \
           has `$remote_addr`, `$remote_port`, `$realip_remote_addr`, `$server_addr`, \
           `$server_port`, `$proxy_protocol_addr`, `$proxy_protocol_port`)",
        ],
    );
}

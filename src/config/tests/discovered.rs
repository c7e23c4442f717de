//! Names of backends and who is asked for them: what can be written, and what cannot is told.

use super::super::model::{Family, Resolve};
use super::errors::check_short;

const BACKEND: &str = "backend = [{ address = \"127.0.0.1:1\" }]";

#[test]
fn an_upstream_asks_as_the_engine_does_unless_it_says_so() {
    let text = format!(
        "[engine]\nresolver = [\"10.0.0.2\", \"[fd00::1]:5353\"]\nresolve_valid = \"5s\"\n\
         [upstream.a]\n{BACKEND}\n\
         [upstream.b]\nresolver = \"::1\"\nresolve_timeout = \"1s\"\nresolve_family = \"ipv6\"\n{BACKEND}\n"
    );
    let config = super::super::parse(&text, "test.toml").unwrap();
    let servers = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
    let engines = Resolve {
        servers: servers(&["10.0.0.2:53", "[fd00::1]:5353"]),
        valid_ms: Some(5_000),
        timeout_ms: 5_000,
        family: Family::Any,
    };
    let own = Resolve {
        servers: servers(&["[::1]:53"]),
        timeout_ms: 1_000,
        family: Family::V6,
        ..engines.clone()
    };
    let [a, b] = &config.upstreams[..] else { panic!("two upstreams") };
    assert_eq!((&config.engine.resolve, &a.resolve, &b.resolve), (&engines, &engines, &own));
}

#[test]
fn errors() {
    for (keys, error) in [
        (
            "backend = [{ address = \"a_b.é:1\" }]",
            "2:24 `a_b.é:1` is not a backend's address (`é` is in no host's name: letters, digits, `-`, `_` and `.`)",
        ),
        (
            "backend = [{ address = \"a..b:1\" }]",
            "2:24 `a..b:1` is not a backend's address (`a..b` is no host's name: a part of it is empty or begins or ends with `-`)",
        ),
        (
            "backend = [{ address = \"app.internal\" }]",
            "2:24 `app.internal` is not a backend's address (expected host:port, such as \"app.internal:8080\")",
        ),
        (
            "backend = [{ address = \"srv:app.internal:80\" }]",
            "2:24 `srv:app.internal:80` is not a backend's address (expected \"srv:_http._tcp.app.internal\"; the ports come from DNS)",
        ),
        (
            "backend = [{ address = \"srv:_http._tcp.app\", weight = 2 }]",
            "2:46 backends of SRV records have no weight of the file (each record brings its own)",
        ),
        (
            "backend = [{ address = \"app:1\" }, { address = \"APP:1\" }]",
            "2:47 app:1 is in this upstream already (first on line 2; `weight` gives it more)",
        ),
        (
            "resolver = \"ns.internal\"\nBACKEND",
            "2:12 `ns.internal` is not a DNS server's address (expected an address, such as \"10.0.0.2\" or \"127.0.0.1:5353\")",
        ),
        (
            "resolver = [\"10.0.0.2\", \"10.0.0.2:0\"]\nBACKEND",
            "2:25 `10.0.0.2:0` is not a DNS server's address (expected an address, such as \"10.0.0.2\" or \"127.0.0.1:5353\")",
        ),
        (
            "resolver = []\nBACKEND",
            "2:1 `resolver` lists no DNS server (without the key, /etc/resolv.conf says whom to ask)",
        ),
        (
            "resolve_family = \"ip4\"\nBACKEND",
            "2:18 unknown address family `ip4` (did you mean `ipv4`?)",
        ),
        (
            "resolve_valid = \"0s\"\nBACKEND",
            "2:17 `resolve_valid` is zero (expected more than zero)",
        ),
        (
            "resolve_timeout = 5\nBACKEND",
            "2:19 expected a duration such as \"30s\", found integer 5",
        ),
    ] {
        let text = format!("[upstream.a]\n{}", keys.replace("BACKEND", BACKEND));
        check_short(&text, &[error]);
    }
}

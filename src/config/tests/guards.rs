//! Who is let in, and how often: what the keys come to, and what is said of those that are wrong.

use super::super::model::guard::{Bound, Counted, Guards, Origins, Satisfy, Whom, Word};
use super::super::template::{Part, Variable};
use super::good;

const UPSTREAM: &str = "\n[upstream.a]\nbackend = [{ address = \"127.0.0.1:1\" }]\n";

/// A server with these keys, and one route with those.
fn site(server: &str, route: &str) -> String {
    format!(
        "[[server]]\nlisten = \"[::]:1\"\n{server}\n[[server.route]]\npath = \"/\"\n\
         upstream = \"a\"\n{route}\n{UPSTREAM}"
    )
}

fn guards(server: &str, route: &str) -> Guards {
    good(&site(server, route)).servers[0].routes[0].guards.clone()
}

#[test]
fn a_routes_rules_replace_its_servers() {
    let words = |guards: &Guards| guards.access.iter().map(|rule| rule.word).collect::<Vec<_>>();
    let server = "access = [\"allow 10.0.0.0/8\", \"deny all\"]";
    assert_eq!(words(&guards(server, "")), [Word::Allow, Word::Deny]);
    assert_eq!(words(&guards(server, "access = \"deny fd00::/8\"")), [Word::Deny]);
    assert_eq!(words(&guards(server, "access = []")), []);
    assert_eq!(words(&guards("", "")), []);
}

#[test]
fn rules_are_about_all_about_networks_and_about_sockets() {
    let list = "access = [\"deny unix:\", \"allow 192.0.2.1\", \"deny\\t ::ffff:192.0.2.0/120\", \"allow all\"]";
    let whom: Vec<String> = guards("", list)
        .access
        .iter()
        .map(|rule| match rule.whom {
            Whom::All => "all".to_owned(),
            Whom::Unix => "unix".to_owned(),
            Whom::Network(cidr) => format!("{}/{}", cidr.network, cidr.prefix_bits),
        })
        .collect();
    assert_eq!(whom, ["unix", "192.0.2.1/32", "192.0.2.0/24", "all"]);
}

#[test]
fn bad_rules_are_told_with_their_place() {
    let forms = "(expected \"allow 10.0.0.0/8\", \"deny all\" or \"allow unix:\")";
    for (list, error) in [
        ("\"allow\"", format!("3:10 `allow` is no rule {forms}")),
        ("[\"deny all\", \"alow all\"]", format!("3:24 `alow` is neither allow nor deny {forms}")),
        (
            "[\"deny 10.0.0.1/8\"]",
            "3:17 `10.0.0.1/8` is not a network (an address inside its network; \
             did you mean `10.0.0.0/8`?)"
                .to_owned(),
        ),
        (
            "[\"deny 10.0.0.0/33\"]",
            "3:17 `10.0.0.0/33` is not a network (expected a prefix of 0 to 32 bits)".to_owned(),
        ),
        (
            "[\"deny example.com\"]",
            "3:17 `example.com` is not a network (expected an address or a network: \
             \"10.0.0.0/8\", \"fd00::/8\")"
                .to_owned(),
        ),
        ("[7]", "3:11 expected a string, found integer 7".to_owned()),
    ] {
        super::errors::check_short(&site(&format!("access = {list}"), ""), &[&error]);
    }
    let nginx = site("allow = \"all\"", "");
    super::errors::check_short(
        &nginx,
        &["3:1 unknown key `allow` in [[server]] (did you mean `access`?)"],
    );
}

#[test]
fn mistyped_guards_are_told_what_was_meant() {
    for (line, key, meant) in [
        ("acces = \"deny all\"", "acces", "access"),
        ("limit = []", "limit", "limits"),
        ("firewal = {}", "firewal", "firewall"),
    ] {
        let error = format!("3:1 unknown key `{key}` in [[server]] (did you mean `{meant}`?)");
        super::errors::check_short(&site(line, ""), &[&error]);
    }
    super::errors::check_short(
        &site("limits = [{ zone = \"ip\", conections = 3 }]\n[limit.ip]\nrate = \"1r/s\"", ""),
        &["3:26 unknown key `conections` in [[server.limits]] (did you mean `connections`?)"],
    );
}

const ZONES: &str = "[limit.ip]\nrate = \"10r/s\"\n[limit.busy]\nkey = \"$server_name\"\n";

#[test]
fn limits_become_their_final_types() {
    let text = site(
        "limits = { zone = \"ip\" }",
        "limits = [{ zone = \"ip\", burst = 20, delay = 5, status = 429, dry_run = true }, \
         { zone = \"busy\", connections = 7 }]",
    );
    let config = good(&format!("{ZONES}{text}"));
    assert_eq!(config.limits[0].counted, Counted::Rate(10_000));
    assert_eq!(config.limits[0].key.parts, [Part::Variable(Variable::RemoteAddr)]);
    assert_eq!((config.limits[1].counted, config.limits[1].keys), (Counted::Connections, 14_336));
    let limits = &config.servers[0].routes[0].guards.limits;
    assert_eq!(limits[0].bound, Bound::Burst { burst: 20, at_once: Some(5) });
    assert_eq!((limits[0].status, limits[0].is_dry), (429, true));
    assert_eq!(limits[1].bound, Bound::Connections(7));
    assert_eq!((limits[1].status, limits[1].is_dry), (503, false));
    let slow = good(&format!("[limit.ip]\nrate = \"1r/m\"\n{}", site("", "limits = []")));
    assert_eq!(slow.limits[0].counted, Counted::Rate(16), "as nginx counts a minute's");
}

#[test]
fn bad_limits_are_told_with_their_place() {
    let of_zones = |text: &str, error: &str| {
        super::errors::check_short(&format!("{text}\n{}", site("", "")), &[error]);
    };
    of_zones("[limit.ip]\nrate = \"10\"", "2:8 `10` is no rate (such as \"10r/s\" or \"30r/m\")");
    of_zones(
        "[limit.ip]\nrate = \"0r/s\"",
        "2:8 `0r/s` is no rate (such as \"10r/s\" or \"30r/m\")",
    );
    of_zones("[limit.ip]\nkeys = 0", "2:8 `keys` is 0, out of range (expected 1 to 14336)");
    of_zones(
        "[limit.ip]\nkey = \"$status\"",
        "2:8 `$status` is not known here yet (it is of the response)",
    );
    of_zones(
        "[limit.\"a b\"]",
        "1:8 `a b` is no name for a limit (letters, digits, `_`, `-` and `.`, starting with a letter or digit)",
    );
    let of_uses = |list: &str, error: &str| {
        let text = format!("{ZONES}{}", site("", &format!("limits = {list}")));
        super::errors::check_short(&text, &[error]);
    };
    of_uses("[{ zone = \"up\" }]", "11:20 no limit `up` (did you mean `ip`?)");
    of_uses(
        "[{ zone = \"busy\" }]",
        "11:20 `busy` has no rate (add `connections` here, or `rate` to [limit.busy])",
    );
    of_uses(
        "[{ zone = \"ip\", connections = 1 }]",
        "11:20 `ip` counts how fast requests come (one without `rate` counts connections)",
    );
    of_uses(
        "[{ zone = \"busy\", connections = 1, burst = 3 }]",
        "11:45 `burst` beside `connections` (a limit is of requests in progress or of how fast they come)",
    );
    of_uses(
        "[{ zone = \"ip\", delay = 1, nodelay = true }]",
        "11:26 `delay` beside `nodelay` (with `nodelay` nobody waits)",
    );
    of_uses(
        "[{ zone = \"ip\" }, { zone = \"ip\", burst = 1 }]",
        "11:28 `ip` limits this twice (one bound of a zone is enough)",
    );
}

#[test]
fn logins_become_their_final_types_and_a_route_can_do_without() {
    let server = "basic_auth = { realm = \"Staff\", file = \"/users\" }\nsatisfy = \"any\"\n\
        auth_request = { upstream = \"a\", path = \"/check?of=$uri\", set = { X-User = \"$upstream_http_x_user\" } }";
    let inherited = guards(server, "");
    let basic = inherited.basic.as_ref().expect("the server's");
    assert_eq!((basic.realm.as_str(), basic.file.to_str()), ("Staff", Some("/users")));
    let ask = inherited.ask.as_ref().expect("the server's");
    assert_eq!((ask.upstream.as_str(), ask.taken[0].name.as_str()), ("a", "X-User"));
    assert_eq!(inherited.satisfy, Satisfy::Any);
    let open = guards(server, "basic_auth = \"off\"\nauth_request = \"off\"\nsatisfy = \"all\"");
    assert_eq!(open, Guards::default());
}

#[test]
fn bad_logins_are_told_with_their_place() {
    for (line, error) in [
        ("basic_auth = true", "3:14 expected a table, or \"off\", found boolean true"),
        (
            "basic_auth = { realm = \"x\" }",
            "3:14 [server.basic_auth] has no `file` (one of users and hashed passwords, as `htpasswd` writes it)",
        ),
        (
            "auth_request = { path = \"/x\" }",
            "3:16 [server.auth_request] has no `upstream` (the name of the one that is asked)",
        ),
        ("auth_request = { upstream = \"b\" }", "3:29 no upstream `b` (did you mean `a`?)"),
        (
            "auth_request = { upstream = \"a\", path = \"x\" }",
            "3:41 a path starts with a slash (such as \"/auth\")",
        ),
        (
            "auth_request = { upstream = \"a\", set = { Connection = \"x\" } }",
            "3:42 `Connection` is the proxy's own",
        ),
        ("satisfy = \"some\"", "3:11 unknown satisfy `some` (expected `all` or `any`)"),
    ] {
        super::errors::check_short(&site(line, ""), &[error]);
    }
}

#[test]
fn presets_are_rules_for_responses_and_give_way_to_the_files_own() {
    let route = "cors = { origins = [\"https://A.test\"], credentials = true }\nsecurity_headers = true\n\
        response_headers = { set = { X-Frame-Options = \"DENY\" } }";
    let config = good(&site("", route));
    let route = &config.servers[0].routes[0];
    let cors = route.guards.cors.as_ref().expect("given");
    assert_eq!(cors.origins, Origins::Listed(vec!["https://a.test".to_owned()]));
    let rules = &route.shape.response_headers;
    let count = |name: &str| rules.iter().filter(|rule| rule.name == name).count();
    let names =
        ["X-Frame-Options", "X-Content-Type-Options", "Access-Control-Allow-Origin", "Vary"];
    assert_eq!(names.map(count), [1; 4]);
    for (line, error) in [
        (
            "cors = { origins = [\"app.test\"] }",
            "3:21 `app.test` is no origin (such as \"https://app.example.com\" or \"https://*.example.com\")",
        ),
        (
            "cors = { origins = \"*\", credentials = true }",
            "3:25 `credentials` of every origin (browsers send none where everybody may read the answer: name the origins)",
        ),
        (
            "cors = { max_age = \"1h\" }",
            "3:8 [server.cors] has no `origins` (such as `origins = [\"https://app.example.com\"]`, or \"*\")",
        ),
        ("security_headers = 1", "3:20 expected true, false or a table, found integer 1"),
    ] {
        super::errors::check_short(&site(line, ""), &[error]);
    }
}

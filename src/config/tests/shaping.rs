//! Routes that change messages: what they come to, and what is said of those that can not.

use super::super::model::route::{Action, Change, Passing, PathMatch, Query, Substitute};
use super::super::template::{Part, Variable};
use super::good;

const UPSTREAM: &str = "\n[upstream.a]\nbackend = [{ address = \"127.0.0.1:1\" }]\n";

fn server(lines: &str) -> String {
    format!("[[server]]\nlisten = \"[::]:1\"\n{lines}{UPSTREAM}")
}

/// The errors in short, each `line:column message (hint)`.
#[track_caller]
fn check(lines: &str, expected: &[&str]) {
    super::errors::check_short(&server(lines), expected);
}

#[test]
fn a_shaped_route_becomes_its_final_types() {
    let config = good(&server(
        r#"
        intercept = true
        request_headers = { hide = ["Cookie"], rename = { A = "B" }, set = { C = "$host" }, add = { D = ["1", "2"] } }
        error_pages = { status = [502, 504], file = "x.html", as = 503 }
        [[server.route]]
        path = '~* ^/(?<user>\w+)/(\d)$'
        upstream = "a"
        strip_prefix = "/x"
        rewrite = { to = "/u/$user?n=$2?" }
        prefix = "/p"
        methods = "GET"
        send_method = "PUT"
        send_headers = false
        read_timeout = "3s"
        "#,
    ));
    let (server, route) = (&config.servers[0], &config.servers[0].routes[0]);
    let rules: Vec<(&str, &Change)> = server
        .shape
        .request_headers
        .iter()
        .map(|rule| (rule.name.as_str(), &rule.change))
        .collect();
    assert!(matches!(
        rules.as_slice(),
        [("Cookie", Change::Hide), ("A", Change::Rename(to)), ("C", Change::Set(_)),
         ("D", Change::Add(_)), ("D", Change::Add(_))] if to == "B"
    ));
    let page = &server.shape.error_pages[0];
    assert_eq!(page.statuses, [502, 504]);
    assert!(
        matches!(&page.answer, Substitute::Page { status: Some(503), body } if body.content_type == "text/html")
    );
    assert_eq!((server.shape.intercept, route.shape.intercept), (Some(true), None));
    assert!(
        matches!(&route.path, PathMatch::Regex { pattern, .. } if pattern == r"^/(?<user>\w+)/(\d)$")
    );
    let Action::Proxy { retarget: Some(retarget), .. } = &route.action else { panic!("{route:?}") };
    let rewrite = retarget.rewrite.as_ref().expect("given");
    let part = |text: &str| Part::Text(text.to_owned());
    assert_eq!(rewrite.path.parts, [part("/u/"), Part::Variable(Variable::Capture(1))]);
    let Query::Replaced(query) = &rewrite.query else { panic!("{rewrite:?}") };
    assert_eq!(query.parts, [part("n="), Part::Variable(Variable::Capture(2))]);
    assert_eq!(route.times.first_byte_timeout_ms, Some(3_000));
    assert_eq!(route.times.between_bytes_timeout_ms, Some(3_000));
    assert_eq!(route.methods, ["GET"]);
    assert_eq!(route.sent.method.as_deref(), Some("PUT"));
    assert_eq!((route.sent.body, route.sent.lines), (Passing::Passed, Passing::LeftOut));
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn routes_and_actions() {
    let upstream = "upstream = \"a\"";
    for (keys, errors) in [
        (
            "respond = 200, upstream = \"a\"".to_owned(),
            &["3:25 `respond` beside `upstream` (a route has one action)"][..],
        ),
        (
            "respond = 100".to_owned(),
            &["3:35 expected a status from 200 to 599, found integer 100"],
        ),
        (
            "respond = 200, prefix = \"/x\"".to_owned(),
            &["3:40 `prefix` without `upstream` (the path goes nowhere)"],
        ),
        (
            "respond = { content_type = \"a\" }".to_owned(),
            &["3:37 `content_type` without `body` or `file`"],
        ),
        (
            "respond = { body = \"$statu\" }".to_owned(),
            &["3:45 unknown variable `statu` (did you mean `$status`?)"],
        ),
        (
            "respond = { body = \"$status\" }".to_owned(),
            &["3:45 `$status` is not known here yet (it is of the response)"],
        ),
        (
            "redirect = { status = 200, to = \"/\" }".to_owned(),
            &["3:47 expected 301, 302, 303, 307 or 308, found integer 200"],
        ),
        (
            "redirect = {}".to_owned(),
            &[
                "3:36 [server.route.redirect] has no `to` (such as `to = \"https://$host$request_uri\"`)",
            ],
        ),
        (
            "redirect = \"/a\\r\\nb\"".to_owned(),
            &["3:36 a header's value holds a control character (it is one line)"],
        ),
        (
            "redirect = \"/$1\"".to_owned(),
            &["3:38 no group `$1` in the regular expression (there is none here)"],
        ),
        (
            format!("{upstream}, strip_prefix = \"/y\""),
            &["3:56 no path of this route begins with `/y` (they begin with `/x`)"],
        ),
        (
            format!("{upstream}, prefix = \"y?\""),
            &["3:50 `y?` is no path (it starts with a slash and has no query)"],
        ),
        (
            format!("{upstream}, rewrite = {{ match = \"(\", to = \"/\" }}"),
            &["3:61 `(` is no regular expression (unclosed group)"],
        ),
        (
            format!("{upstream}, rewrite = {{ match = \"(.)\", to = \"$2\" }}"),
            &[
                "3:74 no group `$2` in the regular expression (groups are counted by their opening parentheses, up to `$9`)",
            ],
        ),
        (
            format!("{upstream}, rewrite = {{ to = \"x\" }}"),
            &["3:58 a path starts with a slash (such as \"/new/$1\")"],
        ),
        (
            format!("{upstream}, methods = [\"get\"]"),
            &["3:52 `get` is not a method (methods are in capitals: \"GET\")"],
        ),
        (
            format!("{upstream}, send_method = \"HEAD\""),
            &[
                "3:55 backends can not be asked by `HEAD` (its answers have no body, and other clients wait for one)",
            ],
        ),
        (
            format!("{upstream}, send_method = \"CONNECT\""),
            &[
                "3:55 backends can not be asked by `CONNECT` (it asks for a tunnel, which no route is)",
            ],
        ),
        (
            format!("{upstream}, send_method = \"get\""),
            &["3:55 `get` is not a method (methods are in capitals: \"GET\")"],
        ),
        (format!("{upstream}, send_body = 0"), &["3:53 expected true or false, found integer 0"]),
        (
            "respond = 204, send_body = false, send_headers = true".to_owned(),
            &[
                "3:40 `send_body` without `upstream` (nothing is sent on)",
                "3:59 `send_headers` without `upstream` (nothing is sent on)",
            ],
        ),
        (
            format!("{upstream}, request_id = \"a b\""),
            &["3:54 `a b` is not the name of a header (such as \"X-Forwarded-For\")"],
        ),
    ] {
        check(&format!("route = [{{ path = \"/x\", {keys} }}]"), errors);
    }
}

#[test]
fn header_rules_and_error_pages() {
    for (line, errors) in [
        (
            "request_headers.set = { Content-Length = \"1\" }",
            &["3:25 `Content-Length` is the proxy's own"][..],
        ),
        (
            "request_headers.hide = [\"Host\"]",
            &["3:25 `Host` is the proxy's own (it can only be `set`)"],
        ),
        ("response_headers.hide = \"date\"", &["3:25 `date` is the proxy's own"]),
        ("request_headers.rename = { A = \"Upgrade\" }", &["3:32 `Upgrade` is the proxy's own"]),
        (
            "request_headers = { set = { A = \"1\" }, hide = [\"a\"] }",
            &["3:29 `A` is in `hide` already (one rule is enough)"],
        ),
        (
            "request_headers.set = { \"a b\" = \"1\" }",
            &["3:25 `a b` is not the name of a header (such as \"X-Forwarded-For\")"],
        ),
        (
            "request_headers.set = { A = \"x\\ny\" }",
            &["3:29 a header's value holds a control character (it is one line)"],
        ),
        (
            "request_headers.set = { A = \"$upstream_addr\" }",
            &["3:30 `$upstream_addr` is not known here yet (it is of the response)"],
        ),
        (
            "response_headers.set = { A = \"$bytes_sent\" }",
            &["3:31 `$bytes_sent` is not known here yet (only a log can have it)"],
        ),
        (
            "request_headers.remove = [\"A\"]",
            &["3:17 unknown key `remove` in [server.request_headers] (did you mean `hide`?)"],
        ),
        (
            "error_pages = [{ body = \"x\" }]",
            &["3:16 [[server.error_pages]] has no `status` (such as `status = [502, 503, 504]`)"],
        ),
        (
            "error_pages = [{ status = 404 }]",
            &[
                "3:16 [[server.error_pages]] has no `body` (or `file` or `redirect`: what is answered instead)",
            ],
        ),
        (
            "error_pages = [{ status = 200, body = \"\" }]",
            &["3:27 expected a status from 300 to 599, found integer 200"],
        ),
        (
            "error_pages = [{ status = 404, body = \"\", file = \"x\" }]",
            &["3:43 both `body` and `file` (one of them is the answer)"],
        ),
    ] {
        check(&format!("{line}\nroute = [{{ path = \"/\", upstream = \"a\" }}]"), errors);
    }
}

#[test]
fn a_pages_file_is_read_at_load() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pilothouse.toml");
    let text = server(
        "error_pages = { status = 404, file = \"page.html\" }\nroute = [{ path = \"/\", respond = { file = \"page.html\" } }]",
    );
    std::fs::write(&path, text).unwrap();
    let page = folder.path().join("page.html");
    let error = || super::load(&path).unwrap_err().to_string();
    assert!(error().contains(&format!("read {}: no such file", page.display())), "{}", error());
    std::fs::create_dir(&page).unwrap();
    assert!(error().contains("page.html: not a file"), "{}", error());
    std::fs::remove_dir(&page).unwrap();
    std::fs::write(&page, vec![b'x'; (256 << 10) + 1]).unwrap();
    assert!(error().contains("page.html: larger than 262144 bytes"), "{}", error());
    std::fs::write(&page, "a $dollar stays").unwrap();
    let config = super::load(&path).unwrap();
    let Action::Respond(respond) = &config.servers[0].routes[0].action else {
        panic!("{config:?}")
    };
    let body = respond.body.as_ref().expect("a file is a body");
    assert_eq!(body.text.fixed(), Some("a $dollar stays"));
    assert_eq!(body.content_type, "text/html");
}

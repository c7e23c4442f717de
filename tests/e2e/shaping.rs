//! Requests and responses changed on their way, and answers of the proxy's own: a case is a request
//! and what a backend or the client gets of it. Where nginx has the same directive, nginx is asked.

use std::fs;
use std::io::BufReader;
use std::net::SocketAddr;

use crate::client::{self, Response};
use crate::engine::Engine;
use crate::foreign::Foreign;
use crate::origin::{self, Origin, Request};
use crate::ports;
use crate::proxy::one_worker;

/// An engine with these routes, and what its server says, before one backend.
fn engine(server: &str, routes: &str, origin: &Origin) -> Engine {
    let address = origin.address;
    Engine::start_in(
        &format!(
            "[engine]\nworkers = 1\n[[server]]\nlisten = [\"{{listen}}\"]\n{server}\n{routes}\n\
             [upstream.app]\nbackend = [{{ address = \"{address}\" }}]\n"
        ),
        |folder| fs::write(folder.join("sorry.html"), "<p>$uri is sorry</p>").expect("ours"),
    )
}

fn ask(address: SocketAddr, method: &str, target: &str, lines: &str) -> Response {
    let request = format!(
        "{method} {target} HTTP/1.1\r\nHost: Site.example:80\r\n{lines}Connection: close\r\n\r\n"
    );
    client::exchange(address, request.as_bytes()).expect("an answer")
}

/// The request's head as the backend got it.
fn received(origin: &Origin) -> Request {
    origin.seen().pop().expect("it arrived")
}

fn target(request: &Request) -> String {
    request.head.split(' ').nth(1).unwrap_or_default().to_owned()
}

#[test]
fn routes_are_found_in_nginxs_order_and_answer() {
    let origin = Origin::named("proxied");
    let routes = r#"
        [[server.route]]
        path = "/"
        upstream = "app"
        [[server.route]]
        path = "/text/"
        respond = { body = "$request_method $uri from $host via $scheme $arg_q\n" }
        [[server.route]]
        path = '~ ^/text/(?<name>\w+)\.(\d+)$'
        respond = { status = 202, body = "$name $2", content_type = "text/x" }
        [[server.route]]
        path = '~* \.PHP$'
        respond = 403
        [[server.route]]
        path = "^~ /firm/"
        respond = { body = "firm" }
        [[server.route]]
        path = "= /text/exact"
        redirect = { to = "https://$host$request_uri", status = 308 }
        [[server.route]]
        path = "/away"
        redirect = "/to$uri?q=$arg_q"
        [[server.route]]
        path = "/silent"
        respond = 444
        [[server.route]]
        path = "/read"
        methods = ["GET", "PUT"]
        upstream = "app"
    "#;
    let engine = engine("", routes, &origin);
    for (method, target, status, location, text) in [
        ("GET", "/any", 200, None, "proxied"),
        (
            "GET",
            "/text/a%20b?q=1%202",
            200,
            None,
            "GET /text/a b from site.example via http 1%202\n",
        ),
        ("GET", "/text/x.17", 202, None, "x 17"),
        ("GET", "/x/y.php", 403, None, "403 Forbidden"),
        ("GET", "/firm/y.php", 200, None, "firm"),
        (
            "GET",
            "/text/exact?a=b",
            308,
            Some("https://site.example/text/exact?a=b"),
            "308 Permanent Redirect",
        ),
        ("GET", "/away/%0d%0aX:%20y?q=1", 302, Some("/to/away/%0D%0AX:%20y?q=1"), "302 Moved"),
        ("POST", "/read", 405, None, "405 Not Allowed"),
    ] {
        let answer = ask(engine.address(), method, target, "");
        assert_eq!((answer.status, answer.header("location")), (status, location), "{target}");
        assert!(answer.text().contains(text), "{target}: {}", answer.text());
    }
    let refused = ask(engine.address(), "POST", "/read", "");
    assert_eq!(refused.header("allow"), Some("GET, HEAD, PUT"));
    assert_eq!(
        ask(engine.address(), "GET", "/text/x.17", "").header("content-type"),
        Some("text/x")
    );
    let head = b"HEAD /read HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    assert!(client::raw(engine.address(), head).starts_with("HTTP/1.1 200 OK"));
    let silent = b"GET /silent HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(client::raw(engine.address(), silent), "");
}

#[test]
fn an_answer_of_ours_keeps_the_connection_and_its_framing() {
    let origin = Origin::named("proxied");
    let routes = r#"
        [[server.route]]
        path = "/"
        respond = { body = "12345" }
        [[server.route]]
        path = "/none"
        respond = { status = 204, body = "never sent" }
    "#;
    let engine = engine("", routes, &origin);
    let request = "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc\
                   HEAD /b HTTP/1.1\r\nHost: a\r\n\r\n\
                   GET /none HTTP/1.1\r\nHost: a\r\n\r\n\
                   GET /c HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let answers = client::raw(engine.address(), request.as_bytes());
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 3, "{answers}");
    assert_eq!(answers.matches("Content-Length: 5").count(), 3, "{answers}");
    assert_eq!(answers.matches("12345").count(), 2, "{answers}");
    assert!(!answers.contains("never sent") && answers.contains("204 No Content"), "{answers}");
}

#[test]
fn header_rules_hold_on_both_sides() {
    let origin = Origin::scripted(|_| {
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Old: 1\r\nx-secret: s\r\nServer: theirs\r\n\r\nok".to_vec()
    });
    let server = r#"
        request_headers = { set = { X-Site = "server", X-Both = "server" } }
        response_headers = { set = { X-Always = "$status" } }
    "#;
    let routes = r#"
        [[server.route]]
        path = "/"
        upstream = "app"
        request_headers.set = { Host = "$arg_host", X-Both = "route", X-Peer = "$remote_addr", X-Empty = "$http_nothing", X-Raw = "$uri", X-Forwarded-For = "$proxy_add_x_forwarded_for", X-Forwarded-Proto = "https" }
        request_headers.add = { X-Tag = ["1", "2"] }
        request_headers.hide = ["cookie"]
        request_headers.rename = { X-Key = "X-Inner-Key" }
        response_headers.add = { X-Via = "$upstream_addr $upstream_status $upstream_http_x_old" }
        response_headers.hide = ["X-Secret"]
        response_headers.rename = { X-Old = "X-New" }
        response_headers.set = { Server = "ours" }
    "#;
    let engine = engine(server, routes, &origin);
    let lines = "Cookie: a=b\r\nX-Key: k\r\nx-both: client\r\nX-Empty: e\r\nX-Tag: 0\r\n\
                 X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: gopher\r\ntraceparent: 00-a-b-01\r\n";
    let answer = ask(engine.address(), "GET", "/a%0d%0aX-Evil:%201?host=inner.example", lines);
    let seen = received(&origin);
    for (name, value) in [
        ("host", Some("inner.example")),
        ("x-site", Some("server")),
        ("x-both", Some("route")),
        ("x-peer", Some("127.0.0.1")),
        ("x-empty", None),
        ("x-raw", Some("/a%0D%0AX-Evil: 1")),
        ("x-evil", None),
        ("cookie", None),
        ("x-key", None),
        ("x-inner-key", Some("k")),
        ("x-forwarded-for", Some("192.0.2.1, 127.0.0.1")),
        ("x-forwarded-proto", Some("https")),
        ("traceparent", Some("00-a-b-01")),
    ] {
        assert_eq!(seen.header(name).as_deref(), value, "{name}: {}", seen.head);
    }
    assert_eq!(seen.head.matches("X-Tag: ").count(), 3, "{}", seen.head);
    assert_eq!(seen.head.to_lowercase().matches("x-forwarded-for").count(), 1, "{}", seen.head);
    let via = format!("{} 200 1", origin.address);
    for (name, value) in [
        ("x-always", Some("200")),
        ("x-via", Some(via.as_str())),
        ("x-new", Some("1")),
        ("x-old", None),
        ("x-secret", None),
        ("server", Some("ours")),
    ] {
        assert_eq!(answer.header(name), value, "{name}: {}", answer.head);
    }
    assert_eq!(answer.head.to_lowercase().matches("server:").count(), 1, "{}", answer.head);
    // What comes out as no host leaves the client's.
    for host in ["", "a%20b", "a/b"] {
        ask(engine.address(), "GET", &format!("/?host={host}"), "");
        let kept = received(&origin).header("host").unwrap_or_default();
        assert!(kept == "Site.example:80" || kept == "a%20b", "{host}: {kept}");
    }
}

#[test]
fn a_request_has_an_id() {
    let origin = Origin::named("one");
    let server =
        "request_id = \"X-Request-ID\"\nresponse_headers.set = { X-Request-ID = \"$request_id\" }";
    let route = "[[server.route]]\npath = \"/\"\nupstream = \"app\"";
    let trusting = format!("{server}\nreal_ip = {{ from = [\"127.0.0.0/8\"] }}");
    let long = format!("X-Request-ID: {}\r\n", "a".repeat(129));
    for (server, lines, kept) in [
        (server, "", None),
        (server, "X-Request-ID: theirs\r\n", None),
        (trusting.as_str(), "X-Request-ID: theirs\r\n", Some("theirs")),
        (trusting.as_str(), long.as_str(), None),
        (trusting.as_str(), "X-Request-ID: a b\r\n", None),
    ] {
        let engine = engine(server, route, &origin);
        let ids: Vec<String> = (0..2)
            .map(|_| {
                let answer = ask(engine.address(), "GET", "/", lines);
                let seen = received(&origin);
                let sent = seen.header("x-request-id").expect("every request has one");
                assert_eq!(seen.head.matches("X-Request-ID").count(), 1, "{}", seen.head);
                assert_eq!(answer.header("x-request-id"), Some(sent.as_str()));
                sent
            })
            .collect();
        if let Some(kept) = kept {
            assert_eq!(ids, [kept, kept]);
        } else {
            assert_ne!(ids[0], ids[1]);
            let is_hex = |c: char| c.is_ascii_hexdigit() && !c.is_ascii_uppercase();
            assert!(ids.iter().all(|id| id.len() == 32 && id.chars().all(is_hex)), "{ids:?}");
        }
    }
}

#[test]
fn error_pages_stand_for_our_answers_and_backends() {
    let origin = Origin::scripted(|request| {
        let status = request.head.split(['/', ' ']).nth(2).unwrap_or_default();
        format!("HTTP/1.1 {status} x\r\nWWW-Authenticate: Basic\r\nContent-Length: 6\r\n\r\ntheirs")
            .into_bytes()
    });
    let server = r#"
        error_pages = [
          { status = [404, 413], body = "no $request_uri ($status)", content_type = "text/plain" },
          { status = [502, 500], file = "sorry.html", as = 503 },
          { status = 401, body = "who are you" },
          { status = 410, redirect = { to = "/gone$uri", status = 301 } },
        ]
    "#;
    let routes = r#"
        [[server.route]]
        path = "/"
        upstream = "app"
        intercept = true
        body_max = "1KB"
        [[server.route]]
        path = "/404/plain"
        upstream = "app"
        [[server.route]]
        path = "/down"
        upstream = "nobody"
        [[server.route]]
        path = "/own"
        respond = 404
        error_pages = [{ status = 404, body = "the route's" }]
        [upstream.nobody]
        backend = [{ address = "127.0.0.1:1" }]
    "#;
    let engine = engine(server, routes, &origin);
    for (target, status, text) in [
        ("/404", 404, "no /404 (404)"),
        ("/404/plain", 404, "theirs"),
        ("/500", 503, "<p>$uri is sorry</p>"),
        ("/down", 503, "<p>$uri is sorry</p>"),
        ("/401", 401, "who are you"),
        ("/410", 301, "301 Moved Permanently"),
        ("/403", 403, "theirs"),
        ("/200", 200, "theirs"),
        ("/own", 404, "the route's"),
    ] {
        let answer = ask(engine.address(), "GET", target, "");
        assert_eq!(answer.status, status, "{target}: {}", answer.head);
        assert!(answer.text().contains(text), "{target}: {}", answer.text());
    }
    assert_eq!(ask(engine.address(), "GET", "/410", "").header("location"), Some("/gone/410"));
    let challenged = ask(engine.address(), "GET", "/401", "");
    assert_eq!(challenged.header("www-authenticate"), Some("Basic"));
    let large = ask(engine.address(), "GET", "/x", "Content-Length: 2000\r\n");
    assert_eq!((large.status, large.text().as_str()), (413, "no /x (413)"));
}

#[test]
fn a_route_has_time_limits_of_its_own() {
    // Reads, and never says a word.
    let origin = Origin::by_hand(|stream| {
        let mut reader = BufReader::new(stream);
        while origin::read_request(&mut reader).is_some() {}
    });
    let routes = "[[server.route]]\npath = \"/\"\nupstream = \"app\"\nread_timeout = \"100ms\"";
    let engine = engine("", routes, &origin);
    assert_eq!(ask(engine.address(), "GET", "/", "").status, 504);
}

#[test]
fn a_path_that_would_climb_out_is_refused() {
    let origin = Origin::named("one");
    let routes = r#"
        [[server.route]]
        path = "/x"
        upstream = "app"
        rewrite = { match = "^/x(.*)$", to = "/files/$1" }
    "#;
    let engine = engine("", routes, &origin);
    assert_eq!(ask(engine.address(), "GET", "/x../secret", "").status, 400);
    assert_eq!(ask(engine.address(), "GET", "/xy/secret", "").status, 200);
    assert_eq!(target(&received(&origin)), "/files/y/secret");
}

const LOCATIONS: &str = r"
    location / { proxy_pass http://{backend}; }
    location /strip/ { proxy_pass http://{backend}/; }
    location /put/ { proxy_pass http://{backend}/v2/; }
    location /re/ { rewrite ^/re/(.*)$ /new/$1 break; proxy_pass http://{backend}; }
    location /drop/ { rewrite ^/drop/(.*)$ /d/$1? break; proxy_pass http://{backend}; }
    location /arg/ { rewrite ^/arg/([^/]*)/?(.*)$ /a?x=$1&y=$2 break; proxy_pass http://{backend}; }
    location /same/ { rewrite ^/other/(.*)$ /new/$1 break; proxy_pass http://{backend}; }
    location ~ ^/cap/(\w+)-(?<rest>\w*)$ { return 301 /to/$rest/$1$is_args$args; }
    location ~* \.gif$ { return 307 /gif; }
    location ^~ /firm/ { proxy_pass http://{backend}; }
    location = /strip/exact { return 302 https://$host/x; }
";

const ROUTES: &str = r#"
    [[server.route]]
    path = "/"
    upstream = "app"
    [[server.route]]
    path = "/strip/"
    upstream = "app"
    strip_prefix = "/strip"
    [[server.route]]
    path = "/put/"
    upstream = "app"
    strip_prefix = "/put"
    prefix = "/v2"
    [[server.route]]
    path = "/re/"
    upstream = "app"
    rewrite = { match = '^/re/(.*)$', to = "/new/$1" }
    [[server.route]]
    path = "/drop/"
    upstream = "app"
    rewrite = { match = '^/drop/(.*)$', to = "/d/$1?" }
    [[server.route]]
    path = "/arg/"
    upstream = "app"
    rewrite = { match = '^/arg/([^/]*)/?(.*)$', to = "/a?x=$1&y=$2" }
    [[server.route]]
    path = "/same/"
    upstream = "app"
    rewrite = { match = '^/other/(.*)$', to = "/new/$1" }
    [[server.route]]
    path = '~ ^/cap/(\w+)-(?<rest>\w*)$'
    redirect = { to = "/to/$rest/$1$is_args$args", status = 301 }
    [[server.route]]
    path = '~* \.gif$'
    redirect = { to = "/gif", status = 307 }
    [[server.route]]
    path = "^~ /firm/"
    upstream = "app"
    [[server.route]]
    path = "= /strip/exact"
    redirect = "https://$host/x"
"#;

const FOLDERS: [&str; 10] =
    ["/", "/strip/", "/put/", "/re/", "/drop/", "/arg/", "/same/", "/cap/", "/firm/", "/stripe"];

const TAILS: [&str; 26] = [
    "",
    "a",
    "a/b",
    "exact",
    "a?x=1",
    "a?",
    "?x=1&y=%20",
    "a%20b",
    "a%2Fb",
    "a%2fb?c",
    "a%3Fb?c=d",
    "a%23b",
    "a%25b",
    "%C3%A9",
    "a//b",
    "a/./b/../c",
    "./a",
    "a+b&c=d",
    "a;b=1",
    "a%0Ab",
    "a%7Fb",
    "x.GIF",
    "x.gif?y",
    "one-two",
    "one-?q=1",
    "a%22b%3C",
];

/// nginx escapes a group in an argument only where the path was escaped, too; we always do.
const OURS: &str = "/arg/a;b=1";

/// What both make of a request: the answer's status and `Location`, and the target that a backend
/// got, if one was asked.
#[test]
fn paths_and_redirects_are_those_of_nginx() {
    let (theirs, ours) = (Origin::named("theirs"), Origin::named("ours"));
    let listens: SocketAddr = ports::address().parse().expect("an address");
    let locations = LOCATIONS.replace("{backend}", &theirs.address.to_string());
    let http = format!("server {{ listen {listens}; absolute_redirect off;\n{locations}}}");
    let Some(_nginx) = Foreign::nginx(&http, listens) else { return };
    let engine = engine("", ROUTES, &ours);
    let outcome = |address, origin: &Origin, path: &str| {
        let before = origin.served();
        let answer = ask(address, "GET", path, "");
        let target = (origin.served() > before).then(|| target(&received(origin)));
        (answer.status, answer.header("location").map(str::to_owned), target)
    };
    let mut different = Vec::new();
    let paths = FOLDERS.iter().flat_map(|folder| TAILS.map(|tail| format!("{folder}{tail}")));
    for path in paths.filter(|path| path != OURS) {
        let theirs = outcome(listens, &theirs, &path);
        let ours = outcome(engine.address(), &ours, &path);
        if theirs != ours {
            different.push(format!("{path}: nginx {theirs:?}, we {ours:?}"));
        }
    }
    assert!(different.is_empty(), "\n{}", different.join("\n"));
}

#[test]
fn a_head_that_is_refused_gets_the_default_servers_page() {
    let origin = Origin::named("one");
    let keys = r#"
        error_pages = [{ status = [400, 405, 414], body = "mine: $status $request_uri", content_type = "text/plain" }]
        response_headers = { set = { X-Mine = "yes" } }
        uri_max = "100B"
    "#;
    let engine = Engine::start(&one_worker(keys, "", &[&origin]));
    let long = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(200));
    for (request, status) in [
        ("GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n", 400),
        ("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 405),
        (&long, 414),
    ] {
        let answer = client::exchange(engine.address(), request.as_bytes()).expect("an answer");
        assert_eq!((answer.status, answer.header("x-mine")), (status, Some("yes")), "{request}");
        assert!(answer.text().starts_with(&format!("mine: {status}")), "{}", answer.text());
    }
}

#[test]
fn a_time_that_still_runs_is_not_told() {
    let origin = Origin::named("one");
    let keys = r#"response_headers = { set = { X-Whole = "$upstream_response_time", X-Head = "$upstream_header_time" } }"#;
    let engine = Engine::start(&one_worker(keys, "", &[&origin]));
    let answer = client::get(engine.address(), "/");
    assert_eq!(answer.header("x-whole"), Some("-"));
    assert!(answer.header("x-head").is_some_and(|time| time.starts_with("0.0")), "{}", answer.head);
}

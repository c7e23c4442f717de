//! Copies of requests: what is copied, that nobody waits for it, and that there is an end to it.

use std::io::Write as _;
use std::net::TcpStream;

use crate::client::{self, read_response};
use crate::engine::Engine;
use crate::origin::{self, Origin, Request};
use crate::wait;

/// `ROUTE` is what the first route has beside its path and upstream.
fn config(route: &str, main: &Origin, shadow: &str) -> String {
    format!(
        "[engine]\nworkers = 1\n[[server]]\nlisten = \"{{listen}}\"\n\
         [[server.route]]\npath = \"/\"\nupstream = \"main\"\n{route}\n\
         [[server.route]]\npath = \"= /copy\"\ninternal = true\nupstream = \"shadow\"\n\
         target = \"/copied$request_uri\"\n\
         request_headers = {{ set = {{ X-Copy = \"$uri of $remote_addr\" }} }}\n\
         [[server.route]]\npath = \"= /none\"\ninternal = true\nrespond = 204\n\
         [upstream.main]\nbackend = [{{ address = \"{}\" }}]\n\
         [upstream.shadow]\nbackend = [{{ address = \"{shadow}\", max_fails = 0 }}]\n",
        main.address
    )
}

fn copies(engine: &Engine, result: &str) -> u64 {
    let page = client::unix_get(&engine.socket(), "/metrics").expect("an answer").text();
    let name =
        format!("pilothouse_worker_mirrored_requests_total{{worker=\"0\",result=\"{result}\"}} ");
    let line = page.lines().find_map(|line| line.strip_prefix(&name)).expect("it is counted");
    line.parse().expect("a number")
}

fn until_seen(origin: &Origin, count: usize) -> Vec<Request> {
    wait::until("the copies come", || Some(origin.seen()).filter(|seen| seen.len() >= count))
}

/// Without what depends on the upstream.
fn told(request: &Request) -> (String, Vec<u8>) {
    let lines = request.head.lines().filter(|line| !line.starts_with("X-Copy"));
    (lines.collect::<Vec<_>>().join("\n"), request.body.clone())
}

#[test]
fn an_upstream_gets_the_same_request() {
    let [main, shadow] = ["main", "shadow"].map(Origin::named);
    let engine = Engine::start(&config("mirror = \"shadow\"", &main, &shadow.address.to_string()));
    let long = vec![b'x'; 300_000];
    let chunks = [&b"186a0\r\n"[..], &long[..100_000], b"\r\n5\r\nabcde\r\n0\r\n\r\n"].concat();
    let length = format!("Content-Length: {}\r\n", long.len());
    let requests: [(&str, &str, &[u8]); 6] = [
        ("POST /empty", "Content-Length: 0\r\n", b""),
        ("GET /a%20b/../c?d=e", "X-Own: 1\r\nCookie: a=b\r\n", b""),
        ("HEAD /", "", b""),
        ("POST /short", "Content-Length: 3\r\n", b"abc"),
        ("PUT /long", &length, &long),
        ("POST /chunks", "Transfer-Encoding: chunked\r\n", &chunks),
    ];
    let stream = client::connect(engine.address()).expect("it listens");
    let mut reader = std::io::BufReader::new(stream);
    for (at, (line, lines, body)) in requests.into_iter().enumerate() {
        let head = format!("{line} HTTP/1.1\r\nHost: a.example\r\n{lines}\r\n");
        let request = [head.as_bytes(), body].concat();
        if line.starts_with("HEAD") {
            let answer = client::raw(
                engine.address(),
                &[head.trim_end(), "\r\nConnection: close\r\n\r\n"].concat().into_bytes(),
            );
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        } else {
            reader.get_mut().write_all(&request).expect("it reads");
            let answer = read_response(&mut reader).expect("an answer");
            assert_eq!((answer.status, answer.text().as_str()), (200, "main"), "{line}");
        }
        let copy = &until_seen(&shadow, at + 1)[at];
        let asked = &main.seen()[at];
        assert_eq!(told(asked), told(copy), "{line}");
    }
    wait::until("they are counted", || (copies(&engine, "answered") == 6).then_some(()));
    let status = engine.status();
    assert_eq!(status["workers"][0]["requests"], 6, "copies are no requests of clients");
    let get = |answered: u64| {
        assert_eq!(client::get(engine.address(), "/again").status, 200);
        wait::until("it is counted", || (copies(&engine, "answered") == answered).then_some(()));
        shadow.accepted()
    };
    let connections = get(7);
    assert_eq!([get(8), get(9)], [connections; 2], "a connection is used again");
}

#[test]
fn a_route_of_their_own_is_for_copies_alone() {
    let [main, shadow] = ["main", "shadow"].map(Origin::named);
    let route = "mirror = [\"/copy\", \"/none\", \"shadow\"]\nmirror_body = false";
    let engine = Engine::start(&config(route, &main, &shadow.address.to_string()));
    assert_eq!(client::get(engine.address(), "/copy").status, 404);
    assert_eq!(client::get(engine.address(), "/none").status, 404);
    let request =
        b"POST /a?b HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi";
    assert!(client::raw(engine.address(), request).starts_with("HTTP/1.1 200"));
    let seen = until_seen(&shadow, 2);
    let of = |line: &str| seen.iter().find(|it| it.head.starts_with(line)).expect("it came");
    let own = of("POST /copied/a?b HTTP/1.1");
    assert_eq!(own.header("x-copy").as_deref(), Some("/copy of 127.0.0.1"));
    for copy in [own, of("POST /a?b HTTP/1.1")] {
        assert_eq!((copy.body.len(), copy.header("content-length")), (0, None), "{copy:?}");
    }
    assert_eq!(main.seen()[0].body, b"hi");
    wait::until("they are counted", || (copies(&engine, "answered") == 2).then_some(()));
    assert_eq!([copies(&engine, "failed"), copies(&engine, "dropped")], [0, 0]);
}

/// More than are under way at a time.
const MANY: u64 = 530;

#[test]
fn nobody_waits_for_copies_and_there_are_so_many() {
    let main = Origin::named("main");
    let (hold, held) = std::sync::mpsc::channel::<TcpStream>();
    let hold = std::sync::Mutex::new(hold);
    let shadow = Origin::by_hand(move |stream| {
        hold.lock().expect("no test panics while holding it").send(stream).expect("the test waits");
    });
    let engine = Engine::start(&config("mirror = \"shadow\"", &main, &shadow.address.to_string()));
    let stream = client::connect(engine.address()).expect("it listens");
    let mut reader = std::io::BufReader::new(stream);
    for _ in 0..MANY {
        reader.get_mut().write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").expect("it reads");
        assert_eq!(read_response(&mut reader).expect("an answer").status, 200);
    }
    wait::until("the rest is dropped", || (copies(&engine, "dropped") == MANY - 512).then_some(()));
    drop(held);
    wait::until("the others fail", || (copies(&engine, "failed") == 512).then_some(()));
    assert!(engine.log().contains("as many copies as may be are under way"), "{}", engine.log());
}

#[test]
fn what_is_too_long_goes_without_its_copy() {
    let [main, shadow] = ["main", "shadow"].map(Origin::named);
    let engine = Engine::start(&config("mirror = \"shadow\"", &main, &shadow.address.to_string()));
    let body = vec![b'y'; (1 << 20) + 1];
    let told = [
        [format!("Content-Length: {}\r\n\r\n", body.len()).into_bytes(), body.clone()].concat(),
        [&b"Transfer-Encoding: chunked\r\n\r\n100001\r\n"[..], &body, b"\r\n0\r\n\r\n"].concat(),
    ];
    for (at, rest) in told.iter().enumerate() {
        let head = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
        let answer = client::exchange(engine.address(), &[head, rest.as_slice()].concat());
        assert_eq!(answer.expect("an answer").status, 200);
        assert_eq!(main.seen()[at].body.len(), body.len());
        wait::until("it is counted", || {
            (copies(&engine, "dropped") == at as u64 + 1).then_some(())
        });
    }
    assert!(shadow.seen().is_empty());
}

#[test]
fn a_copy_that_nobody_takes_is_counted_and_no_more() {
    let main = Origin::scripted(|_| origin::ok("main"));
    let engine = Engine::start(&config("mirror = \"shadow\"", &main, &crate::ports::address()));
    for _ in 0..3 {
        assert_eq!(client::get(engine.address(), "/").text(), "main");
    }
    wait::until("they are counted", || (copies(&engine, "failed") == 3).then_some(()));
}

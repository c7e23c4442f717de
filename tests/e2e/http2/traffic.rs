//! Requests and answers: the same as by HTTP/1.1, whatever serves them.

use std::fs;
use std::io::{BufReader, Read as _, Write as _};

use super::frames::{Client, DATA, END_STREAM, HEADERS, RST_STREAM, body, frame, get};
use super::{Curl, metric, plain};
use crate::client::{self, connect, read_head};
use crate::engine::{Engine, resident_bytes};
use crate::origin::{self, Origin};
use crate::proxy::one_worker;
use crate::tls::papers::Authority;
use crate::wait;

const H2: &str = "--http2-prior-knowledge";
const BODY_BYTES: usize = 64 << 20;

/// Answers with what it was asked.
fn echo() -> Origin {
    Origin::scripted(|request| {
        // Names have no case, and lines of different names no order.
        let lines = request.head.lines().map(|line| line.trim_end().to_ascii_lowercase());
        let mut lines: Vec<String> = lines.collect();
        lines.sort_unstable();
        let text = format!("{}\n{}", lines.join("\n"), String::from_utf8_lossy(&request.body));
        let extra = match request.head.split(' ').nth(1).unwrap_or_default() {
            "/missing" => "HTTP/1.1 404 Not Found\r\n",
            "/cookies" => "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n",
            "/hops" => {
                "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5\r\nConnection: x-hop\r\nX-Hop: 1\r\n"
            }
            "/empty" => return b"HTTP/1.1 204 No Content\r\nX: y\r\n\r\n".to_vec(),
            "/chunks" => {
                return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n".to_vec();
            }
            "/early" => {
                return b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_vec();
            }
            _ => "HTTP/1.1 200 OK\r\n",
        };
        let text = if request.head.starts_with("HEAD ") { String::new() } else { text };
        let length = if request.head.starts_with("HEAD ") { 1234 } else { text.len() };
        format!("{extra}Content-Length: {length}\r\nETag: \"x\"\r\n\r\n{text}").into_bytes()
    })
}

/// An answer without what depends on the time or on the protocol's version.
fn essence(answer: &str) -> String {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    let mut lines: Vec<String> = head.lines().map(str::to_ascii_lowercase).collect();
    let status = lines.remove(0).split(' ').nth(1).unwrap_or_default().to_owned();
    lines.retain(|line| {
        !["date:", "connection:", "transfer-encoding:"].iter().any(|name| line.starts_with(name))
    });
    lines.sort();
    format!("{status}\n{}\n\n{body}", lines.join("\n"))
}

#[test]
fn answers_are_those_of_http_1() {
    let Some(curl) = Curl::find() else { return };
    let origin = echo();
    let config = plain("", &[&origin]).replacen(
        "[[server.route]]",
        "[[server.route]]\npath = \"/files\"\nroot = \"{folder}\"\n\
         [[server.route]]\npath = \"/said\"\nrespond = { status = 418, body = \"$scheme $host $args\" }\n\
         [[server.route]]\npath = \"/moved\"\nredirect = { to = \"/new$is_args$args\", status = 307 }\n\
         [[server.route]]\npath = \"/only\"\nmethods = [\"PUT\"]\nupstream = \"app\"\n\
         [[server.route]]\npath = \"/small\"\nbody_max = \"10B\"\nupstream = \"app\"\n\
         [[server.route]]",
        1,
    );
    let engine = Engine::start_in(&config, |folder| {
        fs::create_dir(folder.join("files")).expect("the folder is ours");
        fs::write(folder.join("files/a.txt"), "0123456789").expect("the folder is ours");
        fs::write(folder.join("files/big.bin"), vec![7; 3 << 20]).expect("the folder is ours");
    });
    fs::write(engine.folder.path().join("upload"), vec![b'u'; 100_000]).expect("ours");
    let cases: &[(&str, &[&str])] = &[
        ("/", &[]),
        ("/?a=1&b=%20", &["-H", "Cookie: a=1; b=2", "-H", "X-Empty;", "-A", "someone"]),
        ("/", &["-I"]),
        ("/", &["-d", "a=1&b=2"]),
        ("/", &["-T", "upload", "-H", "Expect:"]),
        ("/", &["-X", "DELETE"]),
        ("/missing", &[]),
        ("/cookies", &[]),
        ("/hops", &[]),
        ("/empty", &[]),
        ("/chunks", &[]),
        ("/files/a.txt", &[]),
        ("/files/a.txt", &["-I"]),
        ("/files/a.txt", &["-r", "2-4"]),
        ("/files/a.txt", &["-r", "20-"]),
        ("/files/a.txt", &["-H", "If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT"]),
        ("/files/none", &[]),
        ("/files/big.bin", &["-r", "1000000-1000009"]),
        ("/said?x", &[]),
        ("/moved?x", &[]),
        ("/only", &[]),
        ("/small", &["-d", "12345678901"]),
        ("/small", &["-d", "1234567890"]),
        ("/%2e%2e/%2e%2e/x", &["--path-as-is"]),
    ];
    for (path, more) in cases {
        let ask = |version| curl.get(&engine, path, &[more, &["-i", version][..]].concat());
        let (one, two) = (essence(&ask("--http1.1")), essence(&ask(H2)));
        assert_eq!(one, two, "{path} {more:?}");
    }
    let whole = curl.run(&engine, "/files/big.bin", &[H2]).stdout;
    assert!(whole.len() == 3 << 20 && whole.iter().all(|byte| *byte == 7), "{}", whole.len());
}

#[test]
fn everything_that_tells_of_a_request_tells_of_the_protocol() {
    let Some(curl) = Curl::find() else { return };
    let origin = echo();
    let engine = Engine::start(&plain("access_log = { file = \"access.log\" }", &[&origin]));
    let head = curl.get(&engine, "/a?b", &[H2, "-i"]);
    assert!(head.starts_with("HTTP/2 200"), "{head}");
    assert!(head.contains("get /a?b http/1.1"), "the backend is spoken to as ever: {head}");
    assert!(head.contains("x-forwarded-for: 127.0.0.1\nx-forwarded-proto: http"), "{head}");
    curl.get(&engine, "/", &["--http1.1"]);
    let log = engine.folder.path().join("access.log");
    let text = wait::until("both are written down", || {
        let text = fs::read_to_string(&log).unwrap_or_default();
        (text.lines().count() == 2).then_some(text)
    });
    assert!(text.contains("\"GET /a?b HTTP/2.0\" 200 "), "{text}");
    assert!(text.contains("\"GET / HTTP/1.1\" 200 "), "{text}");
    let worker = |name: &str| metric(&engine, &format!("pilothouse_worker_{name}{{worker=\"0\"}}"));
    assert_eq!(worker("http2_connections_total"), 1);
    assert_eq!(worker("http2_streams_total"), 1);
    assert_eq!(worker("requests_total"), 2);
    assert_eq!(worker("accepted_connections_total"), 2);
}

#[test]
fn over_tls_it_is_agreed_on_unless_the_file_says_no() {
    let authority = Authority::new("authority");
    let config = |more: &str| {
        format!(
            "[engine]\nworkers = 1\n[[server]]\n\
             listen = {{ address = \"{{listen}}\", tls = true{more} }}\n\
             tls = {{ certificate = \"site.pem\", key = \"site.key\" }}\n\
             route = [{{ path = \"/\", respond = {{ status = 200, \
             body = \"$server_protocol $ssl_protocol $scheme $ssl_server_name\" }} }}]\n"
        )
    };
    let start = |more: &str| {
        Engine::start_in(&config(more), |folder| {
            authority.server(&["site.test"]).write(folder, "site");
            fs::write(folder.join("ca.pem"), authority.pem()).expect("the folder is ours");
        })
    };
    let (on, off) = (start(""), start(", http2 = false"));
    let Some(curl) = crate::tls::Curl::of(&on) else { return };
    assert_eq!(curl.get("site.test", &["--http2"]), "HTTP/2.0 TLSv1.3 https site.test");
    assert_eq!(curl.get("site.test", &["--http1.1"]), "HTTP/1.1 TLSv1.3 https site.test");
    let tls12 = curl.get("site.test", &["--http2", "--tls-max", "1.2"]);
    assert_eq!(tls12, "HTTP/2.0 TLSv1.2 https site.test");
    let Some(curl) = crate::tls::Curl::of(&off) else { return };
    assert_eq!(curl.get("site.test", &["--http2"]), "HTTP/1.1 TLSv1.3 https site.test");
}

#[test]
fn http_1_goes_on_beside_it_on_the_same_port() {
    let origin = Origin::by_hand(|mut stream| {
        let head = read_head(&mut BufReader::new(stream.try_clone().expect("free")));
        if head.contains("Upgrade: websocket") {
            let switch =
                b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
            stream.write_all(switch).expect("open");
            let mut bytes = [0; 5];
            stream.read_exact(&mut bytes).expect("open");
            stream.write_all(&bytes).expect("open");
        } else {
            stream.write_all(&origin::ok("plain")).expect("open");
        }
    });
    let engine = Engine::start(&plain("", &[&origin]));
    assert_eq!(client::get(engine.address(), "/").text(), "plain");
    // Begins like the preface does, and is none.
    let strange =
        client::raw(engine.address(), b"PRINT / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert!(strange.ends_with("plain"), "{strange}");
    let other = client::raw(engine.address(), b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n");
    assert!(other.starts_with("HTTP/1.1 505 ") || other.starts_with("HTTP/1.1 400 "), "{other}");
    let mut reader = BufReader::new(connect(engine.address()).expect("the listener accepts"));
    let asked =
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello";
    reader.get_mut().write_all(asked).expect("open");
    assert!(read_head(&mut reader).starts_with("HTTP/1.1 101 "));
    let mut bytes = [0; 5];
    reader.read_exact(&mut bytes).expect("the tunnel's bytes");
    assert_eq!(&bytes, b"hello");
    // Where the file says nothing of it, it is what it ever was.
    let without = Engine::start(&one_worker("", "", &[&origin]));
    let refused = client::raw(without.address(), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    assert!(refused.starts_with("HTTP/1.1 505 "), "{refused}");
}

#[test]
fn big_bodies_pass_both_ways_in_flat_memory_however_slow_a_side_is() {
    let Some(curl) = Curl::find() else { return };
    let origin = Origin::by_hand(|stream| {
        let mut reader = BufReader::new(stream);
        let head = read_head(&mut reader);
        let mut stream = reader.get_ref().try_clone().expect("a descriptor is free");
        if head.starts_with("GET") {
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {BODY_BYTES}\r\n\r\n")
                .expect("open");
            let piece = vec![b'x'; 64 << 10];
            for _ in 0..BODY_BYTES / piece.len() {
                if stream.write_all(&piece).is_err() {
                    return;
                }
            }
        } else {
            let head = head.to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let mut left: usize = length.expect("curl knows").parse().expect("a number");
            let mut piece = vec![0; 64 << 10];
            while left > 0 {
                left -= reader.read(&mut piece).expect("open");
            }
            stream.write_all(&origin::ok("thanks")).expect("open");
        }
    });
    let engine = Engine::start(&plain("", &[&origin]));
    let worker = engine.worker_pids()[0];
    let upload = fs::File::create(engine.folder.path().join("upload")).expect("the folder is ours");
    upload.set_len(BODY_BYTES as u64).expect("a file with a hole");
    let before = resident_bytes(worker);
    let got = curl.run(&engine, "/", &[H2, "-o", "/dev/null", "-w", "%{size_download}"]);
    assert_eq!(String::from_utf8_lossy(&got.stdout), BODY_BYTES.to_string());
    assert_eq!(curl.get(&engine, "/", &[H2, "-T", "upload"]), "thanks");
    // Readers that do not read: one connection, as many streams as it may have.
    let mut stuck = Client::new(engine.address());
    let streams: Vec<u32> = (0..100).map(|_| stuck.ask(&get("/"))).collect();
    let mut seen = 0;
    while seen < streams.len() {
        seen += usize::from(stuck.read().expect("open").kind == HEADERS);
    }
    let growth = resident_bytes(worker).saturating_sub(before);
    assert!(growth < 48 << 20, "{growth} bytes for 100 streams that are not read");
    drop(stuck);
    wait::until("their requests are taken back", || {
        (engine.backend("app", &origin.address.to_string())["active"] == 0).then_some(())
    });
}

#[test]
fn who_takes_a_request_back_or_breaks_off_is_seen_on_both_sides() {
    let origin = Origin::by_hand(|stream| {
        let mut reader = BufReader::new(stream);
        let head = read_head(&mut reader);
        if head.starts_with("GET /half") {
            let half = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf";
            reader.get_mut().write_all(half).expect("open");
        } else {
            // Until the proxy closes.
            let _end = reader.read_to_end(&mut Vec::new());
        }
    });
    let engine = Engine::start(&plain("access_log = { file = \"access.log\" }", &[&origin]));
    let active = || engine.backend("app", &origin.address.to_string())["active"].clone();
    let mut client = Client::new(engine.address());
    let stream = client.ask(&get("/wait"));
    wait::until("the backend works on it", || (active() == 1).then_some(()));
    client.send(&frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes()));
    wait::until("it is taken back", || (active() == 0).then_some(()));
    let stream = client.ask(&get("/half"));
    let answer = client.answer(stream);
    assert_eq!(answer[0].status(), 200);
    assert_eq!(body(&answer), b"half");
    assert_eq!(answer.last().map(|last| last.kind), Some(RST_STREAM), "it must not look whole");
    let log = engine.folder.path().join("access.log");
    wait::until("a client that left is written down", || {
        let text = fs::read_to_string(&log).unwrap_or_default();
        text.contains("\"GET /wait HTTP/2.0\" 499 ").then_some(())
    });
}

#[test]
fn an_early_answer_ends_the_stream_and_not_the_connection() {
    let origin = Origin::by_hand(|stream| {
        let mut reader = BufReader::new(stream);
        read_head(&mut reader);
        reader
            .get_mut()
            .write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
            .expect("open");
        let _until_it_closes = reader.read_to_end(&mut Vec::new());
    });
    let engine = Engine::start(&plain("", &[&origin]));
    let mut client = Client::new(engine.address());
    let mut fields = get("/");
    fields[0].1 = "POST";
    for _ in 0..5 {
        let stream = client.begin(&fields);
        client.send(&frame(DATA, 0, stream, b"and more is to come"));
        assert_eq!(body(&client.answer(stream)), b"no");
        // What was on its way is taken and dropped.
        client.send(&frame(DATA, END_STREAM, stream, b"the rest"));
    }
}

#[test]
fn an_answer_that_ends_with_its_connection_ends_its_stream() {
    let origin = Origin::by_hand(|stream| {
        let mut reader = BufReader::new(stream);
        read_head(&mut reader);
        reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\n\r\nuntil the end").expect("open");
    });
    let engine = Engine::start(&plain("", &[&origin]));
    let mut client = Client::new(engine.address());
    let stream = client.ask(&get("/"));
    let answer = client.answer(stream);
    assert_eq!(body(&answer), b"until the end");
    assert_eq!(answer.last().map(|last| last.kind), Some(DATA));
}

#[test]
fn hints_pass_before_the_answer() {
    let Some(curl) = Curl::find() else { return };
    let origin = echo();
    let engine = Engine::start(&plain("", &[&origin]));
    let said = curl.get(&engine, "/early", &[H2, "-i"]);
    assert!(said.starts_with("HTTP/2 103"), "{said}");
    assert!(said.contains("HTTP/2 200") && said.ends_with("ok"), "{said}");
}

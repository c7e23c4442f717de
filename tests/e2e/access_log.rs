//! Access logs: what a line says, and that none is lost to rotation, none holds up a request.

use std::fs;
use std::io::{BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use crate::client::{self, Load, connect, read_response};
use crate::engine::{self, Engine};
use crate::origin::{Origin, ok};
use crate::proxy::one_worker;
use crate::{oracle, ports, wait};

fn origin() -> Origin {
    Origin::scripted(|request| {
        if request.head.contains("/missing") {
            b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno".to_vec()
        } else {
            ok("one")
        }
    })
}

fn logged(keys: &str, origin: &Origin) -> Engine {
    Engine::start(&one_worker(&format!("access_log = {keys}"), "", &[origin]))
}

fn file(engine: &Engine, name: &str) -> PathBuf {
    engine.folder.path().join(name)
}

/// The lines once there are so many.
#[track_caller]
fn lines(path: &Path, count: usize) -> Vec<String> {
    let read = || -> Vec<String> {
        let text = fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        text.unwrap_or_default().lines().map(str::to_owned).collect()
    };
    wait::until("the lines are written", || (read().len() >= count).then_some(()));
    read()
}

/// Requests whose every byte is the test's, as some clients send them.
const REQUESTS: [&[u8]; 6] = [
    b"GET /a?x=1 HTTP/1.1\r\nHost: test\r\nUser-Agent: curl/8 (\"quoted\")\r\nConnection: close\r\n\r\n",
    b"GET /missing HTTP/1.0\r\nReferer: http://x/\\path\r\n\r\n",
    b"HEAD / HTTP/1.1\r\nHost: test\r\nAuthorization: Basic dXNlcjpwYXNz\r\nConnection: close\r\n\r\n",
    b"POST /form HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\nReferer:\r\nConnection: close\r\n\r\na=1",
    b"GET /raw HTTP/1.1\r\nHost: test\r\nUser-Agent: \xc3\xbc\ttab\r\nConnection: close\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
];

#[test]
fn combined_is_nginxs_line_byte_for_byte() {
    let Some(nginx) = oracle::find("nginx") else { return };
    let origin = origin();
    let engine = logged("{ file = \"access.log\" }", &origin);
    let other = Nginx::start(&nginx, &origin);
    for request in REQUESTS {
        client::raw(engine.address(), request);
        client::raw(other.address, request);
    }
    let ours = lines(&file(&engine, "access.log"), REQUESTS.len());
    let theirs = lines(&other.folder.path().join("access.log"), REQUESTS.len());
    for (ours, theirs) in ours.iter().zip(&theirs) {
        // The time is another one, and the page that answers a bad request has another length.
        let (mut ours, mut theirs) = (without_time(ours), without_time(theirs));
        if theirs.contains("\" 400 ") {
            (ours, theirs) = (without_size(&ours), without_size(&theirs));
        }
        assert_eq!(ours, theirs);
    }
}

fn without_time(line: &str) -> String {
    let (start, end) = (line.find('[').expect("a time"), line.find(']').expect("a time"));
    let time = &line[start..=end];
    assert_eq!((time.len(), &time[3..4], &time[12..13]), (28, "/", ":"), "{time}");
    format!("{}{}", &line[..start], &line[end..])
}

fn without_size(line: &str) -> String {
    let at = line.find("\" 400 ").expect("a status") + 6;
    let end = line[at..].find(' ').expect("a size") + at;
    format!("{}{}", &line[..at], &line[end..])
}

/// nginx in front of an origin, logging to a file of its folder.
struct Nginx {
    child: Child,
    address: std::net::SocketAddr,
    folder: tempfile::TempDir,
}

impl Nginx {
    fn start(program: &Path, origin: &Origin) -> Self {
        let address = ports::address();
        let folder = tempfile::Builder::new().prefix("ng").tempdir().expect("a temporary folder");
        let path = folder.path().display();
        let user = if folder
            .path()
            .metadata()
            .is_ok_and(|it| std::os::unix::fs::MetadataExt::uid(&it) == 0)
        {
            "user root;"
        } else {
            ""
        };
        let text = format!(
            "{user} daemon off; worker_processes 1; pid {path}/pid; error_log {path}/error.log;\n\
             events {{}}\nhttp {{ access_log {path}/access.log combined;\n\
             client_body_temp_path {path}/b; proxy_temp_path {path}/p; fastcgi_temp_path {path}/f;\n\
             uwsgi_temp_path {path}/u; scgi_temp_path {path}/s;\n\
             server {{ listen {address}; location / {{ proxy_pass http://{}; }} }} }}\n",
            origin.address
        );
        let config = folder.path().join("nginx.conf");
        fs::write(&config, text).expect("the folder is ours");
        let child = Command::new(program)
            .arg("-c")
            .arg(&config)
            .env("TZ", "UTC")
            .stderr(Stdio::null())
            .spawn()
            .expect("nginx runs");
        let address = address.parse().expect("an address");
        wait::until("nginx listens", || connect(address).ok());
        Self { child, address, folder }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        if let Ok(pid) = i32::try_from(self.child.id()) {
            engine::signal_if_there(pid, "QUIT");
        }
        let _it_may_be_reaped = self.child.wait();
    }
}

#[test]
fn json_is_valid_whatever_was_sent() {
    let origin = origin();
    let engine = logged("{ file = \"access.json\", format = \"json\" }", &origin);
    for request in REQUESTS {
        client::raw(engine.address(), request);
    }
    client::raw(engine.address(), b"\x01\x02 NONSENSE \"\\\xff\r\n\r\n");
    let lines = lines(&file(&engine, "access.json"), REQUESTS.len() + 1);
    let records: Vec<Value> =
        lines.iter().map(|line| serde_json::from_str(line).expect(line)).collect();
    let first = &records[0];
    for (name, expected) in [
        ("client", "127.0.0.1"),
        ("method", "GET"),
        ("host", "test"),
        ("uri", "/a?x=1"),
        ("protocol", "HTTP/1.1"),
        ("user_agent", "curl/8 (\"quoted\")"),
        ("upstream", "app"),
        ("upstream_addr", origin.address.to_string().as_str()),
        ("upstream_status", "200"),
    ] {
        assert_eq!(first[name], expected, "{name} of {first}");
    }
    assert_eq!((&first["status"], &first["body_bytes_sent"]), (&200.into(), &3.into()));
    assert!(first["request_time"].is_f64() && first["referer"].is_null(), "{first}");
    assert_eq!(records[2]["user"], "user");
    assert_eq!(records[3]["request_length"], REQUESTS[3].len());
    for (at, status) in [(1, 404), (5, 400), (6, 400)] {
        assert_eq!(records[at]["status"], status, "{}", records[at]);
    }
}

#[test]
fn a_format_of_ones_own_and_a_route_of_its_own() {
    let origin = origin();
    let format = "$request_method $uri $status $upstream_addr $upstream_status ${http_x_a} $arg_q $sent_http_content_length";
    let server = format!("access_log = {{ file = \"own.log\", format = \"{format}\" }}");
    let config = one_worker(&server, "", &[&origin]).replacen(
        "[[server.route]]",
        "[[server.route]]\npath = \"/quiet\"\nupstream = \"app\"\naccess_log = \"off\"\n\
         [[server.route]]\npath = \"/own\"\nrespond = { status = 418, body = \"tea\" }\n[[server.route]]",
        1,
    );
    let engine = Engine::start(&config);
    client::raw(
        engine.address(),
        b"GET /%61?q=7 HTTP/1.1\r\nHost: t\r\nX-A: \"b\\\r\nConnection: close\r\n\r\n",
    );
    client::get(engine.address(), "/quiet");
    client::get(engine.address(), "/own");
    client::get(engine.address(), "/last");
    let own = origin.address;
    assert_eq!(
        lines(&file(&engine, "own.log"), 3),
        [
            format!("GET /a 200 {own} 200 \\x22b\\x5C 7 3"),
            "GET /own 418 - - - - 3".to_owned(),
            format!("GET /last 200 {own} 200 - - 3"),
        ]
    );
}

#[test]
fn who_left_and_who_was_late_is_written_down() {
    let slow = Origin::by_hand(|stream| {
        let mut reader = BufReader::new(stream.try_clone().expect("a descriptor is free"));
        while crate::origin::read_request(&mut reader).is_some() {}
    });
    let keys = "header_timeout = \"300ms\"\naccess_log = { file = \"access.log\", format = \"$status $request\" }";
    let engine = Engine::start(&one_worker(keys, "", &[&slow]));
    let mut gone = connect(engine.address()).expect("the listener accepts");
    gone.write_all(b"GET /gone HTTP/1.1\r\nHost: test\r\n\r\n").expect("it reads");
    wait::until("the backend is asked", || (slow.accepted() > 0).then_some(()));
    drop(gone);
    client::raw(engine.address(), b"GET /late HTTP/1.1\r\nHost: te");
    let mut seen = lines(&file(&engine, "access.log"), 2);
    seen.sort();
    assert_eq!(seen, ["408 GET /late HTTP/1.1", "499 GET /gone HTTP/1.1"]);
}

#[test]
fn a_line_says_nothing_of_the_request_before() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let half_silent = Origin::by_hand(move |mut stream| {
        let mut reader = BufReader::new(stream.try_clone().expect("a descriptor is free"));
        while let Some(request) = crate::origin::read_request(&mut reader) {
            counted.fetch_add(1, Ordering::Relaxed);
            if request.head.contains("/first") {
                let answer =
                    b"HTTP/1.1 200 OK\r\nSet-Cookie: theirs\r\nContent-Length: 3\r\n\r\none";
                stream.write_all(answer).expect("the engine reads");
            }
        }
    });
    let format = "$status $sent_http_set_cookie $body_bytes_sent $request_length";
    let keys = format!(
        "body_max = \"1k\"\naccess_log = {{ file = \"access.log\", format = \"{format}\" }}"
    );
    let engine = Engine::start(&one_worker(&keys, "", &[&half_silent]));
    let first =
        "POST /first HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody";
    client::raw(engine.address(), first.as_bytes());
    let large = "POST /large HTTP/1.1\r\nHost: t\r\nContent-Length: 2000\r\n\r\n";
    client::raw(engine.address(), large.as_bytes());
    let mut gone = connect(engine.address()).expect("the listener accepts");
    let silent = "GET /gone HTTP/1.1\r\nHost: t\r\n\r\n";
    gone.write_all(silent.as_bytes()).expect("it reads");
    wait::until("it is asked", || (asked.load(Ordering::Relaxed) == 2).then_some(()));
    drop(gone);
    let seen = lines(&file(&engine, "access.log"), 3);
    assert_eq!(seen[0], format!("200 theirs 3 {}", first.len()));
    assert!(seen[1].starts_with("413 - ") && seen[1].ends_with(&format!(" {}", large.len())));
    assert_eq!(seen[2], format!("499 - 0 {}", silent.len()));
}

#[test]
fn rotation_under_load_loses_no_line() {
    let origin = origin();
    let config = one_worker(
        "access_log = { file = \"access.log\", format = \"$request_id $uri\" }",
        "",
        &[&origin],
    )
    .replacen("workers = 1", "workers = 2", 1);
    let engine = Engine::start(&config);
    let path = file(&engine, "access.log");
    let load = Load::start(engine.address(), "/load", 8);
    let mut parts = Vec::new();
    for number in 0..5 {
        let served = origin.served();
        wait::until("requests go on", || (origin.served() > served + 200).then_some(()));
        let moved = file(&engine, &format!("access.log.{number}"));
        fs::rename(&path, &moved).expect("the file is there");
        engine.ctl_ok(&["reopen"]);
        // From the answer on, nothing comes to the old one.
        parts.push((fs::read(&moved).expect("readable"), moved));
    }
    let outcome = load.stop();
    let mut engine = engine;
    assert!(engine.stop().success(), "{}", engine.log());
    let mut total = 0;
    for (then, moved) in &parts {
        assert_eq!(then, &fs::read(moved).expect("readable"), "{}", moved.display());
    }
    let files = parts.into_iter().map(|(_, moved)| moved).chain([path]);
    for path in files {
        let text = fs::read_to_string(&path).expect("text");
        assert!(text.ends_with('\n') && text.lines().all(|line| line.ends_with(" /load")));
        total += text.lines().count() as u64;
    }
    assert_eq!(outcome.failed, Vec::<String>::new());
    assert_eq!(total, origin.served(), "a line a request");
}

fn log_of_worker(engine: &Engine) -> Value {
    engine.status()["workers"][0]["log"].clone()
}

#[test]
fn a_full_disk_is_counted_and_shown_and_harms_no_request() {
    let origin = origin();
    let engine = logged("{ file = \"/dev/full\" }", &origin);
    for _ in 0..20 {
        assert_eq!(client::get(engine.address(), "/").status, 200);
    }
    let log = wait::until("the loss is shown", || {
        let log = log_of_worker(&engine);
        (log["dropped"] == 20).then_some(log)
    });
    assert_eq!((&log["lines"], &log["is_failing"]), (&0.into(), &true.into()));
    assert_eq!(log["last_error"], "no space left on device");
    assert!(log["errors"].as_u64() > Some(0));
    assert_eq!(engine.log().matches("write /dev/full").count(), 1, "{}", engine.log());
    assert!(engine.ctl_ok(&["status"]).contains("no space left"));
}

#[test]
fn a_pipe_that_nobody_reads_holds_up_nothing() {
    let origin = origin();
    let config = one_worker("access_log = { file = \"pipe\" }", "", &[&origin]);
    let engine = Engine::start_in(&config, |folder| {
        let made = Command::new("mkfifo").arg(folder.join("pipe")).status();
        assert!(made.is_ok_and(|status| status.success()));
    });
    let mut reader = BufReader::new(connect(engine.address()).expect("the listener accepts"));
    for _ in 0..20 {
        reader.get_mut().write_all(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n").expect("still open");
        assert_eq!(read_response(&mut reader).expect("an answer").status, 200);
    }
    wait::until("the loss is shown", || {
        (log_of_worker(&engine)["dropped"].as_u64() > Some(0)).then_some(())
    });
    // Whoever comes to read gets what is written from then on.
    let pipe = fs::OpenOptions::new().read(true).write(true).open(file(&engine, "pipe"));
    let mut pipe = BufReader::new(pipe.expect("the pipe is there"));
    engine.ctl_ok(&["reopen"]);
    client::get(engine.address(), "/read");
    let mut line = String::new();
    std::io::BufRead::read_line(&mut pipe, &mut line).expect("a line");
    assert!(line.contains("\"GET /read HTTP/1.1\" 200"), "{line}");
}

#[test]
fn a_reload_moves_the_log_and_a_stop_writes_the_last_line() {
    let origin = origin();
    let config =
        |name: &str| one_worker(&format!("access_log = {{ file = \"{name}\" }}"), "", &[&origin]);
    let mut engine = Engine::start(&config("one.log"));
    client::get(engine.address(), "/1");
    engine.rewrite_config(&config("two.log"));
    engine.ctl_ok(&["reload"]);
    wait::until("the new generation serves", || {
        (engine.status()["workers"][0]["generation"] == 2).then_some(())
    });
    client::get(engine.address(), "/2");
    assert!(engine.stop().success());
    let read = |name| fs::read_to_string(file(&engine, name)).expect("text");
    assert!(read("one.log").contains("GET /1") && !read("one.log").contains("GET /2"));
    assert!(read("two.log").contains("GET /2"));
}

#[test]
fn what_is_cut_at_the_end_of_a_stop_is_logged() {
    let (asked, was_asked) = std::sync::mpsc::channel();
    let origin = Origin::by_hand(move |stream| {
        let mut reader = BufReader::new(stream);
        if crate::origin::read_request(&mut reader).is_some() {
            asked.send(()).expect("the test waits");
            let _end = std::io::Read::read(&mut reader, &mut [0]);
        }
    });
    let keys = "access_log = { file = \"access.log\", format = \"$status $request\" }";
    let soon = "workers = 1\nshutdown_timeout = \"300ms\"";
    let mut engine =
        Engine::start(&one_worker(keys, "", &[&origin]).replacen("workers = 1", soon, 1));
    let mut client = connect(engine.address()).expect("the listener accepts");
    client.write_all(b"GET /held HTTP/1.1\r\nHost: test\r\n\r\n").expect("the proxy reads");
    was_asked.recv().expect("it arrives");
    engine.stop();
    let answer = read_response(&mut BufReader::new(client)).expect("a word at the end");
    assert_eq!((answer.status, answer.header("connection")), (503, Some("close")));
    assert_eq!(lines(&file(&engine, "access.log"), 1), ["503 GET /held HTTP/1.1"]);
}

#[test]
fn a_reopen_that_fails_says_so() {
    let origin = origin();
    let engine = Engine::start_in(
        &one_worker("access_log = { file = \"{folder}/logs/access.log\" }", "", &[&origin]),
        |folder| fs::create_dir(folder.join("logs")).expect("the folder is ours"),
    );
    engine.ctl_ok(&["reopen"]);
    fs::remove_dir_all(file(&engine, "logs")).expect("it is ours");
    let said = engine.ctl(&["reopen"]);
    let text = String::from_utf8_lossy(&said.stderr).into_owned();
    assert_eq!(said.status.code(), Some(1), "{text}");
    assert!(text.contains("could not open all log files again (No such file"), "{text}");
}

#[test]
fn what_was_not_there_is_not_an_earlier_requests() {
    let origin = origin();
    let keys = "request_buffering = true\nbody_max = \"1MB\"\naccess_log = { file = \"access.log\", \
                format = \"$request_length $upstream_bytes_received $status\" }";
    let engine = Engine::start(&one_worker(keys, "", &[&origin]));
    let body = "x".repeat(200_000);
    let request = |length: usize| {
        format!(
            "POST / HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
        )
    };
    let head = request(body.len());
    client::raw(engine.address(), format!("{head}{body}").as_bytes());
    engine.ctl_ok(&["backend", "down", &format!("app/{}", origin.address)]);
    client::get(engine.address(), "/");
    let found = lines(&file(&engine, "access.log"), 2);
    assert!(found[0].starts_with(&format!("{} ", head.len() + body.len())), "{found:?}");
    assert_eq!(found[1].split(' ').nth(1), Some("0"), "{found:?}");
}

//! Sticky cookies: a client comes back to its backend for as long as that takes it, whichever worker
//! it meets.

use std::net::SocketAddr;

use crate::client::{self, Load, Response};
use crate::engine::Engine;
use crate::origin::{self, Origin};
use crate::proxy::site;
use crate::wait;

/// One request with a cookie, on a connection of its own: any worker may get it.
fn ask(address: SocketAddr, cookie: &str) -> Response {
    let request = format!(
        "GET / HTTP/1.1\r\nHost: test\r\nCookie: theme=dark; {cookie}\r\nConnection: close\r\n\r\n"
    );
    let answer = client::raw(address, request.as_bytes());
    client::read_response(&mut answer.as_bytes()).expect("an answer")
}

/// The cookie that a response sets, without its attributes.
fn cookie(response: &Response) -> Option<String> {
    response.header("set-cookie").map(|line| line.split(';').next().unwrap_or(line).to_owned())
}

fn three() -> [Origin; 3] {
    [Origin::named("1"), Origin::named("2"), Origin::named("3")]
}

fn start(keys: &str, origins: &[Origin; 3]) -> Engine {
    let config = site(keys, &[&origins[0], &origins[1], &origins[2]]);
    Engine::start(&config.replacen("workers = 2", "workers = 3", 1))
}

fn name(origin: &Origin) -> String {
    format!("app/{}", origin.address)
}

#[test]
fn a_client_stays_with_its_backend_over_all_workers() {
    let origins = three();
    let engine = start("sticky = { cookie = \"srv\" }", &origins);
    let first = client::get(engine.address(), "/");
    let line = first.header("set-cookie").expect("a new client gets one").to_owned();
    assert!(line.starts_with("srv=") && line.ends_with("; path=/"), "{line}");
    let value = cookie(&first).expect("a cookie");
    assert_eq!(value.len(), "srv=".len() + 32, "a digest of the address: {value}");
    for _ in 0..20 {
        let again = ask(engine.address(), &value);
        assert_eq!(again.text(), first.text());
        assert_eq!(again.header("set-cookie"), None, "it has it already");
    }
    let others: String = (0..12).map(|_| client::get(engine.address(), "/").text()).collect();
    assert!(["1", "2", "3"].iter().all(|name| others.contains(name)), "{others}");

    let unknown = ask(engine.address(), "srv=0123456789abcdef0123456789abcdef");
    assert!(cookie(&unknown).is_some(), "one that leads nowhere is replaced");
    let status = engine.status();
    let sticky = &status["upstreams"][0]["sticky"];
    assert_eq!((&sticky["by"], &sticky["name"]), (&"cookie".into(), &"srv".into()), "{status}");
}

/// The value is nginx's: MD5 of the printed address.
#[test]
fn values_are_nginxs_or_the_files_own() {
    let origins = three();
    let keys =
        "sticky = { cookie = \"srv\", max_age = \"1h\", http_only = true, same_site = \"lax\" }";
    let mut config = site(keys, &[&origins[0], &origins[1], &origins[2]]);
    let own = format!("address = \"{}\"", origins[0].address);
    config = config.replace(&own, &format!("{own}\nroute = \"alpha\""));
    let engine = Engine::start(&config);
    let mut seen = std::collections::BTreeMap::new();
    for _ in 0..3 {
        let answer = client::get(engine.address(), "/");
        seen.insert(answer.text(), answer.header("set-cookie").unwrap_or_default().to_owned());
    }
    let attributes = "; max-age=3600; httponly; samesite=lax; path=/";
    assert_eq!(seen["1"], format!("srv=alpha{attributes}"));
    for (at, name) in [(1, "2"), (2, "3")] {
        let digest = md5(&origins[at].address.to_string());
        assert_eq!(seen[name], format!("srv={digest}{attributes}"));
    }
    let again = ask(engine.address(), "srv=alpha");
    assert_eq!(again.text(), "1");
    assert!(cookie(&again).is_some(), "its age counts from the last response");
}

/// By the system's own tool.
fn md5(text: &str) -> String {
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    let mut tool = Command::new("md5sum")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("coreutils are there");
    tool.stdin.take().expect("piped").write_all(text.as_bytes()).expect("it reads");
    let output = tool.wait_with_output().expect("it ends");
    String::from_utf8_lossy(&output.stdout).chars().take(32).collect()
}

#[test]
fn a_client_moves_when_its_backend_cannot_take_it() {
    let origins = three();
    let engine = start("sticky = { cookie = \"srv\" }", &origins);
    let first = client::get(engine.address(), "/");
    let value = cookie(&first).expect("a cookie");
    let own = origins.iter().position(|it| first.text() == it_name(&origins, it)).expect("one");
    engine.ctl_ok(&["backend", "drain", &name(&origins[own])]);
    let moved = ask(engine.address(), &value);
    assert_ne!(moved.text(), first.text());
    let new = cookie(&moved).expect("the new one's");
    assert_eq!(ask(engine.address(), &new).text(), moved.text());
    engine.ctl_ok(&["backend", "enable", &name(&origins[own])]);
    assert_eq!(ask(engine.address(), &value).text(), first.text(), "the old one is good again");
}

fn it_name(origins: &[Origin; 3], origin: &Origin) -> String {
    let at = origins.iter().position(|it| it.address == origin.address).expect("one of them");
    (at + 1).to_string()
}

#[test]
fn followers_stay_while_their_backend_drains() {
    let origins = three();
    let keys = "drain_timeout = \"4s\"\nsticky = { cookie = \"srv\", on_drain = \"follow\" }";
    let engine = start(keys, &origins);
    let first = client::get(engine.address(), "/");
    let value = cookie(&first).expect("a cookie");
    let own: usize = first.text().parse::<usize>().expect("a number") - 1;
    engine.ctl_ok(&["backend", "drain", &name(&origins[own])]);
    let state = || {
        let row = engine.backend("app", &origins[own].address.to_string());
        row["state"].as_str().unwrap_or_default().to_owned()
    };
    let load = Load::start(engine.address(), "/", 2);
    let mut followed = 0;
    wait::until("the drain's time is over", || {
        let answer = ask(engine.address(), &value);
        if state() == "draining" {
            assert_eq!(answer.text(), first.text(), "it follows");
            followed += 1;
        }
        (state() == "drained").then_some(())
    });
    assert!(followed > 0, "the drain was over at once");
    let moved = ask(engine.address(), &value);
    assert_ne!(moved.text(), first.text());
    assert!(cookie(&moved).is_some());
    let tally = load.stop();
    assert_eq!(tally.failed, Vec::<String>::new());
    assert!(!tally.by_backend.contains_key(&first.text()), "who was not bound went elsewhere");
}

/// A backend that opens a session for who brings none, in a header and a cookie.
fn keeping_sessions(name: &'static str) -> Origin {
    Origin::scripted(move |request| {
        if request.header("x-session").is_some() || request.header("cookie").is_some() {
            return origin::ok(name);
        }
        let number = request.header("x-number").unwrap_or_default();
        let fields = format!(
            "X-Session: s{number}\r\nSet-Cookie: other=1\r\nSet-Cookie: SID=s{number}; path=/; SID=no\r\n"
        );
        let text = format!("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n{fields}\r\n{name}");
        text.into_bytes()
    })
}

#[test]
fn sessions_are_learned_from_responses() {
    for (keys, line) in
        [("header = \"X-Session\"", "X-Session: "), ("learn = \"SID\"", "Cookie: SID=")]
    {
        let origins = [keeping_sessions("1"), keeping_sessions("2"), keeping_sessions("3")];
        let engine = start(&format!("sticky = {{ {keys} }}"), &origins);
        let ask = |line: String| {
            let request =
                format!("GET / HTTP/1.1\r\nHost: test\r\n{line}\r\nConnection: close\r\n\r\n");
            let answer = client::raw(engine.address(), request.as_bytes());
            client::read_response(&mut answer.as_bytes()).expect("an answer").text()
        };
        let owners: Vec<String> =
            (0..30).map(|number| ask(format!("X-Number: {number}"))).collect();
        assert!(["1", "2", "3"].iter().all(|name| owners.iter().any(|owner| owner == name)));
        for _ in 0..3 {
            for (number, owner) in owners.iter().enumerate() {
                assert_eq!(&ask(format!("{line}s{number}")), owner, "{keys}: session {number}");
            }
        }
        let strangers: String = (0..6).map(|_| ask(format!("{line}nobody"))).collect();
        assert!(["1", "2", "3"].iter().all(|name| strangers.contains(name)), "{strangers}");
        let own: usize = owners[0].parse::<usize>().expect("a number") - 1;
        engine.ctl_ok(&["backend", "down", &name(&origins[own])]);
        assert_ne!(ask(format!("{line}s0")), owners[0]);
        engine.ctl_ok(&["backend", "enable", &name(&origins[own])]);
        assert_eq!(ask(format!("{line}s0")), owners[0], "the same life still knows it");
    }
}

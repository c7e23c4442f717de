//! What is told of a drain while it lasts, and its end: by itself, by its time limit, or taken back.

use std::io::{BufReader, Write};
use std::net::TcpStream;

use serde_json::Value;

use crate::client;
use crate::engine::Engine;
use crate::origin::{self, Origin};
use crate::proxy::site;
use crate::wait;

/// Switches for `/ws`, begins a response and leaves it at that for `/begun`, answers `/` and says
/// nothing to the rest, until the proxy closes.
fn slow() -> Origin {
    Origin::by_hand(|stream| {
        let mut reader = BufReader::new(stream);
        while let Some(request) = origin::read_request(&mut reader) {
            let path = request.head.split(' ').nth(1).unwrap_or("").to_owned();
            let answer = match path.as_str() {
                "/ws" => "HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n",
                "/begun" => "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegun",
                "/" => "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow",
                _ => continue,
            };
            if reader.get_mut().write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    })
}

fn ask(engine: &Engine, path: &str, more: &str) -> TcpStream {
    let mut stream = client::connect(engine.address()).expect("the listener accepts");
    let head = format!("GET {path} HTTP/1.1\r\nHost: test\r\n{more}\r\n");
    stream.write_all(head.as_bytes()).expect("the proxy reads");
    stream
}

fn upgraded(engine: &Engine) -> TcpStream {
    let stream = ask(engine, "/ws", "Connection: upgrade\r\nUpgrade: echo\r\n");
    let head = client::read_head(&mut BufReader::new(stream.try_clone().expect("a descriptor")));
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    stream
}

fn row(engine: &Engine, origin: &Origin) -> Value {
    engine.backend("app", &origin.address.to_string())
}

fn wait_for_active(engine: &Engine, origin: &Origin, active: u64) {
    wait::until("all of it is in flight", || {
        (row(engine, origin)["active"] == active).then_some(())
    });
}

#[test]
fn a_drain_tells_what_is_left_and_ends_by_itself() {
    let slow = slow();
    let engine = Engine::start(&site("retries = 0", &[&slow]));
    let requests = [ask(&engine, "/hold", ""), ask(&engine, "/hold", "")];
    let upgraded = upgraded(&engine);
    wait_for_active(&engine, &slow, 3);
    let place = format!("app/{}", slow.address);
    let told = engine.ctl_ok(&["backend", "drain", &place]);
    assert!(told.contains("draining, 3 requests in flight"), "{told}");

    // The oldest is looked for by the workers, and grows older.
    let age = wait::until("the oldest request's age is known", || {
        row(&engine, &slow)["drain"]["oldest_ms"].as_u64()
    });
    wait::until("it grows older", || {
        (row(&engine, &slow)["drain"]["oldest_ms"].as_u64() > Some(age)).then_some(())
    });
    let drain = row(&engine, &slow)["drain"].clone();
    assert_eq!((&drain["in_flight"], &drain["upgraded"]), (&2.into(), &1.into()), "{drain}");
    assert_eq!((&drain["active_at_start"], &drain["picks"]), (&3.into(), &0.into()), "{drain}");
    assert_eq!(drain["eta_ms"], Value::Null, "who knows when an upgraded connection ends: {drain}");
    assert!(drain["deadline_ms"].as_u64() > drain["since_ms"].as_u64(), "{drain}");
    assert!(client::get(engine.address(), "/").status == 502, "nobody else is there");

    // It is waited for until the last one has left.
    let mut waiting = engine.ctl_begin(&["backend", "drain", &place, "--wait"]);
    drop(upgraded);
    wait::until("the upgraded one has left", || {
        let drain = &row(&engine, &slow)["drain"];
        (drain["upgraded"] == 0 && drain["in_flight"] == 2).then_some(())
    });
    assert_eq!(waiting.try_wait().expect("our own child"), None, "two requests are left");
    drop(requests);
    let status = wait::until("the wait is over", || waiting.try_wait().expect("our own child"));
    assert_eq!(status.code(), Some(0));
    let left = row(&engine, &slow);
    assert_eq!(
        (&left["state"], &left["drain"], &left["cuts"]),
        (&"drained".into(), &Value::Null, &0.into())
    );
}

#[test]
fn what_is_left_at_the_limit_is_cut_counted_and_told() {
    let slow = slow();
    let engine = Engine::start(&site("retries = 0", &[&slow]));
    let silent = ask(&engine, "/hold", "");
    let mut begun = BufReader::new(ask(&engine, "/begun", ""));
    let head = client::read_head(&mut begun);
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let mut word = [0; 5];
    std::io::Read::read_exact(&mut begun, &mut word).expect("the beginning of the body");
    let mut switched = upgraded(&engine);
    wait_for_active(&engine, &slow, 3);
    let place = format!("app/{}", slow.address);
    let output = engine.ctl(&["backend", "drain", &place, "--timeout", "50ms", "--wait"]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("out of time, 3 cut"), "{told}");

    let answer = client::read_response(&mut BufReader::new(silent)).expect("an answer of our own");
    assert_eq!(answer.status, 504);
    let mut rest = Vec::new();
    let _reset_is_an_end_too = std::io::Read::read_to_end(&mut begun, &mut rest);
    assert!(rest.is_empty(), "{rest:?}");
    let _reset_is_an_end_too = std::io::Read::read_to_end(&mut switched, &mut rest);
    assert!(rest.is_empty(), "{rest:?}");
    let left = row(&engine, &slow);
    assert_eq!(
        (&left["state"], &left["active"], &left["cuts"]),
        (&"drained".into(), &0.into(), &3.into())
    );
    let events = engine.ctl_ok(&["events"]);
    assert!(events.contains("out of time, 3 cut"), "{events}");

    // Back in rotation, it serves as before.
    engine.ctl_ok(&["backend", "enable", &place]);
    assert_eq!(client::get(engine.address(), "/").text(), "slow");
}

#[test]
fn a_cut_request_goes_elsewhere_when_it_can() {
    let (slow, other) = (slow(), Origin::named("other"));
    let engine = Engine::start(&site("", &[&slow, &other]));
    engine.ctl_ok(&["backend", "down", &format!("app/{}", other.address)]);
    let silent = ask(&engine, "/hold", "");
    wait_for_active(&engine, &slow, 1);
    engine.ctl_ok(&["backend", "enable", &format!("app/{}", other.address)]);
    let place = format!("app/{}", slow.address);
    // Removed by force: the wait fails, but it is gone.
    let output = engine.ctl(&["backend", "remove", &place, "--timeout", "10ms", "--wait"]);
    assert_eq!(output.status.code(), Some(1));
    let answer = client::read_response(&mut BufReader::new(silent)).expect("an answer");
    assert_eq!(answer.text(), "other");
    assert!(row(&engine, &slow).is_null());
    assert_eq!(row(&engine, &other)["failures"], 0);
}

#[test]
fn a_drain_taken_back_ends_no_request() {
    let slow = slow();
    let engine = Engine::start(&site("retries = 0", &[&slow]));
    let silent = ask(&engine, "/hold", "");
    wait_for_active(&engine, &slow, 1);
    let place = format!("app/{}", slow.address);
    let mut waiting = engine.ctl_begin(&["backend", "drain", &place, "--wait"]);
    wait::until("it drains", || (row(&engine, &slow)["state"] == "draining").then_some(()));
    engine.ctl_ok(&["backend", "enable", &place]);
    let status = wait::until("the wait is over", || waiting.try_wait().expect("our own child"));
    assert_eq!(status.code(), Some(1), "there is nothing to wait for");
    assert_eq!(client::get(engine.address(), "/").text(), "slow");
    let left = row(&engine, &slow);
    assert_eq!(
        (&left["state"], &left["active"], &left["cuts"]),
        (&"up".into(), &1.into(), &0.into())
    );
    drop(silent);
}

#[test]
fn sessions_of_a_tcp_route_drain_like_upgraded_connections() {
    let mirror = Origin::by_hand(|mut stream| {
        let mut back = stream.try_clone().expect("a descriptor is free");
        let _the_client_may_leave = std::io::copy(&mut stream, &mut back);
    });
    let other = Origin::named("other");
    let backend =
        |origin: &Origin| format!("[[upstream.app.backend]]\naddress = \"{}\"\n", origin.address);
    let engine = Engine::start(&format!(
        "[engine]\nworkers = 2\n[[stream]]\nlisten = [\"{{listen}}\"]\nupstream = \"app\"\n\
         [upstream.app]\n{}{}",
        backend(&mirror),
        backend(&other)
    ));
    engine.ctl_ok(&["backend", "down", &format!("app/{}", other.address)]);
    let mut session = client::connect(engine.address()).expect("the listener accepts");
    session.write_all(b"ping").expect("open");
    let mut answer = [0; 4];
    std::io::Read::read_exact(&mut session, &mut answer).expect("the mirror answers");
    let places = [&mirror, &other].map(|origin| format!("app/{}", origin.address));
    engine.ctl_ok(&["backend", "drain", &places[0], &places[1]]);
    let drain = row(&engine, &mirror)["drain"].clone();
    assert_eq!((&drain["in_flight"], &drain["upgraded"]), (&0.into(), &1.into()), "{drain}");
    let output = engine.ctl(&["backend", "drain", &places[0], "--timeout", "1ms", "--wait"]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("out of time, 1 cut"), "{told}");
    let _reset_is_an_end_too = std::io::Read::read(&mut session, &mut answer);
    assert_eq!(
        (&row(&engine, &mirror)["active"], &row(&engine, &other)["state"]),
        (&0.into(), &"drained".into())
    );
}

#[test]
fn the_console_shows_a_drain_and_cuts_it_when_told() {
    let (slow, other) = (slow(), Origin::named("other"));
    let engine = Engine::start(&site("retries = 0", &[&slow, &other]));
    let places = [&slow, &other].map(|origin| format!("app/{}", origin.address));
    engine.ctl_ok(&["backend", "down", &places[1]]);
    let silent = ask(&engine, "/hold", "");
    wait_for_active(&engine, &slow, 1);
    engine.ctl_ok(&["backend", "enable", &places[1]]);
    let mut screen = engine.console(&[]);
    screen.wait("attached", |text| text.contains("LIVE") && text.contains("operate"));
    screen.press("2");
    let name = slow.address.to_string();
    screen.wait("the backends", |text| text.contains(&name));
    screen.press("j");
    screen.wait("the cursor is on the first backend", |text| {
        text.lines().any(|line| line.starts_with('▌') && line.contains(&name))
    });
    screen.press("d");
    screen.wait("the drain's panel, with an age", |text| {
        text.contains(&format!("Drain {}", places[0]))
            && text.contains("in flight")
            && text.lines().any(|line| line.contains("oldest ") && line.contains("s   leaving"))
    });
    screen.press("D");
    screen.wait("a question", |text| text.contains("is cut at once"));
    screen.press("y");
    wait::until("it is cut", || {
        let row = row(&engine, &slow);
        (row["state"] == "drained" && row["cuts"] == 1).then_some(())
    });
    let answer = client::read_response(&mut BufReader::new(silent)).expect("an answer of our own");
    assert_eq!(answer.status, 504);
}

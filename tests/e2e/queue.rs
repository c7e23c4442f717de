//! Requests that wait for room: in one line over all workers, bounded in number and time.

use std::io::Write as _;
use std::net::TcpStream;
use std::sync::Arc;

use serde_json::Value;

use crate::capacity::{Busy, begin, bounded, crowd, holding};
use crate::client::{self, Response, connect};
use crate::engine::{Engine, signal};
use crate::origin::Origin;
use crate::{ports, wait};

const ONE: &str = "max_conns = 1";

fn queue(engine: &Engine) -> Value {
    engine.status()["upstreams"][0]["queue"].clone()
}

fn queued(engine: &Engine) -> u64 {
    queue(engine)["queued"].as_u64().expect("a queue is configured")
}

#[track_caller]
fn wait_for_queued(engine: &Engine, count: u64) {
    wait::until("so many wait", || (queued(engine) == count).then_some(()));
}

/// An engine whose only backend holds a request, and that request.
fn with_one_held(
    keys: &str,
) -> (Engine, Origin, Arc<std::sync::Barrier>, std::thread::JoinHandle<Response>) {
    let (origin, gate) = holding();
    let engine = Engine::start(&bounded(keys, ONE, &[&origin]));
    let held = begin(engine.address(), "/hold");
    wait::until("one is held", || (origin.served() == 1).then_some(()));
    (engine, origin, gate, held)
}

#[test]
fn under_load_everybody_is_served_and_no_bound_is_broken() {
    let backends = [Busy::new(3), Busy::new(3)];
    let config = bounded(
        "queue = { length = 100 }",
        "max_conns = 3",
        &[&backends[0].origin, &backends[1].origin],
    );
    let engine = Engine::start(&config.replacen("workers = 2", "workers = 4", 1));
    let statuses = crowd(engine.address(), 24, 40);
    assert_eq!(statuses, vec![200; 24 * 40]);
    assert_eq!(backends.each_ref().map(Busy::most), [3, 3]);
    let queue = queue(&engine);
    assert_eq!(queue["queued"], 0, "{queue}");
    assert_eq!((&queue["overflows"], &queue["timeouts"]), (&0.into(), &0.into()), "{queue}");
}

#[test]
fn first_come_first_served_over_all_workers() {
    let (origin, gate) = holding();
    let config = bounded("queue = { length = 50 }", ONE, &[&origin]);
    let engine = Engine::start(&config.replacen("workers = 2", "workers = 3", 1));
    let held = begin(engine.address(), "/hold");
    wait::until("one is held", || (origin.served() == 1).then_some(()));
    let waiting: Vec<_> = (0..20)
        .map(|number| {
            let waiting = begin(engine.address(), &format!("/{number}"));
            wait_for_queued(&engine, number + 1);
            waiting
        })
        .collect();
    gate.wait();
    assert_eq!(held.join().expect("answered").status, 200);
    assert!(waiting.into_iter().all(|waiting| waiting.join().expect("answered").status == 200));
    let order: Vec<String> = origin.seen().iter().skip(1).map(|seen| path(&seen.head)).collect();
    let expected: Vec<String> = (0..20).map(|number| format!("/{number}")).collect();
    assert_eq!(order, expected);
    assert_eq!(queued(&engine), 0);
}

fn path(head: &str) -> String {
    head.split(' ').nth(1).unwrap_or_default().to_owned()
}

#[test]
fn a_full_queue_and_a_late_request_are_503() {
    let (engine, origin, gate, held) = with_one_held("queue = { length = 2, timeout = \"5s\" }");
    let waiting = [begin(engine.address(), "/1"), begin(engine.address(), "/2")];
    wait_for_queued(&engine, 2);
    let third = client::get(engine.address(), "/3");
    assert_eq!(third.status, 503);
    assert_eq!(queue(&engine)["overflows"], 1);
    let statuses = waiting.map(|waiting| waiting.join().expect("answered").status);
    assert_eq!(statuses, [503, 503]);
    assert_eq!((&queue(&engine)["timeouts"], queued(&engine)), (&2.into(), 0));
    assert!(engine.log().contains("answering 503"), "{}", engine.log());
    gate.wait();
    assert_eq!(held.join().expect("answered").status, 200);
    assert_eq!(origin.served(), 1, "nobody else was let in");
    assert_eq!(client::get(engine.address(), "/").status, 200);
    let list = engine.ctl_ok(&["upstream", "list"]);
    assert!(list.contains("0/2"), "{list}");
}

#[test]
fn a_client_that_leaves_is_taken_out_of_the_line() {
    let (engine, origin, gate, held) = with_one_held("queue = { length = 5 }");
    let leaving: Vec<TcpStream> = (0..3)
        .map(|number| {
            let mut client = connect(engine.address()).expect("the listener accepts");
            client.write_all(b"GET /left HTTP/1.1\r\nHost: test\r\n\r\n").expect("open");
            wait_for_queued(&engine, number + 1);
            client
        })
        .collect();
    let staying = begin(engine.address(), "/stays");
    wait_for_queued(&engine, 4);
    drop(leaving);
    wait_for_queued(&engine, 1);
    gate.wait();
    assert_eq!(held.join().expect("answered").status, 200);
    assert_eq!(staying.join().expect("answered").status, 200);
    let seen: Vec<String> = origin.seen().iter().map(|seen| path(&seen.head)).collect();
    assert_eq!(seen, ["/hold", "/stays"]);
    let requests = engine.ctl_ok(&["requests", "--json"]);
    assert_eq!(requests.matches("\"status\":499").count(), 3, "{requests}");
}

#[test]
fn what_becomes_of_the_backend_reaches_those_that_wait() {
    let (origin, gate) = holding();
    let other = Origin::named("other");
    let mut config = bounded("queue = { length = 5 }", ONE, &[&origin, &other]);
    config.push_str("down = true\n");
    let engine = Engine::start(&config);
    let name = |origin: &Origin| format!("app/{}", origin.address);
    let held = begin(engine.address(), "/hold");
    wait::until("one is held", || (origin.served() == 1).then_some(()));
    let waiting = begin(engine.address(), "/");
    wait_for_queued(&engine, 1);
    engine.ctl_ok(&["backend", "enable", &name(&other)]);
    assert_eq!(waiting.join().expect("answered").text(), "other", "room by another backend");

    engine.ctl_ok(&["backend", "down", &name(&other)]);
    let waiting = begin(engine.address(), "/");
    wait_for_queued(&engine, 1);
    engine.ctl_ok(&["backend", "drain", &name(&origin)]);
    assert_eq!(waiting.join().expect("answered").status, 502, "nobody is left to wait for");
    gate.wait();
    assert_eq!(held.join().expect("answered").status, 200);
}

#[test]
fn a_reload_and_a_stop_lose_nobody_in_the_line() {
    let (mut engine, origin, gate, held) = with_one_held("queue = { length = 5 }");
    let first = begin(engine.address(), "/1");
    wait_for_queued(&engine, 1);
    engine.rewrite_config(&bounded("queue = { length = 1 }", ONE, &[&origin]));
    engine.ctl_ok(&["reload"]);
    wait::until("the new bound is shown", || (queue(&engine)["length"] == 1).then_some(()));
    assert_eq!(queued(&engine), 1);
    wait::until("it holds", || (client::get(engine.address(), "/2").status == 503).then_some(()));
    signal(engine.keeper_pid(), "TERM");
    wait::until("the workers stop", || {
        let status = engine.try_status();
        status.is_none_or(|it| it["workers"][0]["state"] == "stopping").then_some(())
    });
    gate.wait();
    assert_eq!(held.join().expect("answered").status, 200);
    assert_eq!(first.join().expect("answered").status, 200);
    assert!(engine.ended().success());
}

#[test]
fn a_killed_worker_leaves_nobody_in_the_line() {
    let (engine, _origin, gate, held) = with_one_held("queue = { length = 50 }");
    let waiting: Vec<_> = (0..8)
        .map(|number| {
            let waiting = begin(engine.address(), "/");
            wait_for_queued(&engine, number + 1);
            waiting
        })
        .collect();
    signal(least_busy_worker(&engine), "KILL");
    gate.wait();
    let _held_by_whichever = held.join();
    let statuses: Vec<u16> =
        waiting.into_iter().map(|waiting| waiting.join().expect("it ends").status).collect();
    // The dead one's have lost their connection, without a word.
    assert!(statuses.iter().all(|status| [0, 200].contains(status)), "{statuses:?}");
    assert!(statuses.contains(&200), "{statuses:?}");
    wait_for_queued(&engine, 0);
    assert_eq!(client::get(engine.address(), "/").status, 200);
}

#[test]
fn a_new_master_and_new_workers_keep_the_line() {
    let backend = Busy::new(2);
    let config = bounded("queue = { length = 100 }", "max_conns = 2", &[&backend.origin]);
    let engine = Engine::start(&config);
    engine.replace_master();
    let before = engine.worker_pids();
    for pid in &before {
        signal(*pid, "KILL");
    }
    wait::until("other workers run", || {
        let status = engine.try_status()?;
        let workers = status["workers"].as_array()?;
        let is_new =
            |row: &Value| row["state"] == "running" && !before.iter().any(|pid| row["pid"] == *pid);
        (workers.len() == 2 && workers.iter().all(is_new)).then_some(())
    });
    assert_eq!(crowd(engine.address(), 16, 20), vec![200; 16 * 20]);
    assert_eq!((backend.most(), queued(&engine)), (2, 0));
}

/// The pid of the one with the fewest requests: others have some.
fn least_busy_worker(engine: &Engine) -> i32 {
    let status = engine.status();
    let workers = status["workers"].as_array().expect("a row a worker");
    let least = workers.iter().min_by_key(|row| row["connections"]["active"].as_u64());
    let pid = least.and_then(|row| row["pid"].as_i64()).expect("a worker");
    i32::try_from(pid).expect("pids are small")
}

#[test]
fn sessions_wait_and_are_bounded_too() {
    let origin = Origin::by_hand(|mut stream| {
        let mut back = stream.try_clone().expect("a descriptor is free");
        let _it_may_be_gone = back.write_all(b"hi\n");
        let _until_it_ends = std::io::copy(&mut stream, &mut back);
    });
    let other = ports::address();
    let engine = Engine::start(&format!(
        "[engine]\nworkers = 2\n[[stream]]\nlisten = [\"{{listen}}\"]\nupstream = \"app\"\n\
         [[stream]]\nlisten = [\"{other}\"]\nupstream = \"strict\"\n\
         [upstream.app]\nqueue = {{ length = 2 }}\n\
         [[upstream.app.backend]]\naddress = \"{0}\"\nmax_conns = 1\n\
         [upstream.strict]\n[[upstream.strict.backend]]\naddress = \"{0}\"\nmax_conns = 1\n",
        origin.address
    ));
    let greeting = |stream: &TcpStream| {
        let mut reader = std::io::BufReader::new(stream.try_clone().expect("a descriptor is free"));
        client::read_until(&mut reader, "hi\n")
    };
    let first = connect(engine.address()).expect("the listener accepts");
    greeting(&first);
    let second = connect(engine.address()).expect("the listener accepts");
    wait_for_queued(&engine, 1);
    let leaving = connect(engine.address()).expect("the listener accepts");
    wait_for_queued(&engine, 2);
    let beyond = client::raw(engine.address(), b"");
    assert_eq!(beyond, "", "closed at once: the queue is full");
    drop(leaving);
    wait_for_queued(&engine, 1);
    assert_eq!(origin.served(), 1);
    drop(first);
    greeting(&second);
    assert_eq!(queued(&engine), 0);

    let strict = other.parse().expect("an address");
    let held = connect(strict).expect("the listener accepts");
    greeting(&held);
    assert_eq!(client::raw(strict, b""), "", "no queue: closed at once");
}

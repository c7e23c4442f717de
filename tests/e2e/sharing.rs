//! How workers share the connections that come in: evenly, and never at a client's cost.

use std::io::{BufReader, Write as _};
use std::net::TcpStream;

use crate::client;
use crate::engine::{Engine, signal};
use crate::origin::Origin;
use crate::proxy::site;
use crate::wait;

/// A connection on which one request was served and that stays.
fn held(engine: &Engine) -> TcpStream {
    let mut client = client::connect(engine.address()).expect("the listener accepts");
    client.write_all(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n").expect("the proxy reads");
    let response = client::read_response(&mut BufReader::new(&client)).expect("an answer");
    assert_eq!(response.text(), "one");
    client
}

/// Of each worker.
pub(crate) fn connections(engine: &Engine) -> Vec<u64> {
    let status = engine.status();
    let workers = status["workers"].as_array().expect("a row a worker").iter();
    let count = |row: &serde_json::Value| {
        let connections = &row["connections"];
        connections["active"].as_u64().unwrap_or(0) + connections["idle"].as_u64().unwrap_or(0)
    };
    workers.map(count).collect()
}

#[test]
fn connections_that_stay_are_spread_evenly() {
    let origin = Origin::named("one");
    let engine = Engine::start(&site("", &[&origin]));
    wait::until("every worker serves", || {
        let status = engine.try_status()?;
        let workers = status["workers"].as_array()?;
        workers.iter().all(|worker| worker["state"] == "running").then_some(())
    });
    let clients: Vec<TcpStream> = (0..64).map(|_| held(&engine)).collect();
    let counts = connections(&engine);
    assert_eq!(counts.iter().sum::<u64>(), 64);
    // On a machine that is short of time, a worker may find nobody else awake now and then.
    assert!(counts.iter().all(|count| (8..=56).contains(count)), "{counts:?}");
    drop(clients);
}

#[test]
fn a_worker_that_hangs_delays_nobody() {
    let origin = Origin::named("one");
    let engine = Engine::start(&site("", &[&origin]));
    let hanging = engine.worker_pids()[0];
    signal(hanging, "STOP");
    let clients: Vec<TcpStream> = (0..64).map(|_| held(&engine)).collect();
    signal(hanging, "CONT");
    assert_eq!(client::get(engine.address(), "/").text(), "one");
    drop(clients);
}

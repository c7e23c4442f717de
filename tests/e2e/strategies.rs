//! Each strategy's promise, seen from outside, across several workers.

use std::net::SocketAddr;
use std::sync::{Arc, Barrier};

use crate::client::{self, Load};
use crate::engine::Engine;
use crate::origin::{self, Origin};
use crate::proxy::site;
use crate::wait;

/// One request per connection, so that the kernel spreads them over the workers.
fn sequence(address: SocketAddr, count: usize) -> String {
    (0..count).map(|_| client::get(address, "/").text()).collect()
}

#[test]
fn three_one_one_gives_12131_for_ever_across_workers() {
    let origins = [Origin::named("1"), Origin::named("2"), Origin::named("3")];
    let config = site("strategy = \"round_robin\"", &[&origins[0], &origins[1], &origins[2]])
        .replacen("workers = 2", "workers = 3", 1)
        .replacen("backend]]\n", "backend]]\nweight = 3\n", 1);
    let engine = Engine::start(&config);
    let expected = "12131".repeat(40);
    assert_eq!(sequence(engine.address(), 200), expected);
}

#[test]
fn round_robin_takes_turns_under_concurrent_load_too() {
    let origins = [Origin::named("1"), Origin::named("2"), Origin::named("3")];
    let engine = Engine::start(&site("", &[&origins[0], &origins[1], &origins[2]]));
    let load = Load::start(engine.address(), "/", 8);
    wait::until("1500 answers", || {
        (origins.iter().map(Origin::served).sum::<u64>() > 1500).then_some(())
    });
    let tally = load.stop();
    assert_eq!(tally.failed, Vec::<String>::new());
    let counts: Vec<u64> = tally.by_backend.values().copied().collect();
    let (least, most) = (counts.iter().min(), counts.iter().max());
    assert!(most.zip(least).is_some_and(|(most, least)| most - least <= 1), "{counts:?}");
}

#[test]
fn least_conn_avoids_the_busy_backend() {
    let hold = Arc::new(Barrier::new(2));
    let gate = Arc::clone(&hold);
    let busy = Origin::scripted(move |request| {
        if request.head.starts_with("GET /hold") {
            gate.wait();
        }
        origin::ok("busy")
    });
    let free = Origin::named("free");
    let engine = Engine::start(&site("strategy = \"least_conn\"", &[&busy, &free]));
    let address = engine.address();
    let held = std::thread::spawn(move || client::get(address, "/hold").text());
    wait::until("the backend holds one request", || (busy.served() == 1).then_some(()));
    assert_eq!(sequence(address, 10), "free".repeat(10));
    hold.wait();
    assert_eq!(held.join().expect("the held request is answered"), "busy");
}

#[test]
fn ip_hash_sends_a_network_to_one_backend_and_spreads_networks() {
    let origins = [Origin::named("1"), Origin::named("2"), Origin::named("3")];
    let config = site("strategy = \"ip_hash\"", &[&origins[0], &origins[1], &origins[2]]).replacen(
        "[[server.route]]",
        "real_ip = { from = [\"127.0.0.0/8\"], header = \"X-Forwarded-For\" }\n[[server.route]]",
        1,
    );
    let engine = Engine::start(&config);
    for network in 0..24_u32 {
        let client = format!("10.1.{network}");
        for host in [7, 8] {
            let request = format!(
                "GET / HTTP/1.1\r\nHost: test\r\nX-Forwarded-For: {client}.{host}\r\nConnection: close\r\n\r\n"
            );
            let answer = client::exchange(engine.address(), request.as_bytes()).expect("an answer");
            // nginx's ngx_http_upstream_get_ip_hash_peer: three octets, h = (h * 113 + octet) % 6271.
            let hash = [10, 1, network].iter().fold(89, |hash, octet| (hash * 113 + octet) % 6271);
            assert_eq!(answer.text(), (hash % 3 + 1).to_string(), "client {client}.{host}");
        }
    }
}

#[test]
fn a_dead_backend_costs_no_request_and_is_left_alone_for_its_window() {
    let alive = Origin::named("alive");
    let dead = Origin::scripted(|_| Vec::new());
    let engine = Engine::start(&site("retries = 1", &[&dead, &alive]));
    assert_eq!(sequence(engine.address(), 20), "alive".repeat(20));
    assert_eq!(dead.served(), 1, "max_fails = 1: one failure, then none within fail_timeout");
    let row = engine.backend("app", &dead.address.to_string());
    assert_eq!(row["state"], "failed", "{row}");
}

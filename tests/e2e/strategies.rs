//! Each strategy's promise, seen from outside, across several workers.

#![expect(clippy::disallowed_methods, reason = "a slow backend measures its time")]

use std::net::SocketAddr;
use std::sync::{Arc, Barrier, Mutex};
use std::time::{Duration, Instant};

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

/// A site of three workers before backends that are named `1`, `2` and so on.
fn three_workers(keys: &str, origins: &[&Origin]) -> String {
    site(keys, origins).replacen("workers = 2", "workers = 3", 1)
}

#[test]
fn a_key_has_one_backend_across_workers_and_beside_a_failure() {
    let origins = ["1", "2", "3", "4"].map(Origin::named);
    for strategy in ["hash", "hash_consistent"] {
        let keys = format!("strategy = \"{strategy}\"\nhash_key = \"$arg_key\"");
        let all: Vec<&Origin> = origins.iter().collect();
        let engine = Engine::start(&three_workers(&keys, &all));
        let owners = || -> Vec<String> {
            let path = |key: u32| format!("/?other={key}&key=k{key}");
            (0..24).map(|key| client::get(engine.address(), &path(key)).text()).collect()
        };
        let first = owners();
        let met: std::collections::BTreeSet<&String> = first.iter().collect();
        assert!(met.len() >= 3, "{strategy}: {first:?}");
        assert_eq!(owners(), first, "{strategy}");
        let backend = format!("app/{}", origins[0].address);
        engine.ctl_ok(&["backend", "down", &backend]);
        for (was, is) in first.iter().zip(owners()) {
            assert!(if was == "1" { is != "1" } else { is == *was }, "{strategy}: {was} {is}");
        }
        engine.ctl_ok(&["backend", "enable", &backend]);
        assert_eq!(owners(), first, "{strategy}: everyone is back");
    }
}

#[test]
fn a_request_without_its_key_goes_by_turns_across_workers() {
    let origins = ["1", "2", "3"].map(Origin::named);
    for strategy in ["hash", "hash_consistent"] {
        let keys = format!("strategy = \"{strategy}\"\nhash_key = \"$arg_key\"");
        let config = three_workers(&keys, &[&origins[0], &origins[1], &origins[2]]).replacen(
            "backend]]\n",
            "backend]]\nweight = 3\n",
            1,
        );
        let engine = Engine::start(&config);
        assert_eq!(sequence(engine.address(), 30), "12131".repeat(6), "{strategy}");
    }
}

#[test]
fn the_busier_of_two_is_left_alone_across_workers() {
    let hold = Arc::new(Barrier::new(2));
    let origins = ["1", "2"].map(|name| {
        let gate = Arc::clone(&hold);
        Origin::scripted(move |request| {
            if request.head.starts_with("GET /hold") {
                gate.wait();
            }
            origin::ok(name)
        })
    });
    let config = three_workers("strategy = \"random_two\"", &[&origins[0], &origins[1]]);
    let engine = Engine::start(&config);
    let address = engine.address();
    let held = std::thread::spawn(move || client::get(address, "/hold").text());
    let served = || origins.iter().map(Origin::served).sum::<u64>();
    wait::until("a backend holds one request", || (served() == 1).then_some(()));
    let busy = if origins[0].served() == 1 { "1" } else { "2" };
    let free = if busy == "1" { "2" } else { "1" };
    assert_eq!(sequence(address, 40), free.repeat(40));
    hold.wait();
    assert_eq!(held.join().expect("the held request is answered"), busy);
}

/// The second backend takes three times as long as the first took, whatever that was; what one
/// worker measured, all go by.
#[test]
fn the_faster_backend_is_preferred_across_workers() {
    let pause = Arc::new(Mutex::new(Duration::ZERO));
    let slowness = Arc::clone(&pause);
    let fast = Origin::named("fast");
    let slow = Origin::scripted(move |_| {
        let until = Instant::now() + *slowness.lock().expect("nobody panics");
        wait::until("the slow backend's time", || (Instant::now() >= until).then_some(()));
        origin::ok("slow")
    });
    let config = three_workers("strategy = \"least_time\"", &[&fast, &slow])
        .replace("backend]]\n", "backend]]\nfail_timeout = \"1h\"\n");
    let engine = Engine::start(&config);
    let since = Instant::now();
    assert_eq!(client::get(engine.address(), "/").text(), "fast");
    *pause.lock().expect("nobody panics") = 3 * since.elapsed() + Duration::from_millis(500);
    // Nothing is known of the second one, so it is thought the faster.
    assert_eq!(client::get(engine.address(), "/").text(), "slow");
    assert_eq!(sequence(engine.address(), 30), "fast".repeat(30));
    // By the rule of the last byte, the same averages are kept, too.
    engine.rewrite_config(
        &config.replace("\"least_time\"", "\"least_time\"\nleast_time = \"last_byte\""),
    );
    engine.ctl_ok(&["reload"]);
    assert_eq!(sequence(engine.address(), 10), "fast".repeat(10));
}

#[test]
fn a_tcp_route_hashes_by_the_clients_address() {
    let origins = ["1", "2", "3"].map(Origin::named);
    let backends = origins
        .iter()
        .map(|origin| format!("[[upstream.app.backend]]\naddress = \"{}\"\n", origin.address))
        .collect::<Vec<_>>()
        .concat();
    let engine = Engine::start(&format!(
        "[engine]\nworkers = 2\n[[stream]]\nlisten = [\"{{listen}}\"]\nupstream = \"app\"\n\
         [upstream.app]\nstrategy = \"hash_consistent\"\nhash_key = \"$remote_addr\"\n{backends}"
    ));
    // The backends keep their connections, so the first answer is all that is waited for.
    let ask = || {
        let request = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n";
        client::exchange(engine.address(), request).expect("an answer").text()
    };
    let first = ask();
    assert_eq!((0..8).map(|_| ask()).collect::<String>(), first.repeat(8));
}

#[test]
fn strategies_change_live_and_a_hash_needs_its_key() {
    let origins = ["1", "2", "3"].map(Origin::named);
    let all = [&origins[0], &origins[1], &origins[2]];
    let without = three_workers("", &all);
    let engine = Engine::start(&without);
    let refused = engine.ctl(&["upstream", "strategy", "app", "hash"]);
    assert_eq!(refused.status.code(), Some(1));
    let text = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(text.contains("app has no hash_key, which hash needs"), "{text}");
    assert_eq!(sequence(engine.address(), 6), "123".repeat(2));
    engine.rewrite_config(&three_workers("hash_key = \"$request_uri\"", &all));
    engine.ctl_ok(&["reload"]);
    for strategy in ["hash", "hash_consistent"] {
        engine.ctl_ok(&["upstream", "strategy", "app", strategy]);
        let first = client::get(engine.address(), "/").text();
        assert_eq!(sequence(engine.address(), 8), first.repeat(8), "{strategy}");
    }
    for strategy in ["random", "random_two", "least_time", "least_conn", "ip_hash"] {
        engine.ctl_ok(&["upstream", "strategy", "app", strategy]);
        assert_eq!(client::get(engine.address(), "/").status, 200);
        assert_eq!(engine.status()["upstreams"][0]["strategy"], strategy);
    }
    engine.ctl_ok(&["upstream", "strategy", "app", "hash_consistent"]);
    // A file without the key: the decision rests, and nobody is left without an answer.
    engine.rewrite_config(&without);
    engine.ctl_ok(&["reload"]);
    assert_eq!(engine.status()["upstreams"][0]["strategy"], "round_robin");
    assert_eq!(sequence(engine.address(), 6).len(), 6);
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

//! How an upstream balances, explained: the test that fits the strategy, the cause where it does
//! not, and a model of other strategies that is held to what the engine then does.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;

use crate::client;
use crate::engine::Engine;
use crate::origin::{self, Origin};
use crate::proxy::site;
use crate::wait;

/// What clients are is theirs to say here.
fn with_clients(config: &str) -> String {
    config.replacen(
        "[[server.route]]",
        "real_ip = { from = [\"127.0.0.0/8\"], header = \"X-Forwarded-For\" }\n[[server.route]]",
        1,
    )
}

fn explain(engine: &Engine) -> Value {
    let text = engine.ctl_ok(&["upstream", "explain", "app", "--json"]);
    serde_json::from_str(&text).expect("an explanation is JSON")
}

/// A request of a client in that network, until its connection is closed: then it is counted. The
/// backend that answered.
fn ask(address: SocketAddr, network: u32) -> String {
    let request = format!(
        "GET / HTTP/1.1\r\nHost: test\r\nX-Forwarded-For: 10.1.{network}.7\r\nConnection: close\r\n\r\n"
    );
    let answer = client::raw(address, request.as_bytes());
    let answer = client::read_response(&mut answer.as_bytes()).expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.head);
    answer.header("x-backend").expect("who answered").to_owned()
}

fn finding<'a>(explanation: &'a Value, test: &str) -> &'a Value {
    let findings = explanation["fit"]["findings"].as_array().expect("findings");
    findings.iter().find(|finding| finding["test"] == test).expect("the test is made")
}

#[test]
fn turns_are_exact_and_a_change_begins_a_window() {
    let origins = [Origin::named("1"), Origin::named("2"), Origin::named("3")];
    let config = site("", &[&origins[0], &origins[1], &origins[2]]).replacen(
        "backend]]\n",
        "backend]]\nweight = 3\n",
        1,
    );
    let engine = Engine::start(&config);
    assert_eq!(explain(&engine)["fit"]["verdict"], "too_few");
    (0..61).for_each(|_| drop(ask(engine.address(), 1)));
    let explanation = explain(&engine);
    assert_eq!(explanation["fit"]["verdict"], "fits", "{explanation}");
    assert_eq!(explanation["fit"]["cause"], Value::Null);
    assert_eq!(explanation["window"]["picks"], 61);
    assert_eq!(finding(&explanation, "unexplained")["value"], 0.0);
    let bound = finding(&explanation, "exact_bound");
    assert!(bound["value"].as_f64() < Some(1.0) && bound["value"] == bound["limit"], "{bound}");
    assert_eq!(explanation["backends"][0]["picks"], 37);
    let text = engine.ctl_ok(&["upstream", "explain", "app"]);
    for words in ["round_robin", "n = 61", "fits", "a model, not a promise", "61 arrivals"] {
        assert!(text.contains(words), "{words:?} is missing in\n{text}");
    }
    let name = format!("app/{}", origins[0].address);
    engine.ctl_ok(&["backend", "weight", &name, "2"]);
    let explanation = explain(&engine);
    assert_eq!(explanation["window"]["picks"], 0);
    assert_eq!(explanation["fit"]["verdict"], "too_few");
    let unknown = engine.ctl(&["upstream", "explain", "nope"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("no upstream nope; there is app"));
}

#[test]
fn retries_are_named_where_they_move_requests() {
    let alive = [Origin::named("1"), Origin::named("2")];
    let dead = Origin::scripted(|_| Vec::new());
    let config = site("retries = 1\nretry_budget = \"100%\"", &[&dead, &alive[0], &alive[1]])
        .replace("backend]]\n", "backend]]\nmax_fails = 0\n");
    let engine = Engine::start(&config);
    (0..60).for_each(|_| drop(ask(engine.address(), 1)));
    let explanation = explain(&engine);
    assert_eq!(explanation["fit"]["verdict"], "deviates", "{explanation}");
    assert_eq!(explanation["fit"]["cause"]["kind"], "retry", "{explanation}");
    let retries = finding(&explanation, "retries")["value"].as_u64();
    assert_eq!(retries, Some(dead.served()));
    let text = engine.ctl_ok(&["upstream", "explain", "app"]);
    assert!(text.contains("deviates") && text.contains("cause    retry"), "{text}");
}

#[test]
fn a_hash_is_skewed_by_its_clients_and_keeps_each() {
    let origins = [Origin::named("1"), Origin::named("2")];
    let config = site("strategy = \"ip_hash\"", &[&origins[0], &origins[1]]);
    let engine = Engine::start(&with_clients(&config));
    // The window's first tenth of a second is left out where clients are looked at one by one.
    wait::until("the window has begun", || {
        (explain(&engine)["window"]["lasted_ms"].as_u64() > Some(250)).then_some(())
    });
    for _ in 0..10 {
        for network in [1, 1, 1, 1, 1, 2, 3] {
            ask(engine.address(), network);
        }
    }
    let explanation = explain(&engine);
    let kept = finding(&explanation, "client_kept");
    assert_eq!((&kept["value"], &kept["limit"]), (&70.into(), &70.into()), "{kept}");
    assert_eq!(kept["verdict"], "fits");
    assert_eq!(explanation["fit"]["verdict"], "skewed", "{explanation}");
    assert_eq!(explanation["clients"][0]["network"], "10.1.1.0");
    assert_eq!(explanation["clients"][0]["requests"], 50);
    let text = engine.ctl_ok(&["upstream", "explain", "app"]);
    assert!(text.contains("skewed by clients") && text.contains("10.1.1.0"), "{text}");
}

/// Requests of a trace, and the time between two of them.
const ARRIVALS: u32 = 240;
const PERIOD: Duration = Duration::from_millis(15);
/// How far a modelled share may be from the engine's. Turns and the hash do not depend on time: one
/// request at a round's end, and none at all. Least connections depend on when requests came and
/// how long they took, which no machine does twice in the same way.
const ERROR_OF_TURNS: f64 = 0.01;
const ERROR_OF_HASH: f64 = 1e-9;
const ERROR_OF_LEAST: f64 = 0.10;

/// Sends the trace, each request at its time or as soon after as the machine can, and counts who
/// answered: a share for each name.
#[expect(clippy::disallowed_methods, reason = "a trace's times are the thing itself")]
fn replay(address: SocketAddr) -> BTreeMap<String, f64> {
    let start = std::time::Instant::now();
    let asked: Vec<_> = (0..ARRIVALS)
        .map(|at| {
            std::thread::sleep((PERIOD * at).saturating_sub(start.elapsed()));
            // Eleven networks, some busier than others.
            std::thread::spawn(move || ask(address, at * at % 11))
        })
        .collect();
    let mut shares = BTreeMap::new();
    for answered in asked {
        let name = answered.join().expect("every request is answered");
        *shares.entry(name).or_insert(0.0) += 1.0 / f64::from(ARRIVALS);
    }
    shares
}

/// Takes so long for each request, whoever else asks.
fn paced(name: &'static str, takes_ms: u64) -> Origin {
    Origin::scripted(move |_| {
        #[expect(clippy::disallowed_methods, reason = "that it takes its time is what it is for")]
        std::thread::sleep(Duration::from_millis(takes_ms));
        origin::ok(name)
    })
}

/// The largest difference between a strategy's modelled shares and those that came to be.
fn error(explanation: &Value, strategy: &str, actual: &BTreeMap<String, f64>) -> f64 {
    let rows = explanation["what_if"]["strategies"].as_array().expect("strategies");
    let row = rows.iter().find(|row| row["strategy"] == strategy).expect("it is modelled");
    let parts = row["parts"].as_array().expect("a part a backend").iter();
    let errors = ["1", "2", "3"].iter().zip(parts).map(|(name, part)| {
        let modelled = part["share"].as_f64().expect("a share");
        (modelled - actual.get(*name).copied().unwrap_or(0.0)).abs()
    });
    errors.fold(0.0, f64::max)
}

/// The model is asked while another strategy runs; then the engine is given what was asked about,
/// and the same requests again.
#[test]
fn the_model_says_what_the_engine_then_does() {
    let origins = [paced("1", 60), paced("2", 120), paced("3", 240)];
    let config =
        site("strategy = \"ip_hash\"\nretries = 0", &[&origins[0], &origins[1], &origins[2]]);
    let engine = Engine::start(&with_clients(&config));
    let under_hash = replay(engine.address());
    let foretold = wait::until("every request is recorded", || {
        let explanation = explain(&engine);
        (explanation["what_if"]["held"]["arrivals"] == ARRIVALS).then_some(explanation)
    });
    assert_eq!(foretold["what_if"]["label"], "a model, not a promise");
    assert_eq!(foretold["what_if"]["held"]["limit"], "none");
    assert_eq!(foretold["strategy"], "ip_hash");
    for (strategy, error_max) in [("round_robin", ERROR_OF_TURNS), ("least_conn", ERROR_OF_LEAST)] {
        engine.ctl_ok(&["upstream", "strategy", "app", strategy]);
        let actual = replay(engine.address());
        let error = error(&foretold, strategy, &actual);
        println!("{strategy}: the model is off by {:.2} points: {actual:?}", error * 100.0);
        assert!(error <= error_max, "{strategy}: off by {error}; {actual:?}\n{foretold}");
    }
    // The other way round: what the hash did is what the model says of it under least connections.
    let foretold = explain(&engine);
    assert_eq!(foretold["strategy"], "least_conn");
    let error = error(&foretold, "ip_hash", &under_hash);
    println!("ip_hash: the model is off by {:.2} points: {under_hash:?}", error * 100.0);
    assert!(error <= ERROR_OF_HASH, "ip_hash: off by {error}; {under_hash:?}\n{foretold}");
}

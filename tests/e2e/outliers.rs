//! Backends that serve worse than the others under real load, and what becomes of requests while
//! every backend is failed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use crate::client::{self, Load};
use crate::engine::Engine;
use crate::origin::{self, Origin};
use crate::proxy::site;
use crate::wait;

/// Answers 503 while it is told to.
fn moody(name: &'static str) -> (Origin, Arc<AtomicBool>) {
    let is_bad = Arc::new(AtomicBool::new(false));
    let mood = Arc::clone(&is_bad);
    let origin = Origin::scripted(move |_| {
        if mood.load(Ordering::Relaxed) {
            b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n".to_vec()
        } else {
            origin::ok(name)
        }
    });
    (origin, is_bad)
}

fn state(engine: &Engine, origin: &Origin) -> String {
    let row = engine.backend("app", &origin.address.to_string());
    row["state"].as_str().unwrap_or("").to_owned()
}

fn served_by(origin: &Origin, more: u64) {
    let before = origin.served();
    wait::until("traffic", || (origin.served() >= before + more).then_some(()));
}

#[test]
fn a_backend_of_errors_is_ejected_under_load_and_comes_back_by_itself() {
    let ((bad, is_bad), one, two) = (moody("moody"), Origin::named("one"), Origin::named("two"));
    let keys = "outlier = { interval = \"200ms\", requests_min = 10, eject_for = \"1s\" }";
    let engine = Engine::start(&site(keys, &[&bad, &one, &two]));
    let load = Load::start(engine.address(), "/", 4);
    served_by(&bad, 100);
    assert_eq!(state(&engine, &bad), "up");
    is_bad.store(true, Ordering::Relaxed);
    let name = bad.address.to_string();
    let row = wait::until("it is ejected", || {
        let row = engine.backend("app", &name);
        let is_it = row["reason"].as_str().is_some_and(|reason| reason.starts_with("ejected: "));
        (row["state"] == "failed" && is_it).then_some(row)
    });
    let reason = row["reason"].as_str().unwrap_or("");
    assert!(reason.contains("% errors, back in "), "{reason}");
    // It is let in for a moment after each time out, which lasts longer and longer; out, it gets
    // nothing. A time that ends while it is looked at is looked at again.
    wait::until("a time out is seen from inside", || {
        let is_out = || {
            let row = engine.backend("app", &name);
            (row["state"] == "failed" && row["active"] == 0).then(|| row["requests"].as_u64())
        };
        let before = is_out()?;
        let served = bad.served();
        served_by(&one, 100);
        let after = is_out()?;
        // Equal counts at both ends: it was out in between, too, or it was not asked.
        (before == after).then(|| assert_eq!(bad.served(), served))
    });
    is_bad.store(false, Ordering::Relaxed);
    wait::until("it is back", || (state(&engine, &bad) == "up").then_some(()));
    served_by(&bad, 50);
    let tally = load.stop();
    assert!(tally.failed.iter().all(|what| what == "status 503"), "{:?}", tally.failed);
    let events = engine.ctl_ok(&["events"]);
    for what in ["up to failed: ejected: ", "failed to up"] {
        let is_it = |line: &str| line.contains(&format!("app/{name}")) && line.contains(what);
        assert!(events.lines().any(is_it), "no `{what}` in\n{events}");
    }
    assert_eq!(state(&engine, &one), "up");
    assert_eq!(state(&engine, &two), "up");
}

#[test]
fn a_slow_backend_is_ejected_under_load() {
    let slow = Origin::scripted(|_| {
        std::thread::park_timeout(std::time::Duration::from_millis(400));
        origin::ok("slow")
    });
    let (one, two) = (Origin::named("one"), Origin::named("two"));
    // On a busy machine one of the others may look slow, too: it must not take the slow one's place.
    let keys = "outlier = { error_rate = \"off\", latency = 4, interval = \"1s\", requests_min = 3, eject_for = \"1h\", eject_max = \"70%\" }";
    let engine = Engine::start(&site(keys, &[&slow, &one, &two]));
    let load = Load::start(engine.address(), "/", 8);
    let name = slow.address.to_string();
    let reason = wait::until("it is ejected", || {
        let row = engine.backend("app", &name);
        (row["state"] == "failed").then(|| row["reason"].as_str().unwrap_or("").to_owned())
    });
    assert!(reason.contains(" times the others' latency, back in "), "{reason}");
    assert_eq!(load.stop().failed, Vec::<String>::new());
    engine.ctl_ok(&["backend", "enable", &format!("app/{name}")]);
    assert_eq!(state(&engine, &slow), "up");
}

#[test]
fn the_last_one_is_never_ejected() {
    let origins = [moody("one"), moody("two"), moody("three")];
    for (_, is_bad) in &origins {
        is_bad.store(true, Ordering::Relaxed);
    }
    let keys = "outlier = { interval = \"100ms\", requests_min = 5, eject_for = \"1h\", eject_max = \"100%\" }";
    let engine = Engine::start(&site(keys, &[&origins[0].0, &origins[1].0, &origins[2].0]));
    let load = Load::start(engine.address(), "/", 4);
    let failed = || origins.iter().filter(|(origin, _)| state(&engine, origin) == "failed").count();
    wait::until("two of three are out", || (failed() == 2).then_some(()));
    let before: u64 = origins.iter().map(|(origin, _)| origin.served()).sum();
    wait::until("the last one serves on", || {
        let served: u64 = origins.iter().map(|(origin, _)| origin.served()).sum();
        (served > before + 500).then_some(())
    });
    assert_eq!(failed(), 2);
    let tally = load.stop();
    assert!(tally.failed.iter().all(|what| what == "status 503"), "asked, not refused");
}

/// Serves whoever is not a check.
fn unwell(name: &'static str) -> Origin {
    Origin::scripted(move |request| {
        if request.head.contains(" /healthz ") {
            b"HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n".to_vec()
        } else {
            origin::ok(name)
        }
    })
}

#[test]
fn while_all_are_failed_requests_are_refused_or_served_as_the_file_says() {
    let origins = [unwell("one"), unwell("two")];
    let check = "check = { path = \"/healthz\", interval = \"20ms\", timeout = \"15s\", fall = 1 }";
    let config =
        |all_down: &str| site(&format!("{check}\n{all_down}"), &[&origins[0], &origins[1]]);
    let engine = Engine::start(&config(""));
    let all_failed = || origins.iter().all(|origin| state(&engine, origin) == "failed");
    wait::until("all fail", || all_failed().then_some(()));
    let upstream = || engine.status()["upstreams"][0].clone();
    assert_eq!(client::get(engine.address(), "/").status, 502);
    assert_eq!(
        (&upstream()["all_down"], &upstream()["desperate"]),
        (&Value::from("refuse"), &Value::from(0))
    );

    engine.rewrite_config(&config("all_down = \"use_all\""));
    engine.ctl_ok(&["reload"]);
    let mut answers: Vec<String> =
        (0..10).map(|_| client::get(engine.address(), "/").text()).collect();
    answers.sort();
    assert_eq!(answers, [vec!["one"; 5], vec!["two"; 5]].concat(), "by the strategy, as ever");
    assert!(all_failed(), "and shown as what they are");
    assert_eq!(
        (&upstream()["all_down"], &upstream()["desperate"]),
        (&Value::from("use_all"), &Value::from(10))
    );

    // The operator's word is not a failure.
    let name = |origin: &Origin| format!("app/{}", origin.address);
    engine.ctl_ok(&["backend", "down", &name(&origins[0])]);
    assert!((0..4).all(|_| client::get(engine.address(), "/").text() == "two"));
    engine.ctl_ok(&["backend", "drain", &name(&origins[1])]);
    assert_eq!(client::get(engine.address(), "/").status, 502);
    engine.ctl_ok(&["upstream", "reset", "app"]);
    engine.rewrite_config(&config("all_down = \"refuse\""));
    engine.ctl_ok(&["reload"]);
    assert_eq!(client::get(engine.address(), "/").status, 502);
}

//! A configuration is swapped in place under load; a bad one changes nothing.

use std::sync::{Arc, Barrier};

use crate::client::{self, Load};
use crate::engine::{Engine, signal};
use crate::origin::{self, Origin};
use crate::proxy::site;
use crate::wait;

#[test]
fn hup_swaps_the_generation_under_load_without_a_failed_request() {
    let (old, new) = (Origin::named("old"), Origin::named("new"));
    let engine = Engine::start(&site("", &[&old]));
    let workers = engine.worker_pids();
    let load = Load::start(engine.address(), "/", 8);
    wait::until("traffic", || (old.served() > 100).then_some(()));
    engine.rewrite_config(&site("", &[&new]));
    signal(engine.keeper_pid(), "HUP");
    wait::until("traffic at the new backend", || (new.served() > 100).then_some(()));
    let tally = load.stop();
    assert_eq!(tally.failed, Vec::<String>::new());
    assert_eq!(engine.status()["generation"], 2);
    assert_eq!(engine.worker_pids(), workers, "a reload restarts no worker");
}

#[test]
fn a_bad_file_leaves_the_running_one_untouched_and_says_why() {
    let origin = Origin::named("one");
    let engine = Engine::start(&site("", &[&origin]));
    engine.rewrite_config(&site("strateggy = \"round_robin\"", &[&origin]));
    let output = engine.ctl(&["reload"]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("strateggy") && text.contains("strategy"), "{text}");
    assert!(text.contains("pilothouse.toml:"), "names file and line: {text}");
    assert_eq!(client::get(engine.address(), "/").text(), "one");
    assert_eq!(engine.status()["generation"], 1);
}

#[test]
fn a_listener_can_come_and_go() {
    let origin = Origin::named("one");
    let engine = Engine::start(&site("", &[&origin]));
    let extra = crate::ports::address();
    let second = format!("listen = [\"{{listen}}\", \"{extra}\"]");
    engine.rewrite_config(&site("", &[&origin]).replacen("listen = [\"{listen}\"]", &second, 1));
    engine.ctl_ok(&["reload"]);
    let extra = extra.parse().expect("an address");
    assert_eq!(client::get(extra, "/").text(), "one");
    engine.rewrite_config(&site("", &[&origin]));
    engine.ctl_ok(&["reload"]);
    wait::until("the listener is closed", || client::connect(extra).is_err().then_some(()));
    assert_eq!(client::get(engine.address(), "/").text(), "one");
}

#[test]
fn a_worker_that_leaves_keeps_no_client_waiting_and_can_be_asked_back() {
    const HELD: usize = 8;
    let gate = Arc::new(Barrier::new(HELD + 1));
    let hold = Arc::clone(&gate);
    let origin = Origin::scripted(move |request| {
        if request.head.starts_with("GET /hold") {
            hold.wait();
        }
        origin::ok("one")
    });
    let two = site("", &[&origin]);
    let engine = Engine::start(&two);
    let address = engine.address();
    let ask = move || client::get(address, "/hold").text();
    let held: Vec<_> = (0..HELD).map(|_| std::thread::spawn(ask)).collect();
    wait::until("all are held", || (origin.served() == HELD as u64).then_some(()));

    engine.rewrite_config(&two.replace("workers = 2", "workers = 1"));
    engine.ctl_ok(&["reload"]);
    for _ in 0..50 {
        assert_eq!(client::get(address, "/").text(), "one");
    }
    engine.rewrite_config(&two);
    engine.ctl_ok(&["reload"]);
    gate.wait();
    for held in held {
        assert_eq!(held.join().expect("the held request is answered"), "one");
    }
    wait::until("two workers", || {
        let status = engine.try_status()?;
        let workers = status["workers"].as_array()?;
        let is_running = |row: &serde_json::Value| row["state"] == "running";
        (workers.len() == 2 && workers.iter().all(is_running)).then_some(())
    });
    for _ in 0..50 {
        assert_eq!(client::get(address, "/").text(), "one");
    }
}

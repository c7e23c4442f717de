//! Draining by hand, and restarts that drain: the point of one binary.

use std::sync::{Arc, Barrier};

use crate::client::{self, Load};
use crate::engine::Engine;
use crate::origin::{self, Origin};
use crate::proxy::site;
use crate::{ports, wait};

#[test]
fn a_drained_backend_finishes_what_runs_and_gets_nothing_new() {
    let gate = Arc::new(Barrier::new(2));
    let hold = Arc::clone(&gate);
    let leaving = Origin::scripted(move |request| {
        if request.head.starts_with("GET /hold") {
            hold.wait();
        }
        origin::ok("leaving")
    });
    let staying = Origin::named("staying");
    let engine = Engine::start(&site("", &[&leaving, &staying]));
    let (address, name) = (engine.address(), leaving.address.to_string());
    let held = std::thread::spawn(move || client::get(address, "/hold").text());
    wait::until("one request is held", || (leaving.served() == 1).then_some(()));

    engine.ctl_ok(&["backend", "drain", &format!("app/{name}")]);
    for _ in 0..20 {
        assert_eq!(client::get(address, "/").text(), "staying");
    }
    let row = engine.backend("app", &name);
    assert_eq!(
        (row["state"].as_str(), row["active"].as_u64()),
        (Some("draining"), Some(1)),
        "{row}"
    );
    gate.wait();
    assert_eq!(held.join().expect("the held request is answered"), "leaving");
    wait::until("drained", || (engine.backend("app", &name)["state"] == "drained").then_some(()));

    engine.ctl_ok(&["backend", "enable", &format!("app/{name}")]);
    let answers: String = (0..4).map(|_| client::get(address, "/").text()).collect();
    assert!(answers.contains("leaving") && answers.contains("staying"), "{answers}");
}

/// An engine whose upstream is served by three instances of `web`, all of them up.
pub(crate) fn three_instances() -> Engine {
    let port = ports::consecutive(3);
    let engine = Engine::start(&format!(
        "[engine]\nworkers = 2\n[[server]]\nlisten = [\"{{listen}}\"]\n[[server.route]]\npath = \"/\"\nupstream = \"app\"\n\
         [upstream.app]\n[program.web]\n\
         command = \"{{bin}} __origin --port ${{PORT}} --name web-${{INSTANCE}}\"\n\
         instances = 3\nstart_seconds = 0\nserves = {{ upstream = \"app\", port = {port} }}\n"
    ));
    wait_for_three(&engine);
    engine
}

pub(crate) fn wait_for_three(engine: &Engine) {
    wait::until("three instances serve", || {
        let status = engine.status();
        let backends = status["upstreams"][0]["backends"].as_array().cloned().unwrap_or_default();
        (backends.len() == 3 && backends.iter().all(|row| row["state"] == "up")).then_some(())
    });
}

#[test]
fn rolling_every_instance_under_load_fails_no_request() {
    let engine = three_instances();
    let pids: Vec<_> = (0..3).map(|i| engine.program_pid("web", i)).collect();
    let load = Load::start(engine.address(), "/", 8);
    engine.ctl_ok(&["program", "roll", "web"]);
    wait_for_three(&engine);
    let tally = load.stop();
    assert_eq!(tally.failed, Vec::<String>::new());
    assert_eq!(tally.by_backend.len(), 3, "{:?}", tally.by_backend);
    for instance in 0..3 {
        let pid = engine.program_pid("web", instance);
        assert!(
            pid.is_some() && !pids.contains(&pid),
            "instance {instance} was restarted: {pids:?} {pid:?}"
        );
    }
}

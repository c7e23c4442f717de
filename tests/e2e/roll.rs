//! Rolling restarts as their options say: with extra instances, in batches, broken off; and requests
//! that wait while the only instance restarts.

use std::process::{Command, Stdio};

use crate::client::Load;
use crate::engine::Engine;
use crate::{oracle, ports, wait};

/// So many instances of `web`, with these lines of its upstream and its own, all of them up.
fn instances(count: u16, upstream: &str, program: &str) -> Engine {
    let port = ports::consecutive(count + 1);
    let engine = Engine::start(&config(count, port, upstream, program));
    wait_for(&engine, count);
    engine
}

fn config(count: u16, port: u16, upstream: &str, program: &str) -> String {
    format!(
        "[engine]\nworkers = 2\n[[server]]\nlisten = [\"{{listen}}\"]\n[[server.route]]\npath = \"/\"\nupstream = \"app\"\n\
         [upstream.app]\n{upstream}\n[program.web]\n\
         command = \"{{bin}} __origin --port ${{PORT}} --name web-${{INSTANCE}}\"\n\
         instances = {count}\nstart_seconds = 0\nserves = {{ upstream = \"app\", port = {port} }}\n{program}\n"
    )
}

fn wait_for(engine: &Engine, count: u16) {
    wait::until("so many instances serve", || {
        let status = engine.status();
        let backends = status["upstreams"][0]["backends"].as_array().cloned().unwrap_or_default();
        let are_up = backends.iter().all(|row| row["state"] == "up");
        (backends.len() == usize::from(count) && are_up).then_some(())
    });
}

#[test]
fn one_instance_restarts_behind_an_extra_one_without_a_failed_request() {
    let engine = instances(1, "", "");
    let before = engine.program_pid("web", 0);
    let load = Load::start(engine.address(), "/", 8);
    let said = engine.ctl_ok(&["program", "roll", "web", "--max-surge", "1"]);
    wait_for(&engine, 1);
    let tally = load.stop();
    assert_eq!(tally.failed, Vec::<String>::new());
    assert_eq!(tally.by_backend.len(), 2, "{:?}", tally.by_backend);
    assert!(said.contains("1 of 1 restarted: web:0"), "{said}");
    assert_ne!(engine.program_pid("web", 0), before);
    assert_eq!(engine.program_pid("web", 1), None, "the extra one has left");
}

#[test]
fn one_instance_restarts_while_its_requests_wait_under_wrk() {
    let Some(wrk) = oracle::find("wrk") else { return };
    let engine =
        instances(1, "queue = { length = 100, timeout = \"20s\", when = \"unavailable\" }", "");
    let load = Command::new(wrk)
        .args(["-t2", "-c16", "-d3s", "--timeout", "20s"])
        .arg(format!("http://{}/", engine.listen))
        .stdout(Stdio::piped())
        .spawn()
        .expect("wrk runs");
    engine.ctl_ok(&["program", "restart", "web"]);
    wait_for(&engine, 1);
    let output = load.wait_with_output().expect("wrk ends");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("requests in"), "{said}");
    assert!(!said.contains("Socket errors") && !said.contains("Non-2xx"), "{said}");
    let queue = &engine.status()["upstreams"][0]["queue"];
    assert_eq!((&queue["overflows"], &queue["timeouts"]), (&0.into(), &0.into()), "{queue}");
}

#[test]
fn without_that_the_restart_of_the_only_instance_is_refused_to_clients() {
    let engine = instances(1, "queue = { length = 100, timeout = \"20s\" }", "");
    let load = Load::start(engine.address(), "/", 4);
    engine.ctl_ok(&["program", "restart", "web"]);
    wait_for(&engine, 1);
    assert!(!load.stop().failed.is_empty(), "this is what the other tests are about");
}

#[test]
fn a_roll_stops_at_what_does_not_come_back_unless_told_otherwise() {
    let marker = tempfile::tempdir().expect("a temporary folder");
    let file = marker.path().join("broken");
    let command = format!(
        "command = \"sh -c 'test -e {0} && exit 3; exec {{bin}} __origin --port ${{PORT}} --name web'\"\nstart_retries = 0",
        file.display()
    );
    let port = ports::consecutive(4);
    let text = config(3, port, "", "");
    let own = text.lines().find(|line| line.starts_with("command")).expect("a command");
    let engine = Engine::start(&text.replace(own, &command));
    wait_for(&engine, 3);
    let pids: Vec<_> = (0..3).map(|it| engine.program_pid("web", it)).collect();
    std::fs::write(&file, "").expect("written");

    let roll = engine.ctl(&["program", "roll", "web"]);
    let said = String::from_utf8_lossy(&roll.stderr).into_owned();
    assert_eq!(roll.status.code(), Some(1), "{said}");
    assert!(said.contains("0 of 3 restarted; web:0 is FATAL"), "{said}");
    assert_eq!([1, 2].map(|it| engine.program_pid("web", it)), pids[1..], "{said}");

    let surge = engine.ctl(&["program", "roll", "web", "--max-surge", "1"]);
    let said = String::from_utf8_lossy(&surge.stderr).into_owned();
    assert!(said.contains("web:3 is FATAL"), "{said}");
    assert_eq!([1, 2].map(|it| engine.program_pid("web", it)), pids[1..], "{said}");

    std::fs::remove_file(&file).expect("removed");
    let said = engine.ctl_ok(&[
        "program",
        "roll",
        "web",
        "--max-unavailable",
        "3",
        "--min-ready",
        "100ms",
    ]);
    assert!(said.contains("3 of 3 restarted"), "{said}");
    wait_for(&engine, 3);

    let none = engine.ctl(&["program", "roll", "web", "--max-unavailable", "0"]);
    let said = String::from_utf8_lossy(&none.stderr).into_owned();
    assert!(said.contains("both 0"), "{said}");
}

#[test]
fn an_extra_instance_that_finds_no_room_changes_nothing() {
    let port = ports::consecutive(2);
    let other = format!(
        "[program.next]\ncommand = \"sleep 1000\"\nserves = {{ upstream = \"app\", port = {} }}",
        port + 1
    );
    let engine = Engine::start(&config(1, port, "", &other));
    wait::until("it serves", || (engine.program_state("web", 0) == "RUNNING").then_some(()));
    let before = engine.program_pid("web", 0);
    let roll = engine.ctl(&["program", "roll", "web", "--max-surge", "1"]);
    let said = String::from_utf8_lossy(&roll.stderr).into_owned();
    assert_eq!(roll.status.code(), Some(1), "{said}");
    assert!(said.contains("belongs to program next"), "{said}");
    assert_eq!(engine.program_pid("web", 0), before);
}

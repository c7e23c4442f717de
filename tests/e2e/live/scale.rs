//! More and fewer instances of a running program: the others are left alone, and no request fails.

use crate::client::Load;
use crate::engine::Engine;
use crate::{ports, wait};

fn engine() -> Engine {
    let port = ports::consecutive(5);
    let engine = Engine::start(&format!(
        "[engine]\nworkers = 2\n[[server]]\nlisten = [\"{{listen}}\"]\n[[server.route]]\npath = \"/\"\nupstream = \"app\"\n\
         [upstream.app]\n[program.web]\n\
         command = \"{{bin}} __origin --port ${{PORT}} --name web-${{INSTANCE}}\"\n\
         instances = 3\nstart_seconds = 0\nserves = {{ upstream = \"app\", port = {port} }}\n"
    ));
    wait_for(&engine, 3);
    engine
}

/// So many instances, each of them in rotation, and nobody else.
fn wait_for(engine: &Engine, count: usize) {
    wait::until("the instances serve", || {
        let status = engine.status();
        let backends = status["upstreams"][0]["backends"].as_array().cloned().unwrap_or_default();
        let programs = status["programs"].as_array().map_or(0, Vec::len);
        let are_up = backends.iter().all(|row| row["state"] == "up");
        (backends.len() == count && programs == count && are_up).then_some(())
    });
}

fn pids(engine: &Engine, count: u64) -> Vec<i32> {
    (0..count).map(|at| engine.program_pid("web", at).expect("it runs")).collect()
}

#[test]
fn instances_come_and_go_under_load_and_the_others_are_left_alone() {
    let engine = engine();
    let before = pids(&engine, 3);
    let load = Load::start(engine.address(), "/", 8);
    let told = engine.ctl_ok(&["program", "scale", "web", "5"]);
    assert!(told.contains("web:3 is RUNNING") && told.contains("web:4 is RUNNING"), "{told}");
    wait_for(&engine, 5);
    assert_eq!(pids(&engine, 3), before);
    let told = engine.ctl_ok(&["program", "scale", "web", "2"]);
    assert!(told.contains("web has 2, was 5: web:2 to web:4 stop"), "{told}");
    wait_for(&engine, 2);
    assert_eq!(pids(&engine, 2), before[..2]);
    let tally = load.stop();
    assert_eq!(tally.failed, Vec::<String>::new());
    assert!(tally.by_backend.len() >= 4, "{:?}", tally.by_backend);
}

#[test]
fn a_scale_is_kept_told_and_taken_back() {
    let mut engine = engine();
    engine.ctl_ok(&["program", "scale", "web", "2"]);
    wait_for(&engine, 2);
    let again = engine.ctl_ok(&["program", "scale", "web", "2"]);
    assert!(again.contains("web has 2 already"), "{again}");
    let before = pids(&engine, 2);
    engine.replace_master();
    engine.ctl_ok(&["reload"]);
    wait_for(&engine, 2);
    assert_eq!(pids(&engine, 2), before, "neither a new master nor a reload starts anything");
    engine.restart();
    wait_for(&engine, 2);

    let list = engine.ctl_ok(&["program", "list"]);
    assert!(list.contains("web differs from the file: 2 instances, 3 in the file"), "{list}");
    assert_eq!(engine.status()["programs"][0]["differs"], "2 instances, 3 in the file");
    let plan = engine.ctl_ok(&["reload", "--dry-run"]);
    assert!(plan.contains("the file is what runs"), "a reload keeps the number: {plan}");
    engine.ctl_ok(&["program", "reset", "web"]);
    wait_for(&engine, 3);
    assert_eq!(engine.status()["programs"][0]["differs"], "");
}

#[test]
fn what_can_not_be_scaled_is_told_why_and_nothing_changes() {
    let engine = engine();
    for (name, count, expected) in [
        ("web", "0", "0 instances are not 1 to 64"),
        ("web", "65", "65 instances are not 1 to 64"),
        ("nobody", "2", "no program is called nobody; there is web"),
    ] {
        let output = engine.ctl(&["program", "scale", name, count]);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains(expected), "{told}");
    }
    assert_eq!(engine.ctl(&["program", "scale", "web", "many"]).status.code(), Some(2));
    wait_for(&engine, 3);
}

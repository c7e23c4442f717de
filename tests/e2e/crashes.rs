//! `kill -9` at the worst moments, under load, again and again: nothing is lost beyond what the
//! killed process alone was serving, nothing is left over, and nothing leaks.

use std::fs;
use std::time::Duration;

use serde_json::Value;

use crate::client::Load;
use crate::engine::{Engine, children_of, cmdline, descendants, is_alive, signal};
use crate::origin::Origin;
use crate::proxy::site;
use crate::{ports, sharing, wait};

/// Connections opened in the hope that each worker gets one.
const LOADS_MAX: usize = 64;

/// Three instances that serve; each takes its time to drain and to start.
fn serving_programs() -> String {
    let port = ports::consecutive(3);
    format!(
        "[engine]\nworkers = 2\n[[server]]\nlisten = [\"{{listen}}\"]\n[[server.route]]\npath = \"/\"\nupstream = \"app\"\n\
         [upstream.app]\n[program.web]\n\
         command = \"{{bin}} __origin --port ${{PORT}} --name web-${{INSTANCE}}\"\n\
         instances = 3\nstart_seconds = 0\nserves = {{ upstream = \"app\", port = {port} }}\n"
    )
}

fn is_serving(status: &Value, instances: usize) -> bool {
    let backends = status["upstreams"][0]["backends"].as_array().cloned().unwrap_or_default();
    let programs = status["programs"].as_array().cloned().unwrap_or_default();
    backends.len() == instances
        && backends.iter().all(|row| row["state"] == "up")
        && programs.iter().all(|row| row["state"] == "RUNNING")
}

fn until_serving(engine: &Engine, instances: usize) {
    wait::until("all instances serve", || {
        is_serving(&engine.try_status()?, instances).then_some(())
    });
}

/// Processes of the engine that are neither keeper, master, nor in its status.
fn strays(engine: &Engine) -> Vec<(i32, String)> {
    let status = engine.status();
    let rows = [&status["workers"], &status["programs"]].into_iter().filter_map(Value::as_array);
    let mut known: Vec<i64> = rows.flatten().filter_map(|row| row["pid"].as_i64()).collect();
    known.extend(engine.masters().into_iter().map(i64::from));
    descendants(engine.keeper_pid())
        .into_iter()
        .filter(|pid| !known.contains(&i64::from(*pid)))
        .map(|pid| (pid, cmdline(pid)))
        .collect()
}

fn open_files(pid: i32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count)
}

#[test]
fn masters_killed_during_a_roll_fail_no_request_and_leave_no_stray() {
    let engine = Engine::start(&serving_programs());
    until_serving(&engine, 3);
    let load = Load::start(engine.address(), "/", 4);
    for round in 0..3_u32 {
        let mut roll = engine.ctl_begin(&["program", "roll", "web"]);
        wait::until("the roll is under way", || {
            let status = engine.try_status()?;
            let is_moving = !is_serving(&status, 3) || matches!(roll.try_wait(), Ok(Some(_)));
            is_moving.then_some(())
        });
        // Twice in a row, at another moment of the roll in each round.
        for _ in 0..2 {
            std::thread::park_timeout(Duration::from_millis(u64::from(round) * 7));
            engine.replace_master();
        }
        let _it_lost_its_master = roll.wait();
        until_serving(&engine, 3);
        wait::until("nobody else is there", || strays(&engine).is_empty().then_some(()));
    }
    assert_eq!(load.stop().failed, Vec::<String>::new());
}

#[test]
fn masters_killed_during_a_reload_fail_no_request() {
    let origins = [Origin::named("one"), Origin::named("two")];
    let config = site("", &[&origins[0], &origins[1]]);
    let engine = Engine::start(&config);
    let load = Load::start(engine.address(), "/", 4);
    for round in 0..6_u32 {
        signal(engine.keeper_pid(), "HUP");
        std::thread::park_timeout(Duration::from_millis(u64::from(round % 4)));
        engine.replace_master();
    }
    let generation = engine.status()["generation"].as_u64();
    engine.ctl_ok(&["reload"]);
    assert_eq!(engine.status()["generation"].as_u64(), generation.map(|number| number + 1));
    wait::until("all workers serve it", || {
        let status = engine.try_status()?;
        let mut workers = status["workers"].as_array()?.iter();
        workers.all(|row| row["generation"] == status["generation"]).then_some(())
    });
    assert_eq!(load.stop().failed, Vec::<String>::new());
    assert_eq!(strays(&engine), []);
}

#[test]
fn a_drain_outlives_the_masters_that_began_it() {
    let origins = [Origin::named("one"), Origin::named("two")];
    let engine = Engine::start(&site("", &[&origins[0], &origins[1]]));
    let load = Load::start(engine.address(), "/", 4);
    let name = origins[0].address.to_string();
    engine.ctl_ok(&["backend", "drain", &format!("app/{name}")]);
    engine.replace_master();
    engine.replace_master();
    wait::until("drained", || (engine.backend("app", &name)["state"] == "drained").then_some(()));
    let served = origins[0].served();
    let others = origins[1].served();
    wait::until("traffic goes on", || (origins[1].served() > others + 100).then_some(()));
    assert_eq!(origins[0].served(), served);
    assert_eq!(load.stop().failed, Vec::<String>::new());
}

#[test]
fn an_end_that_no_master_saw_is_told_to_the_next() {
    let origin = Origin::named("one");
    let engine = Engine::start(
        &(site("", &[&origin])
            + "[program.once]\ncommand = \"sh -c 'trap \\\"exit 7\\\" TERM; while :; do sleep 0.01; done'\"\n\
               autorestart = false\nstart_seconds = 0\n"),
    );
    let pid = wait::until("it runs", || engine.program_pid("once", 0));
    wait::until("its trap is set", || {
        descendants(pid).iter().any(|pid| cmdline(*pid).contains("sleep")).then_some(())
    });
    let keeper = engine.keeper_pid();
    signal(engine.master_pid(), "KILL");
    signal(pid, "TERM");
    wait::until("it has ended", || (!is_alive(pid)).then_some(()));
    let row = wait::until("the end is known", || {
        let status = engine.try_status()?;
        let row = status["programs"][0].clone();
        (row["state"] != "RUNNING").then_some(row)
    });
    assert_eq!(
        (row["state"].as_str(), row["exit_code"].as_i64()),
        (Some("EXITED"), Some(7)),
        "{row}"
    );
    assert!(children_of(keeper).iter().all(|pid| is_alive(*pid)), "a zombie is left");
}

#[test]
fn a_worker_killed_under_load_takes_only_its_own_connections_along() {
    let origin = Origin::named("one");
    // No connection moves to the other worker by having served enough.
    let stays = "keepalive_requests = 1000000000\n[[server.route]]";
    let engine = Engine::start(&site("", &[&origin]).replacen("[[server.route]]", stays, 1));
    let mut loads: Vec<Load> = Vec::new();
    // Which worker takes a connection is up to who gets processor time.
    wait::until("both workers serve", || {
        if loads.len() < LOADS_MAX {
            loads.push(Load::start(engine.address(), "/", 1));
        }
        sharing::connections(&engine).iter().all(|count| *count > 0).then_some(())
    });
    let served = origin.served();
    wait::until("traffic flows", || (origin.served() > served + 200).then_some(()));
    let before = engine.worker_pids();
    signal(before[1], "KILL");
    wait::until("another worker takes its place", || {
        let pids = engine.worker_pids();
        (pids.len() == 2 && pids[1] != before[1]).then_some(())
    });
    let served = origin.served();
    wait::until("traffic goes on", || (origin.served() > served + 200).then_some(()));
    assert_eq!(engine.worker_pids()[0], before[0]);
    let failed: Vec<Vec<String>> = loads.into_iter().map(|load| load.stop().failed).collect();
    // A connection breaks once; that one client is never refused afterwards.
    assert!(failed.iter().all(|failed| failed.len() <= 1), "{failed:?}");
    assert!(failed.iter().flatten().all(|failed| !failed.contains("refused")), "{failed:?}");
    assert!(failed.iter().any(Vec::is_empty), "{failed:?}");
}

#[test]
fn reloads_and_crashes_leak_no_descriptor_and_leave_no_zombie() {
    let origin = Origin::named("one");
    let config = site("", &[&origin]) + "[program.steady]\ncommand = \"sleep 1000\"\n";
    let engine = Engine::start(&config);
    wait::until("the program runs", || engine.program_pid("steady", 0));
    let census = || {
        let (status, master) = (engine.status(), engine.master_pid());
        assert_eq!(status["workers"].as_array().map(Vec::len), Some(2));
        [engine.keeper_pid(), master, engine.worker_pids()[1]].map(open_files)
    };
    let replace_worker = || {
        let before = engine.worker_pids()[0];
        signal(before, "KILL");
        wait::until("a new worker serves", || {
            let status = engine.try_status()?;
            let row = &status["workers"][0];
            let is_new = row["pid"].as_i64()? != i64::from(before);
            (is_new && row["state"] == "running" && row["generation"] == status["generation"])
                .then_some(())
        });
    };
    let replace_program = || {
        let before = engine.program_pid("steady", 0);
        engine.ctl_ok(&["program", "restart", "steady"]);
        wait::until("the program runs again", || {
            engine.program_pid("steady", 0).filter(|pid| Some(*pid) != before)
        });
    };
    replace_worker();
    replace_program();
    // From the first reload on, what ran before is kept for whoever wants to go back.
    engine.ctl_ok(&["reload"]);
    let before = census();
    for round in 0..20 {
        engine.ctl_ok(&["reload"]);
        replace_program();
        // Workers that die young are replaced ever more slowly.
        if round % 4 == 0 {
            replace_worker();
        }
    }
    wait::until("as many descriptors as before", || (census() <= before).then_some(()));
    let master = engine.master_pid();
    for parent in [engine.keeper_pid(), master] {
        wait::until("no zombie", || {
            children_of(parent).iter().all(|pid| is_alive(*pid)).then_some(())
        });
    }
    assert_eq!(strays(&engine), []);
}

#[test]
fn what_a_program_writes_while_there_is_no_master_is_written_once() {
    let origin = Origin::named("one");
    let engine = Engine::start(
        &(site("", &[&origin])
            + "[program.counter]\n\
               command = \"sh -c 'for i in 1 2 3; do until [ -e go$i ]; do sleep 0.01; done; seq 2000; done; exec sleep 1000'\"\n\
               directory = \"{folder}\"\nstdout = { file = \"{folder}/counter.log\" }\n"),
    );
    wait::until("the program runs", || engine.program_pid("counter", 0));
    let file = |name: &str| engine.folder.path().join(name);
    let expected =
        (1..=2000).map(|number: u32| number.to_string()).collect::<Vec<_>>().join("\n") + "\n";
    for round in 1..=3 {
        // Held still first: it must not be reading when it dies.
        let master = engine.master_pid();
        signal(master, "STOP");
        fs::write(file(&format!("go{round}")), "").expect("the folder is ours");
        signal(master, "KILL");
        wait::until("the log is complete", || {
            let text = fs::read_to_string(file("counter.log")).unwrap_or_default();
            (text.len() >= expected.len() * round).then(|| {
                assert_eq!(text, expected.repeat(round), "round {round}");
            })
        });
        wait::until("another master answers", || engine.try_status().map(|_| ()));
    }
}

//! `kill -9` of the keeper, alone and after its masters: nothing dies with it, nothing is lost, and
//! somebody takes its place.

use std::fs;

use serde_json::Value;

use crate::client::{self, Load};
use crate::engine::{Engine, children_of, is_alive, signal};
use crate::origin::Origin;
use crate::proxy::site;
use crate::wait;

const PROGRAMS: &str = "
[program.steady]
command = \"sleep 1000\"
instances = 2
[program.polite]
command = \"sh -c 'trap \\\"exit 7\\\" TERM; touch set; while :; do sleep 0.01; done'\"
directory = \"{folder}\"
start_seconds = 0
autorestart = false
";

fn start(origin: &Origin) -> Engine {
    let engine = Engine::start(&(site("", &[origin]) + PROGRAMS));
    wait::until("the programs run", || {
        let status = engine.try_status()?;
        let rows = status["programs"].as_array()?;
        let is_trapped = engine.folder.path().join("set").exists();
        (is_trapped && rows.iter().all(|row| row["state"] == "RUNNING")).then_some(())
    });
    engine
}

/// Of workers and programs, what must not change: pids and counts of restarts.
fn lives(engine: &Engine) -> Vec<[Option<i64>; 2]> {
    let status = engine.status();
    let rows = [&status["workers"], &status["programs"]].into_iter().filter_map(Value::as_array);
    rows.flatten().map(|row| [row["pid"].as_i64(), row["restarts"].as_i64()]).collect()
}

#[test]
fn a_killed_keeper_is_replaced_by_its_master_and_nothing_else_changes() {
    let origin = Origin::named("one");
    let engine = start(&origin);
    let before = lives(&engine);
    let load = Load::start(engine.address(), "/", 4);
    for round in 0..3 {
        let master = engine.master_pid();
        engine.replace_keeper();
        assert_eq!(engine.keeper_pid(), master, "round {round}");
        // What the first master started is nobody's child of ours from the second round on.
        engine.replace_master();
        let served = origin.served();
        wait::until("traffic goes on", || (origin.served() > served + 50).then_some(()));
        assert_eq!(lives(&engine), before, "round {round}");
    }
    assert_eq!(load.stop().failed, Vec::<String>::new());
    // It commands what it took over, and says what happened.
    engine.ctl_ok(&["program", "restart", "steady:0"]);
    engine.ctl_ok(&["reload"]);
    assert!(engine.ctl_ok(&["events"]).contains("its master takes its place"));
    assert_eq!(client::get(engine.address(), "/").text(), "one");
}

#[test]
fn an_end_is_known_whoever_its_parent_is_by_then() {
    let origin = Origin::named("one");
    for kills in 1..3 {
        let engine = start(&origin);
        // Once: a child of the process that is the keeper now. Twice: of nobody of ours.
        for _ in 0..kills {
            engine.replace_keeper();
        }
        let pid = engine.program_pid("polite", 0).expect("it runs");
        signal(pid, "TERM");
        let row = wait::until("its end is known", || {
            let status = engine.try_status()?;
            let mut rows = status["programs"].as_array()?.iter();
            let row = rows.find(|row| row["name"] == "polite")?;
            (row["state"] != "RUNNING").then(|| row.clone())
        });
        assert_eq!(row["exit_code"].as_i64(), Some(7), "killed {kills} times: {row}");
    }
}

#[test]
fn a_keeper_that_was_a_master_stops_everything_and_is_gone() {
    let origin = Origin::named("one");
    let mut engine = start(&origin);
    engine.replace_keeper();
    engine.replace_keeper();
    let programs: Vec<i32> =
        (0..2).filter_map(|instance| engine.program_pid("steady", instance)).collect();
    assert_eq!(programs.len(), 2);
    signal(engine.keeper_pid(), "TERM");
    engine.ended();
    assert!(programs.iter().all(|pid| !is_alive(*pid)), "{programs:?}");
    assert!(!engine.socket().exists());
}

#[test]
fn what_a_program_writes_while_keepers_die_is_written_once() {
    let origin = Origin::named("one");
    let engine = Engine::start(
        &(site("", &[&origin])
            + "[program.counter]\n\
               command = \"sh -c 'for i in 1 2 3; do until [ -e go$i ]; do sleep 0.01; done; seq 2000; done; exec sleep 1000'\"\n\
               directory = \"{folder}\"\nstdout = { file = \"{folder}/counter.log\" }\n"),
    );
    wait::until("the program runs", || engine.program_pid("counter", 0));
    let file = |name: &str| engine.folder.path().join(name);
    let numbers: Vec<String> = (1..=2000).map(|number: u32| number.to_string()).collect();
    let expected = numbers.join("\n") + "\n";
    for round in 1..=3 {
        // Held still, so that what is written waits in the pipe until the master is a keeper.
        let master = engine.master_pid();
        signal(master, "STOP");
        fs::write(file(&format!("go{round}")), "").expect("the folder is ours");
        signal(engine.keeper_pid(), "KILL");
        signal(master, "CONT");
        engine.follow_keeper();
        wait::until("the log is complete", || {
            let text = fs::read_to_string(file("counter.log")).unwrap_or_default();
            (text.len() >= expected.len() * round).then(|| {
                assert_eq!(text, expected.repeat(round), "round {round}");
            })
        });
    }
}

#[test]
fn what_an_engine_left_that_was_killed_whole_ends_before_the_next_begins() {
    let origin = Origin::named("one");
    let mut engine = start(&origin);
    let left: Vec<i32> =
        lives(&engine).iter().filter_map(|[pid, _]| i32::try_from((*pid)?).ok()).collect();
    assert_eq!(left.len(), 5);
    engine.replace_all();
    assert!(left.iter().all(|pid| !is_alive(*pid)), "{left:?}");
    assert!(engine.log().contains(" processes: ending them"), "{}", engine.log());
    assert_eq!(client::get(engine.address(), "/").text(), "one");
    wait::until("the programs run again", || engine.program_pid("steady", 1));
}

#[test]
fn whoever_asks_while_there_is_no_master_waits_for_the_next() {
    let origin = Origin::named("one");
    let engine = start(&origin);
    for _ in 0..3 {
        signal(engine.master_pid(), "KILL");
        engine.ctl_ok(&["status"]);
    }
    let keeper = engine.keeper_pid();
    wait::until("no zombie", || children_of(keeper).iter().all(|pid| is_alive(*pid)).then_some(()));
}

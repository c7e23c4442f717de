//! A program that can not be started any more ends the engine, with a status that says so.

use crate::engine::{Engine, is_alive, signal};
use crate::wait;

/// Its failure waits for a file, so that the engine is seen to be up before.
const FAILS: &str = "
[program.main]
command = \"sh -c 'until [ -e {folder}/go ]; do sleep 0.02; done; exit 7'\"
start_retries = 0
start_seconds = 3600
on_fatal = \"shutdown\"
[program.other]
command = \"sleep 1000\"
start_seconds = 0
";

fn go(engine: &Engine) {
    std::fs::write(engine.folder.path().join("go"), "").expect("the folder is ours");
}

#[test]
fn a_fatal_program_stops_the_engine_with_a_status_that_says_so() {
    let mut engine = Engine::start(FAILS);
    let other = wait::until("the other runs", || engine.program_pid("other", 0));
    go(&engine);
    assert_eq!(engine.ended().code(), Some(1), "{}", engine.log());
    assert!(engine.log().contains("stop for main:0 is FATAL"), "{}", engine.log());
    assert!(!is_alive(other));
}

#[test]
fn so_it_does_as_the_first_process_of_a_container() {
    let Some(mut engine) = Engine::start_as_init(FAILS) else {
        return eprintln!("skipped: no right to make a namespace of processes");
    };
    go(&engine);
    assert_eq!(engine.ended().code(), Some(1), "{}", engine.log());
}

#[test]
fn the_status_outlives_the_master_that_decided_it() {
    let stays = "
        [program.stays]
        command = \"sh -c 'trap : TERM; until [ -e {folder}/end ]; do sleep 0.02; done'\"
        stop_seconds = 3600
        start_seconds = 0
        [engine]
        shutdown_timeout = \"1h\"";
    let mut engine = Engine::start(&format!("{FAILS}{stays}"));
    wait::until("it runs", || engine.program_pid("stays", 0));
    go(&engine);
    let state = || (engine.program_state("stays", 0) == "STOPPING").then_some(());
    wait::until("the stop has begun", state);
    signal(engine.master_pid(), "KILL");
    std::fs::write(engine.folder.path().join("end"), "").expect("the folder is ours");
    assert_eq!(engine.ended().code(), Some(1), "{}", engine.log());
}

#[test]
fn told_to_stop_it_ends_well_whatever_has_failed_before() {
    let text = FAILS.replace("\"shutdown\"", "{ command = \"touch {folder}/told\" }");
    let mut engine = Engine::start(&text);
    go(&engine);
    let told = engine.folder.path().join("told");
    wait::until("the command has run", || told.exists().then_some(()));
    assert!(engine.stop().success(), "{}", engine.log());
}

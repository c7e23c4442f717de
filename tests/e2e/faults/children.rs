//! Programs that die, do not want to, stand still, or leave somebody with their output.

use std::time::Duration;

use crate::client::Load;
use crate::engine::{
    Engine, children_of, cmdline, descendants, is_alive, processor_ticks, signal, signal_if_there,
};
use crate::{ports, wait};

use super::{bad, middle_and_worst, proc_status, timed, until_state, until_up};

/// How long nothing may happen while wake-ups are counted.
const QUIET: Duration = Duration::from_secs(2);

#[test]
fn a_killed_program_is_running_again_at_once() {
    let engine = Engine::start(
        "[program.victim]\ncommand = \"sleep 1000\"\nstart_seconds = 0\n\
         crash_limit = { restarts = 1000, within = \"1s\" }\n",
    );
    let mut pid = wait::until("it runs", || engine.program_pid("victim", 0));
    let master = engine.master_pid();
    let mut times = Vec::new();
    for _ in 0..15 {
        let is_next = |next: &i32| *next != pid && cmdline(*next).starts_with("sleep 1000");
        let (time, next) = timed(|| {
            signal(pid, "KILL");
            wait::until("the next one", || children_of(master).into_iter().find(is_next))
        });
        times.push(time);
        pid = next;
    }
    let (middle, worst) = middle_and_worst(times);
    eprintln!("1: running again after {middle:?}, at worst {worst:?} (figure: 50 ms)");
    assert!(middle < Duration::from_millis(500), "{middle:?}");
}

#[test]
fn a_killed_backend_costs_at_most_what_it_was_serving() {
    let port = ports::consecutive(2);
    let engine = Engine::start(&format!(
        "[[server]]\nlisten = [\"{{listen}}\"]\n[[server.route]]\npath = \"/\"\nupstream = \"app\"\n\
         [upstream.app]\n[program.web]\ninstances = 2\nstart_seconds = 0\n\
         command = \"{{bin}} __origin --port ${{PORT}} --name web-${{INSTANCE}}\"\n\
         serves = {{ upstream = \"app\", port = {port} }}\n"
    ));
    let is_serving = || {
        let status = engine.try_status()?;
        let rows = status["upstreams"][0]["backends"].as_array()?.clone();
        (rows.len() == 2 && rows.iter().all(|row| row["state"] == "up")).then_some(())
    };
    wait::until("both serve", is_serving);
    let load = Load::start(engine.address(), "/", 4);
    let mut victim = engine.program_pid("web", 0).expect("it runs");
    for _ in 0..3 {
        signal(victim, "KILL");
        victim = wait::until("the next one", || {
            engine.program_pid("web", 0).filter(|pid| *pid != victim)
        });
        wait::until("both serve", is_serving);
    }
    let failed = load.stop().failed;
    eprintln!("1: {} requests failed in three kills (figure: those in flight)", failed.len());
    // Four connections, three kills; the other backend would have half of them in flight.
    assert!(failed.len() <= 12, "{failed:?}");
}

#[test]
fn who_ignores_the_stop_signal_is_killed_when_its_time_is_over_and_not_before() {
    let engine = Engine::start(&bad("deaf", "ignore-term", "stop_seconds = 1"));
    let pid = until_up(&engine, "deaf");
    let (time, _) = timed(|| engine.ctl_ok(&["program", "stop", "deaf"]));
    eprintln!("7: stopped after {time:?} (figure: 1 s and 100 ms)");
    assert!(!is_alive(pid));
    assert!(time >= Duration::from_secs(1) && time < Duration::from_secs(4), "{time:?}");
}

#[test]
fn a_program_that_stands_still_can_be_stopped() {
    let engine = Engine::start(&bad("still", "", "stop_seconds = 10"));
    let pid = until_up(&engine, "still");
    signal(pid, "STOP");
    let (time, _) = timed(|| engine.ctl_ok(&["program", "stop", "still"]));
    eprintln!("25: stopped after {time:?} (figure: 10 s)");
    assert!(!is_alive(pid) && time < Duration::from_secs(13), "{time:?}");
}

#[test]
fn an_exit_is_seen_at_once_though_somebody_keeps_the_output_open() {
    let keys = "autorestart = false\nreap_leftovers = false";
    let engine = Engine::start(&bad("leaves", "hold-pipe exit 3", keys));
    let master = engine.master_pid();
    let (time, ()) = timed(|| until_state(&engine, "leaves", "EXITED"));
    let left: Vec<i32> =
        descendants(master).into_iter().filter(|pid| cmdline(*pid).contains("badkid.py")).collect();
    eprintln!("11: {time:?} from the start to the exit; who holds the pipe: {left:?}");
    assert_eq!(super::row(&engine, "leaves")["exit_code"], 3);
    for pid in left {
        signal_if_there(pid, "KILL");
    }
}

#[test]
fn nobody_wakes_up_for_output_that_is_closed() {
    let engine = Engine::start(&bad("silent", "close-output", "stop_seconds = 5"));
    let pid = wait::until("it runs", || engine.program_pid("silent", 0));
    wait::until("its output is closed", || {
        let has_output = std::fs::exists(format!("/proc/{pid}/fd/1")).unwrap_or(false);
        let is_it = cmdline(pid).contains("close-output");
        (is_it && !has_output).then_some(())
    });
    let master = engine.master_pid();
    let count = || (proc_status(master, "voluntary_ctxt_switches"), processor_ticks(master));
    let before = count();
    std::thread::park_timeout(QUIET);
    let after = count();
    let (wakes, ticks) = (after.0 - before.0, after.1 - before.1);
    eprintln!(
        "12: {wakes} wake-ups and {ticks} ticks in {QUIET:?} (figure: none of the program's)"
    );
    // What looks at memory and processor time once a second is part of it; a loop would be thousands.
    assert!(wakes <= 100 && ticks <= 40, "{wakes} wake-ups, {ticks} ticks");
}

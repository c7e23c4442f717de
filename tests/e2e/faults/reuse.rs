//! A number of a process that somebody else has by now.

use std::process::Command;

use crate::engine::{Engine, children_of, descendants, is_alive, signal};
use crate::wait;

/// Becomes the parent of whoever gets the next number, which it sets where that is its own to set; says
/// which one it was.
const TAKE: &str =
    "echo $(($0 - 1)) > /proc/sys/kernel/ns_last_pid; sleep 2000 > /dev/null 2>&1 & echo $!";

/// The number that a process has in the innermost namespace.
fn inner(pid: i32) -> Option<i32> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let numbers = text.lines().find_map(|line| line.strip_prefix("NSpid:"))?;
    numbers.split_whitespace().last()?.parse().ok()
}

#[test]
fn a_stranger_who_has_taken_over_a_programs_number_is_left_alone() {
    let config = "[program.gone]\ncommand = \"sleep 1000\"\nstart_seconds = 0\n";
    let Some(mut engine) = Engine::start_as_init(config) else {
        return eprintln!("skipped: no right to make a namespace of processes");
    };
    let init = children_of(engine.keeper_pid())[0];
    let number = wait::until("it runs", || engine.program_pid("gone", 0));
    engine.ctl_ok(&["program", "stop", "gone"]);
    let target = init.to_string();
    let take = |number: i32| {
        let words = ["-t", &target, "-p", "-m", "sh", "-c", TAKE, &number.to_string()];
        let output = Command::new("nsenter").args(words).output().expect("nsenter(1) runs");
        String::from_utf8_lossy(&output.stdout).trim().parse::<i32>().ok()
    };
    // Somebody else may be faster now and then.
    let Some(_taken) = (0..20).find(|_| take(number) == Some(number)) else {
        return eprintln!("skipped: numbers of processes can not be chosen here");
    };
    let stranger = descendants(init).into_iter().find(|pid| inner(*pid) == Some(number));
    let stranger = stranger.expect("it was just started");
    for verb in [&["signal", "gone", "KILL"][..], &["kill", "gone"], &["stop", "gone"]] {
        engine.ctl(&[&["program"], verb].concat());
        assert!(is_alive(stranger), "{verb:?}");
    }
    for round in 0..3 {
        engine.ctl_ok(&["program", "start", "gone"]);
        let now = wait::until("it runs", || engine.program_pid("gone", 0));
        assert_ne!(now, number);
        engine.ctl_ok(&["program", ["stop", "kill", "restart"][round], "gone"]);
        assert!(is_alive(stranger), "round {round}");
        engine.ctl_ok(&["program", "stop", "gone"]);
    }
    assert!(is_alive(stranger));
    signal(stranger, "KILL");
    assert_eq!(engine.program_state("gone", 0), "STOPPED", "its end is nobody's news");
    signal(init, "TERM");
    assert_eq!(engine.ended().code(), Some(0), "{}", engine.log());
}

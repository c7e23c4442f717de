//! Being told to stop ends the engine: in order when it can, within bounds when it can not, and
//! whoever dies meanwhile.

use std::sync::{Arc, Barrier};

use crate::engine::{Engine, descendants, is_alive, signal, signal_if_there};
use crate::origin::{self, Origin};
use crate::proxy::site;
use crate::{client, wait};

/// A program that has to be killed, and one that leaves a child behind in a session of its own.
const STUBBORN: &str = "
[program.stubborn]
command = \"sh -c 'trap \\\"\\\" TERM; while :; do sleep 1000; done'\"
[program.parent]
command = \"sh -c 'setsid sleep 1000 & exec sleep 1000'\"
";

fn timeout(config: &str, timeout: &str) -> String {
    config.replacen("[engine]\n", &format!("[engine]\nshutdown_timeout = \"{timeout}\"\n"), 1)
}

/// The engine's processes, once both programs are complete.
fn family(engine: &Engine) -> Vec<i32> {
    wait::until("the programs run", || {
        let family = descendants(engine.keeper_pid());
        (family.len() >= 7).then_some(family)
    })
}

fn left(family: Vec<i32>) -> Vec<i32> {
    family.into_iter().filter(|pid| is_alive(*pid)).collect()
}

#[test]
fn a_master_that_hangs_is_killed_with_all_the_rest_when_its_time_is_over() {
    let origin = Origin::named("one");
    let mut engine = Engine::start(&(timeout(&site("", &[&origin]), "200ms") + STUBBORN));
    let family = family(&engine);
    signal(engine.master_pid(), "STOP");
    assert_eq!(engine.stop().code(), Some(1), "{}", engine.log());
    assert_eq!(left(family), Vec::<i32>::new());
}

#[test]
fn told_twice_it_ends_at_once() {
    let origin = Origin::named("one");
    let mut engine = Engine::start(&(timeout(&site("", &[&origin]), "10m") + STUBBORN));
    let family = family(&engine);
    signal(engine.keeper_pid(), "TERM");
    wait::until("the stop has begun", || engine.log().contains("stop by SIGTERM").then_some(()));
    assert_eq!(engine.stop().code(), Some(0), "{}", engine.log());
    // What left its program's group on purpose is not the engine's; it is ours to end.
    for pid in left(family) {
        signal(pid, "KILL");
    }
}

#[test]
fn told_twice_it_ends_even_with_a_master_that_hangs() {
    let origin = Origin::named("one");
    let mut engine = Engine::start(&(timeout(&site("", &[&origin]), "10m") + STUBBORN));
    let family = family(&engine);
    signal(engine.master_pid(), "STOP");
    signal(engine.keeper_pid(), "TERM");
    // The same signal twice at once would be one.
    signal(engine.keeper_pid(), "INT");
    assert_eq!(engine.ended().code(), Some(1), "{}", engine.log());
    assert_eq!(left(family), Vec::<i32>::new());
}

#[test]
fn a_wish_to_stop_outlives_the_master_that_heard_it() {
    let gate = Arc::new(Barrier::new(2));
    let held = Arc::clone(&gate);
    let slow = Origin::scripted(move |_| {
        held.wait();
        origin::ok("slow")
    });
    let mut engine = Engine::start(&site("", &[&slow]));
    let address = engine.address();
    let request = std::thread::spawn(move || client::get(address, "/").text());
    wait::until("a request is under way", || (slow.served() == 1).then_some(()));
    engine.ctl_ok(&["shutdown"]);
    engine.replace_master();
    wait::until("the next one stops, too", || {
        engine.log().contains("stop by SIGTERM").then_some(())
    });
    gate.wait();
    assert_eq!(request.join().expect("it is answered"), "slow");
    assert_eq!(engine.ended().code(), Some(0), "{}", engine.log());
}

#[test]
fn a_stop_is_heard_while_masters_crash() {
    let origin = Origin::named("one");
    let mut engine = Engine::start(&site("", &[&origin]));
    let family = descendants(engine.keeper_pid());
    wait::until("the keeper waits between two masters", || {
        for master in engine.masters() {
            signal_if_there(master, "KILL");
        }
        engine.log().contains("next in 400 ms").then_some(())
    });
    assert_eq!(engine.stop().code(), Some(0), "{}", engine.log());
    assert_eq!(left(family), Vec::<i32>::new());
}

#[test]
fn masters_that_die_instead_of_stopping_are_not_waited_for() {
    let origin = Origin::named("one");
    let mut engine = Engine::start(&(site("", &[&origin]) + STUBBORN));
    let family = family(&engine);
    signal(engine.master_pid(), "STOP");
    signal(engine.keeper_pid(), "TERM");
    wait::until("no further master is tried", || {
        for master in engine.masters() {
            signal_if_there(master, "KILL");
        }
        engine.log().contains("killing what is left").then_some(())
    });
    assert_eq!(engine.ended().code(), Some(1));
    assert_eq!(left(family), Vec::<i32>::new());
}

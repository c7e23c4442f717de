//! Many programs at a time, and many one after the other.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::engine::{Engine, children_of, descriptors, is_alive, processor_ticks, resident_bytes};
use crate::wait;

use super::{middle_and_worst, timed};

const TOGETHER: usize = 32;
const PATIENCE: Duration = Duration::from_mins(2);

fn pids(engine: &Engine, state: &str) -> BTreeSet<i64> {
    let status = engine.try_status().unwrap_or_default();
    let rows = status["programs"].as_array().cloned().unwrap_or_default();
    rows.iter().filter(|row| row["state"] == state).filter_map(|row| row["pid"].as_i64()).collect()
}

/// Starts so many, kills all of them, and wants them back.
fn start_and_kill(count: usize) {
    let program = |number: usize| {
        format!(
            "[program.p{number}]\ncommand = \"sleep 1000\"\ninstances = {TOGETHER}\nstart_seconds = 0\n"
        )
    };
    let config: String = (0..count / TOGETHER).map(program).collect();
    let count = count / TOGETHER * TOGETHER;
    let all = |engine: &Engine, before: &BTreeSet<i64>| {
        wait::within(PATIENCE, "all run", || {
            let now = pids(engine, "RUNNING");
            (now.len() == count && now.is_disjoint(before)).then_some(now)
        })
    };
    let (start, (engine, first)) = timed(|| {
        let engine = Engine::start(&config);
        let first = all(&engine, &BTreeSet::new());
        (engine, first)
    });
    let answers = (0..20).map(|_| timed(|| engine.status()).0).collect();
    let (answer, slowest) = middle_and_worst(answers);
    let master = engine.master_pid();
    let open = descriptors(master);
    let killing: Vec<String> = first.iter().map(ToString::to_string).collect();
    let (recovery, _) = timed(|| {
        let mut kill = std::process::Command::new("kill");
        assert!(kill.arg("-KILL").args(&killing).status().expect("kill(1) runs").success());
        all(&engine, &first)
    });
    let before = processor_ticks(master);
    std::thread::park_timeout(Duration::from_secs(2));
    let idle = processor_ticks(master) - before;
    eprintln!(
        "20: {count} programs: started in {start:?}, status {answer:?} (worst {slowest:?}), killed and \
         running again in {recovery:?}, {} MiB, {idle} ticks in 2 s (figures of 1,000: 2 s, 10 ms, 2 s, \
         60 MiB, 0.1 %)",
        resident_bytes(master) >> 20
    );
    assert!(start < Duration::from_secs(40) && recovery < Duration::from_secs(40));
    assert!(answer < Duration::from_secs(1) && idle <= 60, "{answer:?}, {idle} ticks");
    assert!(resident_bytes(master) < 200 << 20);
    wait::until("as many descriptors as before", || {
        (descriptors(master) <= open + 8).then_some(())
    });
}

#[test]
fn all_of_128_programs_are_back_after_all_were_killed() {
    start_and_kill(128);
}

#[test]
#[ignore = "a thousand processes: cargo test --test e2e -- --ignored faults"]
fn all_of_a_thousand_programs_are_back_after_all_were_killed() {
    start_and_kill(1_000);
}

#[test]
fn short_tasks_leave_no_zombie_and_no_descriptor() {
    let engine = Engine::start(
        "[program.task]\ncommand = \"true\"\ninstances = 4\nstart_seconds = 0\nautorestart = true\n\
         crash_limit = { restarts = 1000, within = \"1s\" }\n",
    );
    let restarts = || {
        let status = engine.try_status().unwrap_or_default();
        let rows = status["programs"].as_array().cloned().unwrap_or_default();
        rows.iter().filter_map(|row| row["restarts"].as_u64()).sum::<u64>()
    };
    let reach = |count: u64| {
        wait::within(PATIENCE, "so many tasks", || (restarts() >= count).then_some(()));
    };
    let master = engine.master_pid();
    let zombies = || -> BTreeSet<i32> {
        let children = children_of(master).into_iter();
        children.filter(|pid| !is_alive(*pid)).collect()
    };
    reach(50);
    let open = descriptors(master);
    let (time, ()) = timed(|| reach(550));
    eprintln!("21: 500 tasks in {time:?} (figure: 10,000 a minute, which is 3 s)");
    let mut stale = zombies();
    wait::until("no zombie stays", || {
        stale.retain(|pid| zombies().contains(pid));
        stale.is_empty().then_some(())
    });
    // Four instances of a few descriptors each come and go.
    wait::until("no descriptor stays", || (descriptors(master) <= open + 32).then_some(()));
    engine.ctl_ok(&["program", "stop", "task"]);
    assert_eq!(zombies(), BTreeSet::new());
}

//! Whoever is killed, whenever: the engine is whole again, and nobody is there twice.
//!
//! The long run: `cargo test --test e2e -- --ignored chaos`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::client::Load;
use crate::engine::{BINARY, COPY, Engine, children_of, descriptors, is_alive, signal_if_there};
use crate::origin::Origin;
use crate::proxy::site;
use crate::{executable, wait, witness};

const CONNECTIONS: usize = 4;
const PAUSE: Duration = Duration::from_millis(100);
/// What an engine that was left alone may have open more than before: connections, questions.
const DESCRIPTORS_SLACK: usize = 24;

const PROGRAMS: &str = "
[program.victim]
command = \"sleep 1000\"
instances = 3
start_seconds = 0
restart_delay = \"0s\"
[program.spared]
command = \"sleep 1000\"
";

/// Programs, with three victims, the one that is spared, and the witnesses.
const PROGRAMS_COUNT: usize = 6;
const SPARED: [&str; 3] = ["spared", "counter", "ender"];

/// Marsaglia's xorshift: the same kills for the same seed.
struct Dice(u64);

impl Dice {
    /// The same in every run, unless `PILOTHOUSE_CHAOS_SEED` says otherwise.
    fn new() -> Self {
        let seed = std::env::var("PILOTHOUSE_CHAOS_SEED").ok().and_then(|seed| seed.parse().ok());
        Self(0x9e37_79b9_7f4a_7c15 ^ seed.unwrap_or(0))
    }

    fn throw(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }
}

fn rows(status: &Value, kind: &str) -> Vec<Value> {
    status[kind].as_array().cloned().unwrap_or_default()
}

fn pid_of(row: &Value) -> Option<i32> {
    i32::try_from(row["pid"].as_i64()?).ok()
}

fn until_whole(engine: &Engine) -> Value {
    wait::until("everything runs", || {
        let status = engine.try_status()?;
        let is_running =
            |row: &Value, word: &str| row["state"] == word && pid_of(row).is_some_and(is_alive);
        let (workers, programs) = (rows(&status, "workers"), rows(&status, "programs"));
        let is_whole = workers.len() == 2
            && workers.iter().all(|row| is_running(row, "running"))
            && programs.len() == PROGRAMS_COUNT
            && programs.iter().all(|row| is_running(row, "RUNNING"))
            && !engine.masters().is_empty();
        is_whole.then_some(status)
    })
}

/// Everybody alive who was started by this engine, whoever the parent is by now.
fn family(engine: &Engine) -> BTreeSet<i32> {
    let mark = format!("PILOTHOUSE_SOCKET={}", engine.socket().display());
    let entries = fs::read_dir("/proc").expect("there is /proc");
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    let bears = |pid: &i32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|entry| entry == mark.as_bytes())
    };
    pids.filter(bears).filter(|pid| is_alive(*pid)).collect()
}

/// What happens to the engine in one round. `None`: nobody who serves requests was killed.
fn befall(engine: &Engine, dice: &mut Dice) -> Option<i32> {
    let status = wait::until("a master answers", || engine.try_status());
    let is_spared = |row: &Value| SPARED.iter().any(|name| row["name"] == *name);
    let victims: Vec<i32> = match dice.throw(6) {
        0 => {
            let programs = rows(&status, "programs");
            programs.iter().filter(|row| !is_spared(row)).filter_map(pid_of).collect()
        }
        1 => rows(&status, "workers").iter().filter_map(pid_of).collect(),
        2 => {
            engine.replace_master();
            return None;
        }
        3 => {
            engine.replace_keeper();
            return None;
        }
        4 => {
            // Killed in the middle of it, or not: either image is a good one.
            executable::copy(Path::new(BINARY), &engine.folder.path().join("beside"));
            fs::rename(engine.folder.path().join("beside"), engine.folder.path().join(COPY))
                .expect("the folder is ours");
            signal_if_there(engine.keeper_pid(), "USR2");
            return None;
        }
        _ => {
            let code = u8::try_from(dice.throw(256)).expect("a byte");
            witness::begin_end(engine, code);
            let masters = engine.masters();
            if let (1, Some(master)) = (dice.throw(2), masters.first()) {
                signal_if_there(*master, "KILL");
            }
            witness::expect_end(engine, code);
            return None;
        }
    };
    let victim = *victims.get(dice.throw(victims.len().max(1)))?;
    signal_if_there(victim, "KILL");
    rows(&status, "workers").iter().any(|row| pid_of(row) == Some(victim)).then_some(victim)
}

fn run(kills: usize) {
    let origin = Origin::named("one");
    let config = site("", &[&origin]) + PROGRAMS + witness::PROGRAMS;
    let engine = Engine::start_in(&config, |folder| {
        executable::copy(Path::new(BINARY), &folder.join(COPY));
    });
    let status = until_whole(&engine);
    let spared = |status: &Value| -> Vec<(Option<i32>, Value)> {
        let mut programs = rows(status, "programs");
        programs.retain(|row| row["name"] == "spared" || row["name"] == "counter");
        programs.iter().map(|row| (pid_of(row), row["restarts"].clone())).collect()
    };
    let before = spared(&status);
    let census = || [engine.keeper_pid(), engine.master_pid()].map(descriptors);
    let open = census();
    let load = Load::start(engine.address(), "/", CONNECTIONS);
    let mut dice = Dice::new();
    let mut workers_killed = 0;
    for _ in 0..kills {
        std::thread::park_timeout(PAUSE);
        workers_killed += usize::from(befall(&engine, &mut dice).is_some());
    }
    let failed = load.stop().failed;
    assert!(
        failed.len() <= workers_killed * CONNECTIONS,
        "{} requests failed, {workers_killed} workers were killed: {failed:?}",
        failed.len()
    );
    let status = until_whole(&engine);
    assert_eq!(spared(&status), before);
    witness::expect_exact_log(&engine);
    expect_nobody_twice(&engine);
    let grown = census();
    assert!(
        grown.iter().zip(open).all(|(now, before)| *now <= before + DESCRIPTORS_SLACK),
        "descriptors: {open:?}, then {grown:?}"
    );
}

/// Who is there is who is known, and nobody is left unreaped.
fn expect_nobody_twice(engine: &Engine) {
    // Workers of an image before this one finish what they have begun, and leave.
    wait::until("nobody is there twice", || {
        let status = engine.try_status()?;
        let rows = [rows(&status, "workers"), rows(&status, "programs")].concat();
        let known: BTreeSet<i32> = rows.iter().filter_map(pid_of).collect();
        let is_all = known.len() == 2 + PROGRAMS_COUNT;
        // What a program runs for a moment bears its mark, too.
        let family: BTreeSet<i32> = family(engine);
        let is_work = |pid: &i32| known.iter().any(|parent| children_of(*parent).contains(pid));
        (is_all && family.iter().all(|pid| known.contains(pid) || is_work(pid))).then_some(())
    });
    for parent in [engine.keeper_pid(), engine.master_pid()] {
        wait::until("no zombie", || {
            children_of(parent).iter().all(|pid| is_alive(*pid)).then_some(())
        });
    }
}

#[test]
fn a_short_chaos_leaves_the_engine_whole() {
    run(16);
}

#[test]
#[ignore = "takes minutes: masters that die young are started ever more slowly"]
fn a_long_chaos_leaves_the_engine_whole() {
    run(400);
}

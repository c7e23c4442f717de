//! Files that do not open, as on a file system that hangs: a start waits for them, and nobody else does.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::engine::{Engine, cmdline, descendants, is_alive};
use crate::{executable, wait};

use super::{row, timed, until_state};

/// Whoever opens the file waits until this one has ended, or gives up.
const HOLD: &str = "
import fcntl, os, signal, sys
signal.signal(signal.SIGIO, signal.SIG_IGN)
fcntl.fcntl(os.open(sys.argv[1], os.O_RDONLY), fcntl.F_SETLEASE, fcntl.F_WRLCK)
print('held', flush=True)
sys.stdin.read()
";

const PROGRAMS: &str = "
[program.tool]
command = \"{folder}/tool\"
autostart = false
start_seconds = 0
[program.told]
command = \"sleep 1000\"
env_files = [\"{folder}/variables\"]
autostart = false
start_seconds = 0
[program.hooked]
command = \"sleep 1000\"
hooks = { pre_start = { command = \"{folder}/tool\", timeout = \"1s\" } }
autostart = false
start_seconds = 0
start_retries = 0
[program.other]
command = \"sleep 1000\"
start_seconds = 0
";

/// Lets go of the file when it is dropped.
pub(super) struct Held(Child);

impl Held {
    pub(super) fn hold(file: &Path) -> Self {
        let mut python = Command::new("python3");
        python.args(["-c", HOLD]).arg(file).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = python.spawn().expect("python3 runs");
        let mut said = String::new();
        let stdout = child.stdout.as_mut().expect("it is a pipe");
        BufReader::new(stdout).read_line(&mut said).expect("it says that it holds the file");
        assert_eq!(said, "held\n");
        Self(child)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        self.0.wait().expect("it is ours");
    }
}

fn engine() -> Engine {
    Engine::start_in(PROGRAMS, |folder| {
        executable::write(&folder.join("tool"), b"#!/bin/sh\nexec sleep 1234\n");
        fs::write(folder.join("variables"), "A=b\n").expect("the folder is ours");
    })
}

/// The start is held up, and everything else goes on as ever.
fn until_held_up(engine: &Engine, name: &str) {
    wait::until("its row says so", || {
        let row = row(engine, name);
        row["reason"].as_str()?.contains("does not answer").then_some(())
    });
    let (time, _) = timed(|| engine.ctl_ok(&["program", "restart", "other"]));
    eprintln!("{name}: another program restarted in {time:?} meanwhile");
    assert!(time < Duration::from_secs(5), "{time:?}");
    assert_eq!(engine.program_state(name, 0), "STARTING");
}

#[test]
fn a_start_that_hangs_holds_nobody_up_and_can_be_stopped() {
    let engine = engine();
    for (name, file) in [("tool", "tool"), ("told", "variables")] {
        let file = engine.folder.path().join(file);
        let held = Held::hold(&file);
        let mut start = engine.ctl_begin(&["program", "start", name]);
        until_held_up(&engine, name);
        engine.ctl_ok(&["program", "stop", name]);
        assert_eq!(engine.program_state(name, 0), "STOPPED");
        assert!(!start.wait().expect("it ends").success());
        let mut again = engine.ctl_begin(&["program", "start", name]);
        until_held_up(&engine, name);
        drop(held);
        assert!(again.wait().expect("it ends").success(), "{}", row(&engine, name));
        until_state(&engine, name, "RUNNING");
        let pid = engine.program_pid(name, 0).expect("it runs");
        let mut family = descendants(engine.master_pid()).into_iter();
        assert!(family.all(is_alive), "who was given up is reaped");
        engine.ctl_ok(&["program", "stop", name]);
        assert!(!is_alive(pid));
    }
}

#[test]
fn a_hook_that_hangs_before_it_runs_is_out_of_time_as_any_other() {
    let engine = engine();
    let _held = Held::hold(&engine.folder.path().join("tool"));
    let start = engine.ctl(&["program", "start", "hooked"]);
    assert_eq!(start.status.code(), Some(1));
    let row = row(&engine, "hooked");
    assert!(row["reason"].as_str().is_some_and(|it| it.contains("not done after 1 s")), "{row}");
}

#[test]
fn a_master_that_is_killed_while_a_start_hangs_leaves_no_second_copy() {
    let engine = engine();
    let held = Held::hold(&engine.folder.path().join("tool"));
    let mut start = engine.ctl_begin(&["program", "start", "tool"]);
    until_held_up(&engine, "tool");
    engine.replace_master();
    let _its_master_is_gone = start.wait();
    until_held_up(&engine, "tool");
    drop(held);
    until_state(&engine, "tool", "RUNNING");
    let family = descendants(engine.keeper_pid()).into_iter();
    let copies: Vec<i32> = family.filter(|pid| cmdline(*pid).contains("sleep 1234")).collect();
    assert_eq!(copies, [engine.program_pid("tool", 0).expect("it runs")]);
}

#[test]
fn an_engine_ends_although_a_start_hangs() {
    let mut engine = engine();
    let _held = Held::hold(&engine.folder.path().join("tool"));
    let mut start = engine.ctl_begin(&["program", "start", "tool"]);
    until_held_up(&engine, "tool");
    let (time, status) = timed(|| engine.stop());
    assert_eq!(status.code(), Some(0));
    assert!(time < Duration::from_secs(10), "{time:?}");
    let _it_may_have_no_answer = start.wait();
}

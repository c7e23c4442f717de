//! What the kernel refuses: descriptors, files that can not be run, rights.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use crate::engine::{Engine, descriptors, is_alive, signal};
use crate::wait;

use super::{row, until_state};

fn limit_descriptors(pid: i32, soft: usize) {
    let order = [format!("--pid={pid}"), format!("--nofile={soft}:")];
    let status = Command::new("prlimit").args(order).status().expect("prlimit(1) runs");
    assert!(status.success());
}

#[test]
fn a_start_without_a_descriptor_is_tried_again_and_not_counted() {
    let engine = Engine::start(
        "[program.late]\ncommand = \"sleep 1000\"\nautostart = false\nstart_seconds = 0\nstart_retries = 0\n",
    );
    let master = engine.master_pid();
    // Two more: a question, and one pipe less than a program needs.
    limit_descriptors(master, descriptors(master) + 2);
    let mut start = engine.ctl_begin(&["program", "start", "late"]);
    wait::until("it says what is missing", || {
        let row = row(&engine, "late");
        row["reason"].as_str()?.contains("Too many open files").then_some(())
    });
    assert_ne!(engine.program_state("late", 0), "FATAL", "{}", row(&engine, "late"));
    limit_descriptors(master, 4096);
    until_state(&engine, "late", "RUNNING");
    let _told = start.wait();
}

fn executable(path: &Path, text: &str) {
    fs::write(path, text).expect("the folder is ours");
    fs::set_permissions(path, Permissions::from_mode(0o755)).expect("the file is ours");
}

#[test]
fn what_can_not_be_executed_says_why() {
    const NAMES: [&str; 5] = ["gone", "forbidden", "garbage", "unread", "nowhere"];
    let program = |name: &str| {
        format!(
            "[program.{name}]\ncommand = \"{{folder}}/{name}\"\nstart_seconds = 0\nstart_retries = 0\n\
             directory = \"{{folder}}/{name}.d\"\n"
        )
    };
    let config: String = NAMES.into_iter().map(program).collect();
    let engine = Engine::start_in(&config, |folder| {
        for name in NAMES {
            executable(&folder.join(name), "#!/bin/sh\nexec sleep 1000\n");
            fs::create_dir(folder.join(format!("{name}.d"))).expect("the folder is ours");
        }
    });
    for name in NAMES {
        until_state(&engine, name, "RUNNING");
    }
    let path = |name: &str| engine.folder.path().join(name);
    fs::remove_file(path("gone")).expect("it is ours");
    fs::set_permissions(path("forbidden"), Permissions::from_mode(0o644)).expect("it is ours");
    for (name, text) in [("garbage", "\u{7f}nothing to run"), ("unread", "#!/nonexistent/sh\n")] {
        // Another file: the one that runs may not be written to.
        executable(&path("new"), text);
        fs::rename(path("new"), path(name)).expect("it is ours");
    }
    fs::remove_dir(path("nowhere.d")).expect("it is empty");
    let reasons = [
        ("gone", "No such file"),
        ("forbidden", "ermission denied"),
        ("garbage", "Exec format error"),
        ("unread", "No such file"),
        ("nowhere", "No such file"),
    ];
    for (name, reason) in reasons {
        let output = engine.ctl(&["program", "restart", name]);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{name}: {text}");
        let row = row(&engine, name);
        eprintln!("23: {}", row["reason"]);
        assert!(row["reason"].as_str().is_some_and(|it| it.contains(reason)), "{row}");
        assert_eq!(row["state"], "FATAL", "{row}");
    }
}

#[test]
fn without_any_rights_programs_are_run_restarted_and_stopped_all_the_same() {
    let uid = Command::new("id").arg("-u").output().expect("id(1) runs").stdout;
    if uid.trim_ascii() != b"0" {
        return eprintln!("nothing to give up: all tests run without rights");
    }
    let nobody = "cp \"$0\" copy; chmod 777 .; exec setpriv --reuid 65534 --regid 65534 --clear-groups \
                  --no-new-privs ./copy \"$@\"";
    let engine = Engine::start_after(nobody, "[program.plain]\ncommand = \"sleep 1000\"\n");
    let first = wait::until("it runs", || engine.program_pid("plain", 0));
    eprintln!("34: without rights it is kept hold of by {}", row(&engine, "plain")["tracking"]);
    signal(first, "KILL");
    let next =
        wait::until("another one", || engine.program_pid("plain", 0).filter(|pid| *pid != first));
    engine.ctl_ok(&["program", "stop", "plain"]);
    assert!(!is_alive(next));
}

//! What the kernel refuses: descriptors, files that can not be run, rights.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use crate::engine::{Engine, descriptors, is_alive, signal};
use crate::{executable, tracking, wait};

use super::{row, until_state};

/// Becomes its words where some system calls are not there, as on an older kernel or in a sandbox:
/// `close_range` and `clone3`, which have the same numbers on every machine.
const WITHOUT_CALLS: &str = "
import ctypes, os, struct, sys
MISSING = (435, 436)
LOAD, JUMP_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, NOT_THERE = 0x7fff0000, 0x00050000 | 38
program = [(LOAD, 0, 0, 0)]
for at, number in enumerate(MISSING):
    program.append((JUMP_EQUAL, len(MISSING) - at, 0, number))
program += [(RETURN, 0, 0, ALLOW), (RETURN, 0, 0, NOT_THERE)]
code = b''.join(struct.pack('HBBI', *step) for step in program)
buffer = ctypes.create_string_buffer(code)
class Program(ctypes.Structure):
    _fields_ = [('length', ctypes.c_ushort), ('code', ctypes.c_void_p)]
libc = ctypes.CDLL(None, use_errno=True)
filter = Program(len(program), ctypes.addressof(buffer))
if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, ctypes.byref(filter), 0, 0):
    sys.exit('filter: errno %d' % ctypes.get_errno())
os.execv(sys.argv[1], sys.argv[1:])
";

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
            executable::write(&folder.join(name), b"#!/bin/sh\nexec sleep 1000\n");
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
        executable::write(&path("new"), text.as_bytes());
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
fn a_look_that_fails_takes_nobody_for_gone() {
    const LEADER: &str = "(setsid sh -c 'echo $$ > left.new; mv left.new left; exec sleep 1000' &)\n\
                          exec sleep 1001\n";
    for tracking in tracking::rungs() {
        let program = "[program.lead]\ncommand = \"sh lead.sh\"\ndirectory = \"{folder}\"\n\
                       start_seconds = 0\nautorestart = true\n";
        let engine = Engine::start_in(&tracking::config(tracking, program), |folder| {
            fs::write(folder.join("lead.sh"), LEADER).expect("the folder is ours");
        });
        let left = |earlier: Option<i32>| {
            wait::until("somebody who would be left", || {
                let text = fs::read_to_string(engine.folder.path().join("left")).ok()?;
                text.trim().parse().ok().filter(|pid| Some(*pid) != earlier)
            })
        };
        let first: i32 = left(None);
        let leader = wait::until("it runs", || engine.program_pid("lead", 0));
        let master = engine.master_pid();
        // Not one more.
        limit_descriptors(master, 3);
        signal(leader, "KILL");
        wait::until("it says that it can not look", || {
            engine.log().contains("look for what ").then_some(())
        });
        assert!(is_alive(first), "{tracking}");
        limit_descriptors(master, 4096);
        let next = left(Some(first));
        assert!(!is_alive(first) && is_alive(next), "{tracking}: started beside pid {first}");
        assert_eq!(row(&engine, "lead")["restarts"], 1, "{tracking}");
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

#[test]
fn without_calls_of_newer_kernels_programs_are_run_restarted_and_stopped_all_the_same() {
    let preparation = format!("exec python3 -c \"{WITHOUT_CALLS}\" \"$0\" \"$@\"");
    // What it inherits beside its own must not be open in it.
    let program = "[program.plain]\ncommand = \"sleep 1000\"\n";
    let engine = Engine::start_after(&preparation, program);
    let filtered = super::proc_status(engine.keeper_pid(), "Seccomp");
    assert_eq!(filtered, 2, "the filter is on");
    let first = wait::until("it runs", || engine.program_pid("plain", 0));
    wait::until("it is what it says", || {
        crate::engine::cmdline(first).starts_with("sleep").then_some(())
    });
    assert_eq!(descriptors(first), 3, "its standard ones and no other");
    signal(first, "KILL");
    let next =
        wait::until("another one", || engine.program_pid("plain", 0).filter(|pid| *pid != first));
    engine.replace_master();
    assert_eq!(engine.program_pid("plain", 0), Some(next));
    engine.ctl_ok(&["program", "stop", "plain"]);
    assert!(!is_alive(next));
}

#[test]
fn when_memory_runs_out_the_engine_is_not_the_first_to_go_and_passes_that_on_to_nobody() {
    let score = |pid: &str| {
        let text = fs::read_to_string(format!("/proc/{pid}/oom_score_adj")).expect("it is there");
        text.trim().parse::<i32>().expect("a number")
    };
    let may_lower = Command::new("sh")
        .args(["-c", "echo -900 >/proc/self/oom_score_adj"])
        .stderr(std::process::Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    let own = score("self");
    let expected = if may_lower { own.min(-900) } else { own };
    let engine = Engine::start(
        "[program.plain]\ncommand = \"sleep 1000\"\n[program.first]\ncommand = \"sleep 1000\"\n\
         oom_score_adj = 700\n",
    );
    let plain = wait::until("it runs", || engine.program_pid("plain", 0));
    let first = wait::until("it runs", || engine.program_pid("first", 0));
    // Whoever becomes the keeper is in its place in this, too, and does not take it for its own.
    for round in 0..3 {
        let held = [engine.keeper_pid(), engine.master_pid()].map(|pid| score(&pid.to_string()));
        assert_eq!(held, [expected; 2], "round {round}");
        engine.replace_keeper();
    }
    let worker = engine.worker_pids()[0];
    assert_eq!([plain, first, worker].map(|pid| score(&pid.to_string())), [own, 700, own]);
    engine.ctl_ok(&["program", "restart", "plain"]);
    let next = engine.program_pid("plain", 0).expect("it runs").to_string();
    assert_eq!(score(&next), own, "of the keeper that was a master before");
}

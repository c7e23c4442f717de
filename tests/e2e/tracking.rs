//! All that a program starts is known and ended with it, however it tries to get away: by control
//! groups where this machine has them, by descent, session and mark in any case.

#![expect(clippy::print_stderr, reason = "a test that is not possible here says so")]

use std::fs;
use std::path::PathBuf;

use crate::engine::{self, Engine, children_of, is_alive, signal};
use crate::{ports, wait};

/// A leader whose worker has forked itself away twice, has its own session, holds the port and does
/// not mind SIGTERM.
const LEADER: &str = r#"
import os, signal, socket, sys, time
port, folder = int(sys.argv[1]), sys.argv[2]
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", port))
listener.listen()
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
    if "deaf" in sys.argv:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with open(folder + "/worker.new", "w") as file:
        file.write(str(os.getpid()))
    os.rename(folder + "/worker.new", folder + "/worker")
    time.sleep(1000)
os.wait()
listener.close()
time.sleep(1000)
"#;

/// What this machine has of `auto` and `session`.
pub(crate) fn rungs() -> Vec<&'static str> {
    let engine = Engine::start(&config("auto", "[program.a]\ncommand = \"sleep 1000\""));
    if tracking(&engine, "a") == "cgroup" {
        vec!["auto", "session"]
    } else {
        eprintln!("not tested with control groups: {}", engine.log());
        vec!["session"]
    }
}

pub(crate) fn config(tracking: &str, programs: &str) -> String {
    format!(
        "[engine]\ntracking = \"{tracking}\"\nworkers = 1\n[[server]]\nlisten = [\"{{listen}}\"]\n\
         [[server.route]]\npath = \"/\"\nupstream = \"u\"\n\
         [[upstream.u.backend]]\naddress = \"127.0.0.1:1\"\n{programs}"
    )
}

fn leading(tracking: &str, more: &str) -> Engine {
    let port = ports::consecutive(1);
    let program = format!(
        "[program.lead]\ncommand = \"python3 {{folder}}/lead.py {port} {{folder}} {more}\"\n\
         start_seconds = 0\nautorestart = true\nstop_seconds = 5"
    );
    let furnish = |folder: &std::path::Path| {
        fs::write(folder.join("lead.py"), LEADER).expect("the folder is ours");
    };
    Engine::start_in(&config(tracking, &program), furnish)
}

pub(crate) fn row(engine: &Engine, name: &str) -> serde_json::Value {
    let status = engine.status();
    let rows = status["programs"].as_array().expect("programs is an array").clone();
    rows.into_iter().find(|row| row["name"] == name).expect("the program is there")
}

fn tracking(engine: &Engine, name: &str) -> String {
    wait::until("it runs", || engine.program_pid(name, 0));
    row(engine, name)["tracking"].as_str().unwrap_or_default().to_owned()
}

fn pid_in(path: &PathBuf) -> Option<i32> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// The worker that the leader has now, other than an earlier one.
fn worker_after(engine: &Engine, earlier: Option<i32>) -> i32 {
    let path = engine.folder.path().join("worker");
    wait::until("a worker", || pid_in(&path).filter(|pid| Some(*pid) != earlier))
}

/// Not even a zombie.
fn is_gone(pid: i32) -> bool {
    !PathBuf::from(format!("/proc/{pid}")).exists()
}

#[test]
fn what_a_crashed_leader_left_behind_is_ended_and_its_restart_works_at_once() {
    for tracking in rungs() {
        for more in ["", "deaf"] {
            let engine = leading(tracking, more);
            let worker = worker_after(&engine, None);
            let leader = wait::until("it runs", || engine.program_pid("lead", 0));
            signal(leader, "KILL");
            let next = worker_after(&engine, Some(worker));
            assert!(!is_alive(worker) && is_alive(next), "{tracking} {more}");
            let row = row(&engine, "lead");
            assert_eq!(row["restarts"], 1, "{tracking} {more}: {row}");
            wait::until("nobody is left unreaped", || is_gone(worker).then_some(()));
        }
    }
}

#[test]
fn a_stop_ends_what_has_escaped_the_session_also_under_a_later_master() {
    for tracking in rungs() {
        let engine = leading(tracking, "deaf");
        let worker = worker_after(&engine, None);
        engine.replace_master();
        engine.ctl_ok(&["program", "stop", "lead"]);
        assert!(!is_alive(worker), "{tracking}");
        engine.ctl_ok(&["program", "start", "lead"]);
        let next = worker_after(&engine, Some(worker));
        engine.ctl_ok(&["program", "kill", "lead"]);
        wait::until("killed with its leader", || (!is_alive(next)).then_some(()));
        wait::until("nobody is left unreaped", || is_gone(worker).then_some(()));
    }
}

#[test]
fn orphans_that_nobody_waits_for_are_reaped_silently() {
    for tracking in rungs() {
        let programs = "[program.busy]\ncommand = \"sh -c 'for i in 1 2 3 4 5; do (sleep 0.05 & echo $! >> {folder}/orphans); done; exec sleep 1000'\"";
        let engine = Engine::start(&config(tracking, programs));
        let path = engine.folder.path().join("orphans");
        let pids: Vec<i32> = wait::until("there are orphans", || {
            let text = fs::read_to_string(&path).ok()?;
            let pids: Vec<i32> = text.lines().filter_map(|line| line.parse().ok()).collect();
            (pids.len() == 5).then_some(pids)
        });
        wait::until("all are gone", || pids.iter().all(|pid| is_gone(*pid)).then_some(()));
        wait::until("it runs", || (engine.program_state("busy", 0) == "RUNNING").then_some(()));
        assert_eq!(row(&engine, "busy")["restarts"], 0);
    }
}

/// The control group of a process, by its folder.
fn group_of(pid: i32) -> PathBuf {
    let text = fs::read_to_string(format!("/proc/{pid}/cgroup")).expect("it runs");
    let path = text.lines().find_map(|line| line.strip_prefix("0::")).map(str::to_owned);
    let path = path.expect("it is in a group").trim_start_matches('/').to_owned();
    let mounts = fs::read_to_string("/proc/self/mountinfo").expect("/proc is mounted");
    let mount = mounts.lines().find(|line| line.contains(" - cgroup2 ")).expect("mounted");
    PathBuf::from(mount.split(' ').nth(4).expect("a place")).join(path)
}

/// Leaves somebody behind when it ends, in its own group or in a session of its own.
fn leaving(tracking: &str, way: &str, keys: &str) -> Engine {
    let script =
        format!("{way} sh -c 'echo $$ > left.new; mv left.new worker; exec sleep 1000' &\n");
    let program = format!(
        "[program.lead]\ncommand = \"sh lead.sh\"\ndirectory = \"{{folder}}\"\nstart_seconds = 0\n\
         autorestart = true\n{keys}"
    );
    Engine::start_in(&config(tracking, &program), |folder| {
        let script = script + "exec sleep 1001\n";
        fs::write(folder.join("lead.sh"), script).expect("the folder is ours");
    })
}

/// The main process is killed; who the next life leaves behind.
fn crash(engine: &Engine, left: i32) -> i32 {
    signal(wait::until("it runs", || engine.program_pid("lead", 0)), "KILL");
    worker_after(engine, Some(left))
}

#[test]
fn what_is_left_on_purpose_stays_and_its_group_goes_with_it() {
    for tracking in ["group"].into_iter().chain(rungs()) {
        for keys in ["reap_leftovers = false", "kill_group = false"] {
            let mut engine = leaving(tracking, "setsid", keys);
            let first = worker_after(&engine, None);
            let second = crash(&engine, first);
            let third = crash(&engine, second);
            assert!(is_alive(first) && is_alive(second), "{tracking}, {keys}");
            let is_grouped = self::tracking(&engine, "lead") == "cgroup";
            let goes = |pid: i32| {
                let group = is_grouped.then(|| group_of(pid));
                signal(pid, "KILL");
                wait::until("its group is gone", || {
                    group.as_ref().is_none_or(|group| !group.exists()).then_some(())
                });
            };
            goes(first);
            assert!(is_alive(second), "{tracking}, {keys}");
            engine.restart();
            worker_after(&engine, Some(third));
            assert!(is_alive(second) && is_alive(third), "{tracking}, {keys}");
            goes(second);
            goes(third);
            engine.ctl_ok(&["program", "stop", "lead"]);
            let last = pid_in(&engine.folder.path().join("worker")).expect("it is written");
            assert!(is_alive(last), "{tracking}, {keys}");
            signal(last, "KILL");
        }
    }
}

#[test]
fn where_nothing_else_is_to_be_had_the_process_group_is_ended() {
    let engine = leaving("group", "", "");
    let first = worker_after(&engine, None);
    assert_eq!(tracking(&engine, "lead"), "group");
    let list = engine.ctl_ok(&["program", "list"]);
    let is_told = |line: &str| line.starts_with("lead:0") && line.trim_end().ends_with("  group");
    assert!(list.lines().any(is_told), "{list}");
    let second = crash(&engine, first);
    assert!(!is_alive(first) && is_alive(second), "ended before the next life");
    engine.replace_master();
    let third = crash(&engine, second);
    assert!(!is_alive(second) && is_alive(third), "also by a later master");
    engine.ctl_ok(&["program", "stop", "lead"]);
    assert!(!is_alive(third));

    // Whoever has left the group is not known: that is what the better ways are for.
    let engine = leaving("group", "setsid", "");
    let first = worker_after(&engine, None);
    crash(&engine, first);
    assert!(is_alive(first));
    signal(first, "KILL");
    engine.ctl_ok(&["program", "stop", "lead"]);
    let last = pid_in(&engine.folder.path().join("worker")).expect("it is written");
    signal(last, "KILL");
}

#[test]
fn groups_of_programs_go_with_them_and_with_their_engine() {
    let mut engine = Engine::start(&config("auto", "[program.a]\ncommand = \"sleep 1000\""));
    if tracking(&engine, "a") != "cgroup" {
        return eprintln!("not tested: no control groups of version 2 here");
    }
    let pid = engine.program_pid("a", 0).expect("it runs");
    let first = group_of(pid);
    assert!(first.file_name().is_some_and(|name| name == "a.0.1"), "{}", first.display());
    engine.ctl_ok(&["program", "restart", "a"]);
    let second = group_of(engine.program_pid("a", 0).expect("it runs"));
    assert!(!first.exists() && second.exists());
    let home = second.parent().expect("a folder above").to_owned();
    engine.stop();
    assert!(!home.exists());
}

#[test]
fn an_engine_ends_what_a_dead_one_of_its_folder_has_left() {
    let mut engine = leading("auto", "deaf");
    if tracking(&engine, "lead") != "cgroup" {
        engine.stop();
        return eprintln!("not tested: no control groups of version 2 here");
    }
    let worker = worker_after(&engine, None);
    let leader = engine.program_pid("lead", 0).expect("it runs");
    let family: Vec<i32> = engine::descendants(engine.keeper_pid());
    let (keeper, master) = (engine.keeper_pid(), engine.master_pid());
    for pid in [keeper, master] {
        signal(pid, "STOP");
    }
    for pid in [keeper, master] {
        signal(pid, "KILL");
    }
    // Those of the data path would go on serving.
    family
        .iter()
        .filter(|pid| ![worker, leader, master].contains(pid))
        .for_each(|pid| signal(*pid, "KILL"));
    assert!(is_alive(worker) && is_alive(leader));
    engine.start_again();
    assert!(!is_alive(worker) && !is_alive(leader));
    worker_after(&engine, Some(worker));
    assert_eq!(row(&engine, "lead")["restarts"], 0);
}

/// A version 1 freezer: who is frozen there does not even act on SIGKILL, like a process in a kernel
/// call that hangs.
struct Freezer(PathBuf);

impl Freezer {
    fn new() -> Option<Self> {
        let folder = PathBuf::from(format!("/sys/fs/cgroup/freezer/ph-{}", std::process::id()));
        fs::create_dir(&folder).ok()?;
        folder.join("freezer.state").exists().then_some(Self(folder))
    }

    fn freeze(&self, pid: i32) {
        fs::write(self.0.join("cgroup.procs"), pid.to_string()).expect("it is ours");
        self.set("FROZEN");
    }

    fn set(&self, state: &str) {
        fs::write(self.0.join("freezer.state"), state).expect("it is ours");
        wait::until("it is so", || {
            let now = fs::read_to_string(self.0.join("freezer.state")).ok()?;
            (now.trim() == state).then_some(())
        });
    }
}

impl Drop for Freezer {
    fn drop(&mut self) {
        let _best_effort = fs::write(self.0.join("freezer.state"), "THAWED");
        let _best_effort = fs::remove_dir(&self.0);
    }
}

#[test]
fn nothing_is_started_beside_what_can_not_be_killed() {
    let Some(freezer) = Freezer::new() else {
        return eprintln!("not tested: no freezer of version 1 here");
    };
    let engine = leading("auto", "");
    let worker = worker_after(&engine, None);
    freezer.freeze(worker);
    signal(wait::until("it runs", || engine.program_pid("lead", 0)), "KILL");
    wait::until("it is told", || {
        let reason = row(&engine, "lead")["reason"].as_str()?.to_owned();
        reason.contains("not even SIGKILL").then_some(())
    });
    assert_eq!(engine.program_state("lead", 0), "STOPPING");
    assert!(
        children_of(engine.master_pid())
            .iter()
            .all(|pid| !engine::cmdline(*pid).contains("lead.py") || *pid == worker)
    );
    freezer.set("THAWED");
    let next = worker_after(&engine, Some(worker));
    assert!(is_alive(next) && !is_alive(worker));
}

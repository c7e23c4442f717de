//! Programs that fork themselves away (`kind = "daemon"`): the main process is found, watched and
//! ended with all its workers, however these got away.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::engine::{Engine, is_alive, signal};
use crate::faults::{middle_and_worst, timed};
use crate::tracking::{config, row, rungs};
use crate::wait;

/// A double fork with a session of its own, and workers with theirs that do not mind SIGTERM. Who is
/// who is written down for us. `beside`: a helper that is nobody's child, so two are left.
const DAEMON: &str = r#"
import os, signal, sys, time
folder, workers = sys.argv[1], int(sys.argv[2])
def note(name, pid):
    with open(f"{folder}/{name}.new", "w") as file:
        file.write(str(pid))
    os.rename(f"{folder}/{name}.new", f"{folder}/{name}")
def deaf():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.setsid()
    time.sleep(1000)
if os.fork():
    sys.exit(0)
os.setsid()
if "beside" in sys.argv and os.fork() == 0:
    deaf()
if os.fork():
    os._exit(0)
if "fails" in sys.argv:
    sys.exit(0)
pids = []
for _ in range(workers):
    pid = os.fork()
    if pid == 0:
        deaf()
    pids.append(pid)
note("workers", " ".join(map(str, pids)))
note("main", os.getpid())
if "pidfile" in sys.argv:
    time.sleep(0.2)
    note("pid", os.getpid())
print("the daemon is up", flush=True)
time.sleep(1000)
"#;

fn daemon(tracking: &str, arguments: &str, more: &str) -> Engine {
    let program = format!(
        "[program.d]\nkind = \"daemon\"\ncommand = \"python3 {{folder}}/daemon.py {{folder}} {arguments}\"\n\
         start_seconds = \"100ms\"\nautorestart = true\nstop_seconds = 5\n{more}"
    );
    Engine::start_in(&config(tracking, &program), |folder| {
        fs::write(folder.join("daemon.py"), DAEMON).expect("the folder is ours");
        // Left by an earlier one; the number is somebody else's by now.
        fs::write(folder.join("pid"), "1").expect("the folder is ours");
    })
}

fn numbers(engine: &Engine, name: &str) -> Vec<i32> {
    let text = fs::read_to_string(engine.folder.path().join(name)).unwrap_or_default();
    text.split(' ').filter_map(|number| number.parse().ok()).collect()
}

fn until_running(engine: &Engine, other_than: Option<i32>) -> i32 {
    wait::until("the daemon runs", || {
        let pid = engine.program_pid("d", 0).filter(|pid| Some(*pid) != other_than)?;
        let main = numbers(engine, "main");
        (engine.program_state("d", 0) == "RUNNING" && main == [pid]).then_some(pid)
    })
}

fn are_dead(pids: &[i32]) -> bool {
    pids.iter().all(|pid| !is_alive(*pid))
}

#[test]
fn its_only_survivor_is_the_main_process_and_a_stop_ends_every_worker() {
    for tracking in rungs() {
        let engine = daemon(tracking, "3", "");
        let main = until_running(&engine, None);
        let workers = numbers(&engine, "workers");
        assert_eq!(workers.len(), 3);
        engine.ctl_ok(&["program", "stop", "d"]);
        assert!(are_dead(&[&workers[..], &[main]].concat()), "{tracking}");
        assert_eq!(engine.program_state("d", 0), "STOPPED");
    }
}

#[test]
fn its_end_is_seen_with_its_status_and_its_workers_end_before_the_next_start() {
    for tracking in rungs() {
        let engine = daemon(tracking, "2", "");
        let first = until_running(&engine, None);
        let workers = numbers(&engine, "workers");
        signal(first, "KILL");
        let second = until_running(&engine, Some(first));
        assert!(are_dead(&workers), "{tracking}");
        let row_now = row(&engine, "d");
        assert_eq!((&row_now["restarts"], &row_now["exit_signal"]), (&1.into(), &9.into()));
        // A later master knows which one it is, too.
        engine.replace_master();
        assert_eq!(until_running(&engine, None), second);
        signal(second, "KILL");
        until_running(&engine, Some(second));
        assert_eq!(row(&engine, "d")["exit_signal"], 9);
    }
}

#[test]
fn a_pidfile_tells_the_main_one_of_several_and_an_old_one_misleads_nobody() {
    for tracking in rungs() {
        let engine = daemon(tracking, "1 pidfile beside", "pidfile = \"{folder}/pid\"");
        let main = until_running(&engine, None);
        let log = engine.ctl_ok(&["program", "tail", "d"]);
        assert!(log.contains("the daemon is up"), "{log}");
        assert!(log.contains(&format!("its main process is pid {main}")), "{log}");
        engine.ctl_ok(&["program", "restart", "d"]);
        let next = until_running(&engine, Some(main));
        engine.ctl_ok(&["program", "stop", "d"]);
        assert!(are_dead(&[main, next]));
    }
}

#[test]
fn without_a_pidfile_several_survivors_are_waited_for_and_stopped_all_the_same() {
    let engine = daemon("auto", "1 beside", "");
    let reason = wait::until("it says what is missing", || {
        let reason = row(&engine, "d")["reason"].as_str()?.to_owned();
        reason.contains("a pidfile would tell").then_some(reason)
    });
    assert!(reason.starts_with("2 processes are left"), "{reason}");
    let left = [numbers(&engine, "main"), numbers(&engine, "workers")].concat();
    engine.ctl_ok(&["program", "stop", "d"]);
    assert!(are_dead(&left), "{left:?}");
}

#[test]
fn a_daemon_that_leaves_nobody_has_failed_to_start() {
    let engine = daemon("auto", "0 fails", "start_retries = 0");
    wait::until("it gave up", || (engine.program_state("d", 0) == "FATAL").then_some(()));
}

#[test]
fn who_uses_more_than_it_may_is_restarted_with_the_reason() {
    let hog = "import os, time; kept = bytearray(64 << 20); os.fork(); time.sleep(1000)";
    for tracking in rungs() {
        let programs = format!(
            "[program.hog]\ncommand = \"python3 -c '{hog}'\"\nmemory_max = \"48MB\"\nlimit_checks = 1"
        );
        let engine = Engine::start(&config(tracking, &programs));
        let first = wait::until("it runs", || engine.program_pid("hog", 0));
        wait::until("another one", || engine.program_pid("hog", 0).filter(|pid| *pid != first));
        let events = engine.ctl_ok(&["events"]);
        let is_told = |line: &str| line.contains("MB over 48 MB for 1 s") || line.contains("oom");
        assert!(events.lines().any(is_told), "{events}");
    }
}

#[test]
fn a_fork_bomb_is_bounded_ended_and_answered_meanwhile() {
    // Two hundred at most, so that a failing test harms nobody.
    let bomb = "import os, time\nfor _ in range(200):\n    if os.fork() == 0:\n        os.setsid()\n        time.sleep(1000)\n    time.sleep(0.002)\ntime.sleep(1000)\n";
    for tracking in rungs() {
        let programs = "[program.bomb]\ncommand = \"python3 {folder}/bomb.py\"\ntasks_max = 50\nlimit_checks = 1\nstart_seconds = 0\nstop_seconds = 1";
        let furnish = |folder: &Path| {
            fs::write(folder.join("bomb.py"), bomb).expect("the folder is ours");
        };
        let engine = Engine::start_in(&config(tracking, programs), furnish);
        let first = wait::until("it runs", || engine.program_pid("bomb", 0));
        let mut answers = Vec::new();
        wait::until("another one", || {
            let (time, now) = timed(|| engine.program_pid("bomb", 0));
            answers.push(time);
            now.filter(|pid| *pid != first)
        });
        let (middle, worst) = middle_and_worst(answers);
        eprintln!("6: {tracking}: answers {middle:?}, at worst {worst:?} (figure: 100 ms)");
        assert!(middle < Duration::from_millis(500), "{middle:?}");
        engine.ctl_ok(&["program", "kill", "bomb"]);
        engine.ctl_ok(&["program", "stop", "bomb"]);
        let script = engine.folder.path().join("bomb.py").display().to_string();
        let left = crate::engine::descendants(engine.keeper_pid());
        assert!(left.iter().all(|pid| !crate::engine::cmdline(*pid).contains(&script)));
    }
}

#[test]
#[ignore = "two thousand processes: cargo test --test e2e -- --ignored bomb"]
fn a_large_fork_bomb_is_ended_whole() {
    const TASKS: usize = 2_000;
    let bomb = format!(
        "import os, time\nfor _ in range({TASKS}):\n    if os.fork() == 0:\n        os.setsid()\n        time.sleep(1000)\n\
         open('done', 'w').close()\ntime.sleep(1000)\n"
    );
    for tracking in rungs() {
        let program = "[program.bomb]\ncommand = \"python3 bomb.py\"\ndirectory = \"{folder}\"\nstop_seconds = 0";
        let engine = Engine::start_in(&config(tracking, program), |folder| {
            fs::write(folder.join("bomb.py"), &bomb).expect("the folder is ours");
        });
        wait::within(Duration::from_mins(2), "all are there", || {
            engine.folder.path().join("done").exists().then_some(())
        });
        let (time, _) = timed(|| engine.ctl_ok(&["program", "stop", "bomb"]));
        let left = crate::engine::descendants(engine.keeper_pid());
        let is_of_bomb = |pid: &&i32| crate::engine::cmdline(**pid).contains("bomb.py");
        assert_eq!(left.iter().filter(is_of_bomb).count(), 0, "{tracking}");
        eprintln!("6: {tracking}: {TASKS} tasks ended in {time:?} (figure: 10,000 in 2 s)");
        assert!(time < Duration::from_secs(30), "{time:?}");
    }
}

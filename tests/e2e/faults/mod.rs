//! Faults, and how much of each may be noticed: one row a fault, and the tests that hold it. What
//! is measured is printed (`--nocapture`); the bounds here are generous, for machines are noisy and
//! this is no release build, so each says which figure it stands for.
//!
//! The slow ones: `cargo test --test e2e -- --ignored faults bomb`.
//!
//! | # | fault | held by |
//! |---|---|---|
//! | 1 | `kill -9` of a program | `children`: again at once; a backend's end costs what it served |
//! | 2 | `kill -9` of a worker | `processes`: replaced, none refused; `crashes`: only its own connections |
//! | 3 | `kill -9` of the master | `processes`, `crashes`, `output`: no program, byte, request; ends known |
//! | 4 | `kill -9` of the keeper too | `keeper`, `tracking`: its master takes over; left-overs end first |
//! | 5 | upgrade under load | `takeover`: another binary, no request fails; `versions`: another version, a bad one |
//! | 6 | fork bomb | `daemons`: bounded, ended, answered meanwhile; two thousand when asked for |
//! | 7 | SIGTERM ignored | `children`: SIGKILL when its time is over, not before |
//! | 8 | can not be killed | `tracking`: nothing is started beside it |
//! | 9 | forks itself away | `daemons`: main process by pidfile or survivor; a stop ends all |
//! | 10 | leader crashed, workers keep the port | `tracking`: swept, the restart works at once |
//! | 11 | grandchild keeps the pipe | `children`: the exit is seen at once |
//! | 12 | output closed | `children`: nobody wakes up for it |
//! | 13 | flood | `output`: nothing lost; here: `floods`: pace, memory, answers and requests meanwhile |
//! | 14 | endless line | `floods`: all of it written, in bounded memory |
//! | 15 | disk full | `output`: shown, counted; `floods`: a real one, and going on when there is room |
//! | 16 | log's folder gone | `floods`: made again, not said for every line |
//! | 17 | killed during rotation | `programs`, `output`: sequence numbers |
//! | 18 | clock set | `master::programs::tests::clock`: by an hour, by decades, the courses are the same; pure: `supervise` knows the monotonic clock only |
//! | 19 | suspend | `standstill`: all stopped and gone on, as a paused machine; in a suspend the monotonic clock stands still, too |
//! | 20 | a thousand programs | `many`: 128 of them always, 1,000 when asked for |
//! | 21 | short tasks, ten thousand a minute | `many`: no zombie stays, no descriptor |
//! | 22 | no descriptor left | `shortage`: tried again, not counted, the control socket answers |
//! | 23 | exec fails | `shortage`: the kernel's own reason for each cause |
//! | 24 | pid used again | `reuse`: a stranger has a program's number; `master::programs::tests::reuse`: one that a record names |
//! | 25 | SIGSTOPped program | `children`: a stop works |
//! | 26 | hostile clients of the control socket | `callers`, `rpc`, `control_http`; bounds: `control` |
//! | 27 | stale or removed socket, two masters | `processes`: replaced, put back, refused; `survival`: the folder, too; `cli`: exit 2 |
//! | 28 | bad file | `reload`, `supervisorctl`; `callers`: half-written, removed, no file at all |
//! | 29 | console gone | `console`; `callers`: killed, hung up, resized all the time; `console`: the terminal is given back |
//! | 30 | out of memory | `daemons`: a program's, by `memory_max`; `shortage`: the engine's own score |
//! | 31 | orphans come to us | `init`, `tracking`: reaped silently; `survival`: counted |
//! | 32 | event listener hangs or lies | `master::programs`: killed in time, started anew, within the crash limit |
//! | 33 | a hundred callers at once | `callers`: each gets one answer, one process is left |
//! | 34 | less of a kernel, fewer rights | `tracking`, `daemons`: every rung; `shortage`: no rights, calls that are not there |
//! | more | file system hangs | `hung`: a command, a file of variables and a hook that do not open hold nobody up |
//! | more | file system stops answering | `far`: a log, a pid file, what the configuration names: nobody else is held up |

#![expect(clippy::disallowed_methods, reason = "these tests measure how long things take")]
#![expect(clippy::print_stderr, reason = "measured figures, and tests that are not possible here")]

mod callers;
mod children;
mod far;
mod floods;
mod hung;
mod many;
mod reuse;
mod shortage;
mod standstill;

use std::fs;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::engine::Engine;
use crate::wait;

const BADKID: &str = concat!("python3 ", env!("CARGO_MANIFEST_DIR"), "/tests/e2e/faults/badkid.py");

/// A program that misbehaves as the words say.
fn bad(name: &str, words: &str, keys: &str) -> String {
    format!("[program.{name}]\ncommand = \"{BADKID} {words}\"\nstart_seconds = 0\n{keys}\n")
}

pub(crate) fn timed<T>(action: impl FnOnce() -> T) -> (Duration, T) {
    let begun = Instant::now();
    let result = action();
    (begun.elapsed(), result)
}

/// The value in the middle, and the largest one.
pub(crate) fn middle_and_worst(mut times: Vec<Duration>) -> (Duration, Duration) {
    times.sort();
    (times[times.len() / 2], times[times.len() - 1])
}

fn row(engine: &Engine, name: &str) -> Value {
    let status = engine.status();
    let rows = status["programs"].as_array().expect("there are programs").clone();
    rows.into_iter().find(|row| row["name"] == name).expect("it has a row")
}

/// Waits until a misbehaving program has done all its words.
fn until_up(engine: &Engine, name: &str) -> i32 {
    wait::until("it has said that it is up", || {
        engine
            .ctl_ok(&["program", "tail", name])
            .lines()
            .any(|line| line.ends_with("up"))
            .then_some(())
    });
    engine.program_pid(name, 0).expect("it runs")
}

fn until_state(engine: &Engine, name: &str, state: &str) {
    wait::until(state, || (engine.program_state(name, 0) == state).then_some(()));
}

/// A number of `/proc/PID/status`.
fn proc_status(pid: i32, key: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).expect("the process is there");
    let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
    let word = value.and_then(|value| value.split_whitespace().next());
    word.and_then(|word| word.parse().ok()).expect("a number")
}

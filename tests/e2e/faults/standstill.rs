//! A machine that stood still, as a paused virtual machine does: its clocks went on, and nobody could
//! say anything meanwhile.

use std::time::Duration;

use crate::engine::{Engine, signal};
use crate::wait;

use super::{row, until_state};

const NOTIFIER: &str = "
import os, socket, time
line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
line.connect(os.environ['NOTIFY_SOCKET'])
line.send(b'READY=1')
while True:
    line.send(b'WATCHDOG=1')
    time.sleep(0.1)
";
/// Longer than its watchdog waits.
const PAUSE: Duration = Duration::from_secs(6);

#[test]
fn nobody_is_blamed_for_having_been_silent_while_everything_stood_still() {
    let engine = Engine::start_in(
        "[program.alive]\ncommand = \"python3 {folder}/notifier.py\"\nready = { notify = true }\n\
         watchdog = \"4s\"\n",
        |folder| {
            std::fs::write(folder.join("notifier.py"), NOTIFIER).expect("the folder is ours");
        },
    );
    until_state(&engine, "alive", "RUNNING");
    let (master, pid) = (engine.master_pid(), engine.program_pid("alive", 0).expect("it runs"));
    for stopped in [pid, master] {
        signal(stopped, "STOP");
    }
    std::thread::park_timeout(PAUSE);
    // Who judges is back first.
    signal(master, "CONT");
    signal(pid, "CONT");
    wait::until("it is noticed", || engine.log().contains("stood still for ").then_some(()));
    // As long again as the watchdog waits: whoever was to be blamed would have been.
    std::thread::park_timeout(PAUSE);
    let row = row(&engine, "alive");
    assert_eq!((row["pid"].as_i64(), &row["restarts"]), (Some(i64::from(pid)), &0.into()), "{row}");
    // Its silence alone is still seen.
    signal(pid, "STOP");
    wait::until("it is replaced", || engine.program_pid("alive", 0).filter(|next| *next != pid));
}

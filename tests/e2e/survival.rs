//! What goes wrong around the engine: tracers, tidy people with `rm`, other users, sockets for pipes.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use crate::engine::{BINARY, Engine, children_of, cmdline, is_alive, signal};
use crate::origin::Origin;
use crate::proxy::site;
use crate::wait;

const SLEEPS: &str = "[program.victim]\ncommand = \"sleep 1000\"\nstart_seconds = 0\n";

fn row(engine: &Engine, name: &str) -> Option<serde_json::Value> {
    let status = engine.try_status()?;
    status["programs"].as_array()?.iter().find(|row| row["name"] == name).cloned()
}

/// Seizes the process named by its word and keeps hold of it, dead or alive, until its input ends.
const TRACER: &str = "
import ctypes, sys
SEIZE = 0x4206
libc = ctypes.CDLL(None, use_errno=True)
if libc.ptrace(SEIZE, int(sys.argv[1]), None, None) != 0:
    sys.exit('seize: errno %d' % ctypes.get_errno())
print('seized', flush=True)
sys.stdin.read()
";

#[test]
fn a_traced_program_that_is_killed_is_not_shown_as_running_and_is_started_again() {
    let engine = Engine::start(SLEEPS);
    for round in 0..3 {
        let pid = wait::until("it runs", || engine.program_pid("victim", 0));
        let mut tracer = Command::new("python3")
            .args(["-c", TRACER, &pid.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 runs");
        let mut said = String::new();
        let stdout = tracer.stdout.take().expect("piped");
        std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut said).expect("text");
        if said != "seized\n" {
            let _it_has_ended = tracer.wait();
            return eprintln!("not tested: no right to trace");
        }
        signal(pid, "KILL");
        wait::until("the next one runs beside its zombie", || {
            engine.program_pid("victim", 0).filter(|next| *next != pid && is_alive(*next))
        });
        assert!(fs::exists(format!("/proc/{pid}")).unwrap_or(false), "round {round}: still traced");
        drop(tracer.stdin.take());
        tracer.wait().expect("our own child");
        let master = engine.master_pid();
        wait::until("no zombie stays", || {
            children_of(master).iter().all(|pid| is_alive(*pid)).then_some(())
        });
    }
    engine.ctl_ok(&["program", "stop", "victim"]);
}

/// Says that it is ready, and then again and again that it is alive.
const NOTIFIER: &str = "
import os, socket, time
line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
line.connect(os.environ['NOTIFY_SOCKET'])
line.send(b'READY=1')
while True:
    line.send(b'WATCHDOG=1')
    time.sleep(0.1)
";

#[test]
fn a_program_that_runs_as_somebody_else_can_say_that_it_is_ready() {
    let uid = Command::new("id").arg("-u").output().expect("id(1) runs").stdout;
    if uid.trim_ascii() != b"0" {
        return eprintln!("not tested: no right to change the user");
    }
    let runs_for_others = |python: &&&str| {
        let setpriv = ["--reuid", "65534", "--regid", "65534", "--clear-groups"];
        let tried = Command::new("setpriv").args(setpriv).args([**python, "-c", ""]).status();
        tried.is_ok_and(|status| status.success())
    };
    let pythons = ["/usr/bin/python3", "/usr/local/bin/python3"];
    let Some(python) = pythons.iter().find(runs_for_others) else {
        return eprintln!("not tested: other users have no python3");
    };
    let config = "[program.other]\ncommand = \"{python} {folder}/notifier.py\"\nuser = \"nobody\"\n\
         ready = { notify = true }\nstart_timeout = \"20s\"\nwatchdog = \"10s\"\n";
    let engine = Engine::start_in(&config.replace("{python}", python), |folder| {
        fs::write(folder.join("notifier.py"), NOTIFIER).expect("the folder is ours");
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).expect("it is ours");
    });
    wait::until("it is ready", || row(&engine, "other").filter(|row| row["state"] == "RUNNING"));
    let socket = fs::metadata(engine.socket()).expect("it is there").permissions().mode();
    assert_eq!(socket & 0o777, 0o600, "the folder is passable, not the socket in it");
}

#[test]
fn what_was_left_on_purpose_outlives_an_engine_that_ended_in_order() {
    let mut engine = Engine::start(
        "[program.leaves]\n\
         command = \"sh -c 'setsid sleep 1001 >/dev/null 2>&1 & echo $! >{folder}/left.new; \
         mv {folder}/left.new {folder}/left; exit 0'\"\n\
         start_seconds = 0\nautorestart = false\nreap_leftovers = false\n",
    );
    let path = engine.folder.path().join("left");
    let left: i32 =
        wait::until("somebody is left", || fs::read_to_string(&path).ok()?.trim().parse().ok());
    wait::until("its leader has ended", || {
        row(&engine, "leaves").filter(|row| row["state"] == "EXITED")
    });
    fs::remove_file(&path).expect("it is there");
    engine.restart();
    assert!(is_alive(left), "{}", engine.log());
    signal(left, "KILL");
    let next: i32 = wait::until("the next one has left somebody, too", || {
        fs::read_to_string(&path).ok()?.trim().parse().ok()
    });
    wait::until("it is what it says", || cmdline(next).contains("sleep 1001").then_some(()));
    signal(next, "KILL");
    wait::until("it is gone", || (!is_alive(next)).then_some(()));
}

#[test]
fn a_runtime_folder_that_is_removed_comes_back_and_its_engine_stays_the_only_one() {
    let engine = Engine::start(SLEEPS);
    let before = wait::until("it runs", || engine.program_pid("victim", 0));
    let second = || {
        let folder = engine.folder.path();
        let run = Command::new(BINARY)
            .arg("run")
            .arg("-c")
            .arg(folder.join("pilothouse.toml"))
            .env("PILOTHOUSE_RUNTIME_DIR", folder.join("run"))
            .env("PILOTHOUSE_STATE_DIR", folder.join("state"))
            .stdin(Stdio::null())
            .output()
            .expect("the built binary runs");
        (run.status.code(), String::from_utf8_lossy(&run.stderr).into_owned())
    };
    for _ in 0..2 {
        fs::remove_dir_all(engine.folder.path().join("run")).expect("it is there");
        // Before the living one has noticed, or after: it is refused.
        let (code, text) = second();
        assert_eq!(code, Some(2), "{text}");
        assert!(text.contains("runs already"), "{text}");
        wait::until("the socket is back", || engine.try_status());
        let (code, text) = second();
        assert_eq!(code, Some(2), "{text}");
    }
    assert_eq!(engine.program_pid("victim", 0), Some(before));
    // The lock that was taken again goes from master to master, and to whoever becomes the keeper.
    engine.replace_master();
    engine.replace_keeper();
    assert_eq!(second().0, Some(2));
    assert_eq!(engine.program_pid("victim", 0), Some(before));
}

/// Becomes its words, with a socket for standard output; what is said there goes to the file `heard`.
const JOURNAL: &str = "
import os, socket, sys
ours, theirs = socket.socketpair()
own = os.fork()
if own == 0:
    # Nobody's child here, so that it outlives the engine by as long as it likes.
    if os.fork():
        os._exit(0)
    theirs.close()
    os.setsid()
    with open('heard', 'wb', 0) as heard:
        while data := ours.recv(65536):
            heard.write(data)
    os._exit(0)
os.waitpid(own, 0)
os.dup2(theirs.fileno(), 1)
os.execv(sys.argv[1], sys.argv[1:])
";

#[test]
fn the_engines_own_output_may_be_a_socket_that_can_not_be_opened() {
    let origin = Origin::named("one");
    let config = site("", &[&origin])
        + "[program.teller]\ncommand = \"sh -c 'seq 3000; exec sleep 1000'\"\nstart_seconds = 0\n\
           stdout = { engine = true }\n";
    let engine =
        Engine::start_after(&format!("exec python3 -c \"{JOURNAL}\" \"$0\" \"$@\""), &config);
    let heard = engine.folder.path().join("heard");
    let numbers: Vec<String> = (1..=3000).map(|number: u32| number.to_string()).collect();
    wait::until("the journal has heard all of it", || {
        let text = fs::read_to_string(&heard).ok()?;
        let told: Vec<&str> =
            text.lines().filter_map(|line| line.rsplit([' ', '|']).next()).collect();
        let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
        told.windows(numbers.len()).any(|window| window == numbers).then_some(())
    });
    let row = row(&engine, "teller").expect("it has a row");
    assert_eq!(row["log_lost_bytes"], 0, "{row}");
}

#[test]
fn orphans_are_reaped_counted_and_shown() {
    let engine = Engine::start(
        "[program.parent]\nstart_seconds = 0\n\
         command = \"sh -c 'for i in 1 2 3 4 5 6 7 8 9 10; do (true &); done; exec sleep 1000'\"\n",
    );
    let reaped = || engine.try_status()?["orphans_reaped"].as_u64();
    wait::until("each is counted", || reaped().filter(|count| *count >= 10));
    let before = reaped();
    engine.replace_master();
    assert!(reaped() >= before, "the next master goes on counting");
    let page = crate::client::unix_get(&engine.socket(), "/metrics").expect("an answer").body;
    let page = String::from_utf8_lossy(&page).into_owned();
    assert!(page.contains("\npilothouse_orphans_reaped_total 1"), "{page}");
}

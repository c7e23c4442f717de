//! Readiness, liveness and needs of programs in a running engine: what programs say by `sd_notify`,
//! across masters that die, and what the command line shows of who waits for whom.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use super::engine::{self, Engine};
use super::{client, oracle, ports, wait};

/// A configuration with these programs and nothing worth asking behind its listener.
fn with(programs: &str) -> String {
    format!(
        "[[server]]\nlisten = [\"{{listen}}\"]\n[[server.route]]\npath = \"/\"\nupstream = \"u\"\n\
         [[upstream.u.backend]]\naddress = \"127.0.0.1:1\"\n{programs}"
    )
}

/// Says by `sd_notify` what stands in each of these files, in this order, once it exists.
const SPEAKER: &str = r#"
import os, socket, sys, time
speaker = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
for file in sys.argv[1:]:
    while not os.path.exists(file):
        time.sleep(0.01)
    with open(file) as words:
        speaker.sendto(words.read().encode(), os.environ["NOTIFY_SOCKET"])
time.sleep(1000)
"#;

struct Spoken {
    engine: Engine,
    said: usize,
}

impl Spoken {
    /// `speaker` speaks from a child of the program's process when it is `behind` a shell.
    fn new(behind: &str, lines: &str) -> Option<Self> {
        let python = oracle::find("python3")?;
        let command = format!(
            "{behind}{} {{folder}}/speaker.py {{folder}}/0 {{folder}}/1 {{folder}}/2 {{folder}}/3",
            python.display()
        );
        let command = if behind.is_empty() { command } else { format!("{command}; true'") };
        let text = with(&format!(
            "[program.speaker]\ncommand = \"{command}\"\nready = {{ notify = true }}\n{lines}"
        ));
        let engine = Engine::start_in(&text, |folder| {
            fs::write(folder.join("speaker.py"), SPEAKER).expect("the folder is ours");
        });
        Some(Self { engine, said: 0 })
    }

    fn say(&mut self, words: &str) {
        let folder = self.engine.folder.path();
        let whole = folder.join("being-written");
        fs::write(&whole, words).expect("the folder is ours");
        fs::rename(whole, folder.join(self.said.to_string())).expect("the folder is ours");
        self.said += 1;
    }

    fn row(&self) -> Option<(String, String)> {
        let status = self.engine.try_status()?;
        let row = &status["programs"].as_array()?.iter().find(|row| row["name"] == "speaker")?;
        let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        Some((text("state"), text("reason")))
    }

    fn until(&self, state: &str, reason: &str) {
        wait::until(reason, || {
            (self.row()? == (state.to_owned(), reason.to_owned())).then_some(())
        });
    }
}

#[test]
fn what_a_program_says_is_heard_also_after_a_master_has_died() {
    for behind in ["", "sh -c '"] {
        let Some(mut spoken) = Spoken::new(behind, "") else { return };
        spoken.until("STARTING", "it has not said READY=1");
        spoken.say("STATUS=Loading");
        spoken.until("STARTING", "it has not said READY=1; Loading");
        let pid = spoken.engine.program_pid("speaker", 0);
        let master = spoken.engine.master_pid();
        // Said while nobody listens: the socket is the keeper's, so nothing is lost.
        engine::signal(master, "STOP");
        spoken.say("READY=1\nSTATUS=Serving");
        engine::signal(master, "KILL");
        spoken.until("RUNNING", "Serving");
        spoken.say("STOPPING=1\nSTATUS=");
        spoken.until("RUNNING", "not ready: about to stop by itself");
        assert_eq!(spoken.engine.program_pid("speaker", 0), pid);
    }
}

#[test]
fn who_waits_for_whom_is_shown_and_survives_a_master() {
    let engine = Engine::start_in(
        &with(
            "[program.db]\ncommand = \"sh -c 'until [ -e {folder}/go ]; do sleep 0.01; done; echo db is up; \
             exec sleep 1000'\"\nready = { log = \"is up\" }\n\
             [program.api]\ncommand = \"sleep 1000\"\nneeds = [\"db\"]\nstart_seconds = 0\n\
             [program.never]\ncommand = \"sleep 1000\"\nneeds = [{ listening = \"127.0.0.1:1\" }]\n",
        ),
        |_folder| {},
    );
    wait::until("both reasons are shown", || {
        let list = engine.ctl_ok(&["program", "list"]);
        (list.contains("waiting for db: no line matches /is up/")
            && list.contains("waiting for 127.0.0.1:1: probe failed")
            && list.contains("x: connection refused"))
        .then_some(())
    });
    engine.replace_master();
    assert_eq!(engine.program_state("api", 0), "STARTING");
    assert_eq!(engine.program_pid("api", 0), None);
    fs::write(engine.folder.path().join("go"), "").expect("the folder is ours");
    wait::until("it runs", || (engine.program_state("api", 0) == "RUNNING").then_some(()));
    assert_eq!(engine.program_state("never", 0), "STARTING");
    engine.ctl_ok(&["program", "stop", "never"]);
    assert_eq!(engine.program_state("never", 0), "STOPPED");
}

/// Answers `/slow` once a file is there and everything else at once; SIGTERM ends it in the middle.
const SERVER: &str = r#"
import http.server, os, sys, time
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        while self.path == "/slow" and not os.path.exists("go"):
            time.sleep(0.01)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"#;

#[test]
fn who_is_not_ready_any_more_gets_no_request_and_finishes_what_it_has() {
    let Some(python) = oracle::find("python3") else { return };
    let port = ports::consecutive(1);
    let config = format!(
        "[[server]]\nlisten = [\"{{listen}}\"]\n[[server.route]]\npath = \"/\"\nupstream = \"app\"\n\
         [upstream.app]\ndrain_timeout = \"1m\"\n[program.web]\ndirectory = \"{{folder}}\"\n\
         command = \"{} server.py ${{PORT}}\"\nserves = {{ upstream = \"app\", port = {port} }}\n\
         ready = {{ command = \"test -e sign\", interval = \"20ms\", timeout = \"10s\", fall = 1 }}\n",
        python.display()
    );
    let engine = Engine::start_in(&config, |folder| {
        fs::write(folder.join("server.py"), SERVER).expect("the folder is ours");
        fs::write(folder.join("sign"), "").expect("the folder is ours");
    });
    let (address, sign) = (engine.address(), engine.folder.path().join("sign"));
    let serves = || {
        wait::until("it serves", || (client::get(address, "/").status == 200).then_some(()));
    };
    let is_unready = || {
        wait::until("it is not ready", || {
            let row = engine.status()["programs"][0].clone();
            let is_said = row["reason"].as_str()?.starts_with("not ready: ");
            (is_said && row["backend"].is_null() && row["state"] == "RUNNING").then_some(())
        });
        assert!(client::get(address, "/").status >= 500, "nobody is there for new requests");
    };
    serves();
    fs::remove_file(&sign).expect("it is ours");
    is_unready();
    fs::write(&sign, "").expect("the folder is ours");
    serves();

    let slow = std::thread::spawn(move || client::get(address, "/slow"));
    let backend = format!("127.0.0.1:{port}");
    wait::until("it works", || (engine.backend("app", &backend)["active"] == 1).then_some(()));
    fs::remove_file(&sign).expect("it is ours");
    is_unready();
    engine.replace_master();
    let mut stop = engine.ctl_begin(&["program", "stop", "web"]);
    wait::until("it is drained", || {
        (engine.status()["programs"][0]["reason"] == "draining").then_some(())
    });
    fs::write(engine.folder.path().join("go"), "").expect("the folder is ours");
    let answer = slow.join().expect("the client ends");
    assert_eq!((answer.status, answer.text().as_str()), (200, "ok"));
    assert!(stop.wait().expect("it ends").success());
}

/// One of another user does not reach the engine's own folder.
#[test]
fn a_program_of_another_user_says_how_it_is() {
    let own = fs::metadata("/proc/self").expect("every process has one");
    // One in somebody's home is not for others.
    let python = Path::new("/usr/bin/python3");
    if own.uid() != 0 || !python.exists() {
        return eprintln!("skipped: only root runs programs as others, and {python:?} is one");
    }
    let config = with(&format!(
        "[program.other]\ncommand = \"{} {{folder}}/speaker.py {{folder}}/0 {{folder}}/1\"\n\
         user = \"nobody\"\nready = {{ notify = true }}\n",
        python.display()
    ));
    let mut engine = Engine::start_in(&config, |folder| {
        fs::write(folder.join("speaker.py"), SPEAKER).expect("the folder is ours");
        fs::write(folder.join("0"), "READY=1\nSTATUS=first").expect("the folder is ours");
        let open = fs::Permissions::from_mode(0o755);
        fs::set_permissions(folder, open).expect("the folder is ours");
    });
    let says = |engine: &Engine, status: &str| {
        let row = engine.status()["programs"][0].clone();
        (row["state"] == "RUNNING" && row["reason"] == status).then_some(())
    };
    wait::until("it is ready", || says(&engine, "first"));
    let passage = engine.folder.path().join("run-notify/default");
    let mut doors = fs::read_dir(&passage).expect("it was made").flatten();
    let door = doors.next().expect("there is one").path();
    let found = fs::metadata(&door).expect("it is there");
    assert!(found.uid() != 0 && found.mode() & 0o777 == 0o600, "the user's and nobody else's");
    engine.replace_master();
    fs::write(engine.folder.path().join("1"), "STATUS=second").expect("the folder is ours");
    wait::until("the next master hears it", || says(&engine, "second"));
    assert!(engine.stop().success(), "{}", engine.log());
    assert!(!passage.exists(), "it goes with the engine");
}

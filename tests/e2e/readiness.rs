//! Readiness, liveness and needs of programs in a running engine: what programs say by `sd_notify`,
//! across masters that die, and what the command line shows of who waits for whom.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use super::engine::{self, Engine};
use super::{oracle, wait};

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

//! Event listeners that were written for Supervisor: one on its own library, and those of superlance.
//!
//! Needs both, as `.ci/run` installs them: `PILOTHOUSE_SUPERVISOR` names the folder of their
//! commands, else `PATH` does.

use std::fs;
use std::path::Path;

use super::engine::{Engine, signal};
use super::{client, oracle, wait};

const VICTIM: &str = "[program.victim]\ncommand = \"sleep 1000\"\nstart_seconds = \"50ms\"\n";

fn until_running(engine: &Engine, name: &str) -> i32 {
    wait::until("it runs", || {
        (engine.program_state(name, 0) == "RUNNING").then(|| engine.program_pid(name, 0)).flatten()
    })
}

fn until_written(path: &Path, text: &str) {
    wait::until("a listener has written it", || {
        fs::read_to_string(path).ok()?.contains(text).then_some(())
    });
}

#[test]
fn a_listener_on_supervisors_library_is_told() {
    let Some(python) = oracle::supervisor("python") else { return };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/e2e/listeners/reporter.py");
    let engine = Engine::start(&format!(
        "{VICTIM}[listener.reporter]\nevents = [\"EVENT\"]\nbuffer = 100\nstart_seconds = \"50ms\"\n\
         command = \"{} {script} {{folder}}/told\"\n",
        python.display()
    ));
    let told = engine.folder.path().join("told");
    let pid = until_running(&engine, "victim");
    until_written(&told, "SUPERVISOR_STATE_CHANGE_RUNNING");
    until_written(&told, "'groupname:victim\\n'");
    signal(pid, "KILL");
    until_written(&told, &format!("from_state:RUNNING expected:0 pid:{pid}'"));
    // A master's end is nothing that a listener notices.
    let listener = until_running(&engine, "reporter");
    engine.replace_master();
    let body = "<methodCall><methodName>supervisor.sendRemoteCommEvent</methodName><params>\
        <param><value>kind</value></param><param><value>caf\u{e9}</value></param></params></methodCall>";
    let answer = client::unix(&engine.socket(), "POST", "/RPC2", body).expect("an answer");
    assert_eq!(answer.status, 200);
    until_written(&told, "REMOTE_COMMUNICATION");
    until_written(&told, "type:kind\\ncaf\u{e9}");
    assert_eq!(engine.program_pid("reporter", 0), Some(listener));
}

#[test]
fn crashmail_writes_its_mail() {
    let Some(crashmail) = oracle::supervisor("crashmail") else { return };
    let engine = Engine::start(&format!(
        "{VICTIM}[listener.crashmail]\nevents = [\"PROCESS_STATE_EXITED\"]\nstart_seconds = \"50ms\"\n\
         command = \"{} -p victim -m ops@example.com -s 'cat >{{folder}}/mail'\"\n",
        crashmail.display()
    ));
    let pid = until_running(&engine, "victim");
    signal(pid, "KILL");
    let mail = engine.folder.path().join("mail");
    until_written(&mail, &format!("exited unexpectedly (pid {pid}) from state RUNNING"));
}

/// Both act at the next tick, by our XML-RPC.
#[test]
fn httpok_and_memmon_restart_what_they_find_wanting() {
    let Some(httpok) = oracle::supervisor("httpok") else { return };
    let Some(memmon) = oracle::supervisor("memmon") else { return };
    let engine = Engine::start(&format!(
        "{VICTIM}[program.big]\ncommand = \"sleep 1000\"\nstart_seconds = \"50ms\"\n\
         [listener.httpok]\nevents = [\"TICK_5\"]\ncommand = \"{} -p victim -t 1 http://127.0.0.1:1/\"\n\
         [listener.memmon]\nevents = [\"TICK_5\"]\ncommand = \"{} -p big=1KB\"\n",
        httpok.display(),
        memmon.display()
    ));
    let before = ["victim", "big"].map(|name| (name, until_running(&engine, name)));
    for (name, pid) in before {
        wait::until("it was started anew", || {
            engine.program_pid(name, 0).filter(|again| *again != pid)
        });
    }
}

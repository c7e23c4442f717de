//! Event listeners that were written for Supervisor: one on its own library, and those of superlance.
//!
//! Needs both, as `.ci/run` installs them: `PILOTHOUSE_SUPERVISOR` names the folder of their
//! commands, else `PATH` does.

use std::fs;
use std::path::Path;

use super::engine::{Engine, signal};
use super::supervisorctl::pair::Pair;
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

#[test]
fn the_example_is_told_of_its_program() {
    let text = include_str!("../../configs/listener.toml");
    let engine = Engine::start(text);
    let told = "processname:worker groupname:worker from_state:STARTING pid:";
    wait::until("it was told", || {
        engine.ctl_ok(&["program", "tail", "watch"]).contains(told).then_some(())
    });
}

/// What a listener was told on one side of one program, in order; process ids and the engine's name
/// are each side's own.
fn told_of(folder: &Path, program: &str) -> Vec<String> {
    let text = fs::read_to_string(folder.join("told")).unwrap_or_default();
    let pid = regex::Regex::new(r"pid:\d+").expect("a pattern");
    let masked = |line: &str| {
        let (name, rest) = line.split_once(' ').unwrap_or_default();
        let (_server, payload) = rest.split_once(' ').unwrap_or_default();
        format!("{name} {}", pid.replace_all(payload, "pid:N"))
    };
    let of_program = format!("processname:{program} ");
    text.lines().filter(|line| line.contains(&of_program)).map(masked).collect()
}

const TALKERS: &str = r#"
[program.messages]
command = "sh {scripts}/talker.sh messages {folder}"
stdout = { file = "{folder}/messages.out", capture_bytes = "64KB" }
stderr = { file = "{folder}/messages.err", capture_bytes = "64KB" }
[program.prints]
command = "sh {scripts}/talker.sh prints {folder}"
stdout = { events = true }
stderr = { events = true }
[program.quiet]
command = "sh {scripts}/talker.sh prints {folder}"
[listener.ear]
command = "{python} {scripts}/reporter.py {folder}/told"
events = ["PROCESS_COMMUNICATION", "PROCESS_LOG"]
buffer = 100
"#;

const TALKERS_INI: &str = r"
[program:messages]
command=sh {scripts}/talker.sh messages {folder}
stdout_logfile={folder}/messages.out
stdout_capture_maxbytes=64KB
stderr_logfile={folder}/messages.err
stderr_capture_maxbytes=64KB
[program:prints]
command=sh {scripts}/talker.sh prints {folder}
stdout_events_enabled=true
stderr_events_enabled=true
[program:quiet]
command=sh {scripts}/talker.sh prints {folder}
[eventlistener:ear]
command={python} {scripts}/reporter.py {folder}/told
events=PROCESS_COMMUNICATION,PROCESS_LOG
buffer_size=100
";

/// Supervisor tells its listener the same, and writes the same logs.
#[test]
fn what_programs_print_is_told_as_supervisor_tells_it() {
    let Some(python) = oracle::supervisor("python") else { return };
    let scripts = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/e2e/listeners");
    let [toml, ini] = [TALKERS, TALKERS_INI].map(|text| {
        text.replace("{python}", &python.display().to_string()).replace("{scripts}", scripts)
    });
    let Some(pair) = Pair::start_with(&toml, &ini) else { return };
    for step in 1..=5 {
        for folder in pair.folders() {
            wait::until("the step was told", || {
                let is_told = told_of(folder, "messages").len() == step
                    && told_of(folder, "prints").len() == step.min(4);
                is_told.then_some(())
            });
        }
        for folder in pair.folders() {
            fs::write(folder.join(format!("go.{step}")), "").expect("the folder is ours");
        }
    }
    let [ours, theirs] = pair.folders();
    for program in ["messages", "prints", "quiet"] {
        assert_eq!(told_of(ours, program), told_of(theirs, program), "{program} (left: ours)");
    }
    assert!(told_of(ours, "messages")[1].contains("the second, over\\nseveral lines\\n'"));
    for log in ["messages.out", "messages.err"] {
        wait::until("both logs are the same", || {
            let [ours, theirs] = pair.folders().map(|folder| fs::read(folder.join(log)).ok());
            (ours? == theirs?).then_some(())
        });
        let text = fs::read_to_string(ours.join(log)).expect("a log of text");
        assert!(text.contains("after") && !text.contains("XSUPERVISOR"), "{text}");
    }
}

/// The log is what the program wrote between its messages, whoever is killed meanwhile.
#[test]
fn logs_with_messages_stay_exact_when_masters_die() {
    const LAST: usize = 20_000;
    let engine = Engine::start(&format!(
        "[program.talk]\nautostart = false\nautorestart = false\nstart_seconds = 0\n\
         stdout = {{ file = \"{{folder}}/out\", capture_bytes = \"1KB\" }}\n\
         command = '''sh -c 'n=0; while [ $n -lt {LAST} ]; do n=$((n + 1)); \
         echo \"text $n<!--XSUPERVISOR:BEGIN-->message $n<!--XSUPERVISOR:END-->\"; done; \
         exec sleep 1000' '''\n"
    ));
    let out = engine.folder.path().join("out");
    let length = || fs::metadata(&out).map_or(0, |metadata| metadata.len());
    let lines: Vec<String> = (1..=LAST).map(|number| format!("text {number}\n")).collect();
    let expected = lines.concat();
    let whole = expected.len() as u64;
    engine.ctl_ok(&["program", "start", "talk"]);
    for round in 1..=4 {
        wait::until("it writes", || (length() >= whole * round / 6).then_some(()));
        engine.replace_master();
    }
    wait::until("all is there", || (length() >= whole).then_some(()));
    assert!(fs::read_to_string(&out).expect("a log") == expected, "not byte for byte");
}

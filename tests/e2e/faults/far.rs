//! A file system that stops answering, with what an operator may put there: logs, a pid file, what the
//! configuration names.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use crate::engine::{Engine, is_alive};
use crate::wait;

use super::hung::Held;
use super::{row, timed, until_state};

const FAR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/e2e/faults/far.py");
/// What an answer may take beside a file system that gives none: no figure, only not for ever.
const MEANWHILE: Duration = Duration::from_secs(5);

/// A mounted file system; gone when it is dropped, and whoever waits for it gets an error.
struct Far {
    python: Child,
    said: BufReader<ChildStdout>,
}

impl Far {
    /// `None`: it can not be mounted here.
    fn mount(folder: &Path) -> Option<Self> {
        fs::create_dir(folder).expect("the folder is ours");
        let mut python = Command::new("python3");
        python.arg(FAR).arg(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut python = python.spawn().expect("python3 runs");
        let said = BufReader::new(python.stdout.take().expect("it is a pipe"));
        let mut far = Self { python, said };
        (far.hear() == "mounted\n").then_some(far)
    }

    fn hear(&mut self) -> String {
        let mut line = String::new();
        self.said.read_line(&mut line).expect("it is text");
        line
    }

    fn say(&mut self, word: &str) {
        let stdin = self.python.stdin.as_mut().expect("it is a pipe");
        writeln!(stdin, "{word}").expect("it listens");
        assert_eq!(self.hear().trim(), word);
    }
}

impl Drop for Far {
    fn drop(&mut self) {
        drop(self.python.stdin.take());
        self.python.wait().expect("it is ours");
    }
}

/// An engine with such a file system at `far` in its folder.
fn engine(config: &str) -> Option<(Engine, Far)> {
    let mut far = None;
    if !may_mount() {
        eprintln!("skipped: no right to mount a file system of our own");
        return None;
    }
    let engine = Engine::start_in(config, |folder| far = Far::mount(&folder.join("far")));
    Some((engine, far.expect("it could be mounted just before")))
}

fn may_mount() -> bool {
    let folder = tempfile::tempdir().expect("a folder can be made");
    Far::mount(&folder.path().join("far")).is_some()
}

/// Two programs that count, one into a log that may hang, the other beside it.
const COUNTERS: &str = "
[program.counts]
command = \"sh -c 'while :; do i=$((i + 1)); echo $i of a line that is long enough to fill files; sleep 0.002; done'\"
stdout = { file = \"{folder}/far/counts.log\", max_bytes = \"4KB\", backups = 900, overflow = \"block\", compress = \"gzip\" }
start_seconds = 0
[program.other]
command = \"sh -c 'while :; do i=$((i + 1)); echo $i; sleep 0.01; done'\"
stdout = { file = \"{folder}/other.log\" }
start_seconds = 0
";

fn until_degraded(engine: &Engine, name: &str) {
    wait::until("its row says what hangs", || {
        let row = row(engine, name);
        let why = row["log_degraded"].as_str()?;
        (why.contains("/far/") && why.contains("does not answer")).then_some(())
    });
}

fn until_written_again(engine: &Engine, name: &str) {
    wait::until("its row says that it is written", || {
        row(engine, name)["log_degraded"].is_null().then_some(())
    });
}

/// Nobody else notices anything.
fn others_go_on(engine: &Engine) {
    let log = engine.folder.path().join("other.log");
    let bytes = || fs::metadata(&log).map_or(0, |log| log.len());
    let before = bytes();
    let (time, ()) = timed(|| wait::until("it is written", || (bytes() > before).then_some(())));
    assert!(time < MEANWHILE, "{time:?}");
    let (time, _) = timed(|| engine.ctl_ok(&["program", "restart", "other"]));
    eprintln!("another program restarted in {time:?} meanwhile");
    assert!(time < MEANWHILE, "{time:?}");
}

/// The numbers of all lines, oldest first.
fn counted(folder: &Path) -> Vec<u64> {
    let file = |ending: &str| folder.join(format!("counts.log{ending}"));
    let plain = |number: u32| fs::read(file(&format!(".{number}")));
    let packed = |number: u32| {
        let packed = Command::new("gzip").arg("-dc").arg(file(&format!(".{number}.gz"))).output();
        packed.expect("gzip runs").stdout
    };
    let mut numbers: Vec<u32> = Vec::new();
    for number in 1..900 {
        let names = [file(&format!(".{number}")), file(&format!(".{number}.gz"))];
        if names.iter().any(|name| name.exists()) {
            numbers.push(number);
        }
    }
    let mut bytes: Vec<u8> = Vec::new();
    for number in numbers.into_iter().rev() {
        bytes.extend(plain(number).unwrap_or_else(|_| packed(number)));
    }
    bytes.extend(fs::read(file("")).unwrap_or_default());
    let text = String::from_utf8(bytes).expect("it is text");
    let number = |line: &str| line.split(' ').next()?.parse().ok();
    text.lines().filter_map(number).collect()
}

#[test]
fn a_program_whose_log_hangs_stops_and_starts_as_ever() {
    let Some((engine, mut far)) = engine(COUNTERS) else { return };
    let folder = engine.folder.path().join("far");
    wait::until("it is written", || folder.join("counts.log").exists().then_some(()));
    far.say("hang");
    until_degraded(&engine, "counts");
    let pid = engine.program_pid("counts", 0).expect("it runs");
    let (time, _) = timed(|| engine.ctl_ok(&["program", "stop", "counts"]));
    assert!(time < MEANWHILE && !is_alive(pid), "{time:?}");
    engine.ctl_ok(&["program", "start", "counts"]);
    until_state(&engine, "counts", "RUNNING");
    others_go_on(&engine);
    far.say("go");
    until_written_again(&engine, "counts");
    engine.ctl_ok(&["program", "stop", "counts"]);
    let lives = || counted(&folder).iter().filter(|number| **number == 1).count();
    let what = "what the first life wrote is there, and what the second did";
    wait::until(what, || (lives() == 2).then_some(()));
}

#[test]
fn a_pid_file_that_hangs_is_an_error_of_the_reload_and_of_nothing_else() {
    let Some((engine, mut far)) = engine(COUNTERS) else { return };
    let path = engine.folder.path().join("pilothouse.toml");
    let text = fs::read_to_string(&path).expect("the file is ours");
    let folder = engine.folder.path().display();
    let text = format!("[engine]\npid_file = \"{folder}/far/engine.pid\"\n{text}");
    fs::write(&path, text).expect("the file is ours");
    far.say("hang");
    let mut reload = engine.ctl_begin(&["reload"]);
    others_go_on(&engine);
    assert!(!reload.wait().expect("it ends").success());
    far.say("go");
    wait::until("it can be written", || engine.ctl(&["reload"]).status.success().then_some(()));
}

#[test]
fn a_configuration_that_can_not_be_read_holds_up_nobody_but_who_asks() {
    let config = format!("{COUNTERS}env_files = [\"{{folder}}/variables\"]\n");
    let config = config.replace("{folder}/far/", "{folder}/");
    let engine = Engine::start_in(&config, |folder| {
        fs::write(folder.join("variables"), "A=b\n").expect("the folder is ours");
    });
    engine.ctl_ok(&["reload"]);
    let held = Held::hold(&engine.folder.path().join("variables"));
    let mut plan = engine.ctl_begin(&["reload", "--dry-run"]);
    let mut reload = engine.ctl_begin(&["reload"]);
    for _ in 0..3 {
        let (time, _) = timed(|| engine.ctl_ok(&["program", "stop", "counts"]));
        assert!(time < MEANWHILE, "{time:?}");
        engine.ctl_ok(&["program", "start", "counts"]);
    }
    assert!(!reload.wait().expect("it ends").success());
    let _it_says_why = plan.wait().expect("it ends");
    let log = engine.log();
    assert!(log.contains("a file system has not answered for 5 s"), "{log}");
    drop(held);
    wait::until("it can be read again", || engine.ctl(&["reload"]).status.success().then_some(()));
}

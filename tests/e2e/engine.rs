//! One engine of the real binary: started from a configuration text in folders of its own, asked
//! over its control socket and command line, stopped and inspected at the end.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::{client, ports, wait};

/// The one that was built with the tests, or the one that `PILOTHOUSE_TESTED` names while they are built,
/// such as a static one.
pub(crate) const BINARY: &str = match option_env!("PILOTHOUSE_TESTED") {
    Some(named) => named,
    None => env!("CARGO_BIN_EXE_pilothouse"),
};
/// A copy of the binary by this name in the engine's folder is what the engine is started from.
pub(crate) const COPY: &str = "copy-of-pilothouse";

pub(crate) struct Engine {
    pub(crate) folder: TempDir,
    /// Where the first `{listen}` of the configuration listens.
    pub(crate) listen: String,
    keeper: Child,
    /// The process that took the place of a keeper that was killed, or 0.
    successor: AtomicI32,
    is_over: bool,
}

impl Engine {
    /// Starts an engine; `{listen}` in the text is replaced by a free address, `{bin}` by the
    /// binary, `{folder}` by the engine's own folder.
    pub(crate) fn start(config: &str) -> Self {
        Self::start_in(config, |_folder| {})
    }

    /// The same, in a folder that `furnish` has seen first; the engine's files come to lie below it.
    pub(crate) fn start_in(config: &str, furnish: impl FnOnce(&Path)) -> Self {
        Self::launch(config, furnish, |folder| spawn(folder, run(folder)))
    }

    /// The same as `start`, with the engine's standard output and error led elsewhere than to its log.
    pub(crate) fn start_into(config: &str, stdout: Stdio, stderr: Stdio) -> Self {
        let start = |folder: &TempDir| {
            let mut run = run(folder);
            run.stdin(Stdio::null()).stdout(stdout).stderr(stderr);
            run.spawn().expect("the built binary runs")
        };
        Self::launch(config, |_folder| {}, start)
    }

    /// By a command of the test's own, whose runtime folder is `run` in the engine's.
    pub(crate) fn start_by(command: impl FnOnce(&Path) -> Command) -> Self {
        Self::launch("", |_folder| {}, |folder| spawn(folder, command(folder.path())))
    }

    /// The same, with a socket of the test's as its standard input.
    pub(crate) fn start_with(stdin: OwnedFd, command: impl FnOnce(&Path) -> Command) -> Self {
        let start = |folder: &TempDir| spawn_with(folder, command(folder.path()), stdin.into());
        Self::launch("", |_folder| {}, start)
    }

    /// The same as `start`, from a shell that has done `preparation` first.
    pub(crate) fn start_after(preparation: &str, config: &str) -> Self {
        let script = format!("{preparation}; exec \"$0\" \"$@\"");
        let start = |folder: &TempDir| {
            let mut shell = Command::new("sh");
            shell.args(["-c", &script]);
            spawn(folder, behind(shell, folder))
        };
        Self::launch(config, |_folder| {}, start)
    }

    /// The same as `start`, as the first process of a namespace of its own; `None`, where that is not
    /// allowed. Its child is the keeper.
    pub(crate) fn start_as_init(config: &str) -> Option<Self> {
        let ways = [&["-pf", "--mount-proc"][..], &["-Urpf", "--mount-proc"]];
        let is_allowed = |way: &&&[&str]| {
            let tried =
                Command::new("unshare").args(**way).arg("true").stderr(Stdio::null()).status();
            tried.is_ok_and(|status| status.success())
        };
        let way = ways.iter().find(is_allowed)?;
        let start = |folder: &TempDir| {
            let mut unshare = Command::new("unshare");
            unshare.args(*way);
            spawn(folder, behind(unshare, folder))
        };
        Some(Self::launch(config, |_folder| {}, start))
    }

    /// Kills keeper and master together, and starts another engine in the folders.
    pub(crate) fn replace_all(&mut self) {
        let (keeper, master) = (self.keeper_pid(), self.master_pid());
        signal(master, "STOP");
        signal(keeper, "KILL");
        signal(master, "KILL");
        wait::until("both are gone", || (!is_alive(keeper) && !is_alive(master)).then_some(()));
        let _reaped = self.keeper.wait();
        self.keeper = spawn(&self.folder, run(&self.folder));
        self.successor.store(0, Ordering::Relaxed);
        self.wait_until_up();
    }

    fn launch(
        config: &str,
        furnish: impl FnOnce(&Path),
        start: impl FnOnce(&TempDir) -> Child,
    ) -> Self {
        let listen = ports::address();
        let folder = open_folder();
        furnish(folder.path());
        let text = config
            .replace("{listen}", &listen)
            .replace("{bin}", BINARY)
            .replace("{folder}", &folder.path().display().to_string());
        fs::write(folder.path().join("pilothouse.toml"), text).expect("the folder is ours");
        let keeper = start(&folder);
        let successor = AtomicI32::new(0);
        let mut engine = Self { folder, listen, keeper, successor, is_over: false };
        engine.wait_until_up();
        engine
    }

    fn wait_until_up(&mut self) {
        wait::until("the engine answers", || {
            if let Ok(Some(status)) = self.keeper.try_wait() {
                panic!("the engine ended with {status}:\n{}", self.log());
            }
            self.try_status()
        });
    }

    /// Stops the engine and starts another one in its folders.
    pub(crate) fn restart(&mut self) {
        assert!(self.stop().success(), "{}", self.log());
        self.keeper = spawn(&self.folder, run(&self.folder));
        self.successor.store(0, Ordering::Relaxed);
        self.is_over = false;
        self.wait_until_up();
    }

    /// The same after the keeper and the master were killed.
    pub(crate) fn start_again(&mut self) {
        self.keeper.wait().expect("it was killed");
        self.keeper = spawn(&self.folder, run(&self.folder));
        self.wait_until_up();
    }

    /// `pilothouse ARGS` with this engine's configuration and folders.
    pub(crate) fn ctl(&self, args: &[&str]) -> Output {
        command(&self.folder, args).stdin(Stdio::null()).output().expect("the built binary runs")
    }

    /// The same, without waiting for its end.
    pub(crate) fn ctl_begin(&self, args: &[&str]) -> Child {
        command(&self.folder, args)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the built binary runs")
    }

    /// `ctl`, and it must succeed; its standard output.
    #[track_caller]
    pub(crate) fn ctl_ok(&self, args: &[&str]) -> String {
        let output = self.ctl(args);
        assert!(
            output.status.success(),
            "{args:?} ended with {}:\n{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    pub(crate) fn status(&self) -> Value {
        self.try_status().expect("the engine answers")
    }

    pub(crate) fn try_status(&self) -> Option<Value> {
        let response = client::unix_get(&self.socket(), "/v1/status")?;
        serde_json::from_slice(&response.body).ok()
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("run/default/control.sock")
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.listen.parse().expect("an address")
    }

    pub(crate) fn keeper_pid(&self) -> i32 {
        let first = || i32::try_from(self.keeper.id()).expect("pids are small");
        self.successor().unwrap_or_else(first)
    }

    fn successor(&self) -> Option<i32> {
        Some(self.successor.load(Ordering::Relaxed)).filter(|pid| *pid != 0)
    }

    /// Who holds the engine's name, by its own word.
    pub(crate) fn locker_pid(&self) -> Option<i32> {
        let lock = self.folder.path().join("run/default/lock");
        fs::read_to_string(lock).ok()?.trim().parse().ok()
    }

    /// Kills the keeper and waits until its master has taken its place and has a master that answers.
    pub(crate) fn replace_keeper(&self) {
        signal(self.keeper_pid(), "KILL");
        self.follow_keeper();
    }

    /// Waits for another keeper than the one before, and for an answer of its engine.
    pub(crate) fn follow_keeper(&self) {
        let before = self.keeper_pid();
        let next = wait::until("another keeper holds the name", || {
            self.locker_pid().filter(|pid| *pid != before && is_alive(*pid))
        });
        self.successor.store(next, Ordering::Relaxed);
        wait::until("its master answers", || {
            self.try_status()?;
            (!self.masters().is_empty()).then_some(())
        });
    }

    pub(crate) fn worker_pids(&self) -> Vec<i32> {
        pids(&self.status()["workers"])
    }

    /// Pid of a program's instance, when it has one.
    pub(crate) fn program_pid(&self, name: &str, instance: u64) -> Option<i32> {
        let status = self.try_status()?;
        let row = status["programs"]
            .as_array()?
            .iter()
            .find(|row| row["name"] == name && row["instance"] == instance)?;
        row["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok())
    }

    pub(crate) fn program_state(&self, name: &str, instance: u64) -> String {
        let status = self.status();
        let rows = status["programs"].as_array().expect("programs is an array").clone();
        rows.iter()
            .find(|row| row["name"] == name && row["instance"] == instance)
            .map_or_else(String::new, |row| row["state"].as_str().unwrap_or("").to_owned())
    }

    /// The row of a backend, by upstream and name.
    pub(crate) fn backend(&self, upstream: &str, name: &str) -> Value {
        let status = self.status();
        let upstreams = status["upstreams"].as_array().expect("upstreams is an array");
        let upstream =
            upstreams.iter().find(|row| row["name"] == upstream).expect("the upstream exists");
        let backends = upstream["backends"].as_array().expect("backends is an array");
        backends.iter().find(|row| row["name"] == name).cloned().unwrap_or(Value::Null)
    }

    pub(crate) fn master_pid(&self) -> i32 {
        wait::until("the keeper has a master", || self.masters().first().copied())
    }

    pub(crate) fn rewrite_config(&self, config: &str) {
        let text = config.replace("{listen}", &self.listen).replace("{bin}", BINARY);
        fs::write(self.folder.path().join("pilothouse.toml"), text).expect("the folder is ours");
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Asks the engine to stop by signal and gives its exit status.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        signal(self.keeper_pid(), "TERM");
        self.ended()
    }

    /// Waits for an end that was asked for.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        let status = wait::until("the engine stops", || match self.successor() {
            None => self.keeper.try_wait().expect("our own child"),
            // Nobody tells us the status of a process that is not our child.
            Some(pid) => (!is_alive(pid)).then(ExitStatus::default),
        });
        self.is_over = true;
        status
    }

    /// Kills the master and waits for another one that answers.
    pub(crate) fn replace_master(&self) {
        let master = self.master_pid();
        signal(master, "KILL");
        wait::until("another master answers", || {
            self.try_status()?;
            (self.masters().first().is_some_and(|pid| *pid != master)).then_some(())
        });
    }

    /// The one there is; none while the keeper waits to start the next.
    pub(crate) fn masters(&self) -> Vec<i32> {
        let mut children = children_of(self.keeper_pid());
        children.retain(|pid| is_alive(*pid) && cmdline(*pid).contains("__master"));
        children
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // A second panic would abort the whole run, so this end neither waits nor judges.
            self.show_log();
            self.kill_family();
            return;
        }
        let family = self.family();
        if !self.is_over {
            self.stop();
        }
        let _reaped_if_it_was_killed = self.keeper.try_wait();
        let left: Vec<i32> = family.into_iter().filter(|pid| is_alive(*pid)).collect();
        assert!(left.is_empty(), "processes left behind: {left:?}");
        assert!(!self.log().contains("[alert]"), "the engine logged an alert:\n{}", self.log());
    }
}

impl Engine {
    #[expect(clippy::print_stderr, reason = "the harness shows it with the failure")]
    fn show_log(&self) {
        eprintln!("engine log:\n{}", self.log());
    }

    /// All below the keeper, and those that lost an earlier keeper.
    fn family(&self) -> Vec<i32> {
        let mut family = descendants(self.keeper_pid());
        if self.successor().is_some()
            && let Some(status) = self.try_status()
        {
            family.extend(pids(&status["workers"]));
            family.extend(pids(&status["programs"]));
        }
        family
    }

    /// Ends every process of this engine at once, by pid. Those that start others are held still
    /// first, so that nobody is missed.
    fn kill_family(&mut self) {
        let keeper = self.keeper_pid();
        let orphans = self.family();
        for pid in [&[keeper], children_of(keeper).as_slice()].concat() {
            signal_if_there(pid, "STOP");
        }
        let family = [orphans, descendants(keeper)].concat();
        signal_if_there(keeper, "KILL");
        for pid in family {
            signal_if_there(pid, "KILL");
        }
        let _it_may_be_reaped = self.keeper.wait();
    }
}

/// A folder that workers can read from: where root runs the tests, they are somebody else.
pub(crate) fn open_folder() -> TempDir {
    let folder = tempfile::Builder::new().prefix("ph").tempdir().expect("a temporary folder");
    let open = fs::Permissions::from_mode(0o755);
    fs::set_permissions(folder.path(), open).expect("the folder is ours");
    folder
}

/// `pilothouse run`, of the copy of the binary in the folder if there is one.
fn run(folder: &TempDir) -> Command {
    let copy = folder.path().join(COPY);
    let program = if copy.exists() { copy.as_path() } else { Path::new(BINARY) };
    command_of(program, folder, &["run"])
}

/// The same, started by another command, which has its own words already.
fn behind(mut other: Command, folder: &TempDir) -> Command {
    let plain = run(folder);
    other.arg(plain.get_program()).args(plain.get_args()).current_dir(folder.path());
    for (name, value) in plain.get_envs() {
        match value {
            Some(value) => other.env(name, value),
            None => other.env_remove(name),
        };
    }
    other
}

/// The log is appended to, for there may have been an engine in the folder before.
fn spawn(folder: &TempDir, run: Command) -> Child {
    spawn_with(folder, run, Stdio::null())
}

fn spawn_with(folder: &TempDir, mut run: Command, stdin: Stdio) -> Child {
    let log = File::options().create(true).append(true).open(folder.path().join("log"));
    let log = log.expect("the folder is ours");
    run.stdin(stdin)
        .stdout(log.try_clone().expect("a descriptor is free"))
        .stderr(log)
        .spawn()
        .expect("the built binary runs")
}

fn command(folder: &TempDir, args: &[&str]) -> Command {
    command_of(Path::new(BINARY), folder, args)
}

fn command_of(program: &Path, folder: &TempDir, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command
        .args(args)
        .arg("-c")
        .arg(folder.path().join("pilothouse.toml"))
        .env("PILOTHOUSE_RUNTIME_DIR", folder.path().join("run"))
        .env("PILOTHOUSE_STATE_DIR", folder.path().join("state"))
        .env_remove("NO_COLOR")
        .current_dir(folder.path());
    command
}

/// Sends a signal by pid, to processes this test started.
pub(crate) fn signal(pid: i32, name: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status();
    assert!(status.expect("kill(1) runs").success(), "kill -{name} {pid}");
}

/// The same, to one that may be ending by itself.
pub(crate) fn signal_if_there(pid: i32, name: &str) {
    let arguments = [format!("-{name}"), pid.to_string()];
    let _it_may_be_gone = Command::new("kill").args(arguments).stderr(Stdio::null()).status();
}

pub(crate) fn is_alive(pid: i32) -> bool {
    // A zombie has ended; whoever inherits it may take its time to reap it.
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or("").trim_start().starts_with('Z'))
}

pub(crate) fn children_of(pid: i32) -> Vec<i32> {
    // Whichever of its threads has started them.
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let texts = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    let text: String = texts.collect();
    text.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}

pub(crate) fn descendants(pid: i32) -> Vec<i32> {
    let mut found = children_of(pid);
    let mut at = 0;
    while at < found.len() {
        found.extend(children_of(found[at]));
        at += 1;
    }
    found
}

pub(crate) fn cmdline(pid: i32) -> String {
    fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default().replace('\0', " ")
}

/// Memory that a process has of its own; pages of files, such as the binary's, are left out.
pub(crate) fn resident_bytes(pid: i32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).expect("the process is there");
    let line = text.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kib.expect("a count of KiB") * 1024
}

pub(crate) fn descriptors(pid: i32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).expect("the process is there").count()
}

/// Processor time spent so far, in clock ticks.
pub(crate) fn processor_ticks(pid: i32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).expect("the process is there");
    let fields = text.rsplit(')').next().unwrap_or("").split_whitespace();
    fields.skip(11).take(2).map(|word| word.parse::<u64>().expect("utime and stime")).sum()
}

fn pids(rows: &Value) -> Vec<i32> {
    let rows = rows.as_array().expect("an array of rows");
    rows.iter().filter_map(|row| i32::try_from(row["pid"].as_i64()?).ok()).collect()
}

/// For waits that are about the engine's own promise rather than our patience.
pub(crate) const PROMPTLY: Duration = Duration::from_secs(5);

//! One supervisord and one engine of ours over the same programs, asked side by side.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use regex::Regex;
use tempfile::TempDir;

use crate::engine::{self, Engine};
use crate::{executable, oracle, ports, wait};

/// A machine that does much else may take this long for one command.
const COMMAND: Duration = Duration::from_mins(1);

pub(super) struct Programs {
    pub(super) toml: &'static str,
    pub(super) ini: &'static str,
}

/// What a command printed, and its exit status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) text: String,
    pub(super) status: i32,
}

pub(crate) struct Pair {
    engine: Engine,
    supervisor: Supervisor,
    control: PathBuf,
    way: Way,
}

/// Where the two are asked.
enum Way {
    Sockets,
    /// Ours, then theirs.
    Tcp([String; 2]),
}

const LOGIN: [&str; 2] = ["ann", "s3cret"];
/// Of the password, as Supervisor writes it.
const HASH: &str = "{SHA}fef341f85d87439e7d91a2d465b9871ef66b5e98";

impl Pair {
    pub(super) fn generation(&self) -> serde_json::Value {
        self.engine.status()["generation"].clone()
    }

    /// With configurations of both sides, in which `{folder}` is each side's own.
    pub(crate) fn start_with(toml: &str, ini: &str) -> Option<Self> {
        Self::start_furnished(toml, ini, |_folder| {})
    }

    /// The same, in folders that `furnish` has seen first.
    pub(crate) fn start_furnished(toml: &str, ini: &str, furnish: impl Fn(&Path)) -> Option<Self> {
        Self::start_by(toml, ini, Way::Sockets, furnish)
    }

    /// `None` when Supervisor is not installed.
    pub(super) fn start(programs: &Programs) -> Option<Self> {
        Self::start_with(programs.toml, programs.ini)
    }

    /// Theirs knows the password, ours its hash.
    pub(super) fn start_over_tcp(programs: &Programs) -> Option<Self> {
        let [ours, theirs] = [ports::address(), ports::address()];
        let [user, password] = LOGIN;
        let toml = format!(
            "{}[control]\nsupervisor = {{ listen = \"{ours}\", username = \"{user}\", \
            password_file = \"password\" }}\n",
            programs.toml
        );
        let ini = format!(
            "[inet_http_server]\nport={theirs}\nusername={user}\npassword={password}\n{}",
            programs.ini
        );
        let urls = [ours, theirs].map(|address| format!("http://{address}"));
        Self::start_by(&toml, &ini, Way::Tcp(urls), |_folder| {})
    }

    fn start_by(toml: &str, ini: &str, way: Way, furnish: impl Fn(&Path)) -> Option<Self> {
        let control = oracle::supervisor("supervisorctl")?;
        let supervisor = Supervisor::start(oracle::supervisor("supervisord")?, ini, &furnish);
        let furnish = |folder: &Path| {
            furnish(folder);
            make_gone(folder);
            write_for_the_owner(&folder.join("password"), HASH);
        };
        let engine = Engine::start_in(toml, furnish);
        Some(Self { engine, supervisor, control, way })
    }

    /// The command of `gone` is there when the configuration is checked, and not when it is started.
    pub(super) fn remove_gone(&self) {
        for folder in self.folders() {
            fs::remove_file(folder.join("gone")).expect("it was made for the start");
        }
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(crate) fn folders(&self) -> [&Path; 2] {
        [self.engine.folder.path(), self.supervisor.folder.path()]
    }

    pub(super) fn rewrite(&mut self, programs: &Programs) {
        let folder = self.engine.folder.path().display().to_string();
        self.engine.rewrite_config(&programs.toml.replace("{folder}", &folder));
        self.supervisor.write(programs.ini);
    }

    /// Waits until each process is in its state on both sides.
    pub(crate) fn settle(&self, states: &[(&str, &str)]) {
        for socket in self.sockets() {
            wait::within(COMMAND, "every program is where it stays", || {
                let text = self.ask(&socket, "status", "").text;
                let is_there = |(name, state): &(&str, &str)| {
                    text.lines().any(|line| {
                        let mut words = line.split_whitespace();
                        words.next() == Some(name) && words.next() == Some(state)
                    })
                };
                states.iter().all(is_there).then_some(())
            });
        }
    }

    pub(crate) fn sockets(&self) -> [String; 2] {
        if let Way::Tcp(urls) = &self.way {
            return urls.clone();
        }
        let url = |path: PathBuf| format!("unix://{}", path.display());
        [url(self.engine.socket()), url(self.supervisor.socket())]
    }

    fn login(&self) -> [&'static str; 2] {
        match self.way {
            Way::Sockets => ["", ""],
            Way::Tcp(_) => LOGIN,
        }
    }

    /// Ours, then theirs.
    pub(super) fn both(&self, line: &str, input: &str) -> [Told; 2] {
        self.both_as(self.login(), line, input)
    }

    fn both_as(&self, login: [&str; 2], line: &str, input: &str) -> [Told; 2] {
        let [ours, theirs] = self.sockets();
        std::thread::scope(|scope| {
            let theirs = scope.spawn(|| self.ask_as(login, &theirs, line, input));
            [self.ask_as(login, &ours, line, input), theirs.join().expect("no panic")]
        })
    }

    pub(super) fn ours(&self, line: &str) -> Told {
        self.ask(&self.sockets()[0], line, "")
    }

    #[track_caller]
    pub(super) fn same(&self, line: &str) {
        let [ours, theirs] = self.both(line, "");
        assert_eq!(masked(&ours), masked(&theirs), "supervisorctl {line}\n(left: ours)");
    }

    /// For whoever gives this name and password.
    #[track_caller]
    pub(super) fn same_as(&self, login: [&str; 2], line: &str) {
        let [ours, theirs] = self.both_as(login, line, "");
        let own = self.sockets();
        let [ours, theirs] = [(ours, &own[0]), (theirs, &own[1])].map(|(told, url)| {
            let text = told.text.replace(url.trim_start_matches("http://"), "ADDRESS");
            masked(&Told { text, ..told })
        });
        assert_eq!(ours, theirs, "supervisorctl {line} as {login:?}\n(left: ours)");
    }

    /// Each side names its own socket in what it prints.
    #[track_caller]
    pub(super) fn same_but_for_the_socket(&self, line: &str) {
        let sockets = self.sockets();
        let [ours, theirs] = self.both(line, "");
        let [ours, theirs] = [(ours, &sockets[0]), (theirs, &sockets[1])].map(|(told, socket)| {
            masked(&Told { text: told.text.replace(socket.as_str(), "SOCKET"), ..told })
        });
        assert_eq!(ours, theirs, "supervisorctl {line}\n(left: ours)");
    }

    /// Of a command that goes on until it is interrupted: what it has printed when it rests.
    #[track_caller]
    pub(super) fn same_for_a_while(&self, line: &str) {
        let [ours, theirs] = self.sockets().map(|socket| self.watch(&socket, line));
        assert_eq!(ours, theirs, "supervisorctl {line}\n(left: ours)");
    }

    pub(super) fn ours_until(&self, line: &str, expected: &str) -> String {
        let mut child = self.command(&self.sockets()[0], line).spawn().expect("it runs");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut text = String::new();
        while !text.contains(expected) {
            let Some(Ok(line)) = lines.next() else { break };
            text.push_str(&line);
            text.push('\n');
        }
        interrupt(&mut child);
        text
    }

    fn watch(&self, socket: &str, line: &str) -> String {
        let mut child = self.command(socket, line).spawn().expect("it runs");
        let mut stdout = child.stdout.take().expect("piped");
        let (sender, pieces) = std::sync::mpsc::channel();
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = stdout.read(&mut buffer) {
                let piece = String::from_utf8_lossy(&buffer[..count]).into_owned();
                if sender.send(piece).is_err() {
                    break;
                }
            }
        });
        let mut text = String::new();
        let mut patience = COMMAND;
        // It says at once what it has; then either it ends or nothing more comes.
        while let Ok(piece) = pieces.recv_timeout(patience) {
            text.push_str(&piece);
            patience = Duration::from_secs(3);
        }
        interrupt(&mut child);
        reader.join().expect("no panic");
        text
    }

    fn ask(&self, socket: &str, line: &str, input: &str) -> Told {
        self.ask_as(self.login(), socket, line, input)
    }

    fn ask_as(&self, login: [&str; 2], socket: &str, line: &str, input: &str) -> Told {
        let mut child = self.command_as(login, socket, line).spawn().expect("it runs");
        let mut stdin = child.stdin.take().expect("piped");
        stdin.write_all(input.as_bytes()).expect("a few bytes fit");
        drop(stdin);
        let output = child.wait_with_output().expect("it ends");
        Told {
            text: String::from_utf8_lossy(&output.stdout).into_owned(),
            status: output.status.code().unwrap_or(-1),
        }
    }

    fn command(&self, socket: &str, line: &str) -> Command {
        self.command_as(self.login(), socket, line)
    }

    fn command_as(&self, [user, password]: [&str; 2], socket: &str, line: &str) -> Command {
        // Whoever runs the tests in the background has it ignore what interrupts it.
        let mut command = Command::new("env");
        command
            .arg("--default-signal=INT")
            .arg(&self.control)
            .args(["-s", socket, "-u", user, "-p", password])
            .args(line.split(' '))
            .current_dir(self.engine.folder.path())
            .env("PYTHONUNBUFFERED", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        command
    }

    /// Both ended by themselves.
    pub(super) fn ended(&mut self) {
        assert!(self.engine.ended().success());
        wait::until("supervisord ends", || self.supervisor.child.try_wait().expect("our child"));
    }
}

fn interrupt(child: &mut Child) {
    engine::signal_if_there(i32::try_from(child.id()).expect("pids are small"), "INT");
    let _interrupted_or_over = child.wait().expect("our own child");
}

/// Process ids, spans of time and dates are each side's own. What became of several comes in the
/// order in which it came about.
fn masked(told: &Told) -> Told {
    let masks = [
        (r"pid \d+", "pid N"),
        (r"(?m)^[1-9]\d*$", "N"),
        (r"uptime (\d+ days?, )?\d+:\d\d:\d\d", "uptime T"),
        (r"[A-Z][a-z]{2} \d\d \d\d:\d\d [AP]M", "DATE"),
    ];
    let text = masks.iter().fold(told.text.clone(), |text, (pattern, mask)| {
        Regex::new(pattern).expect("a pattern").replace_all(&text, *mask).into_owned()
    });
    let is_of_several = |line: &&str| {
        line.ends_with(": started") || line.ends_with(": stopped") || line.ends_with(": cleared")
    };
    let mut several: Vec<&str> = text.lines().filter(is_of_several).collect();
    several.sort_unstable();
    let mut several = several.into_iter();
    let lines = text
        .lines()
        .map(|line| if is_of_several(&line) { several.next().unwrap_or(line) } else { line });
    Told { text: lines.collect::<Vec<_>>().join("\n"), status: told.status }
}

struct Supervisor {
    folder: TempDir,
    child: Child,
}

impl Supervisor {
    fn start(program: PathBuf, ini: &str, furnish: impl Fn(&Path)) -> Self {
        let folder = tempfile::Builder::new().prefix("sv").tempdir().expect("a temporary folder");
        furnish(folder.path());
        make_gone(folder.path());
        write(folder.path(), ini);
        let child = Command::new(program)
            .args(["-n", "-c"])
            .arg(folder.path().join("supervisord.conf"))
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("supervisord runs");
        Self { folder, child }
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("s.sock")
    }

    fn write(&self, ini: &str) {
        write(self.folder.path(), ini);
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        let pid = i32::try_from(self.child.id()).expect("pids are small");
        let children = engine::descendants(pid);
        engine::signal_if_there(pid, "TERM");
        let _ended = self.child.wait();
        for child in children {
            engine::signal_if_there(child, "KILL");
        }
    }
}

fn write(folder: &Path, ini: &str) {
    let head = "[supervisord]\nlogfile={folder}/main.log\npidfile={folder}/s.pid\n\
        childlogdir={folder}\n[unix_http_server]\nfile={folder}/s.sock\n[rpcinterface:supervisor]\n\
        supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n";
    let text = format!("{head}{ini}").replace("{folder}", &folder.display().to_string());
    fs::write(folder.join("supervisord.conf"), text).expect("the folder is ours");
}

fn write_for_the_owner(path: &Path, text: &str) {
    fs::write(path, text).expect("the folder is ours");
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("it is ours");
}

/// A command that is there when the configuration is checked, and gone when it is started.
fn make_gone(folder: &Path) {
    executable::write(&folder.join("gone"), b"#!/bin/sh\nexec sleep 1000\n");
}

//! In place of nginx: the same command lines for both, and what they say, end with and do.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

use super::text;
use crate::engine::{BINARY, is_alive, open_folder, signal};
use crate::{client, oracle, ports, wait};

/// One of the two, with files of its own.
pub(super) struct Side {
    program: PathBuf,
    folder: TempDir,
    pub(super) listen: SocketAddr,
}

impl Side {
    fn new(program: impl FnOnce(&Path) -> PathBuf) -> Self {
        let folder = open_folder();
        let listen = ports::address().parse().expect("an address");
        let side = Self { program: program(folder.path()), folder, listen };
        side.write("one");
        side
    }

    fn nginx() -> Option<Self> {
        let program = oracle::find("nginx")?;
        Some(Self::new(|_folder| program))
    }

    /// By a link of nginx's name, as a package would put it.
    pub(super) fn ours() -> Self {
        Self::new(|folder| {
            let link = folder.join("nginx");
            symlink(BINARY, &link).expect("the folder is ours");
            link
        })
    }

    pub(super) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn write(&self, answer: &str) {
        self.write_around(&format!(
            "    server {{\n        listen {};\n        access_log logs/access.log;\n        \
             return 200 \"{answer}\";\n    }}\n",
            self.listen,
        ));
    }

    /// A whole file with these lines in its `http`.
    pub(super) fn write_around(&self, servers: &str) {
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("    {kind}_temp_path {};\n", self.path(kind)))
            .concat();
        let text = format!(
            "pid {};\nerror_log {} warn;\nworker_processes 1;\nevents {{}}\nhttp {{\n{temporary}    \
             include part/*.conf;\n{servers}}}\n",
            self.path("nginx.pid"),
            self.path("error.log"),
        );
        fs::create_dir_all(self.folder.path().join("part")).expect("the folder is ours");
        fs::create_dir_all(self.folder.path().join("logs")).expect("the folder is ours");
        self.put("part/types.conf", "default_type text/plain;\n");
        self.put("nginx.conf", &text);
    }

    fn put(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).expect("the folder is ours");
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).stdin(Stdio::null());
        command.env("PILOTHOUSE_RUNTIME_DIR", self.path("run"));
        command.env("PILOTHOUSE_STATE_DIR", self.path("state"));
        command
    }

    /// With its prefix and file before the arguments.
    pub(super) fn call(&self, arguments: &[&str]) -> Output {
        self.call_of("nginx.conf", arguments)
    }

    fn call_of(&self, file: &str, arguments: &[&str]) -> Output {
        let (folder, file) = (self.path(""), self.path(file));
        let all = [&["-p", &folder, "-c", &file], arguments].concat();
        self.command(&all).output().expect("an installed program runs")
    }

    /// What it said and ended with, without the folder and the address.
    pub(super) fn said(&self, output: &Output) -> (String, String, Option<i32>) {
        let folder = self.folder.path().display().to_string();
        let plain = |bytes: &[u8]| {
            let said = text(bytes).replace(&folder, "FOLDER");
            let said = said.replace(&self.listen.to_string(), "LISTEN");
            said.split_inclusive('\n').filter_map(untimed).collect::<String>()
        };
        (plain(&output.stdout), plain(&output.stderr), output.status.code())
    }

    pub(super) fn pid(&self) -> Option<i32> {
        fs::read_to_string(self.folder.path().join("nginx.pid")).ok()?.trim().parse().ok()
    }

    fn answers(&self, expected: &str) {
        wait::until("the answer that is expected", || {
            client::connect(self.listen).ok()?;
            (client::get(self.listen, "/").text() == expected).then_some(())
        });
    }

    fn is_over(&self, pid: i32) {
        wait::until("it is over", || {
            let is_gone = !is_alive(pid) && self.pid().is_none();
            (is_gone && client::connect(self.listen).is_err()).then_some(())
        });
    }
}

/// Some of its words come as lines of its log, with their time, and with a notice.
fn untimed(line: &str) -> Option<String> {
    let (first, rest) = line.split_once("] ").unwrap_or(("", line));
    let Some((_time, level)) = first.split_once(" [").filter(|(time, _)| time.contains('/')) else {
        return Some(line.to_owned());
    };
    let (_process, said) = rest.split_once(": ")?;
    (level != "notice").then(|| format!("nginx: [{level}] {said}"))
}

impl Drop for Side {
    fn drop(&mut self) {
        if let Some(pid) = self.pid().filter(|pid| is_alive(*pid)) {
            signal(pid, "TERM");
            signal(pid, "INT");
        }
    }
}

pub(super) fn both() -> Option<[Side; 2]> {
    Some([Side::nginx()?, Side::ours()])
}

#[test]
fn what_is_wrong_with_a_call_is_said_in_the_same_words() {
    let Some([theirs, ours]) = both() else { return };
    for side in [&theirs, &ours] {
        side.put("open.conf", "events {}\nhttp {\n    server {\n");
        side.put("none.conf", "http {}\n");
    }
    for (file, arguments) in [
        ("nginx.conf", &["-s", "reload"][..]),
        ("nginx.conf", &["-s", "restart"]),
        ("nginx.conf", &["-x"]),
        ("nginx.conf", &["word"]),
        ("nginx.conf", &["-g"]),
        ("absent.conf", &["-t"]),
        ("none.conf", &["-t"]),
        ("nginx.conf", &["-t", "-g", "pid /nowhere.pid;"]),
    ] {
        let [expected, found] =
            [&theirs, &ours].map(|side| side.said(&side.call_of(file, arguments)));
        assert_eq!(found, expected, "{file} {arguments:?}");
    }
    let [expected, found] =
        [&theirs, &ours].map(|side| side.said(&side.call_of("open.conf", &["-t"])));
    let last = |said: &str| said.lines().last().unwrap_or_default().to_owned();
    assert_eq!((last(&found.1), found.2), (last(&expected.1), expected.2));
    assert!(found.1.starts_with("nginx: [emerg] ") && found.1.contains("open.conf:"), "{found:?}");
}

#[test]
fn a_test_and_a_dump_are_the_same() {
    let Some([theirs, ours]) = both() else { return };
    for arguments in [&["-t"][..], &["-tq"], &["-T"], &["-qT"]] {
        let [expected, found] = [&theirs, &ours].map(|side| side.said(&side.call(arguments)));
        assert_eq!(found, expected, "{arguments:?}");
    }
    for side in [&theirs, &ours] {
        let version = text(&side.call(&["-v"]).stderr);
        assert!(version.starts_with("nginx version: nginx/"), "{version}");
        let build = text(&side.call(&["-V"]).stderr);
        assert!(build.contains("TLS SNI support enabled"), "{build}");
        assert!(build.contains(" --with-http_ssl_module"), "{build}");
    }
    let option = Command::new(BINARY).args(["--nginx", "-v"]).output().expect("it runs");
    assert_eq!(option.stderr, ours.call(&["-v"]).stderr);
}

#[test]
fn a_daemon_is_started_and_told_by_its_pid_file() {
    let Some(sides) = both() else { return };
    for side in sides {
        let started = side.call(&[]);
        assert_eq!(side.said(&started), (String::new(), String::new(), Some(0)));
        let pid = side.pid().expect("it is there once it listens");
        assert!(is_alive(pid));
        side.answers("one");
        side.write("two");
        assert_eq!(side.said(&side.call(&["-s", "reload"])).2, Some(0));
        side.answers("two");
        assert_eq!(side.pid(), Some(pid));
        let log = side.folder.path().join("logs/access.log");
        fs::rename(&log, log.with_extension("old")).expect("requests were written down");
        assert_eq!(side.said(&side.call(&["-s", "reopen"])).2, Some(0));
        wait::until("a new log", || log.exists().then_some(()));
        let second = side.call(&[]);
        assert_eq!(second.status.code(), Some(1), "{}", text(&second.stderr));
        assert_eq!(side.pid(), Some(pid));
        assert_eq!(side.said(&side.call(&["-s", "quit"])).2, Some(0));
        side.is_over(pid);
    }
}

#[test]
fn in_the_foreground_it_stays_and_stops_at_once() {
    let Some(sides) = both() else { return };
    for side in sides {
        let (folder, file) = (side.path(""), side.path("nginx.conf"));
        let arguments = ["-p", &folder, "-c", &file, "-g", "daemon off;"];
        let mut child: Child = side.command(&arguments).spawn().expect("it runs");
        side.answers("one");
        let pid = i32::try_from(child.id()).expect("pids are small");
        assert_eq!(side.pid(), Some(pid));
        // A request that has begun does not keep it.
        let _held = client::connect(side.listen).expect("it listens");
        assert_eq!(side.said(&side.call(&["-s", "stop"])).2, Some(0));
        let status = wait::until("its end", || child.try_wait().expect("our own child"));
        assert!(status.success(), "{status}");
        assert_eq!(side.pid(), None);
    }
}

#[test]
fn the_level_of_the_error_log_holds() {
    let ours = Side::ours();
    assert_eq!(ours.call(&[]).status.code(), Some(0));
    ours.answers("one");
    let pid = ours.pid().expect("it is there");
    assert_eq!(ours.call(&["-s", "quit"]).status.code(), Some(0));
    ours.is_over(pid);
    let log = fs::read_to_string(ours.folder.path().join("error.log")).expect("it was made");
    assert!(!log.contains("[notice]"), "{log}");
    let text = fs::read_to_string(ours.folder.path().join("nginx.conf")).expect("it is ours");
    ours.put("nginx.conf", &text.replace(" warn;", " notice;"));
    assert_eq!(ours.call(&[]).status.code(), Some(0));
    ours.answers("one");
    let log = fs::read_to_string(ours.folder.path().join("error.log")).expect("it was made");
    assert!(log.contains("[notice]"), "{log}");
}

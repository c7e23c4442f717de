//! What programs are started with by a real engine: descriptors and signals, variables from files,
//! an input that somebody types to, and what the check refuses before anything is touched.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;

use super::engine::{self, Engine};
use super::{ports, wait};

/// A configuration with these programs and nothing worth asking behind its listener.
fn with(programs: &str) -> String {
    format!(
        "[[server]]\nlisten = [\"{{listen}}\"]\n[[server.route]]\npath = \"/\"\nupstream = \"u\"\n\
         [[upstream.u.backend]]\naddress = \"127.0.0.1:1\"\n{programs}"
    )
}

/// Waits until the program has said a line that begins so, and gives the rest of the latest.
#[track_caller]
fn said(engine: &Engine, program: &str, beginning: &str) -> String {
    wait::until(beginning, || {
        let output = engine.ctl(&["program", "tail", program]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines().rev().find_map(|line| line.strip_prefix(beginning)).map(str::to_owned)
    })
}

#[test]
fn a_child_has_its_own_descriptors_and_signals_and_the_limits_from_before_ours() {
    let engine = Engine::start_after(
        "ulimit -S -n 700; trap '' USR1 PIPE; exec 7</dev/null",
        &with(
            "[program.p]\ncommand = \"sh -c 'printf %s fds-; ls -m /proc/$$/fd; \
             echo signals $(grep -E ^Sig[BI] /proc/$$/status | tr -d \\\"\\\\n\\\\t\\\"); \
             echo files $(ulimit -S -n); echo score $(cat /proc/$$/oom_score_adj); exec sleep 1000'\"",
        ),
    );
    for _ in 0..2 {
        assert_eq!(said(&engine, "p", "fds-"), "0, 1, 2");
        assert_eq!(
            said(&engine, "p", "signals "),
            "SigBlk:0000000000000000SigIgn:0000000000000000"
        );
        assert_eq!(said(&engine, "p", "files "), "700");
        let own = fs::read_to_string("/proc/self/oom_score_adj").expect("procfs is there");
        assert_eq!(said(&engine, "p", "score "), own.trim());
        // The next master's children are no different.
        engine.replace_master();
        engine.ctl_ok(&["program", "restart", "p"]);
    }
}

#[test]
fn a_changed_file_of_variables_is_read_at_the_next_start_and_a_bad_one_stops_it() {
    let engine = Engine::start_in(
        &with(
            "[program.p]\ncommand = \"sh -c 'echo word $WORD; exec sleep 1000'\"\n\
             env_files = [\"p.env\"]\nstart_retries = 0",
        ),
        |folder| fs::write(folder.join("p.env"), "WORD='the first'\n").expect("the folder is ours"),
    );
    let file = engine.folder.path().join("p.env");
    assert_eq!(said(&engine, "p", "word "), "the first");
    fs::write(&file, "export WORD=second # of two\n").expect("the folder is ours");
    engine.ctl_ok(&["program", "restart", "p"]);
    assert_eq!(said(&engine, "p", "word "), "second");
    fs::write(&file, "\n\n???\n").expect("the folder is ours");
    let restart = engine.ctl(&["program", "restart", "p"]);
    let text = String::from_utf8_lossy(&restart.stderr).into_owned();
    assert_eq!(restart.status.code(), Some(1), "{text}");
    assert!(text.contains("p.env, line 3: not NAME=value"), "{text}");
}

#[test]
fn a_command_that_is_not_there_is_refused_with_its_place_and_nothing_changes() {
    let engine = Engine::start(&with("[program.p]\ncommand = \"sleep 1000\""));
    let pid = wait::until("it runs", || engine.program_pid("p", 0));
    engine.rewrite_config(&with("[program.p]\ncommand = \"slepe 1000\""));
    let reload = engine.ctl(&["reload"]);
    let text = String::from_utf8_lossy(&reload.stderr).into_owned();
    assert_eq!(reload.status.code(), Some(1), "{text}");
    assert!(text.contains("no program `slepe` on this machine"), "{text}");
    assert!(text.contains("pilothouse.toml:9:12"), "{text}");
    assert_eq!(engine.program_pid("p", 0), Some(pid));
}

#[test]
fn who_attaches_reads_and_types_and_leaves_it_running() {
    let engine = Engine::start(&with(
        "[program.echo]\nstdin = \"open\"\n\
         command = \"sh -c 'while read line; do echo heard $line; done; echo input ended'\"",
    ));
    let pid = wait::until("it runs", || engine.program_pid("echo", 0));
    let mut screen = engine.on_terminal("program", &["attach", "echo"]);
    screen.wait("it shows the output so far", |text| text.contains("started, pid"));
    screen.press("one\r");
    screen.wait("the answer", |text| text.contains("heard one"));
    engine.replace_master();
    let ended = screen.wait_exit();
    assert!(ended.exit_code() != 0, "the engine it talked to is gone");
    let mut screen = engine.on_terminal("program", &["attach", "echo"]);
    screen.wait("the output goes on", |text| text.contains("new master"));
    screen.press("two\r");
    screen.wait("the answer", |text| text.contains("heard two"));
    screen.press("\u{3}");
    assert_eq!(screen.wait_exit().exit_code(), 0);
    assert_eq!(engine.program_pid("echo", 0), Some(pid));
    assert!(!engine.ctl_ok(&["program", "tail", "echo"]).contains("input ended"));
}

/// Asks without waiting for the answer.
fn ask(address: &str) -> TcpStream {
    let mut client = TcpStream::connect(address).expect("the engine listens");
    client.set_read_timeout(Some(wait::PATIENCE)).expect("a socket");
    let request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    client.write_all(request).expect("room for a request");
    client
}

fn answer(mut client: TcpStream) -> String {
    let mut text = String::new();
    client.read_to_string(&mut text).expect("an answer");
    text
}

#[test]
fn connections_wait_while_a_program_and_the_master_are_replaced() {
    let address = ports::address();
    let engine = Engine::start(&with(&format!(
        "[program.web]\nautorestart = true\nstart_seconds = 0\nsockets = [\"{address}\"]\n\
         command = \"sh -c 'until [ -e {{folder}}/go ]; do sleep 0.02; done; exec {{bin}} __origin --name web'\""
    )));
    let pid = wait::until("it runs", || engine.program_pid("web", 0));
    let waiting = ask(&address);
    engine::signal(pid, "KILL");
    wait::until("another process", || engine.program_pid("web", 0).filter(|other| *other != pid));
    engine.replace_master();
    let also_waiting = ask(&address);
    engine.ctl_ok(&["program", "restart", "web"]);
    fs::write(engine.folder.path().join("go"), "").expect("the folder is ours");
    for client in [waiting, also_waiting, ask(&address)] {
        let text = answer(client);
        assert!(text.starts_with("HTTP/1.1 200") && text.contains("web"), "{text}");
    }
    engine.ctl_ok(&["program", "stop", "web"]);
    // The keeper is told to let go of its copy, too.
    wait::until("closed after the last instance", || TcpStream::connect(&address).err());
    engine.ctl_ok(&["program", "start", "web"]);
    assert!(answer(ask(&address)).starts_with("HTTP/1.1 200"));
}

#[test]
fn instances_share_their_sockets_and_are_told_of_them() {
    let address = ports::address();
    let config = |sockets: &str| {
        with(&format!(
            "[program.p]\ninstances = 2\nstdin = \"socket\"\nsockets = [{sockets}]\n\
             command = \"sh -c 'echo told $LISTEN_FDS $LISTEN_FDNAMES $((LISTEN_PID - $$)); \
             echo stdin $(readlink /proc/$$/fd/0 | cut -d: -f1); printf %s fds-; ls -m /proc/$$/fd; \
             exec sleep 1000'\""
        ))
    };
    let engine = Engine::start_in(&config(&format!("\"{address}\"")), |_folder| {});
    let path = engine.folder.path().join("p.sock");
    for instance in ["p:0", "p:1"] {
        assert_eq!(said(&engine, instance, "told "), "1 p 0");
        assert_eq!(said(&engine, instance, "stdin "), "socket");
        assert_eq!(said(&engine, instance, "fds-"), "0, 1, 2, 3");
    }
    let pid = wait::until("it runs", || engine.program_pid("p", 0));
    let unix = format!(
        "{{ address = \"unix:{}\", name = \"front\", mode = \"640\" }}, \"{address}\"",
        path.display()
    );
    engine.rewrite_config(&config(&unix));
    engine.ctl_ok(&["reload"]);
    wait::until("it is another", || engine.program_pid("p", 0).filter(|other| *other != pid));
    wait::until("it is told", || (said(&engine, "p:0", "told ") == "2 front:p 0").then_some(()));
    assert_eq!(said(&engine, "p:0", "fds-"), "0, 1, 2, 3, 4");
    let mode = fs::metadata(&path).expect("the socket is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
    UnixStream::connect(&path).expect("it is listened on");
    engine.ctl_ok(&["program", "stop", "p"]);
    assert!(!path.exists(), "its file goes with the last instance");
}

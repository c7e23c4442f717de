//! A service manager is told how the engine is, as systemd wants to know.

use std::fs;
use std::io::{BufReader, Write as _};
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::engine::{self, BINARY, Engine, signal};
use crate::{client, ports, wait};

struct Manager {
    socket: UnixDatagram,
}

impl Manager {
    /// The next message that is no sign of life.
    fn hears(&self) -> String {
        loop {
            let mut bytes = [0; 512];
            let count = self.socket.recv(&mut bytes).expect("it is told in time");
            let text = String::from_utf8_lossy(&bytes[..count]).into_owned();
            if text != "WATCHDOG=1" {
                return text;
            }
        }
    }
}

fn start(watchdog_us: &str) -> (Engine, Manager) {
    let mut manager = None;
    let engine = Engine::start_by(|folder| {
        let path = folder.join("notify");
        let socket = UnixDatagram::bind(&path).expect("the folder is ours");
        socket.set_read_timeout(Some(wait::PATIENCE)).expect("a time");
        manager = Some(Manager { socket });
        let mut command = Command::new(BINARY);
        command
            .args(["run", "-c"])
            .arg(folder.join("pilothouse.toml"))
            .env("PILOTHOUSE_RUNTIME_DIR", folder.join("run"))
            .env("PILOTHOUSE_STATE_DIR", folder.join("state"))
            .env("NOTIFY_SOCKET", path)
            .env("WATCHDOG_USEC", watchdog_us);
        command
    });
    (engine, manager.expect("the command was made"))
}

#[test]
fn a_start_a_reload_and_the_end_are_told_in_order() {
    let (mut engine, manager) = start("");
    assert_eq!(manager.hears(), "READY=1");
    signal(engine.keeper_pid(), "HUP");
    assert!(manager.hears().starts_with("RELOADING=1\nMONOTONIC_USEC="));
    assert!(manager.hears().starts_with("READY=1\nSTATUS=generation 2"));
    engine.rewrite_config("[[server]]\n");
    signal(engine.keeper_pid(), "HUP");
    assert!(manager.hears().starts_with("RELOADING=1\n"));
    let refused = manager.hears();
    assert!(refused.starts_with("READY=1\nSTATUS=") && refused.contains("listen"), "{refused}");
    assert!(engine.stop().success());
    assert_eq!(manager.hears(), "STOPPING=1");
}

#[test]
fn a_watchdog_hears_signs_of_life_and_of_the_next_main_process() {
    let (engine, manager) = start("200000");
    manager.socket.set_read_timeout(Some(Duration::from_secs(20))).expect("a time");
    let mut bytes = [0; 64];
    let mut beats = 0;
    while beats < 3 {
        let count = manager.socket.recv(&mut bytes).expect("it is told in time");
        beats += usize::from(&bytes[..count] == b"WATCHDOG=1");
    }
    let master = engine.master_pid();
    engine.replace_keeper();
    let heard = std::iter::repeat_with(|| manager.hears());
    let leads = format!("MAINPID={master}");
    assert!(heard.take(8).any(|text| text == leads));
}

#[test]
fn the_offered_unit_and_rotation_are_good() {
    let unit = fs::read_to_string("configs/pilothouse.service").expect("it is offered");
    for key in ["Type=notify", "NotifyAccess=all", "WatchdogSec=", "Delegate=yes"] {
        assert!(unit.contains(key), "{key}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("pilothouse.service");
    fs::write(&file, unit.replace("/usr/bin/pilothouse", BINARY)).expect("the folder is ours");
    if let Ok(verified) = Command::new("systemd-analyze").arg("verify").arg(&file).output() {
        let said = String::from_utf8_lossy(&verified.stderr).into_owned();
        let of_ours = said.lines().find(|line| line.contains("pilothouse.service"));
        assert_eq!(of_ours, None, "{said}");
    }
    let rotation = fs::read_to_string("configs/pilothouse.logrotate").expect("it is offered");
    assert!(rotation.contains("pilothouse reopen"));
}

/// Starts an engine as a service manager would that has made a socket for it, of this name.
fn start_with(
    listener: impl Into<OwnedFd>,
    name: &str,
    text: &str,
    notify: Option<&Path>,
) -> Engine {
    Engine::start_with(listener.into(), |folder| {
        fs::write(folder.join("pilothouse.toml"), text).expect("the folder is ours");
        let script =
            "LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=\"$0\" exec \"$@\" 3<&0 0</dev/null";
        let mut shell = Command::new("sh");
        shell.args(["-c", script, name, BINARY, "run", "-c"]).arg(folder.join("pilothouse.toml"));
        shell.env("PILOTHOUSE_RUNTIME_DIR", folder.join("run"));
        shell.env("PILOTHOUSE_STATE_DIR", folder.join("state"));
        if let Some(notify) = notify {
            shell.env("NOTIFY_SOCKET", notify).env("FDSTORE", "8");
        }
        shell
    })
}

fn answering(listen: &str) -> String {
    let route = "{ path = \"/\", respond = { body = \"here\" } }";
    format!("[[server]]\nlisten = \"{listen}\"\nroute = [{route}]\n")
}

#[test]
fn a_socket_that_the_manager_has_made_is_taken_and_outlives_masters() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    // The queue is the manager's: whoever came before the engine is answered.
    let mut early = client::connect(address).expect("the manager listens");
    early.write_all(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n").expect("it is queued");
    let engine = start_with(listener, "web", &answering(&address.to_string()), None);
    let answer = client::read_response(&mut BufReader::new(early)).expect("it is answered");
    assert_eq!(answer.text(), "here");
    engine.replace_master();
    assert_eq!(client::get(address, "/").text(), "here");
    assert!(!engine.log().contains("[warn] "), "{}", engine.log());
    assert_eq!(engine.status()["listeners"][0]["address"], address.to_string());
}

#[test]
fn a_socket_for_nothing_is_told_of_and_one_that_was_kept_is_let_go() {
    for is_kept in [false, true] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let kept = format!("listener_{}", address.to_string().replace(':', "_"));
        let name = if is_kept { kept.as_str() } else { "spare" };
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).expect("the folder is ours");
        socket.set_read_timeout(Some(wait::PATIENCE)).expect("a time");
        let manager = Manager { socket };
        let engine = start_with(listener, name, &answering(&ports::address()), Some(&path));
        // The listener of its own is to be kept over a restart.
        assert!(manager.hears().starts_with("FDSTORE=1\nFDNAME=listener_127."));
        if is_kept {
            assert_eq!(manager.hears(), format!("FDSTOREREMOVE=1\nFDNAME={kept}"));
            wait::until("nobody listens", || client::connect(address).err());
        } else {
            assert!(client::connect(address).is_ok());
            assert!(engine.log().contains("no server here does"), "{}", engine.log());
        }
    }
}

#[test]
fn a_kept_socket_in_the_file_system_keeps_its_file_until_nobody_wants_it() {
    let folder = engine::open_folder();
    let file = folder.path().join("site.sock");
    let listener = UnixListener::bind(&file).expect("the folder is ours");
    let kept = format!("listener_unix_{}", file.display());
    let notify = folder.path().join("notify");
    let socket = UnixDatagram::bind(&notify).expect("the folder is ours");
    socket.set_read_timeout(Some(wait::PATIENCE)).expect("a time");
    let manager = Manager { socket };
    let on_file = answering(&format!("unix:{}", file.display()));
    let mut engine = start_with(listener, &kept, &on_file, Some(&notify));
    assert_eq!(manager.hears(), "READY=1", "it is kept already");
    assert!(UnixStream::connect(&file).is_ok());
    engine.rewrite_config(&answering(&ports::address()));
    engine.ctl_ok(&["reload"]);
    let heard = std::iter::repeat_with(|| manager.hears());
    let is_let_go = |text: String| text == format!("FDSTOREREMOVE=1\nFDNAME={kept}");
    assert!(heard.take(6).any(is_let_go));
    assert!(!file.exists());
    // One of its own is kept beyond its end, and its file with it.
    engine.rewrite_config(&on_file);
    engine.ctl_ok(&["reload"]);
    let heard = std::iter::repeat_with(|| manager.hears());
    let is_kept = |text: String| text == format!("FDSTORE=1\nFDNAME={kept}");
    assert!(heard.take(6).any(is_kept));
    engine.stop();
    assert!(file.exists());
}

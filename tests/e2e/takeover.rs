//! `pilothouse upgrade` and SIGUSR2: another binary takes over under load, and nothing else changes.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use crate::client::{self, Load};
use crate::engine::{BINARY, COPY, Engine, PROMPTLY, is_alive, signal};
use crate::origin::Origin;
use crate::proxy::site;
use crate::{executable, wait};

const PROGRAMS: &str = "
[program.steady]
command = \"sleep 1000\"
instances = 2
[program.counter]
command = \"sh -c 'until [ -e go ]; do sleep 0.01; done; seq 200000; exec sleep 1000'\"
directory = \"{folder}\"
stdout = { file = \"{folder}/counter.log\" }
";

fn start(origin: &Origin) -> Engine {
    let engine = Engine::start_in(&(site("", &[origin]) + PROGRAMS), |folder| {
        executable::copy(Path::new(BINARY), &folder.join(COPY));
    });
    wait::until("the programs run", || {
        let status = engine.try_status()?;
        let rows = status["programs"].as_array()?;
        rows.iter().all(|row| row["state"] == "RUNNING").then_some(())
    });
    engine
}

#[test]
fn output_that_waits_and_lines_that_were_begun_are_written_by_the_next() {
    const SAY: &str = "echo one; until [ -e go ]; do sleep 0.01; done; echo two; exec sleep 1000";
    let program = |name: &str, say: &str, stdout: &str| {
        format!(
            "[program.{name}]\nstart_seconds = 0\ndirectory = \"{{folder}}\"\n\
             command = '''sh -c \"{say}\"'''\nstdout = {{ {stdout} }}\n"
        )
    };
    let begun = SAY.replace("echo one", "printf %s- begun");
    let text = program("waits", SAY, "file = \"{folder}/waits.log\"")
        + &program("formed", &begun, "file = \"{folder}/formed.log\", format = \"json\"")
        + &program("plain", &begun, "file = \"{folder}/plain.log\"");
    let engine = Engine::start_in(&text, |folder| {
        executable::copy(Path::new(BINARY), &folder.join(COPY));
        fs::create_dir(folder.join("waits.log")).expect("the folder is ours");
    });
    let file = |name: &str| engine.folder.path().join(name);
    let reads = |name: &str, expected: &str| {
        wait::until("what was printed is there", || {
            fs::read_to_string(file(name)).is_ok_and(|text| text.contains(expected)).then_some(())
        });
    };
    wait::until("the log is in trouble", || {
        engine.log().contains("waits.log: Is a directory").then_some(())
    });
    reads("plain.log", "begun-");
    install_copy(&engine);
    let master = engine.master_pid();
    engine.ctl_ok(&["upgrade"]);
    wait::until("another master answers", || {
        let masters = engine.masters();
        (engine.try_status().is_some() && !masters.contains(&master)).then_some(())
    });
    fs::remove_dir(file("waits.log")).expect("it is empty");
    fs::write(file("go"), "").expect("the folder is ours");
    reads("waits.log", "two\n");
    assert_eq!(fs::read_to_string(file("waits.log")).expect("it is there"), "one\ntwo\n");
    reads("plain.log", "begun-two\n");
    reads("formed.log", "\"text\":\"begun-two\"");
    let tail = engine.ctl_ok(&["program", "tail", "plain"]);
    assert!(tail.contains("begun-two"), "{tail}");
}

/// Puts another file in place of the engine's binary, as an installer would.
pub(crate) fn install(engine: &Engine, write: impl FnOnce(&Path)) {
    let [draft, beside] = ["draft", "beside"].map(|name| engine.folder.path().join(name));
    write(&draft);
    executable::copy(&draft, &beside);
    fs::rename(beside, engine.folder.path().join(COPY)).expect("the folder is ours");
}

pub(crate) fn install_copy(engine: &Engine) {
    let beside = engine.folder.path().join("beside");
    executable::copy(Path::new(BINARY), &beside);
    fs::rename(beside, engine.folder.path().join(COPY)).expect("the folder is ours");
}

/// Which file a process runs.
fn image(pid: i32) -> Option<u64> {
    Some(fs::metadata(format!("/proc/{pid}/exe")).ok()?.ino())
}

pub(crate) fn installed(engine: &Engine) -> Option<u64> {
    Some(fs::metadata(engine.folder.path().join(COPY)).ok()?.ino())
}

pub(crate) fn until_all_run(engine: &Engine, file: Option<u64>) {
    wait::until("keeper, master and workers run that binary", || {
        let workers = engine.try_status()?["workers"].as_array()?.clone();
        let pids = workers.iter().filter_map(|row| row["pid"].as_i64()?.try_into().ok());
        let all: Vec<i32> = pids.chain(engine.masters()).chain([engine.keeper_pid()]).collect();
        let is_ready = workers.len() == 2 && workers.iter().all(|row| row["state"] == "running");
        (is_ready && all.iter().all(|pid| image(*pid) == file)).then_some(())
    });
}

pub(crate) fn programs(engine: &Engine) -> Vec<[Option<i64>; 2]> {
    let status = engine.status();
    let rows = status["programs"].as_array().expect("programs is an array");
    rows.iter().map(|row| [row["pid"].as_i64(), row["restarts"].as_i64()]).collect()
}

#[test]
fn another_binary_takes_over_under_load_and_programs_do_not_notice() {
    let origin = Origin::named("one");
    let engine = start(&origin);
    let (keeper, before) = (engine.keeper_pid(), programs(&engine));
    let workers = engine.worker_pids();
    let load = Load::start(engine.address(), "/", 4);
    fs::write(engine.folder.path().join("go"), "").expect("the folder is ours");
    for round in 0..3 {
        install_copy(&engine);
        let master = engine.master_pid();
        if round == 1 {
            signal(keeper, "USR2");
        } else {
            let said = engine.ctl_ok(&["upgrade"]);
            assert!(said.contains(&format!("(pid {master}) has become version")), "{said}");
        }
        until_all_run(&engine, installed(&engine));
        assert_eq!(engine.keeper_pid(), keeper, "round {round}");
        assert_eq!(programs(&engine), before, "round {round}");
        let served = origin.served();
        wait::until("traffic goes on", || (origin.served() > served + 50).then_some(()));
    }
    assert_eq!(load.stop().failed, Vec::<String>::new());
    wait::until("the first workers are gone", || {
        workers.iter().all(|pid| !is_alive(*pid)).then_some(())
    });
    let expected: u64 = (1..=200_000_u32).map(|number| number.to_string().len() as u64 + 1).sum();
    let log = engine.folder.path().join("counter.log");
    wait::until("the log is complete", || {
        (fs::metadata(&log).ok()?.len() >= expected).then_some(())
    });
    let text = fs::read_to_string(&log).expect("text");
    let is_exact = text.lines().zip(1_u32..).all(|(line, number)| line == number.to_string());
    assert!(is_exact && text.len() as u64 == expected, "{} bytes, not {expected}", text.len());
    engine.ctl_ok(&["program", "restart", "steady:0"]);
}

#[test]
fn what_can_not_take_over_is_refused_with_its_reason_and_nothing_happens() {
    let origin = Origin::named("one");
    let engine = start(&origin);
    let before = (engine.keeper_pid(), engine.master_pid(), engine.worker_pids());
    let refused = |expected: &str| {
        let output = engine.ctl(&["upgrade"]);
        let text = String::from_utf8_lossy(&output.stderr).to_lowercase();
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains(expected), "{expected:?} is not in {text:?}");
    };
    install(&engine, |path| fs::write(path, "not a program").expect("the folder is ours"));
    refused("permission denied");
    let executable = |path: &std::path::Path| {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("the folder is ours");
    };
    install(&engine, |path| {
        fs::write(path, "not a program").expect("the folder is ours");
        executable(path);
    });
    refused("format error");
    for (other, expected) in [("true", "does not know how"), ("false", "(exit 1)")] {
        install(&engine, |path| {
            let program = ["/usr/bin", "/bin"].map(|folder| format!("{folder}/{other}"));
            let program = program.iter().find(|path| fs::exists(path).unwrap_or(false));
            fs::copy(program.expect("it is everywhere"), path).expect("the folder is ours");
        });
        refused(expected);
    }
    fs::remove_file(engine.folder.path().join(COPY)).expect("it is there");
    refused("no such file");
    install_copy(&engine);
    let text = fs::read_to_string(engine.folder.path().join("pilothouse.toml")).expect("text");
    engine.rewrite_config(&format!("{text}nonsense = 1\n"));
    refused("nonsense");
    assert_eq!((engine.keeper_pid(), engine.master_pid(), engine.worker_pids()), before);
    engine.rewrite_config(&text);
    engine.ctl_ok(&["upgrade"]);
    until_all_run(&engine, installed(&engine));
}

#[test]
fn a_binary_whose_masters_die_young_is_taken_back() {
    let origin = Origin::named("one");
    let engine = start(&origin);
    let (first, before) = (installed(&engine), programs(&engine));
    let load = Load::start(engine.address(), "/", 4);
    install_copy(&engine);
    engine.ctl_ok(&["upgrade"]);
    until_all_run(&engine, installed(&engine));
    for _ in 0..3 {
        engine.replace_master();
    }
    until_all_run(&engine, first);
    assert_eq!(programs(&engine), before);
    assert!(engine.ctl_ok(&["events"]).contains("the new binary did not last"));
    assert_eq!(load.stop().failed, Vec::<String>::new());
}

#[test]
fn an_upgraded_connection_lives_on_in_its_old_worker() {
    let origin = Origin::by_hand(|mut stream| {
        let mut head = [0; 4096];
        let _the_request = stream.read(&mut head);
        stream
            .write_all(
                b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n",
            )
            .expect("the proxy reads");
        let mut bytes = [0; 64];
        while let Ok(count @ 1..) = stream.read(&mut bytes) {
            stream.write_all(&bytes[..count]).expect("the proxy reads");
        }
    });
    let engine = start(&origin);
    let mut tunnel = client::connect(engine.address()).expect("the listener accepts");
    tunnel
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
        .expect("the proxy reads");
    let mut echo = |text: &[u8], needle: &str| {
        tunnel.write_all(text).expect("the tunnel is open");
        let mut seen = Vec::new();
        while !String::from_utf8_lossy(&seen).contains(needle) {
            let mut bytes = [0; 256];
            let count = tunnel.read(&mut bytes).expect("the tunnel is open");
            assert!(count > 0, "the tunnel has ended after {seen:?}");
            seen.extend_from_slice(&bytes[..count]);
        }
    };
    echo(b"before", "before");
    let workers = engine.worker_pids();
    install_copy(&engine);
    engine.ctl_ok(&["upgrade"]);
    wait::within(PROMPTLY * 2, "new workers serve beside the old", || {
        let pids = engine.worker_pids();
        (pids.iter().filter(|pid| !workers.contains(pid)).count() == 2).then_some(())
    });
    echo(b"after", "after");
}

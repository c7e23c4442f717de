//! The engine's own processes: what survives whose death, who may run beside whom, and how it ends.

use std::fs;
use std::os::unix::net::UnixListener;
use std::path::Path;

use crate::client::{self, Load};
use crate::engine::{BINARY, COPY, Engine, PROMPTLY, descendants, is_alive, signal};
use crate::origin::Origin;
use crate::proxy::site;
use crate::{executable, ports, wait};

const PROGRAMS: &str = "
[program.steady]
command = \"sleep 1000\"
instances = 2
";

#[test]
fn a_killed_worker_is_replaced_at_once_and_no_connection_is_refused() {
    let origin = Origin::named("one");
    let engine = Engine::start(&site("", &[&origin]));
    let before = engine.worker_pids();
    signal(before[0], "KILL");
    for _ in 0..200 {
        // The sockets stay open, and whoever else accepts goes on.
        client::connect(engine.address()).expect("the listener is still there");
    }
    wait::within(PROMPTLY, "a new worker", || {
        let now = engine.worker_pids();
        (now.len() == before.len() && now[0] != before[0]).then_some(())
    });
    assert_eq!(client::get(engine.address(), "/").text(), "one");
    assert_eq!(engine.status()["workers"][0]["restarts"], 1);
}

#[test]
fn a_killed_master_costs_no_request_no_worker_and_no_program() {
    let origin = Origin::named("one");
    let engine = Engine::start(&(site("", &[&origin]) + PROGRAMS));
    let running = || engine.program_state("steady", 1) == "RUNNING";
    wait::until("the programs run", || running().then_some(()));
    let (workers, programs) = (engine.worker_pids(), program_pids(&engine));
    let load = Load::start(engine.address(), "/", 4);
    for _ in 0..2 {
        let master = engine.master_pid();
        signal(master, "KILL");
        wait::until("another master answers", || {
            let status = engine.try_status()?;
            (engine.master_pid() != master && status["generation"] == 1).then_some(())
        });
        let served = origin.served();
        wait::until("traffic goes on", || (origin.served() > served + 50).then_some(()));
    }
    assert_eq!(load.stop().failed, Vec::<String>::new());
    assert_eq!(engine.worker_pids(), workers);
    assert_eq!(program_pids(&engine), programs);
    // The new master also commands what it took over.
    engine.ctl_ok(&["program", "stop", "steady:0"]);
    assert!(!is_alive(programs[0].expect("it ran")));
    engine.ctl_ok(&["reload"]);
    assert_eq!(engine.status()["generation"], 2);
}

#[test]
fn what_dies_while_there_is_no_master_is_known_to_the_next() {
    let origin = Origin::named("one");
    let engine = Engine::start(&(site("", &[&origin]) + PROGRAMS));
    wait::until("the programs run", || {
        (engine.program_state("steady", 0) == "RUNNING").then_some(())
    });
    let victim = engine.program_pid("steady", 0).expect("it runs");
    let worker = engine.worker_pids()[0];
    signal(engine.master_pid(), "KILL");
    signal(victim, "KILL");
    signal(worker, "KILL");
    wait::until("both are replaced", || {
        let status = engine.try_status()?;
        let program = engine.program_pid("steady", 0)?;
        let new_worker = status["workers"][0]["pid"].as_i64()?;
        (program != victim && new_worker != i64::from(worker)).then_some(())
    });
    assert_eq!(client::get(engine.address(), "/").text(), "one");
}

#[test]
fn a_replaced_binary_does_not_reach_the_running_engine() {
    let origin = Origin::named("one");
    let engine = Engine::start_in(&site("", &[&origin]), |folder| {
        executable::copy(Path::new(BINARY), &folder.join(COPY));
    });
    let copy = engine.folder.path().join(COPY);
    fs::remove_file(&copy).expect("the folder is ours");
    fs::write(&copy, "not a program").expect("the folder is ours");
    let (master, worker) = (engine.master_pid(), engine.worker_pids()[0]);
    signal(worker, "KILL");
    signal(master, "KILL");
    wait::until("both are replaced", || {
        let status = engine.try_status()?;
        let is_new = status["workers"][0]["pid"].as_i64()? != i64::from(worker);
        (is_new && status["workers"][0]["state"] == "running").then_some(())
    });
    assert_ne!(engine.master_pid(), master);
    assert_eq!(client::get(engine.address(), "/").text(), "one");
}

#[test]
fn a_second_engine_of_the_name_is_refused_and_harms_nothing() {
    let origin = Origin::named("one");
    let engine = Engine::start(&site("", &[&origin]));
    let output = engine.ctl(&["run"]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains(&format!("pid {}", engine.keeper_pid())), "{text}");
    assert_eq!(client::get(engine.address(), "/").text(), "one");
}

#[test]
fn a_socket_file_is_replaced_when_stale_and_put_back_when_removed() {
    let origin = Origin::named("one");
    let engine = Engine::start_in(&site("", &[&origin]), |folder| {
        let place = folder.join("run/default");
        fs::create_dir_all(&place).expect("the folder is ours");
        for folder in [folder.join("run"), place.clone()] {
            let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
            fs::set_permissions(folder, private).expect("the folder is ours");
        }
        drop(UnixListener::bind(place.join("control.sock")).expect("a socket file"));
    });
    fs::remove_file(engine.socket()).expect("the engine made it");
    wait::until("the socket is back", || engine.try_status().map(|_| ()));
}

#[test]
fn a_port_in_use_is_an_error_with_its_holder() {
    let taken = std::net::TcpListener::bind(ports::address()).expect("a free port");
    let address = taken.local_addr().expect("it is bound").to_string();
    let origin = Origin::named("one");
    let engine = Engine::start(&site("", &[&origin]));
    let second = format!("listen = [\"{{listen}}\", \"{address}\"]");
    engine.rewrite_config(&site("", &[&origin]).replacen("listen = [\"{listen}\"]", &second, 1));
    let output = engine.ctl(&["reload"]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let expected = format!("bind {address}: address in use, held by ");
    assert!(text.contains(&expected), "{text}");
    assert!(text.contains(&format!("(pid {})", std::process::id())), "{text}");
    assert_eq!(client::get(engine.address(), "/").text(), "one");
}

#[test]
fn terminating_ends_everything_in_order() {
    let origin = Origin::named("one");
    let mut engine = Engine::start(&(site("", &[&origin]) + PROGRAMS));
    let family = descendants(engine.keeper_pid());
    signal(engine.keeper_pid(), "TERM");
    wait::within(PROMPTLY, "the last thing it removes is gone", || {
        (!engine.socket().exists()).then_some(())
    });
    assert_eq!(engine.ended().code(), Some(0));
    assert_eq!(family.into_iter().filter(|pid| is_alive(*pid)).count(), 0);
}

#[test]
fn a_program_is_given_its_three_descriptors_and_no_other() {
    let origin = Origin::named("one");
    let engine = Engine::start(&(site("", &[&origin]) + PROGRAMS));
    let pid = wait::until("the program runs", || engine.program_pid("steady", 0));
    let folder = fs::read_dir(format!("/proc/{pid}/fd")).expect("it is our descendant");
    let mut numbers: Vec<String> = folder
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    numbers.sort();
    assert_eq!(numbers, ["0", "1", "2"]);
}

fn program_pids(engine: &Engine) -> Vec<Option<i32>> {
    (0..2).map(|instance| engine.program_pid("steady", instance)).collect()
}

#[test]
fn the_engine_takes_the_descriptors_there_are_and_programs_get_what_it_was_given() {
    let origin = Origin::named("one");
    let config = site("", &[&origin]) + PROGRAMS;
    let engine = Engine::start_after("ulimit -Sn 321", &config);
    let program = wait::until("the program runs", || engine.program_pid("steady", 0));
    let limit = |pid: i32| {
        let limits = fs::read_to_string(format!("/proc/{pid}/limits")).expect("it runs");
        let row = limits.lines().find(|line| line.starts_with("Max open files")).expect("a row");
        let mut numbers = row["Max open files".len()..].split_whitespace().map(str::to_owned);
        (numbers.next().expect("the soft limit"), numbers.next().expect("the hard limit"))
    };
    for pid in [&[engine.keeper_pid(), engine.master_pid()], &engine.worker_pids()[..]].concat() {
        let (soft, hard) = limit(pid);
        assert_eq!(soft, hard, "process {pid} of the engine");
    }
    assert_eq!(limit(program).0, "321");
    // A later master begins with what the first one was started with.
    engine.replace_master();
    engine.ctl_ok(&["program", "restart", "steady:0"]);
    assert_eq!(limit(engine.program_pid("steady", 0).expect("it runs again")).0, "321");
}

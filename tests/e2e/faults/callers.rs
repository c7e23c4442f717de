//! Those who ask: hostile, too many, with half a file, or gone in the middle.

use std::fs;
use std::io::{BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::thread;
use std::time::Duration;

use crate::engine::{Engine, cmdline, descendants, resident_bytes, signal};
use crate::wait::PATIENCE;
use crate::{client, wait};

use super::{middle_and_worst, timed, until_state};

const SLEEPS: &str = "[program.victim]\ncommand = \"sleep 1000\"\nstart_seconds = 0\n";

fn connect(engine: &Engine) -> UnixStream {
    let stream = UnixStream::connect(engine.socket()).expect("the engine listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    stream.set_write_timeout(Some(PATIENCE)).expect("a socket");
    stream
}

#[test]
fn half_sent_and_oversized_questions_hold_up_nobody_and_end() {
    let engine = Engine::start(SLEEPS);
    let master = engine.master_pid();
    let before = resident_bytes(master);
    let begun: Vec<UnixStream> = (0..40)
        .map(|number| {
            let mut stream = connect(&engine);
            let start = ["", "POST /RPC2 HT", "GET /v1/status HTTP/1.1\r\nHost: a\r\nX: "];
            stream.write_all(start[number % start.len()].as_bytes()).expect("it reads");
            stream
        })
        .collect();
    let mut large = connect(&engine);
    let head = "POST /RPC2 HTTP/1.1\r\nHost: a\r\nContent-Length: 10485760\r\n\r\n";
    large.write_all(head.as_bytes()).expect("it reads");
    let piece = vec![b' '; 65536];
    // It may hang up as soon as it has seen how much it would be.
    let _taken = (0..160).take_while(|_| large.write_all(&piece).is_ok()).count();
    let mut answer = String::new();
    let _a_reset_is_an_end_too = large.read_to_string(&mut answer);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 413 "), "{answer}");
    let answers = (0..20).map(|_| timed(|| engine.status()).0).collect();
    let (middle, worst) = middle_and_worst(answers);
    let growth = resident_bytes(master).saturating_sub(before) >> 10;
    eprintln!("26: answers {middle:?}, at worst {worst:?}; {growth} KiB more memory");
    assert!(middle < Duration::from_millis(500) && growth < 16 << 10);
    let (time, ()) = timed(|| {
        for mut stream in begun {
            let mut rest = Vec::new();
            let end = stream.read_to_end(&mut rest);
            let is_end = end.is_ok_and(|_| rest.is_empty() || rest.starts_with(b"HTTP/1.1 408 "));
            assert!(is_end, "{:?}", String::from_utf8_lossy(&rest));
        }
    });
    eprintln!("26: the last half-sent question was ended {time:?} later (figure: 10 s)");
}

#[test]
fn each_of_a_hundred_callers_gets_an_answer_and_one_process_is_left() {
    let engine = Engine::start(SLEEPS);
    wait::until("it runs", || engine.program_pid("victim", 0));
    let (time, answers) = timed(|| {
        let callers: Vec<_> = (0..100)
            .map(|number: usize| {
                let mut stream = connect(&engine);
                let verb = ["restart", "stop", "start"][number % 3];
                let request = format!(
                    "POST /v1/programs/victim/0/{verb} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\
                     Content-Length: 0\r\n\r\n"
                );
                thread::spawn(move || {
                    // Who is one too many is told so, whatever the question.
                    let _it_may_have_been_told_already = stream.write_all(request.as_bytes());
                    client::read_response(&mut BufReader::new(stream)).unwrap_or_default()
                })
            })
            .collect();
        let answers = callers.into_iter().map(|caller| caller.join().expect("no panic"));
        answers.collect::<Vec<_>>()
    });
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    for status in [200, 409] {
        let one = answers.iter().find(|answer| answer.status == status);
        eprintln!("33: {status}: {}", one.map(client::Response::text).unwrap_or_default());
    }
    let count = |status: u16| statuses.iter().filter(|it| **it == status).count();
    let (done, busy) = (count(200), count(503));
    eprintln!("33: {done} done, {busy} too many at once, in {time:?}: {statuses:?}");
    assert_eq!(count(0), 0, "each gets an answer: {statuses:?}");
    assert!(done > 0 && done + busy + count(409) == 100, "{statuses:?}");
    engine.ctl_ok(&["program", "start", "victim"]);
    until_state(&engine, "victim", "RUNNING");
    let mut family = descendants(engine.keeper_pid());
    family.retain(|pid| cmdline(*pid).starts_with("sleep 1000"));
    assert_eq!(family, [engine.program_pid("victim", 0).expect("it runs")]);
}

#[test]
fn half_a_file_or_none_changes_nothing() {
    let config = format!("{SLEEPS}[program.other]\ncommand = \"sleep 1000\"\n");
    let engine = Engine::start(&config);
    let pids = || ["victim", "other"].map(|name| engine.program_pid(name, 0));
    let before =
        wait::until("both run", || Some(pids()).filter(|pids| pids.iter().all(Option::is_some)));
    // In the middle of each line that says something, from the last to the first.
    let starts = config.match_indices(" = ").map(|(at, _)| at + " = ".len());
    let cuts: Vec<usize> = starts.chain([config.len() - 2, 4]).collect();
    for cut in cuts {
        engine.rewrite_config(&config[..cut]);
        assert_eq!(engine.ctl(&["reload"]).status.code(), Some(1), "{:?}", &config[..cut]);
    }
    fs::remove_file(engine.folder.path().join("pilothouse.toml")).expect("it is ours");
    signal(engine.keeper_pid(), "HUP");
    wait::until("the engine says that it is not there", || {
        engine.log().contains("pilothouse.toml: no such file").then_some(())
    });
    assert_eq!((engine.status()["generation"].as_u64(), pids()), (Some(1), before));
    engine.rewrite_config(&config);
    engine.ctl_ok(&["reload"]);
    assert_eq!(pids(), before);
}

#[test]
fn what_can_not_be_a_file_of_ours_changes_nothing_and_holds_up_nobody() {
    let engine = Engine::start(SLEEPS);
    let before = wait::until("it runs", || engine.program_pid("victim", 0));
    let shell = |script: &str| {
        let mut sh = Command::new("sh");
        let status = sh.args(["-c", script]).current_dir(engine.folder.path()).status();
        assert!(status.expect("sh(1) runs").success(), "{script}");
    };
    for (script, reason) in [
        ("mkdir pilothouse.toml", "is a directory"),
        ("ln -s nowhere pilothouse.toml", "no such file"),
        ("ln -s pilothouse.toml pilothouse.toml", "too many levels of symbolic links"),
        ("mkfifo pilothouse.toml", "a pipe, not a file"),
        ("head -c 5000000 /dev/zero > pilothouse.toml", "larger than 4194304 bytes"),
        ("printf '\\377\\376' > pilothouse.toml", "not utf-8 text"),
    ] {
        shell(&format!("rm -rf pilothouse.toml; {script}"));
        // By a signal, so that no client of ours reads the file first.
        signal(engine.keeper_pid(), "HUP");
        let refused = format!("pilothouse.toml: {reason}");
        wait::until("the engine says why", || engine.log().contains(&refused).then_some(()));
        assert_eq!(engine.status()["generation"], 1, "{script}");
        assert_eq!(engine.program_pid("victim", 0), Some(before), "{script}");
    }
    shell("rm -rf pilothouse.toml");
    engine.rewrite_config(SLEEPS);
    engine.ctl_ok(&["reload"]);
}

#[test]
fn consoles_that_are_killed_hung_up_or_resized_all_the_time_harm_no_program() {
    let engine = Engine::start(SLEEPS);
    let before = wait::until("it runs", || engine.program_pid("victim", 0));
    let killed = engine.console(&[]);
    killed.wait("it is drawn", |text| text.contains("victim"));
    for _ in 0..30 {
        signal(killed.pid(), "WINCH");
    }
    for size in [(1, 1), (400, 2), (3, 200), (100, 30)].into_iter().cycle().take(80) {
        killed.resize(size);
    }
    killed.wait("it is drawn again", |text| text.contains("victim"));
    signal(killed.pid(), "KILL");
    let hung_up = engine.console(&[]);
    hung_up.wait("it is drawn", |text| text.contains("victim"));
    let mut console = hung_up.hang_up();
    wait::until("it has ended", || console.try_wait().ok().flatten());
    assert_eq!(engine.program_pid("victim", 0), Some(before));
    assert_eq!(engine.program_state("victim", 0), "RUNNING");
}

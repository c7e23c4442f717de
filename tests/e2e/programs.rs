//! Programs of a running engine: their output in files, their failures at the command line, what a
//! reload and the next engine make of them.

use std::fs;
use std::path::Path;

use super::engine::{self, Engine};
use super::wait;

/// A configuration with these programs and nothing worth asking behind its listener.
fn with(programs: &str) -> String {
    format!(
        "[[server]]\nlisten = [\"{{listen}}\"]\n[[server.route]]\npath = \"/\"\nupstream = \"u\"\n\
         [[upstream.u.backend]]\naddress = \"127.0.0.1:1\"\n{programs}"
    )
}

/// The numbers in a rotated log, oldest file first.
fn numbers(folder: &Path) -> Vec<u32> {
    let file = |number: u32| match number {
        0 => folder.join("count.log"),
        _ => folder.join(format!("count.log.{number}")),
    };
    let texts = (0..100).rev().filter_map(|number| fs::read_to_string(file(number)).ok());
    texts
        .flat_map(|text| {
            text.lines().map(|line| line.parse().expect("a number")).collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn no_line_of_output_is_lost_or_doubled_while_masters_die() {
    let logs = tempfile::tempdir().expect("a temporary folder");
    let engine = Engine::start(&with(&format!(
        "[program.count]\nstart_seconds = 0\nstdout = {{ file = \"{}\", max_bytes = \"200B\", backups = 99 }}\n\
         command = \"sh -c 'n=0; while [ $n -lt 300 ]; do echo $n; n=$((n+1)); sleep 0.01; done; exec sleep 1000'\"",
        logs.path().join("count.log").display()
    )));
    for least in [50, 150] {
        wait::until("it counts", || (numbers(logs.path()).len() > least).then_some(()));
        let master = engine.master_pid();
        engine::signal(master, "KILL");
        wait::until("another master answers", || {
            engine.try_status().filter(|_| engine.master_pid() != master)
        });
    }
    wait::until("it counted to the end", || (numbers(logs.path()).len() >= 300).then_some(()));
    assert_eq!(numbers(logs.path()), (0..300).collect::<Vec<_>>());
}

#[test]
fn a_program_that_can_not_start_says_why_with_the_exit_status() {
    let engine = Engine::start(&with(
        "[program.bad]\ncommand = \"${BAD}/x\"\nenvironment = { BAD = \"/nonexistent\" }\nstart_retries = 0\n[program.good]\ncommand = \"sleep 1000\"",
    ));
    wait::until("it gave up", || (engine.program_state("bad", 0) == "FATAL").then_some(()));
    let restart = engine.ctl(&["program", "restart", "bad"]);
    let text = String::from_utf8_lossy(&restart.stderr).into_owned();
    assert_eq!(restart.status.code(), Some(1), "{text}");
    assert!(
        text.contains("bad:0 is FATAL") && text.contains("/nonexistent/x: No such file"),
        "{text}"
    );
    engine.ctl_ok(&["program", "restart", "good"]);
    assert_eq!(engine.program_state("good", 0), "RUNNING");
}

#[test]
fn a_reload_touches_only_what_changed_and_adds_and_removes_the_rest() {
    let programs = |mode: &str, rest: &str| {
        with(&format!(
            "[program.same]\ncommand = \"sleep 1000\"\n\
             [program.changed]\ncommand = \"sleep 1000\"\nenvironment = {{ MODE = \"{mode}\" }}\n{rest}"
        ))
    };
    let engine = Engine::start(&programs("a", "[program.old]\ncommand = \"sleep 1000\""));
    let pid = |name| wait::until("it runs", || engine.program_pid(name, 0));
    let (same, changed, old) = (pid("same"), pid("changed"), pid("old"));
    engine.rewrite_config(&programs("b", "[program.new]\ncommand = \"sleep 1000\""));
    engine.ctl_ok(&["reload"]);
    wait::until("the changed one is another", || {
        engine.program_pid("changed", 0).filter(|pid| *pid != changed)
    });
    pid("new");
    wait::until("the removed one is gone", || (!engine::is_alive(old)).then_some(()));
    assert_eq!(pid("same"), same);
}

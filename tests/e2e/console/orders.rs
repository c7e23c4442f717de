//! What an operator orders, each by its key or from the palette, and what then holds of the engine.

use std::fs;
use std::path::Path;

use super::{ENTER, attached, program};
use crate::engine::{BINARY, COPY, Engine};
use crate::executable;
use crate::origin::Origin;
use crate::proxy::site;
use crate::pty::Screen;
use crate::wait;

/// Types a command into the palette and takes it.
fn command(screen: &mut Screen, words: &str) {
    screen.press(":");
    screen.wait("the palette", |text| text.contains("Command"));
    screen.press(words);
    // Behind the sign stands what does the same in a shell, of the entry that would be taken.
    screen.wait("what was typed", |text| text.contains(words));
    screen.press(ENTER);
}

fn on_program(screen: &mut Screen, row: &str) {
    screen.press("4");
    screen.wait("the cursor is on it", |text| {
        text.lines().any(|line| line.starts_with('▌') && line.contains(row))
    });
}

#[test]
fn signals_are_chosen_or_typed() {
    let heard = "sh -c 'trap \\\"touch usr1\\\" USR1; trap \\\"touch usr2\\\" USR2; touch up; while :; do sleep 0.01; done'";
    let keys = "directory = \"{folder}\"\nstart_seconds = 0";
    let engine = Engine::start(&program("ears", heard, keys));
    let is_there = |name: &str| engine.folder.path().join(name).exists().then_some(());
    wait::until("it listens", || is_there("up"));
    let mut screen = attached(&engine);
    on_program(&mut screen, "ears:0");
    screen.press("K");
    screen.wait("the signals", |text| text.contains("Signal to ears:0"));
    screen.press("j");
    screen.press(ENTER);
    wait::until("the second of them came", || is_there("usr1"));
    command(&mut screen, "signal ears USR2");
    wait::until("the typed one came", || is_there("usr2"));
}

#[test]
fn instances_are_added_and_taken_by_key_and_set_by_name() {
    let engine = Engine::start(&program("many", "sleep 1000", "start_seconds = 0"));
    let mut screen = attached(&engine);
    let run = |count: usize| {
        wait::until("as many run", || {
            let status = engine.try_status()?;
            let rows = status["programs"].as_array()?.clone();
            let are_running = rows.iter().all(|row| row["state"] == "RUNNING");
            (rows.len() == count && are_running).then_some(())
        });
    };
    run(1);
    on_program(&mut screen, "many:0");
    screen.press("+");
    run(2);
    command(&mut screen, "scale many 4");
    run(4);
    // Its row, not the answer, which comes first and says so, too.
    screen.wait("all of them are seen", |text| {
        text.lines().any(|line| line.starts_with("  many:3") && line.contains("RUNNING"))
    });
    screen.press("-");
    screen.wait("it says what ends", |text| text.contains("Scale many to 3?"));
    screen.press("y");
    run(3);
    // `u` takes the last back.
    screen.press("u");
    run(4);
}

#[test]
fn an_upstream_is_given_another_strategy_and_reset() {
    let origins = [Origin::named("one"), Origin::named("two")];
    let engine = Engine::start(&site("", &[&origins[0], &origins[1]]));
    let mut screen = attached(&engine);
    let strategy = |expected: &str| {
        wait::until("it is the strategy", || {
            (engine.status()["upstreams"][0]["strategy"] == expected).then_some(())
        });
    };
    strategy("round_robin");
    command(&mut screen, "strategy app least_conn");
    strategy("least_conn");
    screen.press("2");
    screen.wait("the upstream", |text| text.contains("least conn"));
    command(&mut screen, "reset app");
    strategy("round_robin");
}

#[test]
fn a_reload_from_the_palette_takes_the_file_and_undo_goes_back() {
    let engine = Engine::start(&program("first", "sleep 1000", "start_seconds = 0"));
    let mut screen = attached(&engine);
    let path = engine.folder.path().join("pilothouse.toml");
    let text = fs::read_to_string(&path).expect("the file is there");
    let more = "[program.second]\ncommand = \"sleep 1000\"\nstart_seconds = 0\n";
    fs::write(&path, format!("{text}{more}")).expect("the folder is ours");
    command(&mut screen, "reload");
    wait::until("the new program runs", || engine.program_pid("second", 0));
    screen.press("4");
    screen.wait("it is seen", |text| text.contains("second:0"));
    screen.press("u");
    wait::until("it is gone again", || {
        let status = engine.try_status()?;
        let rows = status["programs"].as_array()?.len();
        (rows == 1).then_some(())
    });
}

#[test]
fn an_upgrade_asks_and_shows_the_engine_that_took_over() {
    let origin = Origin::named("one");
    let engine = Engine::start_in(&site("", &[&origin]), |folder| {
        executable::copy(Path::new(BINARY), &folder.join(COPY));
    });
    let mut screen = attached(&engine);
    let master = engine.master_pid();
    command(&mut screen, "upgrade");
    screen.wait("it asks", |text| text.contains("Upgrade the engine?"));
    screen.press("y");
    wait::until("another master", || {
        engine.masters().first().is_some_and(|pid| *pid != master).then_some(())
    });
    screen.press("8");
    screen.wait("the console goes on with it", |text| {
        text.contains("LIVE") && text.lines().any(|line| line.contains("upgrade"))
    });
}

#[test]
fn a_shutdown_needs_the_engines_name() {
    let mut engine = Engine::start(&program("web", "sleep 1000", "start_seconds = 0"));
    wait::until("the program runs", || engine.program_pid("web", 0));
    let mut screen = attached(&engine);
    command(&mut screen, "shutdown");
    screen.wait("it says what ends", |text| {
        text.contains("Shut the engine down?") && text.contains("1 running programs are stopped")
    });
    screen.press("y");
    screen.press(ENTER);
    screen.wait("a letter is no name", |text| text.contains("Type default to go on"));
    screen.press("\x15default");
    screen.wait("the name", |text| text.contains("to go on: default"));
    screen.press(ENTER);
    assert!(engine.ended().success());
    screen.wait("the console stays, and says so", |text| text.contains("STALE"));
    screen.press("q");
    assert!(screen.wait_exit().success());
}

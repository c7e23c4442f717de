//! Everything by mouse, once the keyboard has let it in.

use super::attached;
use crate::engine::Engine;
use crate::origin::Origin;
use crate::proxy::site;
use crate::pty::Screen;
use crate::wait;

const PROGRAM: &str = "[program.web]\ndirectory = \"{folder}\"\nstart_seconds = 0\n\
     command = \"sh -c 'trap \\\"touch usr1\\\" USR1; touch up; while :; do sleep 0.01; done'\"\n";

/// Column and row of a text's first cell, both from 1 as terminals report them: in the line that holds
/// both texts, that of the second.
fn place(text: &str, line: &str, word: &str) -> Option<(usize, usize)> {
    let (row, found) = text.lines().enumerate().find(|(_, text)| text.contains(line))?;
    let at = found.find(line)? + line.find(word)?;
    Some((found[..at].chars().count() + 1, row + 1))
}

/// Clicks on the first cell of `word` in `line`, which is a piece of one line of the screen.
#[track_caller]
fn click_in(screen: &mut Screen, line: &str, word: &str) {
    let text = screen.wait(&format!("{line} is there to click on"), |text| text.contains(line));
    let (column, row) = place(&text, line, word).expect("it is there");
    screen.press(&format!("\x1b[<0;{column};{row}M\x1b[<0;{column};{row}m"));
}

#[track_caller]
fn click(screen: &mut Screen, word: &str) {
    click_in(screen, word, word);
}

/// So many notches down, over the middle of the screen.
fn wheel(screen: &mut Screen, notches: usize) {
    screen.press(&"\x1b[<65;50;15M".repeat(notches));
}

fn has_cursor_on(text: &str, name: &str) -> bool {
    text.lines().any(|line| line.starts_with('▌') && line.contains(name))
}

fn with_mouse(engine: &Engine) -> Screen {
    let mut screen = attached(engine);
    screen.press("M");
    screen.wait("the mouse is ours", |text| text.contains("the mouse is ours"));
    screen
}

#[test]
fn tabs_rows_and_the_footers_keys_are_clicked() {
    let origins = [Origin::named("one"), Origin::named("two")];
    let engine = Engine::start(&(site("", &[&origins[0], &origins[1]]) + PROGRAM));
    let names = [0, 1].map(|at| origins[at].address.to_string());
    let mut screen = with_mouse(&engine);
    click(&mut screen, "2 Backends");
    screen.wait("the view", |text| text.contains("2 Backends") && text.contains(&names[1]));
    click(&mut screen, &names[1]);
    screen.wait("the row", |text| has_cursor_on(text, &names[1]));
    click(&mut screen, "d drain");
    wait::until("drained", || {
        (engine.backend("app", &names[1])["state"] == "drained").then_some(())
    });
    // To enable what still seems to be up would be nothing to do.
    screen.wait("it is seen", |text| text.contains("DRAINED"));

    // Every key that works here is a line of help, and each line is clicked.
    click(&mut screen, "? keys");
    screen.wait("help", |text| text.contains("Keys in Backends"));
    click(&mut screen, "enable     back in rotation");
    wait::until("enabled", || (engine.backend("app", &names[1])["state"] == "up").then_some(()));

    click(&mut screen, &names[0]);
    screen.wait("another row", |text| has_cursor_on(text, &names[0]));
    wheel(&mut screen, 1);
    screen.wait("the wheel moves on", |text| has_cursor_on(text, &names[1]));
    // Two clicks open it where it is shown in full.
    click(&mut screen, &names[1]);
    click(&mut screen, &names[1]);
    screen.wait("its shares", |text| text.contains("What if"));
}

#[test]
fn boxes_are_answered_by_click() {
    let origin = Origin::named("one");
    let engine = Engine::start(&(site("", &[&origin]) + PROGRAM));
    let is_there = |name: &str| engine.folder.path().join(name).exists().then_some(());
    wait::until("the program listens", || is_there("up"));
    let mut screen = with_mouse(&engine);
    click(&mut screen, "4 Programs");
    click(&mut screen, "web:0");
    let pid = engine.program_pid("web", 0).expect("it runs");
    for button in [" Cancel", " restart  y"] {
        click(&mut screen, "r restart");
        screen.wait("it asks", |text| text.contains("Restart web:0?"));
        click(&mut screen, button);
        screen.wait("it is answered", |text| !text.contains("Restart web:0?"));
        assert!(button != " Cancel" || engine.program_pid("web", 0) == Some(pid));
    }
    wait::until("another one runs", || engine.program_pid("web", 0).filter(|other| *other != pid));
    wait::until("it listens again", || engine.program_state("web", 0).eq("RUNNING").then_some(()));

    click(&mut screen, "? keys");
    click(&mut screen, "choose a signal");
    // The first click chooses, the second sends.
    for _ in 0..2 {
        click_in(&mut screen, "USR1", "USR1");
    }
    wait::until("the signal came", || is_there("usr1"));
}

#[test]
fn the_palette_is_scrolled_and_clicked() {
    let origin = Origin::named("one");
    let engine = Engine::start(&site("", &[&origin]));
    let mut screen = with_mouse(&engine);
    let generation = engine.status()["generation"].as_u64();
    // The sign at the right end of the header.
    let text = screen.text();
    let width = text.lines().next().map_or(0, |line| line.trim_end().chars().count());
    screen.press(&format!("\x1b[<0;{width};1M"));
    screen.wait("the palette", |text| text.contains("Command"));
    wheel(&mut screen, 100);
    for _ in 0..2 {
        click(&mut screen, "read the configuration");
    }
    wait::until("reloaded", || {
        (engine.try_status()?["generation"].as_u64() > generation).then_some(())
    });

    screen.press(&format!("\x1b[<0;{width};1M"));
    screen.wait("the palette", |text| text.contains("Command"));
    wheel(&mut screen, 100);
    for _ in 0..2 {
        click(&mut screen, "stop the engine");
    }
    screen.wait("it asks for the name", |text| text.contains("Shut the engine down?"));
    click(&mut screen, " shutdown  needs the name");
    screen.wait("no click spares the name", |text| text.contains("type the name first"));
    click(&mut screen, " Cancel");
    screen.wait("all goes on", |text| !text.contains("Shut the engine down?"));
    engine.status();
}

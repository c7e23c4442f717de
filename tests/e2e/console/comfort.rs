//! What makes a console one's own: keys, hints, the title, notifications, the clipboard, files, and
//! the same as text.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use super::{ENTER, attached, contains, program, site};
use crate::engine::{BINARY, Engine};
use crate::oracle;
use crate::origin::Origin;
use crate::pty::{self, Screen};
use crate::wait;

#[test]
fn keys_of_ones_own_are_shown_and_work() {
    let origin = Origin::named("app");
    let engine = Engine::start(&site("", &[&origin]));
    let own = engine.folder.path().join("settings/pilothouse");
    std::fs::create_dir_all(&own).expect("the folder is ours");
    let text = "glyphs = \"ascii\"\n[keys]\ntake-down = \"Y\"\nbackends = [\"F2\", \"2\"]\n";
    std::fs::write(own.join("console.toml"), text).expect("it is ours");
    let mut screen = engine.console(&[]);
    let name = origin.address.to_string();
    screen.press("\u{1b}OQ");
    screen.wait("F2 opens backends", |text| text.contains(&name) && text.contains("LIVE"));
    screen.press("j");
    screen.wait("the footer offers the new key", |text| {
        text.lines().any(|line| line.starts_with('>') && line.contains(&name))
            && text.contains("Y down")
    });
    screen.press("?");
    screen.wait("so does help", |text| text.contains("Keys in Backends") && text.contains("2 "));
}

#[test]
fn who_is_new_gets_hints_once() {
    let origin = Origin::named("app");
    let engine = Engine::start(&site("", &[&origin]));
    let home = engine.folder.path().join("new").display().to_string();
    let mut screen = engine.on_terminal_of("console", &[], &[("XDG_STATE_HOME", &home)], pty::SIZE);
    screen.wait("hints", |text| text.contains("New here") && text.contains("LIVE"));
    screen.press("2");
    screen.wait("they go with the first key, which does what it does", |text| {
        !text.contains("New here") && text.contains(&origin.address.to_string())
    });
    screen.press("q");
    screen.wait_exit();
    let again = engine.on_terminal_of("console", &[], &[("XDG_STATE_HOME", &home)], pty::SIZE);
    again.wait("attached", |text| text.contains("LIVE"));
    assert!(!again.text().contains("New here"));
}

#[test]
fn the_title_tells_and_a_failure_is_told_to_who_looks_elsewhere() {
    let config = program(
        "mailer",
        "sh -c 'test -f broken && exit 1; exec sleep 1000'",
        "start_seconds = 1\nstart_retries = 0",
    );
    for (how, told) in [
        ("bell", &b"\x07"[..]),
        ("osc9", b"\x1b]9;pilothouse: mailer:0 "),
        ("osc777", b"\x1b]777;notify;pilothouse;mailer:0 "),
        ("none", b""),
    ] {
        let engine = Engine::start(&config);
        let screen = engine.console(&["--notify", how]);
        screen.wait("attached", |text| text.contains("LIVE") && text.contains("RUNNING"));
        assert!(contains(&screen.bytes(), b"\x1b]2;default - pilothouse\x07"), "{how}");
        let before = screen.bytes().len();
        std::fs::write(engine.folder.path().join("broken"), "").expect("the folder is ours");
        engine.ctl_ok(&["program", "kill", "mailer:0"]);
        screen.wait("it gave up", |text| text.contains("FATAL"));
        wait::until("the title says so", || {
            contains(&screen.bytes(), b"\x1b]2;1 wrong: default - pilothouse\x07").then_some(())
        });
        // A bell that ends a title is none of its own.
        let after = screen.bytes()[before..].to_vec();
        let titles = after.windows(4).filter(|window| *window == b"\x1b]2;").count();
        let bells = after.split(|byte| *byte == 0x07).count() - 1;
        let alarms = match how {
            "none" => 0,
            _ => bells - titles,
        };
        assert_eq!(alarms, usize::from(how != "none"), "{how}: {bells} bells, {titles} titles");
        assert!(told.is_empty() || contains(&after, told), "{how}");
        assert!(how != "none" || bells == titles);
    }
}

#[test]
fn a_row_goes_into_the_clipboard_and_the_screen_into_a_file() {
    let origin = Origin::named("app");
    let engine = Engine::start(&site("", &[&origin]));
    let name = origin.address.to_string();
    let mut screen = attached(&engine);
    screen.press("2j");
    screen.wait("the backend is selected", |text| {
        text.lines().any(|line| line.starts_with('▌') && line.contains(&name))
    });
    screen.press("y");
    screen.wait("it says so", |text| text.contains("copied app/") && text.contains("OSC 52"));
    assert!(contains(&screen.bytes(), b"\x1b]52;c;YXBwLzEyNy4w"), "app/127.0 in base64");
    for (steps, ending, holds) in
        [("", "svg", "<svg"), ("j", "txt", "Backends"), ("jj", "ans", "\u{1b}[")]
    {
        screen.press("E");
        screen.wait("a choice", |text| text.contains("Save this screen"));
        screen.press(steps);
        screen.press(ENTER);
        let text = screen.wait("where it went", |text| {
            text.contains("written to") && text.contains(&format!(".{ending}"))
        });
        let files = std::fs::read_dir(engine.folder.path()).expect("the folder is there");
        let paths = files.filter_map(|file| Some(file.ok()?.path()));
        let found = paths.filter(|path| path.extension().is_some_and(|is| is == ending));
        let path = found.last().unwrap_or_else(|| panic!("no file:\n{text}"));
        let written = std::fs::read_to_string(&path).expect("it is text");
        assert!(written.contains(holds) && written.contains(&name), "{written}");
        assert!(!written.contains("Save this"), "the box is not part of it");
    }
}

#[test]
fn the_same_is_there_as_text_and_as_json() {
    let origin = Origin::named("app");
    let engine = Engine::start(&site("", &[&origin]));
    let name = origin.address.to_string();
    let text = engine.ctl_ok(&["console", "--once"]);
    assert!(text.contains(&name) && !text.contains('\u{1b}'), "{text}");
    let json = engine.ctl_ok(&["console", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["upstreams"][0]["backends"][0]["name"], name);
    assert_eq!(engine.ctl(&["console", "--json", "--once"]).status.code(), Some(2));
}

#[test]
fn the_manual_lists_the_keys() {
    let folder = tempfile::tempdir().expect("a folder");
    let man = Command::new(BINARY).arg("man").arg(folder.path()).output();
    assert!(man.expect("the built binary runs").status.success());
    let page = std::fs::read_to_string(folder.path().join("pilothouse-console.1")).expect("a page");
    for part in
        [".SH KEYS", "\\fBd\\fR \\(em drain", "Ctrl\\-Z", ".SH SETTINGS", "half\\-page\\-down"]
    {
        assert!(page.contains(part), "{part} is missing");
    }
}

/// Inside tmux: drawn whole, and what goes to the clipboard is wrapped to get through.
#[test]
fn inside_tmux_it_is_the_same_console() {
    let Some(tmux) = oracle::find("tmux") else { return };
    let origin = Origin::named("app");
    let engine = Engine::start(&site("", &[&origin]));
    let name = origin.address.to_string();
    let folder = engine.folder.path();
    let server = folder.join("tmux").display().to_string();
    let socket = engine.socket().display().to_string();
    let line = format!("{BINARY} console -s {socket}");
    let mut screen = Screen::open(
        &tmux.display().to_string(),
        &["-f", "/dev/null", "-S", &server, "new-session", &line],
        folder,
        &[],
    );
    screen.wait("attached", |text| text.contains("LIVE") && text.contains("Traffic"));
    screen.press("2");
    screen.wait("a key went through", |text| text.contains(&name));
    screen.press("j");
    screen.press("y");
    screen.wait("it says by which way", |text| text.contains("through tmux"));
    screen.press("q");
    assert!(screen.wait_exit().success());
    assert!(!screen.is_alternate());
}

/// Inside GNU screen, which knows neither synchronised updates nor more than 256 colours.
#[test]
fn inside_screen_it_is_the_same_console() {
    let Some(multiplexer) = oracle::find("screen") else { return };
    let origin = Origin::named("app");
    let engine = Engine::start(&site("", &[&origin]));
    let name = origin.address.to_string();
    let folder = engine.folder.path();
    let sockets = folder.join("screens");
    std::fs::create_dir(&sockets).expect("the folder is ours");
    std::fs::set_permissions(&sockets, std::fs::Permissions::from_mode(0o700))
        .expect("the folder is ours");
    let socket = engine.socket().display().to_string();
    let mut screen = Screen::open(
        &multiplexer.display().to_string(),
        &["-c", "/dev/null", "-U", "-S", "console", BINARY, "console", "-s", &socket],
        folder,
        &[("SCREENDIR", &sockets.display().to_string())],
    );
    screen.wait("attached", |text| text.contains("LIVE") && text.contains("Traffic"));
    screen.press("2");
    screen.wait("a key went through", |text| text.contains(&name));
    screen.press("\x1b[B");
    screen.wait("so did an arrow", |text| {
        text.lines().any(|line| line.starts_with('▌') && line.contains(&name))
    });
    // Whole once the window has another size, too, and nothing of the words for tmux is on it.
    screen.resize((80, 24));
    screen.wait("drawn anew", |text| {
        text.contains("LIVE") && text.lines().all(|line| line.chars().count() <= 80)
    });
    screen.press("y");
    screen.wait("it says by which way", |text| text.contains("through screen"));
    screen.press("q");
    assert!(screen.wait_exit().success());
    assert!(!screen.is_alternate());
}

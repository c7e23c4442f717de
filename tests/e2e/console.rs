//! The console through a real terminal: what an operator sees and does, and what happens then.

mod comfort;
mod endings;
mod foreign_bytes;
mod mouse;
mod orders;
mod pictures;
mod stand_in;
mod targets;
mod wire;

use std::time::Duration;

use crate::client::{self, Load};
use crate::engine::{self, Engine, is_alive};
use crate::origin::Origin;
use crate::proxy::site;
use crate::pty::Screen;
use crate::wait;

const ENTER: &str = "\r";
/// How soon a console is gone after its terminal is; with slack for a busy machine.
const GONE_WITHIN: Duration = Duration::from_millis(1_500);

fn program(name: &str, command: &str, keys: &str) -> String {
    format!(
        "[engine]\nworkers = 1\n[[server]]\nlisten = [\"{{listen}}\"]\n[[server.route]]\npath = \"/\"\nupstream = \"app\"\n\
         [upstream.app]\n[[upstream.app.backend]]\naddress = \"127.0.0.1:9\"\n\
         [program.{name}]\ncommand = \"{command}\"\n{keys}\n"
    )
}

fn attached(engine: &Engine) -> Screen {
    let screen = engine.console(&[]);
    screen.wait("attached", |text| text.contains("LIVE") && text.contains("operate"));
    screen
}

#[test]
fn a_drain_by_key_moves_the_traffic_elsewhere() {
    let (leaving, staying) = (Origin::named("leaving"), Origin::named("staying"));
    let engine = Engine::start(&site("", &[&leaving, &staying]));
    let load = Load::start(engine.address(), "/", 2);
    let mut screen = attached(&engine);
    let name = leaving.address.to_string();
    screen.press("2");
    // The cursor's bar stands in the first column; the first backend is below its upstream.
    screen.wait("backends with traffic", |text| text.contains(&name));
    screen.press("j");
    screen.wait("the cursor is on the first backend", |text| {
        text.lines().any(|line| line.starts_with('▌') && line.contains(&name))
    });
    screen.press("d");
    wait::until("drained", || (engine.backend("app", &name)["state"] == "drained").then_some(()));
    screen.wait("the screen says so", |text| {
        text.lines().any(|line| line.contains(&name) && line.contains("DRAINED"))
    });
    let (left, stayed) = (leaving.served(), staying.served());
    wait::until("others take over", || (staying.served() > stayed + 20).then_some(()));
    assert_eq!(leaving.served(), left, "a drained backend gets nothing new");

    screen.press("u");
    wait::until("undone", || (engine.backend("app", &name)["state"] == "up").then_some(()));
    wait::until("back in rotation", || (leaving.served() > left).then_some(()));
    assert_eq!(load.stop().failed, Vec::<String>::new());
}

/// Whoever comes late sees what was before, on every screen.
#[test]
fn a_console_that_attaches_late_goes_back_to_before_it_came() {
    let origin = Origin::named("one");
    let engine = Engine::start(&site("", &[&origin]));
    let name = origin.address.to_string();
    let seconds = || {
        let history = client::unix_get(&engine.socket(), "/v1/history")?.text();
        serde_json::from_str::<serde_json::Value>(&history).ok()?.as_array().map(Vec::len)
    };
    wait::until("a second is kept", || seconds().filter(|count| *count > 0));
    engine.ctl_ok(&["backend", "down", &format!("app/{name}")]);
    let then = seconds().unwrap_or(0);
    wait::until("some more seconds", || seconds().filter(|count| *count > then + 1));

    let mut screen = attached(&engine);
    let is_in_state = |text: &str, state: &str| {
        text.lines().any(|line| line.contains(&name) && line.contains(state))
    };
    screen.press("2");
    screen.wait("it is down now", |text| is_in_state(text, "DOWN"));
    screen.press("(");
    screen.wait("the second in which it was taken down", |text| {
        text.contains("PAST") && is_in_state(text, "DOWN")
    });
    screen.press("[");
    screen.wait("the second before", |text| text.contains("PAST") && is_in_state(text, "UP"));
    screen.press("j");
    screen.press("e");
    screen.wait("nothing is ordered in the past", |text| text.contains("this is the past"));
    screen.press("p");
    screen.wait("back to now", |text| text.contains("LIVE") && is_in_state(text, "DOWN"));
    assert_eq!(engine.backend("app", &name)["state"], "down");
}

#[test]
fn a_strategy_is_switched_after_a_preview_and_taken_back() {
    let origins = [Origin::named("one"), Origin::named("two")];
    let engine = Engine::start(&site("", &[&origins[0], &origins[1]]));
    (0..40).for_each(|_| drop(client::get(engine.address(), "/")));
    let mut screen = attached(&engine);
    let strategy = || engine.status()["upstreams"][0]["strategy"].clone();
    screen.press("3");
    screen.wait("what other strategies would do", |text| {
        text.contains("What if")
            && text.contains("arrivals")
            && text.contains("a model, not a promise")
    });
    screen.press("S");
    screen.wait("a preview beside each", |text| {
        text.contains("Strategy of app") && text.contains("ip hash") && text.contains("est. p95")
    });
    screen.press("j");
    screen.press(ENTER);
    wait::until("switched", || (strategy() == "least_conn").then_some(()));
    // What was answered stands there for some seconds, and after it what takes it back.
    screen.wait("the screen says so", |text| {
        text.contains("least conn")
            && (text.contains("app uses least_conn") || text.contains("u undo"))
    });
    screen.press("u");
    wait::until("taken back", || (strategy() == "round_robin").then_some(()));
}

#[test]
fn a_killed_program_is_seen_to_restart() {
    let engine =
        Engine::start(&program("web", "sleep 1000", "start_seconds = 0\nautorestart = true"));
    let mut screen = attached(&engine);
    screen.press("4");
    let pid = wait::until("it runs", || engine.program_pid("web", 0));
    screen.wait("its pid is shown", |text| text.contains(&pid.to_string()));
    engine::signal(pid, "KILL");
    let next = wait::until("another one runs", || {
        engine.program_pid("web", 0).filter(|next| *next != pid)
    });
    screen.wait("the new pid is shown", |text| {
        text.lines().any(|line| line.contains("RUNNING") && line.contains(&next.to_string()))
    });
}

#[test]
fn a_fatal_program_restarts_at_one_key() {
    let engine = Engine::start(&program(
        "mailer",
        "sh -c 'test -f mended && exec sleep 1000; exit 1'",
        "start_seconds = 1\nstart_retries = 0",
    ));
    let mut screen = attached(&engine);
    screen.wait("it is listed as what needs attention", |text| {
        text.lines().any(|line| line.contains("FATAL") && line.contains("mailer"))
    });
    screen.wait("the cursor is on it", |text| {
        text.lines().any(|line| line.starts_with('▌') && line.contains("mailer"))
    });
    std::fs::write(engine.folder.path().join("mended"), "").expect("the folder is ours");
    // A key that comes before the row was seen long enough is refused; the operator presses again.
    wait::until("it runs again", || {
        screen.press("r");
        std::thread::park_timeout(Duration::from_millis(300));
        (engine.program_state("mailer", 0) != "FATAL").then_some(())
    });
    screen.wait("and is no longer fatal", |text| !text.contains("FATAL"));
}

#[test]
fn leaving_stops_nothing_and_coming_back_finds_it() {
    let origin = Origin::named("app");
    let engine = Engine::start(&site("", &[&origin]));
    for leave in ["q", "\u{3}"] {
        let mut screen = engine.console(&[]);
        screen.wait("attached", |text| text.contains("LIVE"));
        assert!(screen.is_alternate());
        assert_ne!(screen.settings(), screen.settings_found, "keys come unbuffered");
        screen.press(leave);
        assert!(screen.wait_exit().success());
        screen.wait("it says what goes on", |text| text.contains("the engine goes on"));
        assert!(!screen.is_alternate());
        let bytes = screen.bytes();
        assert!(bytes.ends_with(b"\n") && contains(&bytes, b"\x1b[?25h"), "the cursor is back");
        assert_eq!(screen.settings(), screen.settings_found);
    }
    assert!(engine.try_status().is_some(), "the engine goes on");
}

#[test]
fn a_terminated_console_gives_the_terminal_back() {
    let origin = Origin::named("app");
    let engine = Engine::start(&site("", &[&origin]));
    for name in ["TERM", "INT", "HUP"] {
        let mut screen = attached(&engine);
        engine::signal(screen.pid(), name);
        assert!(screen.wait_exit().success());
        screen.wait("the shell's screen is back", |text| text.contains("the engine goes on"));
        assert!(!screen.is_alternate());
        assert_eq!(screen.settings(), screen.settings_found);
    }
}

#[test]
fn a_lost_line_ends_the_console_only() {
    let origin = Origin::named("app");
    let engine = Engine::start(&site("", &[&origin]));
    let screen = attached(&engine);
    let pid = screen.pid();
    let mut child = screen.hang_up();
    wait::within(GONE_WITHIN, "the console is gone", || child.try_wait().expect("our own child"));
    assert!(!is_alive(pid));
    assert!(engine.try_status().is_some(), "the engine goes on");
}

#[test]
fn every_frame_is_whole() {
    let origin = Origin::named("app");
    let engine = Engine::start(&site("", &[&origin]));
    let mut screen = attached(&engine);
    for keys in ["2", "3", "4", "5", "6", "8", "?", "\u{1b}", "1"] {
        screen.press(keys);
    }
    screen.press(":theme");
    screen.wait("the palette is open", |text| text.contains("theme"));
    screen.press(ENTER);
    screen.wait("themes are offered", |text| text.contains("paper"));
    screen.press("\u{1b}");
    screen.press("\u{3}");
    screen.wait_exit();
    let bytes = screen.bytes();
    let begins = positions(&bytes, b"\x1b[?2026h");
    let ends = positions(&bytes, b"\x1b[?2026l");
    assert!(begins.len() > 3, "several frames were drawn");
    for (at, begin) in begins.iter().enumerate() {
        assert!(ends[at] > *begin, "a frame that begins ends");
        if let Some(next) = begins.get(at + 1) {
            assert_eq!(ends[at] + b"\x1b[?2026l".len(), *next, "no byte between frames");
        }
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    !positions(bytes, part).is_empty()
}

fn positions(bytes: &[u8], part: &[u8]) -> Vec<usize> {
    let windows = bytes.windows(part.len()).enumerate();
    windows.filter(|(_, window)| *window == part).map(|(at, _)| at).collect()
}

#[test]
fn a_program_is_spoken_to_and_left_alone_again() {
    let engine = Engine::start(&program(
        "echo",
        "sh -c 'while read -r line; do echo heard $line; done'",
        "start_seconds = 0\nstdin = \"open\"",
    ));
    let mut screen = attached(&engine);
    screen.press("4");
    screen.wait("the footer offers it", |text| text.contains("a attach"));
    screen.press("a");
    screen.wait("the prompt says who listens and how to leave", |text| {
        text.contains("echo:0  >") && text.contains("Ctrl-] detaches")
    });
    screen.press("quit, please\r");
    screen.wait("what it answers", |text| text.contains("heard quit, please"));
    screen.press("\u{1d}");
    screen.wait("detached", |text| {
        text.contains("detached from echo:0") && !text.contains("Ctrl-] detaches")
    });
    assert_eq!(engine.program_state("echo", 0), "RUNNING");
}

#[test]
fn what_a_program_waits_for_needs_attention() {
    let text = program("db", "sleep 1000", "ready = { listening = \"127.0.0.1:9\" }")
        + "[program.web]\ncommand = \"sleep 1000\"\nneeds = [{ program = \"db\", until = \"ready\" }]\n";
    let engine = Engine::start(&text);
    let screen = attached(&engine);
    screen.wait("both say why", |text| {
        let has =
            |words: &[&str]| text.lines().any(|line| words.iter().all(|it| line.contains(it)));
        has(&["WAITING", "web:0", "for db: probe failed", "connection refused"])
            && has(&["STARTING", "db:0", "probe failed"])
    });
}

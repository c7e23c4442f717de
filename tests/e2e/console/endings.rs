//! However a console ends, its terminal is as it was and the engine goes on.

use std::process::Command;

use super::{GONE_WITHIN, attached, contains, site};
use crate::client::Load;
use crate::engine::{self, BINARY, Engine, is_alive};
use crate::origin::Origin;
use crate::pty::Screen;
use crate::wait;

/// Lines that are lost in all, and at once.
const LOST: usize = 100;
const AT_ONCE: usize = 10;

/// A hundred consoles whose line is lost are gone, every one of them, and nothing of the engine's was
/// touched: not a process, not a request.
#[test]
fn a_hundred_lost_lines_leave_nothing_behind() {
    let origin = Origin::named("app");
    let engine = Engine::start(&site("", &[&origin]));
    let (keeper, master, workers) =
        (engine.keeper_pid(), engine.master_pid(), engine.worker_pids());
    let load = Load::start(engine.address(), "/", 1);
    for round in 0..LOST / AT_ONCE {
        let screens: Vec<Screen> = (0..AT_ONCE).map(|_| engine.console(&[])).collect();
        for screen in &screens {
            // In the middle of whatever they do: some were never told a thing by the engine.
            wait::until("it has begun to draw", || screen.is_alternate().then_some(()));
            screen.begin_to_hang_up();
        }
        let mut consoles: Vec<_> =
            screens.into_iter().map(|screen| (screen.pid(), screen.hang_up())).collect();
        wait::within(GONE_WITHIN * AT_ONCE as u32, "all consoles are gone", || {
            let mut ended =
                consoles.iter_mut().map(|(_, child)| child.try_wait().expect("our own child"));
            ended.all(|status| status.is_some()).then_some(())
        });
        for (pid, _) in &consoles {
            assert!(!is_alive(*pid), "console {pid} of round {round}");
        }
    }
    let tally = load.stop();
    assert_eq!(tally.failed, Vec::<String>::new());
    assert!(tally.answered > 0);
    let found = (engine.keeper_pid(), engine.master_pid(), engine.worker_pids());
    assert_eq!(found, (keeper, master, workers), "no process of the engine's was replaced");
}

/// What a shell with job control sees of Ctrl-Z, and what `fg` brings back.
#[test]
fn a_stopped_console_lends_the_terminal_to_the_shell() {
    let origin = Origin::named("app");
    let engine = Engine::start(&site("", &[&origin]));
    // A shell is not in the tests' own process group, so the console may be stopped in its.
    let script = "set -m; \"$0\" console -s \"$1\"; echo in the shell; read -r line; fg >/dev/null; echo left: $?";
    let socket = engine.socket().display().to_string();
    let mut screen =
        Screen::open("sh", &["-c", script, BINARY, &socket], engine.folder.path(), &[]);
    screen.wait("attached", |text| text.contains("LIVE"));
    screen.press("\u{1a}");
    screen.wait("the shell has it", |text| text.contains("in the shell"));
    assert!(!screen.is_alternate());
    assert_eq!(screen.settings(), screen.settings_found);
    let before = screen.bytes().len();
    screen.press("\r");
    screen.wait("all of it is back", |text| text.contains("LIVE") && text.contains("Overview"));
    assert!(screen.is_alternate());
    let back = &screen.bytes()[before..];
    assert!(contains(back, b"\x1b[2J"), "everything is painted anew");
    assert!(!contains(back, b"\x1b[6n"), "and the terminal is asked nothing");
    screen.press("q");
    screen.wait("the shell again", |text| text.contains("left: 0"));
    assert!(!screen.is_alternate());
    assert_eq!(screen.settings(), screen.settings_found);
}

/// An engine that is killed whole leaves a console that says so, keeps what it knew, orders nothing,
/// and can be left as ever; an engine in its place is found again.
#[test]
fn a_killed_engine_leaves_the_console_stale_and_whole() {
    let origin = Origin::named("app");
    let mut engine = Engine::start(&site("", &[&origin]));
    let name = origin.address.to_string();
    let mut screen = attached(&engine);
    screen.press("2j");
    screen.wait("the backend is selected", |text| {
        text.lines().any(|line| line.starts_with('▌') && line.contains(&name))
    });
    let (keeper, master) = (engine.keeper_pid(), engine.master_pid());
    engine::signal(master, "STOP");
    engine::signal(keeper, "STOP");
    screen.wait("what is shown is old", |text| text.contains("STALE") && text.contains(&name));
    screen.press("d");
    screen.wait("nothing is ordered", |text| text.contains("STALE") && !text.contains("DRAIN"));
    engine::signal(keeper, "CONT");
    engine::signal(master, "CONT");
    engine.replace_all();
    screen.wait("attached again", |text| text.contains("LIVE"));
    assert_eq!(engine.backend("app", &name)["state"], "up");
    screen.press("q");
    assert!(screen.wait_exit().success());
    screen.wait("the shell's screen", |text| text.contains("the engine goes on"));
    assert!(!screen.is_alternate());
    assert_eq!(screen.settings(), screen.settings_found);
}

/// On a terminal that nobody reads, leaving must not wait for ever.
#[test]
fn a_console_whose_terminal_is_full_can_be_ended() {
    let origin = Origin::named("app");
    let engine = Engine::start(&site("", &[&origin]));
    let mut screen = attached(&engine);
    screen.hold();
    for keys in ["2", "3", "4", "5", "6", "8", "9", "1"].iter().cycle().take(64) {
        screen.press(keys);
        std::thread::park_timeout(std::time::Duration::from_millis(40));
    }
    engine::signal(screen.pid(), "TERM");
    screen.wait_exit();
    assert_eq!(screen.settings(), screen.settings_found);
    assert!(engine.try_status().is_some(), "the engine goes on");
}

/// Files of the operator's own that are wrong are told of before the terminal is touched.
#[test]
fn broken_settings_and_themes_never_reach_the_terminal() {
    let origin = Origin::named("app");
    let engine = Engine::start(&site("", &[&origin]));
    let own = engine.folder.path().join("settings/pilothouse");
    std::fs::create_dir_all(&own).expect("the folder is ours");
    let (file, theme) = (own.join("console.toml"), own.join("mine.toml"));
    std::fs::write(
        &theme,
        "name = \"mine\"\ninherits = \"harbor\"\n[roles]\ntext = \"mauve-ish\"\n",
    )
    .expect("it is ours");
    for (text, words) in [
        ("[keys]\nenable = \"d\"\n", "console.toml:2: `d` would mean both `enable` and `drain`"),
        ("\n\nkeys = 3\n", "console.toml:3: "),
        ("theme = \"nowhere\"\n", "theme `nowhere`: no such theme"),
        (&format!("theme = {:?}\n", theme.display().to_string()), "mine.toml:4: role `text`"),
    ] {
        std::fs::write(&file, text).expect("it is ours");
        let mut screen = engine.console(&[]);
        let status = screen.wait_exit();
        assert_eq!(status.exit_code(), 1, "{text}");
        let told = screen.wait("it says why", |shown| shown.replace('\n', "").contains(words));
        assert!(!contains(&screen.bytes(), b"\x1b[?1049h"), "{told}");
    }
    let mut screen = engine.console(&["--settings", "none"]);
    screen.wait("without them it opens", |text| text.contains("LIVE"));
    screen.press("q");
    screen.wait_exit();
    let plain = Command::new(BINARY).args(["console", "--notify", "gong"]).output();
    assert_eq!(plain.expect("the built binary runs").status.code(), Some(2));
}

//! What a console costs the line it is used over, counted on the bytes of a real terminal: silence,
//! bytes a frame, order and number of frames. Nothing here measures time as such: a busy machine makes
//! frames late, never more or larger.

use std::time::Duration;

use super::{attached, site};
use crate::client::{self, Load};
use crate::engine::{Engine, resident_bytes};
use crate::origin::Origin;
use crate::pty::{self, FRAME_BEGIN, FRAME_END, Screen};
use crate::wait;

/// Of 100 columns and 30 rows; the console's own goals.
const FULL_PAINT_MAX: usize = 10 * 1024;
const UPDATE_MAX: usize = 2 * 1024;
const STEP_MAX: usize = 600;
/// A frame is drawn at most so often, and on a slow line.
const FRAME_MS: u128 = 33;
const FRAME_SLOW_MS: u128 = 250;
/// What a console may grow by while nobody reads it, with slack for an allocator's habits.
const HELD_GROWTH_MAX: u64 = 4 << 20;

fn engine_with(origin: &Origin) -> Engine {
    Engine::start(&site("", &[origin]))
}

/// Seconds the engine has sampled so far.
fn seconds(engine: &Engine) -> usize {
    let history = client::unix_get(&engine.socket(), "/v1/history").expect("the engine answers");
    let history: serde_json::Value = serde_json::from_slice(&history.body).expect("JSON");
    history.as_array().map_or(0, Vec::len)
}

fn wait_seconds(engine: &Engine, count: usize) {
    let first = seconds(engine);
    wait::until("the engine goes on", || (seconds(engine) >= first + count).then_some(()));
}

/// Ten seconds in which nothing changes are ten seconds without a byte. Only a terminal too small
/// for a clock shows nothing that changes.
#[test]
fn nothing_changed_is_no_byte() {
    let origin = Origin::named("idle");
    let engine = engine_with(&origin);
    let screen = engine.on_terminal_of("console", &[], &[], (38, 6));
    screen.wait("all is well there", |text| text.contains("ok") && text.contains("0 req/s"));
    wait_seconds(&engine, 2);
    let before = screen.bytes().len();
    wait_seconds(&engine, 10);
    let told = String::from_utf8_lossy(&screen.bytes()[before..]).into_owned();
    assert_eq!(told, "", "a line without news is silent");
}

#[test]
fn frames_are_small_under_load() {
    let origins = [Origin::named("busy"), Origin::named("busy")];
    let engine = Engine::start(&site("", &[&origins[0], &origins[1]]));
    let load = Load::start(engine.address(), "/", 2);
    wait_seconds(&engine, 3);
    let mut screen = attached(&engine);
    wait_seconds(&engine, 6);
    let mut updates: Vec<usize> = screen.frames().iter().skip(3).map(Vec::len).collect();
    updates.sort_unstable();
    let median = updates.get(updates.len() / 2).copied().expect("some seconds are some frames");
    assert!(median <= UPDATE_MAX, "updates of {updates:?} bytes");

    screen.press("\u{c}");
    let count = screen.frames().len();
    let painted = wait::until("everything is painted anew", || {
        let frames = screen.frames().into_iter().skip(count.saturating_sub(1));
        frames.map(|frame| frame.len()).max().filter(|largest| *largest > UPDATE_MAX)
    });
    assert!(painted <= FULL_PAINT_MAX, "{painted} bytes for a whole screen");

    screen.press("3");
    screen.wait("two rows to step between", |text| text.contains("expected"));
    // A step of the cursor may share its frame with news: the smallest of some is its own.
    let steps = ["j", "k"].iter().cycle().take(8).map(|key| step(&mut screen, key));
    let steps: Vec<usize> = steps.collect();
    let smallest = steps.iter().min().copied().unwrap_or(0);
    assert!(smallest <= STEP_MAX, "steps of {steps:?} bytes");
    assert_eq!(load.stop().failed, Vec::<String>::new());
}

/// Bytes of the frame in which the cursor moves.
fn step(screen: &mut Screen, key: &str) -> usize {
    let cursor = |text: &str| text.lines().position(|line| line.starts_with('▌'));
    let before = cursor(&screen.text());
    let first = screen.frames().len();
    screen.press(key);
    screen.wait("the cursor moves", |text| cursor(text) != before);
    let mut later = screen.frames().into_iter().skip(first);
    let moved = later.find(|frame| pty::find(frame, "▌".as_bytes()).is_some());
    moved.expect("the bar was drawn").len()
}

/// However fast keys come, frames do not; all that waits is taken in before one is drawn.
#[test]
fn a_burst_of_keys_is_few_frames_and_no_key_is_lost() {
    let origins: Vec<Origin> = (0..12).map(|_| Origin::named("many")).collect();
    let engine = Engine::start(&site("", &origins.iter().collect::<Vec<_>>()));
    for (args, frame_ms) in [(&[][..], FRAME_MS), (&["--slow"][..], FRAME_SLOW_MS)] {
        let mut screen = engine.console(args);
        screen.wait("attached", |text| text.contains("LIVE"));
        screen.press("2");
        screen.wait("backends", |text| text.contains(&origins[0].address.to_string()));
        let began_ms = elapsed_ms();
        let before = screen.frames().len();
        screen.press(&"jk".repeat(400));
        screen.press("g");
        screen.press(&"j".repeat(7));
        let target = origins[6].address.to_string();
        screen.wait("the cursor is where the last key put it", |text| {
            text.lines().any(|line| line.starts_with('▌') && line.contains(&target))
        });
        let frames = screen.frames().len() - before;
        let most = (elapsed_ms() - began_ms) / frame_ms + 2;
        assert!(frames as u128 <= most, "{frames} frames where {most} have time");
        screen.press("q");
        screen.wait_exit();
    }
}

/// Only to bound how many frames there can have been: a slow machine has more time, not more frames.
#[expect(clippy::disallowed_methods, reason = "a test measures how long it took itself")]
fn elapsed_ms() -> u128 {
    use std::sync::OnceLock;
    use std::time::Instant;
    static BEGIN: OnceLock<Instant> = OnceLock::new();
    BEGIN.get_or_init(Instant::now).elapsed().as_millis()
}

/// The first frame needs no engine that answers and asks the terminal nothing; the first with data
/// has all of it.
#[test]
fn the_first_frame_waits_for_nobody() {
    let origin = Origin::named("app");
    let engine = engine_with(&origin);
    let load = Load::start(engine.address(), "/", 1);
    wait_seconds(&engine, 3);
    assert_eq!(load.stop().failed, Vec::<String>::new());
    let master = engine.master_pid();
    crate::engine::signal(master, "STOP");
    let screen = engine.console(&[]);
    screen.wait("a skeleton", |text| text.contains("CONNECTING") && text.contains("Overview"));
    crate::engine::signal(master, "CONT");
    screen.wait("data", |text| text.contains("LIVE") && text.contains("w0"));
    let mut terminal =
        vt100::Parser::new(30.try_into().expect("cells"), 100.try_into().expect("cells"), 0);
    let mut is_whole = None;
    for frame in screen.frames() {
        terminal.process(&frame);
        let text = terminal.screen().contents();
        if text.contains("LIVE") && is_whole.is_none() {
            // The graph of requests is drawn from the first frame on, not from then on.
            is_whole = Some(text.chars().any(|char| ('▁'..='█').contains(&char)));
        }
    }
    assert_eq!(is_whole, Some(true), "the past comes with the first data:\n{}", screen.text());
    let bytes = screen.bytes();
    for question in
        [&b"\x1b[c"[..], b"\x1b[0c", b"\x1b[>c", b"\x1b[6n", b"\x1b[?u", b"\x1b[5n", b"$p", b";?"]
    {
        assert_eq!(pty::find(&bytes, question), None, "{question:?} asks the terminal");
    }
}

/// Every byte of a picture stands in a frame, from entering to leaving, also when the window changes
/// its size many times.
#[test]
fn no_cell_is_painted_outside_a_frame() {
    let origin = Origin::named("app");
    let engine = engine_with(&origin);
    let mut screen = attached(&engine);
    for size in [(80, 24), (60, 16), (200, 60), (1, 1), (40, 8), (0, 0), (100, 30)] {
        let before = screen.frames().len();
        screen.resize(size);
        screen.press("?\u{1b}");
        if size != (0, 0) {
            wait::until("it is painted", || (screen.frames().len() > before).then_some(()));
        }
    }
    screen.wait("the last size is painted", |text| {
        text.lines().count() >= 30 && text.contains("LIVE")
    });
    screen.press("q");
    screen.wait_exit();
    let bytes = screen.bytes();
    let first = pty::find(&bytes, FRAME_BEGIN).expect("there are frames");
    let frames = pty::frames(&bytes);
    assert!(frames.len() > 3, "several sizes are several frames");
    let framed: usize =
        frames.iter().map(|frame| frame.len() + FRAME_BEGIN.len() + FRAME_END.len()).sum();
    let (entering, rest) = bytes.split_at(first);
    let leaving = &rest[framed..];
    assert!(leaving.starts_with(FRAME_END), "frames follow each other without a byte between");
    for outside in [entering, leaving] {
        let shown = String::from_utf8_lossy(outside);
        let shown = shown.split("detached").next().unwrap_or_default();
        assert!(!shown.contains("pilothouse") && !shown.contains('─'), "{shown:?}");
    }
}

/// A terminal that nobody reads holds up the picture and nothing else; who looks again sees the
/// newest state at once.
#[test]
fn a_terminal_that_is_not_read_delays_the_picture_only() {
    let origin = Origin::named("app");
    let engine = engine_with(&origin);
    let mut screen = attached(&engine);
    let pid = screen.pid();
    let load = Load::start(engine.address(), "/", 2);
    wait_seconds(&engine, 2);
    let before = resident_bytes(pid);
    screen.hold();
    // The screens differ in every cell, so the terminal is full after some of these.
    for keys in ["2", "3", "4", "5", "6", "8", "9", "1"].iter().cycle().take(64) {
        screen.press(keys);
        std::thread::park_timeout(Duration::from_millis(40));
    }
    wait_seconds(&engine, 5);
    let grown = resident_bytes(pid).saturating_sub(before);
    assert!(grown < HELD_GROWTH_MAX, "{grown} bytes more while nobody read");
    // Told while nobody reads: an order of that moment would be for rows nobody saw.
    screen.press("2");
    let frames = screen.frames().len();
    screen.let_go();
    screen.wait("the newest state", |text| {
        text.contains("LIVE") && text.contains(&origin.address.to_string())
    });
    let stale = screen.frames().len() - frames;
    assert!(stale <= 24, "{stale} frames were kept for a reader that was away");
    assert_eq!(load.stop().failed, Vec::<String>::new());
}

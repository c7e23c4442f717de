//! Screens as text: what they look like, and what must hold at every size and tier.

mod workers;

use std::fmt::Write as _;

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};
use tui_input::Input;

use super::{fixture, fixture_fit, fixture_nodes, fixture_past, fixture_plan};
use crate::control::capacity::{Capacity, Queue};
use crate::control::firewall::{Alarm, Firewall, Verdict};
use crate::tui::model::explained::Lower;
use crate::tui::model::key::Key;
use crate::tui::model::list::{Sort, SortBy};
use crate::tui::model::log_find::Purpose;
use crate::tui::model::order::{self, Judged, Weight};
use crate::tui::model::overlay::Overlay;
use crate::tui::model::panel::{Panel, View};
use crate::tui::model::past;
use crate::tui::model::{Link, Model, Size};
use crate::tui::theme::glyph::GlyphTier;
use crate::tui::theme::skin::Skin;
use crate::tui::theme::tier::ColorTier;

/// Every size a terminal can have, and those it can't.
const WIDTHS: [u16; 14] = [0, 1, 2, 5, 12, 30, 39, 40, 47, 60, 80, 100, 160, 300];
const HEIGHTS: [u16; 14] = [0, 1, 2, 3, 7, 8, 9, 11, 16, 20, 24, 30, 60, 100];
const SIZES: [(u16, u16); 5] = [(200, 60), (100, 30), (80, 24), (60, 16), (40, 8)];

fn skin() -> Skin {
    fixture::skin(ColorTier::True, GlyphTier::Block)
}

fn overlays() -> [Option<Overlay>; 7] {
    [
        None,
        Some(Overlay::Help { filter: Input::default(), scroll: 3 }),
        Some(Overlay::Palette { input: Input::from("drain"), selected: 1 }),
        Some(Overlay::Theme { selected: 1, before: "harbor".to_owned() }),
        Some(Overlay::Strategy { upstream: "api".to_owned(), selected: 2 }),
        Some(Overlay::Signal {
            targets: vec![Key::Program { name: "web".to_owned(), instance: 0 }],
            selected: 3,
        }),
        Some(Overlay::Find {
            input: Input::from("error"),
            purpose: Purpose::Search,
            before: String::new(),
        }),
    ]
}

#[test]
fn no_size_panics() {
    let skin = skin();
    for view in View::ALL {
        for overlay in overlays() {
            let mut model = fixture::model(view, (0, 0));
            model.overlay = overlay;
            for lower in [Lower::Both, Lower::WhatIf, Lower::Shares] {
                model.lower = lower;
                for width in WIDTHS {
                    for height in HEIGHTS {
                        model.size = Size { width, height };
                        fixture::draw(&model, &skin);
                    }
                }
            }
        }
    }
}

#[test]
fn views_look_as_they_did() {
    let skin = skin();
    for view in View::ALL {
        for (width, height) in SIZES {
            let model = fixture::model(view, (width, height));
            let name = format!("{}-{width}x{height}", view.facts().name);
            insta::assert_snapshot!(name, fixture::text(&fixture::draw(&model, &skin)));
        }
    }
}

/// Two views share the screen where it has room, and are as whole as on a smaller one; where it has
/// none, the one stays.
#[test]
fn two_views_share_the_screen() {
    for (view, beside, size) in [
        (View::Backends, View::Logs, (160, 40)),
        (View::Programs, View::Overview, (80, 24)),
        (View::Overview, View::Events, (60, 16)),
    ] {
        let mut model = fixture::model(view, size);
        model.beside = Some(beside);
        let name = format!("split-{}x{}", size.0, size.1);
        insta::assert_snapshot!(name, fixture::text(&fixture::draw(&model, &skin())));
    }
}

/// Every pair at every size is drawn without a panic.
#[test]
fn any_two_views_fit_any_screen() {
    for (view, beside) in View::ALL.iter().flat_map(|view| View::ALL.map(|other| (*view, other))) {
        for size in [(40, 24), (80, 24), (140, 8), (200, 60)] {
            let mut model = fixture::model(view, size);
            model.beside = Some(beside);
            let text = fixture::text(&fixture::draw(&model, &skin()));
            assert_eq!(text.lines().count(), usize::from(size.1));
        }
    }
}

/// Four minutes back: before the drain, with one backend up that fails by now.
fn in_the_past(view: View, size: (u16, u16)) -> Model {
    let mut model = fixture::model(view, size);
    fixture_past::remember(&mut model);
    past::step(&mut model, past::Step::Seconds(-200));
    model
}

#[test]
fn the_past_looks_as_it_did() {
    for (view, size) in [
        (View::Overview, (100, 30)),
        (View::Overview, (80, 24)),
        (View::Overview, (60, 16)),
        (View::Backends, (80, 24)),
        (View::Balance, (80, 24)),
        (View::Programs, (80, 24)),
        (View::Logs, (80, 24)),
        (View::Events, (80, 24)),
    ] {
        let text = fixture::text(&fixture::draw(&in_the_past(view, size), &skin()));
        let name = format!("past-{}-{}x{}", view.facts().name, size.0, size.1);
        insta::assert_snapshot!(name, text);
    }
}

fn attacks() -> Firewall {
    let alarm = |rule: &str, place: &str, verdict, count, excerpt: &str| Alarm {
        rule: rule.to_owned(),
        place: place.to_owned(),
        verdict,
        count,
        last_ms: fixture::NOW_MS - 1_000 * count,
        client: "203.0.113.9".to_owned(),
        host: "shop.example".to_owned(),
        path: "/search".to_owned(),
        excerpt: excerpt.to_owned(),
        score: 5,
        exception: format!("{{ rule = \"{rule}\", where = \"{place}\" }}"),
    };
    Firewall {
        inspected: 1_204_118,
        detected: 1,
        blocked: 17,
        alarms: vec![
            alarm("scanner", "header:User-Agent", Verdict::Detected, 1, "sqlmap/1.7"),
            alarm("sql-injection", "query:q", Verdict::Blocked, 14, "\u{1b}' or '1'='1"),
            alarm("path-traversal", "path", Verdict::Blocked, 3, "../../etc/passwd"),
        ],
        ..Firewall::default()
    }
}

#[test]
fn attacks_stand_below_the_requests() {
    for (width, height) in [(200, 60), (100, 30), (60, 16)] {
        let mut model = fixture::model(View::Requests, (width, height));
        model.moment.firewall = Some(attacks());
        let name = format!("requests-attacks-{width}x{height}");
        insta::assert_snapshot!(name, fixture::text(&fixture::draw(&model, &skin())));
    }
    for width in WIDTHS {
        for height in HEIGHTS {
            let mut model = fixture::model(View::Requests, (width, height));
            model.moment.firewall = Some(attacks());
            fixture::draw(&model, &skin());
            model.is_zoomed = true;
            model.lists.set_focus(View::Requests, Panel::AlarmTable);
            fixture::draw(&model, &skin());
        }
    }
}

#[test]
fn a_refused_file_and_one_that_runs_look_as_they_did() {
    for (name, plan) in [
        ("config-refused-80x24", fixture_plan::refused()),
        ("config-same-80x24", crate::control::plan::Plan { generation: 14, ..Default::default() }),
    ] {
        let mut model = fixture::model(View::Config, (80, 24));
        model.planned.came(Ok(Box::new(plan)));
        insta::assert_snapshot!(name, fixture::text(&fixture::draw(&model, &skin())));
    }
}

#[test]
fn no_size_of_the_past_panics() {
    let skin = skin();
    for view in View::ALL {
        let mut model = in_the_past(view, (80, 24));
        for width in WIDTHS {
            for height in HEIGHTS {
                model.size = Size { width, height };
                fixture::draw(&model, &skin);
            }
        }
    }
}

#[test]
fn what_if_and_a_cause_look_as_they_did() {
    let named = |name: &str, size, tier, change: &dyn Fn(&mut Model)| {
        let mut model = fixture::model(View::Balance, size);
        change(&mut model);
        let skin = fixture::skin(ColorTier::True, tier);
        insta::assert_snapshot!(name, fixture::text(&fixture::draw(&model, &skin)));
    };
    let whole = |model: &mut Model| model.lower = Lower::WhatIf;
    named("what-if-100x30", (100, 30), GlyphTier::Block, &whole);
    named("what-if-80x24", (80, 24), GlyphTier::Block, &whole);
    named("what-if-ascii", (80, 24), GlyphTier::Ascii, &whole);
    let over_time = |model: &mut Model| model.lower = Lower::Shares;
    named("over-time-80x24", (80, 24), GlyphTier::Block, &over_time);
    let deviating = |model: &mut Model| {
        model.balance_of = Some("static".to_owned());
        model.moment.upstreams[1].fit = fixture_fit::deviating();
        model.explained.came(Err("the engine is silent".to_owned()));
    };
    named("deviating-80x24", (80, 24), GlyphTier::Block, &deviating);
    named("deviating-ascii", (80, 24), GlyphTier::Ascii, &deviating);
}

#[test]
fn overlays_look_as_they_did() {
    let names = ["none", "help", "palette", "theme", "strategy"];
    for (overlay, name) in overlays().into_iter().zip(names).skip(1) {
        let mut model = fixture::model(View::Backends, (80, 24));
        model.overlay = overlay;
        insta::assert_snapshot!(name, fixture::text(&fixture::draw(&model, &skin())));
    }
}

/// What is full, and who waits for it, is seen where in flight is.
#[test]
fn bounds_and_queues_are_seen_in_the_table() {
    for (width, height) in [(80, 24), (60, 16)] {
        let mut model = fixture::model(View::Backends, (width, height));
        let upstream = model.moment.backends[0].upstream.clone();
        let capacity = Capacity { max_conns: 40, ..Capacity::default() };
        model.moment.backends[0].backend.active = 40;
        model.moment.backends[0].backend.capacity = capacity;
        let row = model.moment.upstreams.iter_mut().find(|row| row.name == upstream);
        let queue = Queue { length: 100, queued: 12, ..Queue::default() };
        row.expect("of the fixture").admission.queue = Some(queue);
        let text = fixture::text(&fixture::draw(&model, &skin()));
        assert!(text.contains("40/40"), "{text}");
        assert!(text.contains("+12"), "{text}");
    }
}

/// Runs of one style, with their colours: a picture of the text can't show them.
pub(super) fn styled(buffer: &Buffer) -> String {
    let mut dump = String::new();
    for y in buffer.area.top()..buffer.area.bottom() {
        let cells: Vec<_> =
            (buffer.area.left()..buffer.area.right()).map(|x| &buffer[(x, y)]).collect();
        for run in cells.chunk_by(|a, b| a.style() == b.style()) {
            let text: String = run.iter().map(|cell| cell.symbol()).collect();
            let cell = run[0];
            write!(dump, "{}/{}", hex(cell.fg), hex(cell.bg)).unwrap();
            if !cell.modifier.is_empty() {
                write!(dump, " {:?}", cell.modifier).unwrap();
            }
            writeln!(dump, " [{text}]").unwrap();
        }
    }
    dump
}

fn hex(color: Color) -> String {
    match color {
        Color::Rgb(red, green, blue) => format!("{red:02x}{green:02x}{blue:02x}"),
        other => other.to_string(),
    }
}

#[test]
fn colours_are_where_they_were() {
    let model = fixture::model(View::Overview, (80, 24));
    insta::assert_snapshot!("overview-styled", styled(&fixture::draw(&model, &skin())));
}

#[test]
fn without_colour_every_state_is_readable() {
    let skin = fixture::skin(ColorTier::Mono, GlyphTier::Ascii);
    let model = fixture::model(View::Overview, (100, 30));
    let buffer = fixture::draw(&model, &skin);
    for cell in &buffer.content {
        assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset));
    }
    let text = fixture::text(&buffer);
    for words in ["! FATAL", ". BACKOFF", "~ DRAINING", "RUNNING", "STOPPED", "+ LIVE"] {
        assert!(text.contains(words), "{words} is missing in\n{text}");
    }
    // The row with the focus is told by its attribute and by its first column.
    let focus = text.lines().position(|line| line.starts_with('>')).unwrap() as u16;
    assert!(buffer[(4, focus)].modifier.contains(Modifier::REVERSED));
    assert!(!buffer[(4, focus + 1)].modifier.contains(Modifier::REVERSED));
}

#[test]
fn ascii_means_ascii() {
    let skin = fixture::skin(ColorTier::Mono, GlyphTier::Ascii);
    for view in View::ALL {
        let text = fixture::text(&fixture::draw(&fixture::model(view, (100, 30)), &skin));
        // The engine's own words may carry what they like; signs of ours may not.
        let foreign = text.replace('×', "x");
        assert!(foreign.is_ascii(), "{view:?}:\n{text}");
    }
}

#[test]
fn nothing_moves_when_something_goes_wrong() {
    let rules = |model: &Model| -> Vec<usize> {
        let text = fixture::text(&fixture::draw(model, &skin()));
        let is_rule = |line: &str| line.starts_with(" ─");
        text.lines().enumerate().filter(|(_, line)| is_rule(line)).map(|(at, _)| at).collect()
    };
    for (width, height) in SIZES {
        let troubled = fixture::model(View::Overview, (width, height));
        let mut calm = fixture::model(View::Overview, (width, height));
        for row in &mut calm.moment.backends {
            row.backend.state = crate::control::wire::BackendState::Up;
        }
        for row in &mut calm.moment.programs {
            row.program.state = crate::control::wire::ProgramState::Running;
        }
        assert_eq!(rules(&troubled), rules(&calm), "{width}x{height}");
    }
}

#[test]
fn empty_screens_say_what_is_going_on() {
    let check = |change: &dyn Fn(&mut Model), view: View, words: &str| {
        let mut model = Model::new(Size { width: 100, height: 30 }, fixture::NOW_MS);
        model.view = view;
        change(&mut model);
        let text = fixture::text(&fixture::draw(&model, &skin()));
        assert!(text.contains(words), "{words:?} is missing in\n{text}");
    };
    let live = |model: &mut Model| model.link = Link::Live;
    check(&|_| {}, View::Overview, "CONNECTING");
    check(&|_| {}, View::Programs, "waiting for the engine");
    check(&live, View::Overview, "nothing needs attention");
    check(&live, View::Programs, "add [program.NAME] to the configuration");
    check(&live, View::Balance, "add [upstream.NAME] to the configuration");
    check(&live, View::Events, "no events yet");
    let stale = |model: &mut Model| {
        model.link = Link::Stale { since_ms: fixture::NOW_MS - 12_000, why: String::new() };
    };
    check(&stale, View::Workers, "STALE 12s");
}

#[test]
fn questions_look_as_they_did() {
    let facts = vec![
        "10.0.4.1:9000 carries 100% of static (498 req/s) right now.".to_owned(),
        "New requests will get 502 until a backend comes back.".to_owned(),
    ];
    let weights = [
        ("question-yes", Weight::Something { facts: facts.clone() }),
        ("question-name", Weight::Last { facts, name: "static".to_owned() }),
    ];
    for (name, weight) in weights {
        let title = "Drain the last healthy backend of static?".to_owned();
        let Judged::Ask(question) = order::judge(title, Vec::new(), weight) else {
            panic!("a weighty change is asked about");
        };
        let mut model = fixture::model(View::Backends, (80, 24));
        model.overlay = Some(Overlay::Confirm(question));
        for (width, height) in [(40, 8), (1, 1), (80, 24)] {
            model.size = Size { width, height };
            fixture::draw(&model, &skin());
        }
        insta::assert_snapshot!(name, fixture::text(&fixture::draw(&model, &skin())));
    }
}

/// Each row says whose it is, and how old it is where that node was lost.
#[test]
fn several_nodes_look_as_they_did() {
    let nodes = Overlay::Nodes { selected: 1 };
    for (name, view, size, overlay) in [
        ("nodes-overview-100x30", View::Overview, (100, 30), None),
        ("nodes-backends-100x30", View::Backends, (100, 30), None),
        ("nodes-programs-80x24", View::Programs, (80, 24), None),
        ("nodes-picker-80x24", View::Workers, (80, 24), Some(nodes)),
    ] {
        let mut model = fixture_nodes::model(view, size);
        model.overlay = overlay;
        insta::assert_snapshot!(name, fixture::text(&fixture::draw(&model, &skin())));
    }
    for view in View::ALL {
        for overlay in [None, Some(Overlay::Nodes { selected: 0 })] {
            let mut model = fixture_nodes::model(view, (0, 0));
            model.overlay = overlay;
            for (width, height) in [(1, 1), (12, 9), (40, 8), (60, 16), (72, 24), (300, 100)] {
                model.size = Size { width, height };
                fixture::draw(&model, &skin());
            }
        }
    }
}

/// The column that a list is sorted by has a sign, and so has the list's name.
#[test]
fn a_sorted_list_says_by_what() {
    let mut model = fixture::model(View::Backends, (100, 30));
    let list = model.lists.of_mut(Panel::BackendTable);
    list.sort = Sort { by: SortBy::Column("active"), is_reversed: false };
    let text = fixture::text(&fixture::draw(&model, &skin()));
    let heading = text.lines().find(|line| line.contains("Backends by")).expect(&text);
    assert!(heading.contains("by active ▼"), "{heading}");
    assert!(heading.contains("in flight▼"), "{heading}");
}

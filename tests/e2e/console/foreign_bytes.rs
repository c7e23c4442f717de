//! Bytes of others: what programs write into their logs, what arrives from the keyboard's side. None
//! of it reaches the terminal as anything but text, and none of it ends the console.

use super::{attached, contains, program, site};
use crate::engine::Engine;
use crate::origin::Origin;

/// Escape sequences that would do something to a terminal, and what is left of each to be read.
const HOSTILE: &str = r"printf 'long %01000000d end\n' 7;
printf 'title \033]0;owned\007 end\n';
printf 'clip \033]52;c;cm0gLXJm\033\\ end\n';
printf 'sync \033[?2026h end\n';
printf 'home \033[H\033[2J end\n';
printf 'dcs \033P$q q\033\\ end\n';
printf 'alt \033[?1049l end\n';
printf 'c1 \302\233H \302\235 end\n';
printf 'raw \233H\235 end\n';
printf 'bell \007\010\010\010 end\n';
printf 'wide 日本語 e\314\201 👩\342\200\215💻 end\n';
printf 'no end of it \033]0;';
printf 'last\n'; exec sleep 1000";

#[test]
fn what_programs_write_is_text_and_nothing_else() {
    let engine =
        Engine::start_in(&program("noise", "sh hostile.sh", "start_seconds = 0"), |folder| {
            std::fs::write(folder.join("hostile.sh"), HOSTILE).expect("the folder is ours");
        });
    let mut screen = attached(&engine);
    for view in ["4", "7"] {
        screen.press(view);
        screen.wait("what it wrote", |text| text.contains("wide") && text.contains("bell"));
    }
    let row = screen.wait("wide characters in their cells", |text| text.contains("日本語"));
    assert!(
        row.lines().any(|line| line.contains("日本語") && line.trim_end().ends_with("end")),
        "{row}"
    );
    screen.press("?\u{1b}1q");
    screen.wait_exit();
    let bytes = screen.bytes();
    for line in ["title", "clip", "sync", "home", "dcs", "alt", "bell"] {
        assert!(contains(&bytes, line.as_bytes()), "{line} is missing");
    }
    if let Some(foreign) = foreign(&bytes) {
        panic!("the terminal was told {:?}", String::from_utf8_lossy(foreign));
    }
}

/// The first thing told to the terminal that is none of the console's own words: colours, places,
/// clearing, its modes, its title.
fn foreign(bytes: &[u8]) -> Option<&[u8]> {
    const MODES: [&[u8]; 7] = [b"?1049", b"?2004", b"?25", b"?7", b"?2026", b"?1000", b"?1006"];
    let mut rest = bytes;
    while let Some((&byte, after)) = rest.split_first() {
        rest = match byte {
            0x1b => match after {
                [b'[', body @ ..] => {
                    let end = body.iter().position(|byte| (0x40..=0x7e).contains(byte))?;
                    let (parameters, last) = (&body[..end], body[end]);
                    let is_own = match last {
                        b'm' | b'H' | b'J' | b'A' | b'B' | b'C' | b'D' | b'G' => parameters
                            .iter()
                            .all(|byte| byte.is_ascii_digit() || b";:".contains(byte)),
                        b'h' | b'l' => MODES.contains(&parameters),
                        b't' => matches!(parameters, b"22;2" | b"23;2"),
                        _ => false,
                    };
                    if !is_own {
                        return Some(&rest[..(end + 3).min(rest.len())]);
                    }
                    &body[end + 1..]
                }
                [b']', b'2', b';', title @ ..] => {
                    let end = title.iter().position(|byte| *byte < 0x20)?;
                    if title[end] != 0x07 || !contains(&title[..end], b"pilothouse") {
                        return Some(&rest[..40.min(rest.len())]);
                    }
                    &title[end + 1..]
                }
                _ => return Some(&rest[..8.min(rest.len())]),
            },
            b'\r' | b'\n' => after,
            0x00..0x20 | 0x7f => return Some(&rest[..8.min(rest.len())]),
            // A C1 control, as UTF-8.
            0xc2 if matches!(after, [0x80..=0x9f, ..]) => return Some(&rest[..8.min(rest.len())]),
            _ => after,
        };
    }
    None
}

/// Noise on the line: no sequence of bytes ends the console or garbles it for good.
#[test]
fn any_bytes_on_the_keyboards_side_are_survived() {
    let origin = Origin::named("app");
    let engine = Engine::start(&site("", &[&origin]));
    let mut screen = engine.console(&["--read-only"]);
    screen.wait("attached", |text| text.contains("LIVE"));
    let mut noise = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..40 {
        let mut burst: Vec<u8> = Vec::with_capacity(256);
        while burst.len() < 256 {
            noise ^= noise << 13;
            noise ^= noise >> 7;
            noise ^= noise << 17;
            // What leaves or stops it by right; `E` would write files, if only into the test's folder.
            let byte = (noise >> 32) as u8;
            if !b"\x03\x1aqE:".contains(&byte) {
                burst.push(byte);
            }
        }
        screen.press_bytes(&burst);
        screen.press_bytes(b"\x1b[200~pasted \x1b]0;x\x07\x1b[201~");
    }
    for size in [(1, 1), (2, 300), (300, 2), (0, 0), (7, 7), (120, 40)] {
        screen.resize(size);
        screen.press("\u{1b}");
    }
    screen.press("\u{1b}\u{1b}\u{1b}\u{c}");
    screen.press("1");
    screen.wait("all of it is there", |text| text.contains("LIVE") && text.contains("Traffic"));
    assert_eq!(engine.backend("app", &origin.address.to_string())["state"], "up");
    screen.press("\u{3}");
    assert!(screen.wait_exit().success());
    assert_eq!(screen.settings(), screen.settings_found);
}

/// A locale without UTF-8 gets ASCII, of programs' words too.
#[test]
fn a_terminal_without_utf8_gets_ascii() {
    let config = program("greeter", "sh greet.sh", "start_seconds = 0");
    let engine = Engine::start_in(&config, |folder| {
        let script = "echo 'grüße 日本'; exec sleep 1000";
        std::fs::write(folder.join("greet.sh"), script).expect("the folder is ours");
    });
    let mut screen = engine.on_terminal_of("console", &[], &[("LC_ALL", "C")], (100, 30));
    screen.press("4");
    screen.wait("its words", |text| text.contains("gr??e ? ?"));
    screen.press("q");
    screen.wait_exit();
    assert!(screen.bytes().is_ascii());
}

/// Without colours no colour is ever asked for, and the selected row still stands out.
#[test]
fn without_colour_the_cursor_is_seen() {
    let origin = Origin::named("app");
    let engine = Engine::start(&site("", &[&origin]));
    let mut screen = engine.on_terminal_of("console", &[], &[("NO_COLOR", "1")], (100, 30));
    let name = origin.address.to_string();
    screen.press("2");
    screen.wait("backends", |text| text.contains("LIVE") && text.contains(&name));
    screen.press("j");
    let text = screen.wait("the cursor is on the backend", |text| {
        text.lines().any(|line| line.starts_with('▌') && line.contains(&name))
    });
    let row = text.lines().position(|line| line.starts_with('▌')).expect("just seen") as u16;
    let is_reversed =
        |row| screen.look(|screen| screen.cell(row, 6).is_some_and(vt100::Cell::inverse));
    assert!(is_reversed(row) && !is_reversed(row + 1));
    let is_plain = screen.look(|screen| {
        let colours = (0..30).flat_map(|row| (0..100).map(move |column| (row, column)));
        colours.filter_map(|(row, column)| screen.cell(row, column)).all(|cell| {
            cell.fgcolor() == vt100::Color::Default && cell.bgcolor() == vt100::Color::Default
        })
    });
    assert!(is_plain);
}

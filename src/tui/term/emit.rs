//! Changed cells as bytes for the terminal: as few as it takes, and right also where a terminal is of
//! another mind about how wide a character is.
//!
//! Ink and ground are told apart, only what changes of a style is told, and the way to a near cell is
//! told relative. Each batch begins and ends in the terminal's default style.

use std::io::Write as _;

use ratatui::buffer::Cell;
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr;

#[derive(Clone, Copy, PartialEq, Eq)]
struct Look {
    ink: Color,
    ground: Color,
    modifier: Modifier,
}

const DEFAULT: Look = Look { ink: Color::Reset, ground: Color::Reset, modifier: Modifier::empty() };

/// Each attribute with the number that begins it and the one that ends it.
const ATTRIBUTES: [(Modifier, u8, u8); 8] = [
    (Modifier::BOLD, 1, 22),
    (Modifier::DIM, 2, 22),
    (Modifier::ITALIC, 3, 23),
    (Modifier::UNDERLINED, 4, 24),
    (Modifier::SLOW_BLINK, 5, 25),
    (Modifier::REVERSED, 7, 27),
    (Modifier::HIDDEN, 8, 28),
    (Modifier::CROSSED_OUT, 9, 29),
];

/// What shows where there is no letter.
const SEEN_ON_BLANKS: Modifier =
    Modifier::UNDERLINED.union(Modifier::REVERSED).union(Modifier::CROSSED_OUT);

/// Changed cells in order of reading.
pub(super) fn cells<'a>(bytes: &mut Vec<u8>, content: impl Iterator<Item = (u16, u16, &'a Cell)>) {
    let mut look = DEFAULT;
    let mut at = None;
    for (x, y, cell) in content {
        go(bytes, at, (x, y));
        show(bytes, &mut look, cell);
        at = is_of_one_cell(cell.symbol()).then_some((x + 1, y));
    }
    end(bytes, look);
}

/// Cells beside each other, wherever the terminal is.
pub(crate) fn row<'a>(bytes: &mut Vec<u8>, cells: impl Iterator<Item = &'a Cell>) {
    let mut look = DEFAULT;
    for cell in cells {
        show(bytes, &mut look, cell);
    }
    end(bytes, look);
}

fn show(bytes: &mut Vec<u8>, look: &mut Look, cell: &Cell) {
    let mut wanted = Look { ink: cell.fg, ground: cell.bg, modifier: cell.modifier };
    let is_bare = !(wanted.modifier | look.modifier).intersects(SEEN_ON_BLANKS);
    if cell.symbol() == " " && is_bare {
        // What no ink is used on keeps the last one.
        wanted = Look { ground: wanted.ground, ..*look };
    }
    if wanted != *look {
        style(bytes, *look, wanted);
        *look = wanted;
    }
    bytes.extend_from_slice(cell.symbol().as_bytes());
}

fn end(bytes: &mut Vec<u8>, look: Look) {
    if look != DEFAULT {
        bytes.extend_from_slice(b"\x1b[m");
    }
}

/// Of a character that is wide or made of several, terminals differ in where they are after it.
fn is_of_one_cell(symbol: &str) -> bool {
    let mut characters = symbol.chars();
    characters.next().is_some() && characters.next().is_none() && symbol.width() == 1
}

fn go(bytes: &mut Vec<u8>, at: Option<(u16, u16)>, (x, y): (u16, u16)) {
    match at {
        Some(place) if place == (x, y) => {}
        Some((from, row)) if row == y && from < x && x - from == 1 => {
            bytes.extend_from_slice(b"\x1b[C");
        }
        Some((from, row)) if row == y && from < x => put(bytes, format_args!("\x1b[{}C", x - from)),
        Some(_) | None => put(bytes, format_args!("\x1b[{};{}H", y + 1, x + 1)),
    }
}

/// One sequence with all that changes.
fn style(bytes: &mut Vec<u8>, from: Look, to: Look) {
    if to == DEFAULT {
        bytes.extend_from_slice(b"\x1b[m");
        return;
    }
    let begin = bytes.len();
    bytes.extend_from_slice(b"\x1b[");
    let gone = from.modifier - to.modifier;
    let mut kept = from.modifier;
    for (modifier, _, end) in ATTRIBUTES {
        if gone.contains(modifier) && kept.contains(modifier) {
            put(bytes, format_args!("{end};"));
            // Bold and dim end together.
            let ended = ATTRIBUTES.iter().filter(|(_, _, other)| *other == end);
            ended.for_each(|(modifier, ..)| kept.remove(*modifier));
        }
    }
    for (modifier, start, _) in ATTRIBUTES {
        if to.modifier.contains(modifier) && !kept.contains(modifier) {
            put(bytes, format_args!("{start};"));
        }
    }
    if from.ink != to.ink {
        color(bytes, to.ink, 30);
    }
    if from.ground != to.ground {
        color(bytes, to.ground, 40);
    }
    // The last number has nothing behind it.
    match bytes.pop() {
        Some(b';') => bytes.push(b'm'),
        // An attribute that no terminal is told of: nothing changes.
        Some(_) | None => bytes.truncate(begin),
    }
}

/// `base` is that of the eight colours: 30 of the ink, 40 of the ground.
fn color(bytes: &mut Vec<u8>, color: Color, base: u8) {
    let plain = |number: u8| base + number;
    let bright = |number: u8| base + 60 + number;
    let number = match color {
        Color::Reset => plain(9),
        Color::Black => plain(0),
        Color::Red => plain(1),
        Color::Green => plain(2),
        Color::Yellow => plain(3),
        Color::Blue => plain(4),
        Color::Magenta => plain(5),
        Color::Cyan => plain(6),
        Color::Gray => plain(7),
        Color::DarkGray => bright(0),
        Color::LightRed => bright(1),
        Color::LightGreen => bright(2),
        Color::LightYellow => bright(3),
        Color::LightBlue => bright(4),
        Color::LightMagenta => bright(5),
        Color::LightCyan => bright(6),
        Color::White => bright(7),
        Color::Indexed(index) => return put(bytes, format_args!("{};5;{index};", plain(8))),
        Color::Rgb(red, green, blue) => {
            return put(bytes, format_args!("{};2;{red};{green};{blue};", plain(8)));
        }
    };
    put(bytes, format_args!("{number};"));
}

fn put(bytes: &mut Vec<u8>, arguments: std::fmt::Arguments) {
    bytes.write_fmt(arguments).expect("writing to a vector can't fail");
}

#[cfg(test)]
mod tests {
    use ratatui::backend::{Backend as _, CrosstermBackend};
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;

    const AREA: Rect = Rect::new(0, 0, 24, 3);

    fn terminal() -> vt100::Parser {
        let cells = |count: u16| count.try_into().expect("not zero");
        vt100::Parser::new(cells(AREA.height), cells(AREA.width), 0)
    }

    fn styles() -> Vec<Style> {
        vec![
            Style::new(),
            Style::new().fg(Color::Red),
            Style::new().fg(Color::Rgb(1, 2, 3)).bg(Color::Rgb(4, 5, 6)),
            Style::new().fg(Color::Indexed(99)).bg(Color::Rgb(4, 5, 6)).bold(),
            Style::new().bold().dim(),
            Style::new().dim().reversed(),
            Style::new().fg(Color::White).bg(Color::DarkGray).underlined().italic(),
            Style::new().bg(Color::LightCyan).crossed_out(),
        ]
    }

    /// Buffers of all styles beside each other, turned by `shift`.
    fn drawn(shift: usize) -> Buffer {
        let words = ["ab", "●", "日本", "e\u{301}", " ", "x"];
        let styles = styles();
        let mut buffer = Buffer::empty(AREA);
        for y in 0..AREA.height {
            let mut x = 0;
            for at in 0..styles.len() {
                let turn = at + shift * usize::from(y + 1);
                let style = styles[turn % styles.len()];
                let word = words[(turn * 7 + shift) % words.len()];
                x = buffer.set_stringn(x, y, word, usize::from(AREA.width - x), style).0;
            }
        }
        buffer
    }

    /// What is seen of a cell: of a blank one, neither ink nor weight.
    fn seen(terminal: &vt100::Parser, (y, x): (u16, u16)) -> String {
        let cell = terminal.screen().cell(y, x).expect("inside");
        let ground = (cell.bgcolor(), cell.inverse(), cell.underline());
        let letter = cell.contents().trim_end();
        let ink = (cell.fgcolor(), cell.bold(), cell.dim(), cell.italic());
        let is_seen = !letter.is_empty() || cell.inverse() || cell.underline();
        format!("{letter:?} {ground:?} {:?}", is_seen.then_some(ink))
    }

    /// The same picture as the stock backend makes, in fewer bytes, whatever was there before.
    #[test]
    fn the_picture_is_the_stock_backends_in_fewer_bytes() {
        let (mut ours, mut stock) = (terminal(), terminal());
        let mut before = Buffer::empty(AREA);
        for shift in 0..40 {
            let next = drawn(shift);
            let (mut bytes, mut theirs) = (Vec::new(), Vec::new());
            cells(&mut bytes, before.diff(&next).into_iter());
            let mut backend = CrosstermBackend::new(&mut theirs);
            backend.draw(before.diff(&next).into_iter()).unwrap();
            ours.process(&bytes);
            stock.process(&theirs);
            for (y, x) in (0..AREA.height).flat_map(|y| (0..AREA.width).map(move |x| (y, x))) {
                assert_eq!(seen(&ours, (y, x)), seen(&stock, (y, x)), "{shift}: {x},{y}");
            }
            assert!(bytes.len() <= theirs.len(), "{shift}: {} to {}", bytes.len(), theirs.len());
            before = next;
        }
    }

    #[test]
    fn what_follows_a_wide_character_is_placed_anew() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 8, 1));
        buffer.set_string(0, 0, "日x", Style::new());
        let mut bytes = Vec::new();
        cells(&mut bytes, Buffer::empty(buffer.area).diff(&buffer).into_iter());
        assert_eq!(String::from_utf8(bytes).unwrap(), "\x1b[1;1H日\x1b[1;3Hx");
    }
}

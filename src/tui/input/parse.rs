//! Bytes from the terminal to what was typed, pasted or pointed at. Takes any bytes: what means nothing
//! here is passed over, what is unfinished waits for its end for a moment and no longer.
//!
//! An arrow key begins with the byte of the Esc key, and a slow line may bring it in pieces. So an Esc
//! is held for longer than a line takes between two pieces and shorter than a hand between two keys.

use crate::tui::action::chord::{self, Chord, Code};

/// How long the rest of a sequence may take to come.
pub(crate) const HOLD_US: u64 = 50_000;
/// The rest of a pasted text may take longer.
pub(crate) const HOLD_PASTE_US: u64 = 1_000_000;
/// No key's sequence is longer; answers of terminals, which nobody asked, may be.
const SEQUENCE_MAX: usize = 64;
const ANSWER_MAX: usize = 4 * 1024;
/// Of a longer text the rest is the next one.
const PASTE_MAX: usize = 64 * 1024;

const ESC: u8 = 0x1b;
const PASTE_BEGIN: &[u8] = b"\x1b[200~";
const PASTE_END: &[u8] = b"\x1b[201~";

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Key(Chord),
    Paste(String),
    /// Cells count from zero.
    Pointer {
        at: (u16, u16),
        act: Button,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Button {
    Left,
    WheelUp,
    WheelDown,
}

#[derive(Debug, Default)]
pub(crate) struct Parser {
    /// What is not told yet: the beginning of something.
    pending: Vec<u8>,
    /// When the last of it came.
    came_us: u64,
}

/// What stands at the beginning of the bytes.
enum Token {
    /// So many bytes, and what they are; nothing, when they mean nothing here.
    Whole(usize, Option<Event>),
    Unfinished,
}

impl Parser {
    /// What can be told now that these bytes came, too.
    pub(crate) fn feed(&mut self, bytes: &[u8], now_us: u64) -> Vec<Event> {
        let mut told = self.overdue(now_us);
        self.pending.extend_from_slice(bytes);
        self.came_us = now_us;
        self.tell(&mut told);
        told
    }

    /// What waited too long for its end, as what it is without one.
    pub(crate) fn overdue(&mut self, now_us: u64) -> Vec<Event> {
        let mut told = Vec::new();
        while self.wait_us(now_us) == Some(0) {
            if let Some(text) = self.pending.strip_prefix(PASTE_BEGIN) {
                told.push(paste(text));
                self.pending.clear();
                break;
            }
            // An Esc, or the beginning of a character that never came whole.
            if self.pending[0] == ESC {
                told.push(Event::Key(chord::key(Code::Esc)));
            }
            self.pending.remove(0);
            self.tell(&mut told);
        }
        told
    }

    /// How long until then; none while nothing waits.
    pub(crate) fn wait_us(&self, now_us: u64) -> Option<u64> {
        if self.pending.is_empty() {
            return None;
        }
        let is_paste = self.pending.starts_with(PASTE_BEGIN);
        let hold_us = if is_paste { HOLD_PASTE_US } else { HOLD_US };
        Some((self.came_us + hold_us).saturating_sub(now_us))
    }

    fn tell(&mut self, told: &mut Vec<Event>) {
        let mut from = 0;
        while from < self.pending.len() {
            match token(&self.pending[from..]) {
                Token::Whole(count, event) => {
                    told.extend(event);
                    from += count;
                }
                Token::Unfinished => break,
            }
        }
        self.pending.drain(..from);
    }
}

/// Of at least one byte.
fn token(bytes: &[u8]) -> Token {
    let one = |code: Code| Token::Whole(1, Some(Event::Key(chord::key(code))));
    let control = |letter: u8| Token::Whole(1, Some(Event::Key(chord::ctrl(char::from(letter)))));
    match bytes[0] {
        ESC => after_escape(bytes),
        b'\r' => one(Code::Enter),
        b'\t' => one(Code::Tab),
        0x7f => one(Code::Backspace),
        0x00 => control(b' '),
        letter @ 0x01..=0x1a => control(letter - 1 + b'a'),
        sign @ 0x1c..=0x1f => control(sign - 0x1c + b'\\'),
        letter @ 0x20..0x7f => one(Code::Char(char::from(letter))),
        0x80..=0xff => character(bytes),
    }
}

/// A character of several bytes; what is none is passed over.
fn character(bytes: &[u8]) -> Token {
    let count = match bytes[0] {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return Token::Whole(1, None),
    };
    let there = &bytes[..count.min(bytes.len())];
    match std::str::from_utf8(there) {
        Ok(text) => {
            let typed = text.chars().find(|char| !char.is_control());
            Token::Whole(count, typed.map(|char| Event::Key(chord::char(char))))
        }
        Err(error) if error.error_len().is_none() => Token::Unfinished,
        Err(_) => Token::Whole(1, None),
    }
}

fn after_escape(bytes: &[u8]) -> Token {
    let escape = Token::Whole(1, Some(Event::Key(chord::key(Code::Esc))));
    match bytes.get(1) {
        None => Token::Unfinished,
        Some(b'[') => control_sequence(bytes),
        Some(b'O') => match bytes.get(2) {
            None => Token::Unfinished,
            // Of the keypad.
            Some(b'M') => Token::Whole(3, Some(Event::Key(chord::key(Code::Enter)))),
            Some(letter) if letter.is_ascii_alphabetic() => {
                Token::Whole(3, named(*letter).map(|code| Event::Key(chord::key(code))))
            }
            Some(_) => escape,
        },
        Some(b']' | b'P' | b'_' | b'^' | b'X') => answer(bytes),
        // With Alt a terminal sends Esc and the key: both are told.
        Some(_) => escape,
    }
}

/// What terminals say of themselves, up to its end.
fn answer(bytes: &[u8]) -> Token {
    let body = &bytes[2..];
    let bell = body.iter().position(|byte| *byte == 0x07).map(|at| at + 1);
    let string_end = body.windows(2).position(|pair| pair == b"\x1b\\").map(|at| at + 2);
    let end = bell.into_iter().chain(string_end).min();
    match end {
        Some(end) => Token::Whole(2 + end, None),
        None if bytes.len() > ANSWER_MAX => Token::Whole(bytes.len(), None),
        None => Token::Unfinished,
    }
}

fn control_sequence(bytes: &[u8]) -> Token {
    if let Some(text) = bytes.strip_prefix(PASTE_BEGIN) {
        return pasted(text);
    }
    let body = &bytes[2..];
    // The Linux console's function keys.
    if body.first() == Some(&b'[') {
        let number = body.get(1).map(|letter| letter.wrapping_sub(b'A').wrapping_add(1));
        let code = number.filter(|number| (1..=5).contains(number)).map(Code::F);
        return match number {
            None => Token::Unfinished,
            Some(_) => Token::Whole(4, code.map(|code| Event::Key(chord::key(code)))),
        };
    }
    let is_middle = |byte: &u8| (0x20..0x40).contains(byte);
    match body.iter().position(|byte| !is_middle(byte)) {
        Some(end) if (0x40..0x7f).contains(&body[end]) => {
            Token::Whole(end + 3, meaning(&body[..end], body[end]))
        }
        // Something else begins before this has ended.
        Some(end) => Token::Whole(end + 2, None),
        None if bytes.len() > SEQUENCE_MAX => Token::Whole(bytes.len(), None),
        None => Token::Unfinished,
    }
}

fn pasted(text: &[u8]) -> Token {
    let end = text.windows(PASTE_END.len()).position(|window| window == PASTE_END);
    match end {
        Some(end) => {
            let count = PASTE_BEGIN.len() + end + PASTE_END.len();
            Token::Whole(count, Some(paste(&text[..end])))
        }
        None if text.len() > PASTE_MAX => {
            Token::Whole(PASTE_BEGIN.len() + text.len(), Some(paste(text)))
        }
        None => Token::Unfinished,
    }
}

fn paste(text: &[u8]) -> Event {
    Event::Paste(String::from_utf8_lossy(text).into_owned())
}

fn meaning(parameters: &[u8], last: u8) -> Option<Event> {
    let text = std::str::from_utf8(parameters).ok()?;
    if let Some(text) = text.strip_prefix('<') {
        return pointer(text, last);
    }
    let mut numbers = text.split(';').map(|number| number.parse::<u16>().unwrap_or(0));
    let (first, modifiers) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    let code = match last {
        b'~' => numbered(first)?,
        b'Z' => Code::BackTab,
        letter => named(letter)?,
    };
    // Shift 1, Alt 2, Ctrl 4, told with one more.
    let is_ctrl = modifiers.saturating_sub(1) & 4 != 0;
    Some(Event::Key(Chord { code, is_ctrl }))
}

/// Keys whose sequences end in a letter of their own.
fn named(letter: u8) -> Option<Code> {
    Some(match letter {
        b'A' => Code::Up,
        b'B' => Code::Down,
        b'C' => Code::Right,
        b'D' => Code::Left,
        b'H' => Code::Home,
        b'F' => Code::End,
        b'P' => Code::F(1),
        b'Q' => Code::F(2),
        b'R' => Code::F(3),
        b'S' => Code::F(4),
        _ => return None,
    })
}

fn numbered(number: u16) -> Option<Code> {
    Some(match number {
        1 | 7 => Code::Home,
        4 | 8 => Code::End,
        3 => Code::Delete,
        5 => Code::PageUp,
        6 => Code::PageDown,
        // There are gaps in it, from keyboards of long ago.
        11..=15 => Code::F(number as u8 - 10),
        17..=21 => Code::F(number as u8 - 11),
        23..=26 => Code::F(number as u8 - 12),
        28..=29 => Code::F(number as u8 - 13),
        31..=34 => Code::F(number as u8 - 14),
        _ => return None,
    })
}

/// `button;column;row`, of presses; releases and moves say nothing.
fn pointer(text: &str, last: u8) -> Option<Event> {
    let mut numbers = text.split(';').map(str::parse::<u16>);
    let mut next = || numbers.next()?.ok();
    let (button, column, row) = (next()?, next()?, next()?);
    let act = match (button, last) {
        (0, b'M') => Button::Left,
        (64, b'M') => Button::WheelUp,
        (65, b'M') => Button::WheelDown,
        _ => return None,
    };
    Some(Event::Pointer { at: (column.checked_sub(1)?, row.checked_sub(1)?), act })
}

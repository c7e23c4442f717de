//! A key as the registry names it, free of any terminal library; and its name, both ways.

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Chord {
    pub(crate) code: Code,
    pub(crate) is_ctrl: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Code {
    Char(char),
    Up,
    Down,
    Left,
    Right,
    Home,
    End,
    PageUp,
    PageDown,
    Enter,
    Esc,
    Tab,
    BackTab,
    Backspace,
    Delete,
    F(u8),
}

/// What a key means to a box that lies over the view; its letters are text where text is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    Close,
    Accept,
    /// Up or down a list of choices.
    Step(isize),
    /// Tab: to the next choice, or to the other button.
    Aside(isize),
    Other,
}

impl Chord {
    pub(crate) fn reading(self) -> Reading {
        match (self.code, self.is_ctrl) {
            (Code::Esc, _) => Reading::Close,
            (Code::Enter, _) => Reading::Accept,
            (Code::Down, _) | (Code::Char('n'), true) => Reading::Step(1),
            (Code::Up, _) | (Code::Char('p'), true) => Reading::Step(-1),
            (Code::PageDown, _) => Reading::Step(10),
            (Code::PageUp, _) => Reading::Step(-10),
            (Code::Tab, _) => Reading::Aside(1),
            (Code::BackTab, _) => Reading::Aside(-1),
            _ => Reading::Other,
        }
    }

    /// Whether it is one of these letters.
    pub(crate) fn is_any(self, letters: &str) -> bool {
        matches!(self.code, Code::Char(char) if !self.is_ctrl && letters.contains(char))
    }
}

pub(crate) const fn char(char: char) -> Chord {
    Chord { code: Code::Char(char), is_ctrl: false }
}

pub(crate) const fn ctrl(char: char) -> Chord {
    Chord { code: Code::Char(char), is_ctrl: true }
}

pub(crate) const fn key(code: Code) -> Chord {
    Chord { code, is_ctrl: false }
}

/// Keys with a name; all others are called by the character they type.
const NAMED: [(Code, &str); 15] = [
    (Code::Char(' '), "Space"),
    (Code::Up, "Up"),
    (Code::Down, "Down"),
    (Code::Left, "Left"),
    (Code::Right, "Right"),
    (Code::Home, "Home"),
    (Code::End, "End"),
    (Code::PageUp, "PgUp"),
    (Code::PageDown, "PgDn"),
    (Code::Enter, "Enter"),
    (Code::Esc, "Esc"),
    (Code::Tab, "Tab"),
    (Code::BackTab, "Shift-Tab"),
    (Code::Backspace, "Backspace"),
    (Code::Delete, "Delete"),
];

const CTRL: &str = "Ctrl-";
/// What a terminal sends for these with Ctrl is another key.
const CTRL_IS_OTHER: [(char, &str); 4] =
    [('i', "Tab"), ('m', "Enter"), ('h', "Backspace"), ('[', "Esc")];
const F_MAX: u8 = 24;

/// Why a word names no key, in words that follow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ChordError {
    #[error("is no key; keys are called such as d, D, Ctrl-D, Space, F5, PgUp, Shift-Tab")]
    Unknown,
    #[error("arrives from a terminal as {0}")]
    IsOther(&'static str),
}

impl std::str::FromStr for Chord {
    type Err = ChordError;

    fn from_str(text: &str) -> Result<Self, ChordError> {
        let named = |text: &str| {
            let is_it = |(_, name): &&(Code, &str)| name.eq_ignore_ascii_case(text);
            NAMED.iter().find(is_it).map(|(code, _)| *code)
        };
        let only = |text: &str| {
            let mut characters = text.chars();
            characters.next().filter(|_| characters.next().is_none())
        };
        if let Some(code) = named(text) {
            return Ok(key(code));
        }
        if let Some(letter) = only(text).filter(|letter| !letter.is_control()) {
            return Ok(char(letter));
        }
        if let Some(number) = text.strip_prefix(['F', 'f']) {
            let number = number.parse().ok().filter(|number| (1..=F_MAX).contains(number));
            return number.map(|number| key(Code::F(number))).ok_or(ChordError::Unknown);
        }
        let (head, rest) = text.split_at_checked(CTRL.len()).ok_or(ChordError::Unknown)?;
        if !head.eq_ignore_ascii_case(CTRL) {
            return Err(ChordError::Unknown);
        }
        let letter = if named(rest) == Some(Code::Char(' ')) { Some(' ') } else { only(rest) };
        let letter = letter.map(|letter| letter.to_ascii_lowercase());
        let letter =
            letter.filter(|letter| letter.is_ascii_lowercase() || " [\\]^_".contains(*letter));
        let letter = letter.ok_or(ChordError::Unknown)?;
        match CTRL_IS_OTHER.iter().find(|(taken, _)| *taken == letter) {
            Some((_, other)) => Err(ChordError::IsOther(other)),
            None => Ok(ctrl(letter)),
        }
    }
}

impl std::fmt::Display for Chord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_ctrl {
            f.write_str(CTRL)?;
        }
        match self.code {
            Code::Char(char) if self.is_ctrl && char != ' ' => {
                write!(f, "{}", char.to_ascii_uppercase())
            }
            Code::F(number) => write!(f, "F{number}"),
            code => match (NAMED.iter().find(|(named, _)| *named == code), code) {
                (Some((_, name)), _) => f.write_str(name),
                (None, Code::Char(char)) => write!(f, "{char}"),
                (None, _) => Ok(()),
            },
        }
    }
}

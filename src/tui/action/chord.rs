//! A key as the registry names it, free of any terminal library.

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

impl std::fmt::Display for Chord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_ctrl {
            f.write_str("Ctrl-")?;
        }
        match self.code {
            Code::Char(' ') => f.write_str("Space"),
            Code::Char(char) if self.is_ctrl => write!(f, "{}", char.to_ascii_uppercase()),
            Code::Char(char) => write!(f, "{char}"),
            Code::F(number) => write!(f, "F{number}"),
            Code::Up => f.write_str("Up"),
            Code::Down => f.write_str("Down"),
            Code::Left => f.write_str("Left"),
            Code::Right => f.write_str("Right"),
            Code::Home => f.write_str("Home"),
            Code::End => f.write_str("End"),
            Code::PageUp => f.write_str("PgUp"),
            Code::PageDown => f.write_str("PgDn"),
            Code::Enter => f.write_str("Enter"),
            Code::Esc => f.write_str("Esc"),
            Code::Tab => f.write_str("Tab"),
            Code::BackTab => f.write_str("Shift-Tab"),
            Code::Backspace => f.write_str("Backspace"),
            Code::Delete => f.write_str("Delete"),
        }
    }
}

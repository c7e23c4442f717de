//! Themes: colours by role, read from TOML, and what a terminal makes of them.
//!
//! A theme names nineteen roles; code asks for a role, never for a colour. `themes/README.md` tells
//! the format. A `shelf` has the themes, a `file` is one of them, a `paint` one of its colours; a
//! `skin` is a theme on a terminal that has a `tier` of colours and of glyphs. Knows nothing of what
//! is drawn.

mod cube;
mod file;
pub(crate) mod glyph;
pub(crate) mod paint;
pub(crate) mod shelf;
pub(crate) mod skin;
pub(crate) mod tier;

#[cfg(test)]
mod tests;

use paint::{Paint, Rgb};

/// The contrast with its ground from which text can be read (WCAG 2, level AA).
const READABLE: f64 = 4.5;

/// What a colour is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Background,
    Panel,
    Selection,
    Text,
    Bright,
    Dim,
    Faint,
    Accent,
    Ok,
    Warn,
    Bad,
    Info,
    Violet,
    Series1,
    Series2,
    Series3,
    Series4,
    Series5,
    Series6,
}

impl Role {
    pub(crate) const ALL: [Self; 19] = [
        Self::Background,
        Self::Panel,
        Self::Selection,
        Self::Text,
        Self::Bright,
        Self::Dim,
        Self::Faint,
        Self::Accent,
        Self::Ok,
        Self::Warn,
        Self::Bad,
        Self::Info,
        Self::Violet,
        Self::Series1,
        Self::Series2,
        Self::Series3,
        Self::Series4,
        Self::Series5,
        Self::Series6,
    ];

    /// What text stands on, in the order in which each stands out from those before it.
    pub(super) const GROUNDS: [Self; 3] = [Self::Background, Self::Panel, Self::Selection];

    const SERIES: [Self; 6] =
        [Self::Series1, Self::Series2, Self::Series3, Self::Series4, Self::Series5, Self::Series6];

    /// The colour of the backend at `index` of its upstream; more than six share colours in turn.
    pub(crate) fn series(index: usize) -> Self {
        Self::SERIES[index % Self::SERIES.len()]
    }

    fn name(self) -> &'static str {
        match self {
            Self::Background => "background",
            Self::Panel => "panel",
            Self::Selection => "selection",
            Self::Text => "text",
            Self::Bright => "bright",
            Self::Dim => "dim",
            Self::Faint => "faint",
            Self::Accent => "accent",
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Bad => "bad",
            Self::Info => "info",
            Self::Violet => "violet",
            Self::Series1 => "series1",
            Self::Series2 => "series2",
            Self::Series3 => "series3",
            Self::Series4 => "series4",
            Self::Series5 => "series5",
            Self::Series6 => "series6",
        }
    }
}

/// A checked theme: every role has its colour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Theme {
    pub(crate) name: String,
    /// In some words, for the list to choose from.
    pub(crate) about: String,
    paints: [Paint; Role::ALL.len()],
}

impl Theme {
    pub(crate) fn paint(&self, role: Role) -> Paint {
        self.paints[role as usize]
    }

    /// What a picture shows for a role.
    pub(crate) fn rgb(&self, role: Role) -> Rgb {
        let is_ground = Role::GROUNDS.contains(&role);
        let default = if is_ground { Rgb(16, 16, 16) } else { Rgb(208, 208, 208) };
        self.paint(role).rgb(default)
    }

    /// Whether the look is left to the terminal: a selected row can then only be shown reversed.
    pub(crate) fn is_terminals(&self) -> bool {
        matches!(self.paint(Role::Selection), Paint::Terminal(_))
    }
}

/// Why a theme can't be used. Lines count from one.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ThemeError {
    #[error("theme `{0}`: no such theme; built in are {known}", known = known_names())]
    Unknown(String),
    #[error("read theme {path}: {cause}")]
    Read { path: String, cause: String },
    #[error("{file}:{line}: {cause}")]
    Syntax { file: String, line: usize, cause: String },
    #[error("{file}:{line}: no role is called `{role}`")]
    UnknownRole { file: String, line: usize, role: String },
    #[error(
        "{file}:{line}: palette `{name}`: `{value}` is no colour, such as #1e90ff or bright-blue"
    )]
    Palette { file: String, line: usize, name: String, value: String },
    #[error("{file}:{line}: role `{role}`: `{value}` is neither a colour nor in a [palette]")]
    Color { file: String, line: usize, role: &'static str, value: String },
    #[error("{file}: role `{role}` has no colour, and no inherited theme gives one")]
    Missing { file: String, role: &'static str },
    #[error("{file}: inherits more than {most} deep")]
    TooDeep { file: String, most: usize },
}

fn known_names() -> String {
    shelf::names().collect::<Vec<_>>().join(", ")
}

/// The theme that needs no asking.
pub(crate) fn default_theme() -> Theme {
    let name = shelf::names().next().expect("there are built-in themes");
    shelf::Shelf::default().load(name).expect("a test loads every built-in theme")
}

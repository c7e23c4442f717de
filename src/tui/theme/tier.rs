//! What the terminal can show, and a theme's colour in those terms.
//!
//! Sixteen colours use the terminal's own palette, whatever the theme says; without colour every
//! cell keeps the terminal's default and only attributes tell weights apart.

use ratatui::style::Color;

use super::paint::{Paint, Rgb, Slot};
use super::{Role, Theme, cube, paint};

/// How many colours there are to spend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ColorTier {
    True,
    Indexed,
    Sixteen,
    Mono,
}

impl ColorTier {
    pub(crate) const NAMES: &str = "true, 256, 16, none";

    /// As the command line calls it.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "true" => Some(Self::True),
            "256" => Some(Self::Indexed),
            "16" => Some(Self::Sixteen),
            "none" => Some(Self::Mono),
            _ => None,
        }
    }

    /// From the environment's words, asked through `variable`. `NO_COLOR` wins over everything.
    pub(crate) fn detect(variable: impl Fn(&str) -> Option<String>) -> Self {
        if variable("NO_COLOR").is_some_and(|value| !value.is_empty()) {
            return Self::Mono;
        }
        let term = variable("TERM").unwrap_or_default();
        if term == "dumb" {
            return Self::Mono;
        }
        let depth = variable("COLORTERM").unwrap_or_default();
        if depth == "truecolor" || depth == "24bit" || term.ends_with("-direct") {
            return Self::True;
        }
        if term.contains("256color") {
            return Self::Indexed;
        }
        Self::Sixteen
    }

    /// The colour of each role.
    pub(super) fn colors(self, theme: &Theme) -> [Color; Role::ALL.len()] {
        let indexed = cube::indexed(theme);
        Role::ALL.map(|role| match (self, theme.paint(role)) {
            (Self::Mono, _) => Color::Reset,
            (_, Paint::Terminal(slot)) => slot_color(slot),
            (Self::True, Paint::Rgb(Rgb(red, green, blue))) => Color::Rgb(red, green, blue),
            (Self::Indexed, Paint::Rgb(_)) => Color::Indexed(indexed[role as usize]),
            (Self::Sixteen, Paint::Rgb(_)) => terminal_color(role),
        })
    }
}

/// The terminal's own, by their numbers.
const SIXTEEN: [Color; 16] = [
    Color::Black,
    Color::Red,
    Color::Green,
    Color::Yellow,
    Color::Blue,
    Color::Magenta,
    Color::Cyan,
    Color::Gray,
    Color::DarkGray,
    Color::LightRed,
    Color::LightGreen,
    Color::LightYellow,
    Color::LightBlue,
    Color::LightMagenta,
    Color::LightCyan,
    Color::White,
];

/// What most terminals show for a colour; none for their default.
pub(crate) fn rgb(color: Color) -> Option<Rgb> {
    match color {
        Color::Rgb(red, green, blue) => Some(Rgb(red, green, blue)),
        Color::Indexed(index @ 16..) => Some(cube::color(index)),
        named => {
            let number = SIXTEEN.iter().position(|slot| *slot == named)?;
            Some(paint::sixteen(number as u8))
        }
    }
}

fn slot_color(slot: Slot) -> Color {
    match slot {
        Slot::Default => Color::Reset,
        Slot::Numbered(number) => SIXTEEN[usize::from(number) % SIXTEEN.len()],
    }
}

/// The terminal's own colour for a role. Surfaces stay the terminal's background.
fn terminal_color(role: Role) -> Color {
    match role {
        Role::Background | Role::Panel | Role::Selection | Role::Text | Role::Bright => {
            Color::Reset
        }
        Role::Dim | Role::Faint => Color::DarkGray,
        Role::Accent | Role::Series1 => Color::Cyan,
        Role::Ok | Role::Series5 => Color::Green,
        Role::Warn | Role::Series4 => Color::Yellow,
        Role::Bad => Color::Red,
        Role::Info | Role::Series2 => Color::LightBlue,
        Role::Violet | Role::Series3 => Color::Magenta,
        Role::Series6 => Color::LightRed,
    }
}

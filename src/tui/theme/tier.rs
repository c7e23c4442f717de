//! What the terminal can show, and a theme's colour in those terms.
//!
//! Sixteen colours use the terminal's own palette, whatever the theme says; without colour every
//! cell keeps the terminal's default and only attributes tell weights apart.

use ratatui::style::Color;

use super::{Rgb, Role};

/// How many colours there are to spend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ColorTier {
    True,
    Indexed,
    Sixteen,
    Mono,
}

impl ColorTier {
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

    pub(crate) fn color(self, role: Role, color: Rgb) -> Color {
        match self {
            Self::True => Color::Rgb(color.0, color.1, color.2),
            Self::Indexed => Color::Indexed(nearest_index(color)),
            Self::Sixteen => terminal_color(role),
            Self::Mono => Color::Reset,
        }
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

/// The six levels of the 256-colour cube.
const CUBE: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// The nearer of the best cube cell and the best step of the grey ramp.
fn nearest_index(color: Rgb) -> u8 {
    let level = |value: u8| {
        (0..CUBE.len()).min_by_key(|at| CUBE[*at].abs_diff(value)).expect("the cube has levels")
    };
    let (red, green, blue) = (level(color.0), level(color.1), level(color.2));
    let cube = Rgb(CUBE[red], CUBE[green], CUBE[blue]);
    let mean = (u32::from(color.0) + u32::from(color.1) + u32::from(color.2)) / 3;
    let step = (mean.saturating_sub(3) / 10).min(23) as u8;
    let grey = 8 + 10 * step;
    if distance(color, Rgb(grey, grey, grey)) < distance(color, cube) {
        232 + step
    } else {
        (16 + 36 * red + 6 * green + blue) as u8
    }
}

fn distance(a: Rgb, b: Rgb) -> u32 {
    let square = |x: u8, y: u8| u32::from(x.abs_diff(y)).pow(2);
    2 * square(a.0, b.0) + 4 * square(a.1, b.1) + 3 * square(a.2, b.2)
}

//! Themes: colours by role, read from TOML, and what a terminal makes of them.
//!
//! A theme names nineteen roles; code asks for a role, never for a colour. Built-in themes come
//! from `themes/` inside the binary; a path to a file is taken as well. Knows nothing of what is
//! drawn.

pub(crate) mod glyph;
pub(crate) mod skin;
pub(crate) mod tier;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

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

/// A colour of 24 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rgb(pub(crate) u8, pub(crate) u8, pub(crate) u8);

impl Rgb {
    fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#')?;
        if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).ok();
        Some(Self(byte(0)?, byte(2)?, byte(4)?))
    }

    pub(crate) fn hex(self) -> String {
        format!("#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

/// A checked theme: every role has its colour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Theme {
    pub(crate) name: String,
    colors: [Rgb; Role::ALL.len()],
}

impl Theme {
    pub(crate) fn color(&self, role: Role) -> Rgb {
        self.colors[role as usize]
    }
}

/// Why a theme can't be used. Lines count from one.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ThemeError {
    #[error("theme `{0}`: no such theme; built in are {known}", known = known_names())]
    Unknown(String),
    #[error("read theme {path}: {cause}")]
    Read { path: String, cause: String },
    #[error("theme `{theme}`: line {line}: {cause}")]
    Syntax { theme: String, line: usize, cause: String },
    #[error("theme `{theme}`: line {line}: no role is called `{role}`")]
    UnknownRole { theme: String, line: usize, role: String },
    #[error(
        "theme `{theme}`: line {line}: role `{role}`: `{value}` is neither #rrggbb nor in [palette]"
    )]
    Color { theme: String, line: usize, role: String, value: String },
    #[error("theme `{theme}`: role `{role}` has no colour, and no inherited theme gives one")]
    Missing { theme: String, role: &'static str },
    #[error("theme `{0}`: inherits more than {INHERITS_MAX} deep")]
    TooDeep(String),
}

/// Name and text of each built-in theme; the first is the default.
const BUILT_IN: [(&str, &str); 2] = [
    ("harbor", include_str!("../../../themes/harbor.toml")),
    ("paper", include_str!("../../../themes/paper.toml")),
];

/// How long a chain of `inherits` may be; also what ends a theme that inherits itself.
const INHERITS_MAX: usize = 4;

/// A larger file is no theme.
const THEME_BYTES_MAX: u64 = 64 * 1024;

/// The built-in names, default first.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    BUILT_IN.iter().map(|(name, _)| *name)
}

fn known_names() -> String {
    names().collect::<Vec<_>>().join(", ")
}

/// The theme that needs no asking.
pub(crate) fn default_theme() -> Theme {
    load(BUILT_IN[0].0).expect("a test loads every built-in theme")
}

/// A built-in theme by name, or a file when `name` looks like a path.
pub(crate) fn load(name: &str) -> Result<Theme, ThemeError> {
    let mut colors = [None; Role::ALL.len()];
    let mut next = name.to_owned();
    let mut shown_name = None;
    for _ in 0..INHERITS_MAX {
        let file = parse(&next, &source(&next)?)?;
        for (slot, inherited) in colors.iter_mut().zip(file.colors) {
            *slot = slot.or(inherited);
        }
        let shown_name = shown_name.get_or_insert(file.name);
        match file.inherits {
            Some(parent) => next = parent,
            None => return complete(shown_name, colors),
        }
    }
    Err(ThemeError::TooDeep(name.to_owned()))
}

fn complete(name: &str, found: [Option<Rgb>; Role::ALL.len()]) -> Result<Theme, ThemeError> {
    let mut colors = [Rgb::default(); Role::ALL.len()];
    for role in Role::ALL {
        colors[role as usize] = found[role as usize]
            .ok_or_else(|| ThemeError::Missing { theme: name.to_owned(), role: role.name() })?;
    }
    Ok(Theme { name: name.to_owned(), colors })
}

fn source(name: &str) -> Result<String, ThemeError> {
    if let Some((_, text)) = BUILT_IN.iter().find(|(built_in, _)| *built_in == name) {
        return Ok((*text).to_owned());
    }
    let path = Path::new(name);
    if !name.contains('/') && path.extension().is_none_or(|extension| extension != "toml") {
        return Err(ThemeError::Unknown(name.to_owned()));
    }
    let failed = |cause: String| ThemeError::Read { path: name.to_owned(), cause };
    let bytes = std::fs::metadata(path).map_err(|error| failed(error.to_string()))?.len();
    if bytes > THEME_BYTES_MAX {
        return Err(failed(format!("{bytes} bytes is too large for a theme")));
    }
    std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ThemeFile {
    name: String,
    inherits: Option<String>,
    #[serde(default)]
    palette: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    roles: BTreeMap<String, Spanned<String>>,
}

/// One file's own words; roles it leaves out are `None`.
struct Parsed {
    name: String,
    inherits: Option<String>,
    colors: [Option<Rgb>; Role::ALL.len()],
}

fn parse(theme: &str, text: &str) -> Result<Parsed, ThemeError> {
    let file: ThemeFile = toml::from_str(text).map_err(|error| ThemeError::Syntax {
        theme: theme.to_owned(),
        line: error.span().map_or(1, |span| line_of(text, span.start)),
        cause: error.message().to_owned(),
    })?;
    let mut colors = [None; Role::ALL.len()];
    for (role_name, value) in &file.roles {
        let line = line_of(text, value.span().start);
        let role =
            Role::ALL.into_iter().find(|role| role.name() == role_name).ok_or_else(|| {
                ThemeError::UnknownRole { theme: theme.to_owned(), line, role: role_name.clone() }
            })?;
        let named = file.palette.get(value.get_ref()).unwrap_or(value);
        let color = Rgb::parse(named.get_ref()).ok_or_else(|| ThemeError::Color {
            theme: theme.to_owned(),
            line,
            role: role_name.clone(),
            value: named.get_ref().clone(),
        })?;
        colors[role as usize] = Some(color);
    }
    Ok(Parsed { name: file.name, inherits: file.inherits, colors })
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}

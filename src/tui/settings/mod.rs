//! The operator's own settings: `console.toml` in their folder for configurations.
//!
//! Everything in it can be said on the command line, too, except the keys. A file that is wrong
//! somewhere is refused whole, with its line: an operator who presses a key of theirs must never get
//! the one that the registry has there.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use super::action::chord::{Chord, ChordError};
use super::action::keymap::{Keymap, KeymapError, Own};
use super::action::{Action, all};
use super::home;
use super::term::aside::Alarm;
use super::theme::glyph::GlyphTier;
use super::theme::tier::ColorTier;

const FILE: &str = "console.toml";
/// A larger file is none of settings.
const BYTES_MAX: u64 = 64 * 1024;
/// Instead of a file on the command line: nothing of the operator's own.
const NONE: &str = "none";

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) theme: Option<String>,
    pub(crate) colors: Option<ColorTier>,
    pub(crate) glyphs: Option<GlyphTier>,
    pub(crate) alarm: Option<Alarm>,
    pub(crate) keys: Keymap,
}

/// Why settings can't be used. Lines count from one.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SettingsError {
    #[error("read settings {path}: {cause}")]
    Read { path: String, cause: String },
    #[error("{file}:{line}: {cause}; `--settings none` does without")]
    Wrong { file: String, line: usize, cause: Wrong },
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Wrong {
    #[error("{0}")]
    Syntax(String),
    #[error("{what}: `{value}` is none of {known}")]
    Unknown { what: &'static str, value: String, known: &'static str },
    #[error("no action is called `{name}`{hint}")]
    Action { name: String, hint: String },
    #[error("key of `{action}`: `{value}` {cause}")]
    Chord { action: &'static str, value: String, cause: ChordError },
    #[error("{0}")]
    Keys(#[from] KeymapError),
}

/// Those of `file`, else of the operator's folder; who has none has no settings of their own.
pub(crate) fn load(
    file: Option<&Path>,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Settings, SettingsError> {
    let own = match file {
        Some(path) if path == Path::new(NONE) => return Ok(Settings::default()),
        Some(path) => Some(path.to_owned()),
        None => home::settings(variable).map(|folder| folder.join(FILE)).filter(|it| it.exists()),
    };
    let Some(path) = own else { return Ok(Settings::default()) };
    let place = path.display().to_string();
    let failed = |cause: String| SettingsError::Read { path: place.clone(), cause };
    let bytes = std::fs::metadata(&path).map_err(|error| failed(error.to_string()))?.len();
    if bytes > BYTES_MAX {
        return Err(failed(format!("{bytes} bytes are too many for settings")));
    }
    let text = std::fs::read_to_string(&path).map_err(|error| failed(error.to_string()))?;
    parse(&place, &text)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    theme: Option<String>,
    colors: Option<Spanned<String>>,
    glyphs: Option<Spanned<String>>,
    notify: Option<Spanned<String>>,
    #[serde(default)]
    keys: BTreeMap<String, Spanned<Keys>>,
}

/// One key, or several; none: the action is left to the palette.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a key such as \"d\", or a list of them")]
enum Keys {
    One(String),
    Several(Vec<String>),
}

fn parse(file: &str, text: &str) -> Result<Settings, SettingsError> {
    let line_of =
        |offset: usize| 1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count();
    let wrong = |line, cause| SettingsError::Wrong { file: file.to_owned(), line, cause };
    let words: Words = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(span.start));
        wrong(line, Wrong::Syntax(error.message().to_owned()))
    })?;
    let unknown = |value: &Spanned<String>, what, known| {
        let cause = Wrong::Unknown { what, value: value.get_ref().clone(), known };
        wrong(line_of(value.span().start), cause)
    };
    let colors = words.colors.as_ref().map(|value| {
        ColorTier::named(value.get_ref()).ok_or_else(|| unknown(value, "colors", ColorTier::NAMES))
    });
    let glyphs = words.glyphs.as_ref().map(|value| {
        GlyphTier::named(value.get_ref()).ok_or_else(|| unknown(value, "glyphs", GlyphTier::NAMES))
    });
    let alarm = words.notify.as_ref().map(|value| {
        Alarm::named(value.get_ref()).ok_or_else(|| unknown(value, "notify", Alarm::NAMES))
    });
    let mut own = Vec::with_capacity(words.keys.len());
    for (name, keys) in words.keys {
        let line = line_of(keys.span().start);
        own.push(bound(&name, keys.into_inner(), line).map_err(|cause| wrong(line, cause))?);
    }
    // What is wrong is told of the first line that is.
    own.sort_by_key(|own| own.line);
    let keys = Keymap::new(own).map_err(|error| wrong(error.line(), error.into()))?;
    Ok(Settings {
        theme: words.theme,
        colors: colors.transpose()?,
        glyphs: glyphs.transpose()?,
        alarm: alarm.transpose()?,
        keys,
    })
}

fn bound(name: &str, keys: Keys, line: usize) -> Result<Own, Wrong> {
    let action = all().find(|action| action.name == name);
    let action = action.ok_or_else(|| Wrong::Action { name: name.to_owned(), hint: hint(name) })?;
    let words = match keys {
        Keys::One(word) => vec![word],
        Keys::Several(words) => words,
    };
    let chord = |value: String| {
        let parsed = value.parse::<Chord>();
        parsed.map_err(|cause| Wrong::Chord { action: action.name, value, cause })
    };
    let keys = words.into_iter().map(chord).collect::<Result<_, _>>()?;
    Ok(Own { id: action.id, keys, line })
}

/// What may have been meant.
fn hint(name: &str) -> String {
    let common = |action: &&Action| {
        action.name.chars().zip(name.chars()).take_while(|(known, said)| known == said).count()
    };
    let is_near = |action: &&Action| {
        !name.is_empty()
            && (action.name.contains(name) || name.contains(action.name) || common(action) >= 4)
    };
    let near: Vec<&str> = all().filter(is_near).map(|action| action.name).collect();
    match near.as_slice() {
        [] => "; the manual page of `pilothouse console` lists them".to_owned(),
        near => format!("; there are {}", near.join(", ")),
    }
}

//! One theme's file: read, its words found their places for, nothing decided yet.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::paint::Paint;
use super::{Role, ThemeError};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    name: String,
    #[serde(default)]
    about: String,
    inherits: Option<String>,
    #[serde(default)]
    palette: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    roles: BTreeMap<String, Spanned<String>>,
}

/// One file's own words.
#[derive(Debug)]
pub(super) struct File {
    /// Where it is, for messages.
    pub(super) place: String,
    pub(super) name: String,
    pub(super) about: String,
    pub(super) inherits: Option<String>,
    palette: BTreeMap<String, Paint>,
    /// A role's value, a colour or a name of a palette, and its line.
    roles: Vec<(Role, String, usize)>,
}

impl File {
    pub(super) fn parse(place: &str, text: &str) -> Result<Self, ThemeError> {
        let file = || place.to_owned();
        let words: Words = toml::from_str(text).map_err(|error| ThemeError::Syntax {
            file: file(),
            line: error.span().map_or(1, |span| line_of(text, span.start)),
            cause: error.message().to_owned(),
        })?;
        let mut palette = BTreeMap::new();
        for (name, value) in words.palette {
            let line = line_of(text, value.span().start);
            let value = value.into_inner();
            let paint = Paint::parse(&value).ok_or_else(|| ThemeError::Palette {
                file: file(),
                line,
                name: name.clone(),
                value,
            })?;
            palette.insert(name, paint);
        }
        let mut roles = Vec::with_capacity(words.roles.len());
        for (role, value) in words.roles {
            let line = line_of(text, value.span().start);
            let known = Role::ALL.into_iter().find(|known| known.name() == role);
            let known =
                known.ok_or_else(|| ThemeError::UnknownRole { file: file(), line, role })?;
            roles.push((known, value.into_inner(), line));
        }
        let Words { name, about, inherits, .. } = words;
        Ok(Self { place: file(), name, about, inherits, palette, roles })
    }
}

/// The colour of a role: what the first of the files says that says anything. Names are those of
/// the palettes, of which the first file's comes first too, so that a theme may keep the roles of
/// another and bring colours of its own.
pub(super) fn paint(files: &[File], role: Role) -> Result<Paint, ThemeError> {
    let said = files.iter().find_map(|file| {
        let (_, value, line) = file.roles.iter().find(|(said, ..)| *said == role)?;
        Some((file, value, *line))
    });
    let Some((file, value, line)) = said else {
        let place = files.first().map_or_else(String::new, |file| file.place.clone());
        return Err(ThemeError::Missing { file: place, role: role.name() });
    };
    let named = files.iter().find_map(|file| file.palette.get(value)).copied();
    named.or_else(|| Paint::parse(value)).ok_or_else(|| ThemeError::Color {
        file: file.place.clone(),
        line,
        role: role.name(),
        value: value.clone(),
    })
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}

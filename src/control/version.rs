//! The version of the other end, which each answer carries: words that are not understood are most
//! often those of another one.

use std::fmt::Display;

use super::text;

/// The header of every answer.
pub(super) const HEADER: &str = "pilothouse-version";

/// Of this binary.
pub(crate) const OURS: &str = env!("CARGO_PKG_VERSION");

/// As the other end says itself; none: it does not say.
#[derive(Debug)]
pub(super) struct Version(Option<String>);

impl Version {
    pub(super) fn told(value: Option<&[u8]>) -> Self {
        let told = value.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        Self(told.map(|version| text::plain(&version).into_owned()))
    }

    /// Why words could not be read.
    pub(super) fn explain(&self, error: &impl Display) -> String {
        let theirs = match &self.0 {
            Some(version) if version == OURS => return error.to_string(),
            Some(version) => format!("pilothouse {version}"),
            None => "an older pilothouse".to_owned(),
        };
        format!(
            "it is {theirs} and does not speak as this one, {OURS}: use its own version, or upgrade \
             it ({error})"
        )
    }
}

//! What was found, where, and what nobody wants to hear of.

use super::rule::Rule;
use super::{EXCERPT_BYTES_MAX, NAME_BYTES_MAX};

/// Where in a request a value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Part {
    Path,
    Query,
    Header,
    Cookie,
    Form,
    Json,
    /// A part of a `multipart/form-data` body.
    Multipart,
    Xml,
    /// A body that is text without a form.
    Text,
    /// Of the request as a whole.
    Head,
}

/// The beginning of a text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Beginning<const N: usize> {
    bytes: [u8; N],
    len: u8,
}

pub(crate) type Name = Beginning<NAME_BYTES_MAX>;
pub(crate) type Excerpt = Beginning<EXCERPT_BYTES_MAX>;

impl<const N: usize> Beginning<N> {
    pub(crate) fn new(text: &[u8]) -> Self {
        const { assert!(N <= u8::MAX as usize) }
        let kept = text.len().min(N);
        let mut bytes = [0; N];
        bytes[..kept].copy_from_slice(&text[..kept]);
        Self { bytes, len: kept as u8 }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len).min(N)]
    }
}

impl<const N: usize> std::fmt::Debug for Beginning<N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "\"{}\"", self.as_bytes().escape_ascii())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) rule: Rule,
    pub(crate) part: Part,
    /// Of the value; empty where values have none.
    pub(crate) name: Name,
    /// The normal form from where the finding begins; empty for values that may be secrets.
    pub(crate) excerpt: Excerpt,
    pub(crate) points: u32,
}

/// What is let pass: a rule, a place, or a rule at a place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Exception {
    /// `None`: all.
    pub(crate) rule: Option<Rule>,
    /// `None`: everywhere.
    pub(crate) part: Option<Part>,
    /// `None`: every value of the part.
    pub(crate) name: Option<Box<[u8]>>,
}

impl Exception {
    pub(crate) fn covers(&self, rule: Rule, part: Part, name: &[u8]) -> bool {
        let is_core = matches!(rule, Rule::Core(_));
        self.rule.is_none_or(|it| it == rule || (it == Rule::ALL_CORE && is_core))
            && self.part.is_none_or(|excepted| excepted == part)
            && self.name.as_ref().is_none_or(|excepted| excepted.eq_ignore_ascii_case(name))
    }
}

/// Of names whose values are kept out of logs and screens.
#[rustfmt::skip]
const SECRET: [&[u8]; 16] = [
    b"pass", b"pwd", b"secret", b"token", b"auth", b"session", b"key", b"credential", b"sess",
    b"sid", b"csrf", b"xsrf", b"otp", b"jwt", b"card", b"cvv",
];

/// Whether a value of this name, or a text with such names in it, may be a secret. What is found in
/// one is told without its words.
pub(crate) fn is_secret(name: &[u8]) -> bool {
    SECRET
        .iter()
        .any(|part| name.windows(part.len()).any(|window| window.eq_ignore_ascii_case(part)))
}

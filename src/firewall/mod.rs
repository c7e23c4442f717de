//! The web application firewall: judges what a request carries, and says why.
//!
//! Pure: bytes in, findings out. Each value is brought into one normal form (`normal`), one search
//! for many words decides which detectors are asked (`prefilter`), and a detector reads the value
//! as the language that an attack would be written in. What they find is added up to a score; the
//! caller decides what a score means. No detector goes back over what it has read, so the work for
//! a request grows with its bytes alone, and these are bounded. Framing is `http`'s: what two
//! readers could read differently never comes here.

pub(crate) mod rule;

pub(crate) mod finding;
pub(crate) mod inspector;

pub(crate) mod body;
mod code;
mod command;
pub(crate) mod crs;
mod digest;
mod html;
pub(crate) mod known;
mod normal;
mod path;
mod prefilter;
mod prose;
mod protocol;
mod scanner;
mod sql;
mod template;
mod words;

#[cfg(any(test, fuzzing))]
pub(crate) mod properties;
#[cfg(test)]
mod tests;

/// Layers of escapes that are taken off a value; one more is a finding by itself. Addresses within
/// addresses are honestly escaped three times.
const LAYERS_MAX: usize = 5;
/// Values that are judged of one request; those of letters and digits alone are not counted.
pub(crate) const VALUES_MAX: u32 = 2048;
/// Findings that are kept of one request; further ones only add to its score.
pub(crate) const FINDINGS_MAX: usize = 8;
/// What is kept of a value's name.
pub(crate) const NAME_BYTES_MAX: usize = 40;
/// What is kept of what was found.
pub(crate) const EXCERPT_BYTES_MAX: usize = 64;
/// Tokens of a value that are read as SQL at a time.
const SQL_TOKENS_MAX: usize = 128;
/// Lists and tables in each other that are followed in JSON.
const JSON_DEPTH_MAX: usize = 64;
/// What is looked at of one template's expression.
const EXPRESSION_BYTES_MAX: usize = 256;

/// How sure a detector is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Judgement {
    #[default]
    Clean,
    /// Seen in attacks, and now and then in honest requests.
    Odd,
    Attack,
}

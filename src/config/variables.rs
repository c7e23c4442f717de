//! `${NAME}` in values: from the environment when the file is loaded, and from an instance's own
//! variables when a program is spawned.
//!
//! `${NAME:02}` is padded with zeros to two characters, for numbers that are sorted as texts.
//!
//! Only the braced form expands, so that `$1` or `$HOME` meant for a program's own shell stay as
//! they are; `$${NAME}` is how to write `${NAME}` literally.

/// What a program instance is told beyond the environment: the engine's binary, its control socket,
/// and which instance it is. `PORT` exists for programs that serve.
pub(crate) const INSTANCE_NAMES: [&str; 4] =
    ["PILOTHOUSE", "PILOTHOUSE_SOCKET", "PROGRAM", "INSTANCE"];

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ExpandError {
    #[error("unknown variable `{0}`")]
    Unknown(String),
    #[error("`${{` without `}}`")]
    Unclosed,
    #[error("`{0}` is not a variable's name")]
    BadName(String),
}

/// See `config::expand`.
pub(super) fn expand(
    text: &str,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<String, ExpandError> {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, reference) = rest.split_at(at);
        if let Some(kept) = before.strip_suffix('$') {
            expanded.push_str(kept);
            expanded.push_str("${");
            rest = &reference[2..];
            continue;
        }
        expanded.push_str(before);
        let end = reference.find('}').ok_or(ExpandError::Unclosed)?;
        let inner = &reference[2..end];
        let (name, width) = padded(inner).unwrap_or((inner, 0));
        if !is_name(name) {
            return Err(ExpandError::BadName(name.to_owned()));
        }
        let value = lookup(name).ok_or_else(|| ExpandError::Unknown(name.to_owned()))?;
        let missing = width.saturating_sub(value.chars().count());
        expanded.extend(std::iter::repeat_n('0', missing));
        expanded.push_str(&value);
        rest = &reference[end + 1..];
    }
    expanded.push_str(rest);
    Ok(expanded)
}

/// `NAME:0N`: a name, and to how many characters its value is padded, 9 at most.
fn padded(inner: &str) -> Option<(&str, usize)> {
    let (name, format) = inner.split_once(":0")?;
    let width = format.parse().ok().filter(|width| (1..=9).contains(width))?;
    (format.len() == 1).then_some((name, width))
}

/// The process's own environment; a value that is not UTF-8 counts as unset.
pub(super) fn from_environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// What a shell accepts as a variable's name.
pub(super) fn is_name(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && name.bytes().next().is_some_and(|first| !first.is_ascii_digit())
}

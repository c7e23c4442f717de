//! Times, sizes and texts with variables, as nginx writes them and as we do.

use crate::config;
use crate::config::model::route::Case;

/// `90`, `1m30s`, `500ms`, `1d`: milliseconds; a number alone is seconds (`ngx_parse_time`).
pub(super) fn time_ms(text: &str) -> Option<u64> {
    let mut total = 0_u64;
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let number: u64 = rest[..digits].parse().ok()?;
        let unit = &rest[digits..];
        let len = unit.find(|c: char| c.is_ascii_digit() || c == ' ').unwrap_or(unit.len());
        let unit_ms = match &unit[..len] {
            "ms" => 1,
            "" | "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 7 * 86_400_000,
            "M" => 30 * 86_400_000,
            "y" => 365 * 86_400_000,
            _ => return None,
        };
        total = total.checked_add(number.checked_mul(unit_ms)?)?;
        rest = unit[len..].trim_start();
    }
    Some(total)
}

/// In our words.
pub(super) fn duration(ms: u64) -> String {
    match ms {
        ms if ms % 1_000 != 0 => format!("{ms}ms"),
        ms if ms == 0 || ms % 60_000 != 0 => format!("{}s", ms / 1_000),
        ms if ms % 3_600_000 != 0 => format!("{}m", ms / 60_000),
        ms => format!("{}h", ms / 3_600_000),
    }
}

/// `512`, `16k`, `1m`, `2g` (`ngx_parse_offset`).
pub(super) fn bytes(text: &str) -> Option<u64> {
    let split = text.len() - usize::from(text.ends_with(|c: char| c.is_ascii_alphabetic()));
    let (number, unit) = text.split_at(split);
    let shift = match unit {
        "" => 0,
        "k" | "K" => 10,
        "m" | "M" => 20,
        "g" | "G" => 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(1 << shift)
}

/// In our words.
pub(super) fn size(bytes: u64) -> String {
    let units = [(30, "GB"), (20, "MB"), (10, "KB")];
    match units.iter().find(|(shift, _)| bytes > 0 && bytes.trailing_zeros() >= *shift) {
        Some((shift, unit)) => format!("{}{unit}", bytes >> shift),
        None => format!("{bytes}B"),
    }
}

/// An expression as those of ours are, which know no Unicode; the error is why it is none.
pub(super) fn expression(pattern: &str) -> Result<regex::bytes::Regex, String> {
    config::pattern::compile(pattern, Case::Sensitive)
}

/// What texts of a place may name beside the variables that there always are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Names<'a> {
    /// Those of tables that have an equal, and those that are set.
    pub(super) own: &'a [String],
    /// Of the expression in force.
    pub(super) groups: &'a Groups,
}

/// The groups of an expression; none of one that ours does not know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Groups {
    names: Vec<String>,
    count: usize,
}

/// Where no expression is in force.
pub(super) static NO_GROUPS: Groups = Groups { names: Vec::new(), count: 0 };

impl Groups {
    pub(super) fn of(pattern: &str) -> Self {
        let Ok(pattern) = expression(pattern) else { return Self::default() };
        let names = pattern.capture_names().flatten().map(str::to_owned).collect();
        Self { names, count: pattern.captures_len() - 1 }
    }
}

impl<'a> Names<'a> {
    /// The same under another expression.
    pub(super) fn with(self, groups: &'a Groups) -> Self {
        Self { groups, ..self }
    }

    fn has(&self, name: &str) -> bool {
        if let Ok(number) = name.parse::<usize>() {
            return number <= self.groups.count;
        }
        let own = || self.own.iter().any(|known| known == name);
        let group = || self.groups.names.iter().any(|known| known == name);
        config::has_variable(name) || own() || group()
    }
}

/// A text that means itself.
pub(super) fn literal(text: &str) -> String {
    text.replace('$', "$$")
}

/// A text with nginx's variables in our words, where a dollar of its own is doubled. The error is the
/// variable that there is none of.
pub(super) fn template(text: &str, names: Names<'_>) -> Result<String, String> {
    template_with(text, names, &[])
}

/// The same, with variables that stand for texts in our words.
pub(super) fn template_with(
    text: &str,
    names: Names<'_>,
    texts: &[(String, String)],
) -> Result<String, String> {
    let mut written = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        written.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let (name, len) = name(after);
        if name.is_empty() {
            written.push_str("$$");
        } else if let Some((_, text)) = texts.iter().find(|(known, _)| known == name) {
            written.push_str(text);
        } else if names.has(name) {
            written.push_str("${");
            written.push_str(name);
            written.push('}');
        } else {
            return Err(name.to_owned());
        }
        rest = &after[len..];
    }
    written.push_str(rest);
    Ok(written)
}

/// Whether a text names one of those variables.
pub(super) fn mentions(text: &str, texts: &[(String, String)]) -> bool {
    text.match_indices('$').any(|(at, _)| {
        let (name, _) = name(&text[at + 1..]);
        texts.iter().any(|(known, _)| known == name)
    })
}

/// The variable that a text begins with, and what follows it.
pub(super) fn first_name(text: &str) -> Option<(&str, &str)> {
    let after = text.strip_prefix('$')?;
    let (name, len) = name(after);
    (!name.is_empty()).then(|| (name, &after[len..]))
}

/// The name that a dollar stands before, and how much of the text it is.
fn name(after: &str) -> (&str, usize) {
    if let Some(inner) = after.strip_prefix('{') {
        return inner.find('}').map_or(("", 0), |end| (&inner[..end], end + 2));
    }
    let of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let is_group = after.starts_with(|c: char| c.is_ascii_digit());
    let len = after.find(|c: char| !of_name(c)).unwrap_or(after.len());
    let len = if is_group { 1 } else { len };
    (&after[..len], len)
}

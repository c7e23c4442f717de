//! Shares as people write them: `20%`.

use std::ops::RangeInclusive;

use super::report::Located;
use super::section::Section;

/// The number before the sign; `None` for anything else.
pub(super) fn parse(text: &str) -> Option<u32> {
    text.strip_suffix('%')?.trim_end().parse().ok()
}

/// A share within bounds; `what` says of what, for the error.
pub(super) fn read(
    section: &mut Section<'_>,
    (key, what): (&'static str, &str),
    range: RangeInclusive<u32>,
) -> Option<u32> {
    let text = section.text(key)?;
    within(section, &text, what, range)
}

/// The same for a text that was read, and is no other word.
pub(super) fn within(
    section: &Section<'_>,
    text: &Located<String>,
    what: &str,
    range: RangeInclusive<u32>,
) -> Option<u32> {
    let percent = parse(&text.value).filter(|percent| range.contains(percent));
    if percent.is_none() {
        let message = format!("`{}` is not a share of {what}", text.value.escape_debug());
        let (least, most) = range.into_inner();
        section.report.error(&text.span, message, format!("expected \"{least}%\" to \"{most}%\""));
    }
    percent
}

//! The `Range` header: which parts of a file are asked for (RFC 9110, 14).
//!
//! As nginx reads it: what is no list of byte ranges at all is not looked at, a broken list cannot
//! be satisfied, and parts that together are more than the whole, or more parts than allowed, get
//! the whole.

/// Part of a file: `start..end` of its bytes, never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) start: u64,
    pub(crate) end: u64,
}

impl Part {
    pub(crate) fn bytes(self) -> u64 {
        self.end - self.start
    }
}

/// What is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Whole,
    /// The parts that were written to the list.
    Parts,
    /// A 416.
    Nothing,
}

const UNIT: &[u8] = b"bytes=";

/// Reads `value` for a file of `length` bytes; the parts, at most `parts_max`, go to `parts`, in
/// the order they were asked for.
pub(crate) fn parse(value: &[u8], length: u64, parts_max: usize, parts: &mut Vec<Part>) -> Wanted {
    parts.clear();
    let rest = match value.split_at_checked(UNIT.len()) {
        Some((unit, rest)) if unit.eq_ignore_ascii_case(UNIT) && !rest.is_empty() => rest,
        Some(_) | None => return Wanted::Whole,
    };
    if parts_max == 0 {
        return Wanted::Whole;
    }
    let mut bytes = 0_u64;
    for spec in rest.split(|&byte| byte == b',') {
        let Some((start, end)) = range(spec, length) else { return Wanted::Nothing };
        if start < end {
            if parts.len() == parts_max {
                return Wanted::Whole;
            }
            parts.push(Part { start, end });
            bytes = bytes.saturating_add(end - start);
        } else if start == 0 {
            // Of an empty file.
            return Wanted::Whole;
        }
    }
    match parts.as_slice() {
        [] => Wanted::Nothing,
        _ if bytes > length => Wanted::Whole,
        [_, ..] => Wanted::Parts,
    }
}

/// The bytes from the first up to the second that one range means in a file of `length` bytes;
/// `None` for what is no range.
fn range(spec: &[u8], length: u64) -> Option<(u64, u64)> {
    let spec = spaceless(spec);
    if let Some(count) = spec.strip_prefix(b"-") {
        let count = number(spaceless_end(count))?;
        return Some((length.saturating_sub(count), length));
    }
    let digits = spec.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let start = number(&spec[..digits])?;
    let last = spaceless(spaceless(&spec[digits..]).strip_prefix(b"-")?);
    let last = match last {
        [] => return Some((start, length)),
        last => number(spaceless_end(last))?,
    };
    Some((start, last.saturating_add(1).min(length)))
}

fn spaceless(text: &[u8]) -> &[u8] {
    let spaces = text.iter().take_while(|&&byte| byte == b' ').count();
    &text[spaces..]
}

fn spaceless_end(text: &[u8]) -> &[u8] {
    let spaces = text.iter().rev().take_while(|&&byte| byte == b' ').count();
    &text[..text.len() - spaces]
}

/// As large as a file can be; beyond it is no number.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, &digit| match digit {
        b'0'..=b'9' => number
            .checked_mul(10)?
            .checked_add(u64::from(digit - b'0'))
            .filter(|number| *number <= super::LENGTH_MAX),
        _ => None,
    })
}

//! Ranges, conditions, dates and codings: for any bytes, what is read is within the file, and two
//! readings agree.

use crate::http::coding;
use crate::http::date;
use crate::http::multipart::Multipart;
use crate::http::ranges::{self, Part, Wanted};
use crate::http::validators::{self, Conditions, Validators, Verdict};

const PARTS_MAX: usize = 5;

/// The first bytes are the file's length, the rest a `Range`.
pub(crate) fn range(bytes: &[u8]) {
    let Some((length, value)) = bytes.split_first_chunk::<2>() else { return };
    let length = u64::from(u16::from_le_bytes(*length));
    let mut parts = vec![Part { start: 7, end: 9 }];
    let wanted = ranges::parse(value, length, PARTS_MAX, &mut parts);
    assert!(parts.len() <= PARTS_MAX, "{}", value.escape_ascii());
    for part in &parts {
        assert!(part.start < part.end && part.end <= length, "{}", value.escape_ascii());
    }
    match wanted {
        Wanted::Parts => {
            let sum: u64 = parts.iter().map(|part| part.bytes()).sum();
            assert!(!parts.is_empty() && sum <= length, "{}", value.escape_ascii());
            body_is_as_long_as_told(&parts, length);
        }
        Wanted::Whole | Wanted::Nothing => {}
    }
    let mut again = Vec::new();
    assert_eq!(ranges::parse(value, length, PARTS_MAX, &mut again), wanted);
    assert_eq!(again, parts, "{}", value.escape_ascii());
    if !value.is_ascii() {
        assert_ne!(wanted, Wanted::Parts, "{}", value.escape_ascii());
    }
    let whole = ranges::parse(value, length, 0, &mut again);
    assert_eq!(whole, Wanted::Whole, "without parts there are none");
}

fn body_is_as_long_as_told(parts: &[Part], length: u64) {
    let mut body = Multipart::new(parts, "text/plain", length, length);
    let told = body.bytes();
    let (mut text, mut seen) = (Vec::new(), Vec::new());
    let mut of_parts = 0;
    while let Some(part) = body.next(&mut text) {
        of_parts += part.bytes();
        seen.push(part);
    }
    assert_eq!(text.len() as u64 + of_parts, told);
    assert_eq!(&seen[..parts.len()], parts);
}

/// The first bytes are the file's time and length, the rest the conditions, one to a line.
pub(crate) fn conditions(bytes: &[u8]) {
    let Some((numbers, text)) = bytes.split_first_chunk::<6>() else { return };
    let modified_s =
        i64::from(u32::from_le_bytes([numbers[0], numbers[1], numbers[2], numbers[3]]));
    let length = u64::from(u16::from_le_bytes([numbers[4], numbers[5]]));
    let file = Validators { modified_s, bytes: length };
    let mut lines = text.split(|&byte| byte == b'\n').map(Some);
    let mut line = || lines.next().flatten().filter(|line| !line.is_empty());
    let conditions = Conditions {
        if_match: line(),
        if_none_match: line(),
        if_modified_since: line(),
        if_unmodified_since: line(),
        ..Conditions::default()
    };
    let verdict = validators::judge(&conditions, Some(file));
    if verdict == Verdict::Failed {
        assert!(conditions.if_match.is_some() || conditions.if_unmodified_since.is_some());
    }
    if verdict == Verdict::NotModified {
        assert!(conditions.if_none_match.is_some() || conditions.if_modified_since.is_some());
    }
    // What the file itself says always holds.
    let tag = file.tag();
    let date = date::imf_fixdate(u64::from(modified_s.unsigned_abs() as u32));
    assert_eq!(date::parse(&date), Some(modified_s));
    let own = Conditions {
        if_match: Some(tag.as_bytes()),
        if_unmodified_since: Some(&date),
        ..Conditions::default()
    };
    assert_eq!(validators::judge(&own, Some(file)), Verdict::Send);
    let cached = Conditions {
        if_none_match: Some(tag.as_bytes()),
        if_modified_since: Some(&date),
        ..Conditions::default()
    };
    assert_eq!(validators::judge(&cached, Some(file)), Verdict::NotModified);
    for value in [Some(tag.as_bytes()), Some(&date[..]), None] {
        assert!(validators::may_be_parted(value, file));
    }
    let other = Validators { bytes: length + 1, ..file };
    assert!(!validators::may_be_parted(Some(tag.as_bytes()), other));
    for text in [conditions.if_match, conditions.if_modified_since].into_iter().flatten() {
        let _is_read_without_panic = date::parse(text);
        weights(text);
    }
}

fn weights(accept: &[u8]) {
    let tokens = ["br", "zstd", "gzip"];
    let weights = tokens.map(|token| coding::weight(accept, token));
    assert!(weights.iter().all(|weight| *weight <= 1000), "{}", accept.escape_ascii());
    let chosen = coding::choose(accept, tokens.into_iter().enumerate());
    let best = weights.iter().copied().max().filter(|weight| *weight > 0);
    assert_eq!(chosen.map(|at| weights[at]), best, "{}", accept.escape_ascii());
}

//! What holds for any bytes, whoever sent them.
//!
//! Run by the fuzzer in `fuzz/`, over the corpus in `tests/corpus`, and by the property tests beside
//! this folder. Each function panics when a promise does not hold.

use super::body::Kind;
use super::finding::{Exception, Part};
use super::inspector::{Inspection, Inspector};
use super::known::Known;
use super::normal::{self, Coding, Oddities};
use super::{FINDINGS_MAX, rule::Rule};

/// The first byte says where the others stand.
pub(crate) fn inspect(bytes: &[u8]) {
    let [place, bytes @ ..] = bytes else { return };
    is_settled(bytes, if place & 1 == 0 { Coding::Plain } else { Coding::Form });
    let mut inspector = Inspector::default();
    show(&mut inspector.inspect(&[]), *place, bytes);
    let (score, findings) = (inspector.score(), inspector.findings().to_vec());
    assert!(findings.len() <= FINDINGS_MAX);
    assert_eq!(score == 0, findings.is_empty());
    assert!(findings.iter().map(|finding| finding.points).sum::<u32>() <= score);
    // An inspector that was used before says the same.
    inspector.begin();
    show(&mut inspector.inspect(&[]), *place, bytes);
    assert_eq!((score, &findings[..]), (inspector.score(), inspector.findings()));
    // What is known to be clean is, however often it was judged.
    let mut known = Known::new(b"a key");
    for _ in 0..2 {
        inspector.begin();
        let mut inspection = inspector.inspect_knowing(&[], &mut known);
        show(&mut inspection, *place, bytes);
        assert_eq!((score, &findings[..]), (inspector.score(), inspector.findings()));
    }
    in_a_head(&mut inspector, bytes);
    // Without what all findings are excepted by, there are none.
    let all: Vec<Exception> = Rule::ALL
        .into_iter()
        .map(|rule| Exception { rule: Some(rule), ..Exception::default() })
        .collect();
    inspector.begin();
    show(&mut inspector.inspect(&all), *place, bytes);
    assert_eq!(inspector.score(), 0);
}

const NAMES: [&[u8]; 5] = [b"cookie", b"accept", b"host", b"user-agent", b"x-any"];

/// A head is what its target and its lines are, the first time and whenever it comes again; and what is
/// known of another one that is nearly the same changes nothing.
fn in_a_head(inspector: &mut Inspector, bytes: &[u8]) {
    let middle = bytes.len() / 2;
    let (target, text) = bytes.split_at(middle);
    let values: Vec<&[u8]> = text.split(|&byte| byte == b'\n').collect();
    let lines = || values.iter().zip(NAMES.iter().cycle()).map(|(value, name)| (*name, *value));
    inspector.begin();
    let mut inspection = inspector.inspect(&[]);
    inspection.target(target);
    lines().for_each(|(name, value)| inspection.header(name, value));
    let (score, findings) = (inspector.score(), inspector.findings().to_vec());
    let mut known = Known::new(b"another key");
    for turn in 0..3 {
        if turn == 1 {
            let other = [b"/elsewhere", &target[target.len().min(1)..]].concat();
            inspector.begin();
            inspector.inspect_knowing(&[], &mut known).head(&other, text, &lines());
        }
        inspector.begin();
        inspector.inspect_knowing(&[], &mut known).head(target, text, &lines());
        assert_eq!((score, &findings[..]), (inspector.score(), inspector.findings()));
    }
}

fn show(inspection: &mut Inspection<'_>, place: u8, bytes: &[u8]) {
    match place % 8 {
        0 => inspection.target(bytes),
        1 => inspection.pairs(Part::Form, bytes),
        2 => inspection.header(b"Referer", bytes),
        3 => inspection.header(b"Cookie", bytes),
        4 => inspection.body(Kind::Json, bytes),
        5 => inspection.body(Kind::Xml, bytes),
        6 => inspection.body(Kind::Multipart { boundary: b"x" }, bytes),
        _ => {
            let middle = bytes.len() / 2;
            inspection.header(&bytes[..middle], &bytes[middle..]);
            inspection.body(Kind::of(Some(&bytes[..middle])), &bytes[middle..]);
        }
    }
}

/// A normal form is never longer, and is its own.
fn is_settled(bytes: &[u8], coding: Coding) {
    let (mut once, mut twice, mut spare) = (Vec::new(), Vec::new(), Vec::new());
    let oddities = normal::write(bytes, coding, &mut once, &mut spare);
    assert!(once.len() <= bytes.len());
    assert!(!once.iter().any(u8::is_ascii_uppercase), "{}", bytes.escape_ascii());
    if !oddities.has(Oddities::LAYERS) {
        let oddities = normal::write(&once, Coding::Plain, &mut twice, &mut spare);
        assert_eq!(once, twice, "{}", bytes.escape_ascii());
        assert!(oddities.is_none(), "{}", bytes.escape_ascii());
    }
}

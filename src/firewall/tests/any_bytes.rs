//! For any bytes: what `properties` promises, over inputs that are made up afresh in every run and
//! over the seeds of the fuzzer.

use proptest::prelude::*;

use super::super::body::Kind;
use super::super::finding::Part;
use super::super::inspector::Inspector;
use super::super::{VALUES_MAX, properties};
use super::rates::THRESHOLD;

proptest! {
    #[test]
    fn any_bytes_keep_every_promise(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        properties::inspect(&bytes);
    }

    #[test]
    fn attack_like_bytes_keep_every_promise(
        place: u8,
        text in "(%[0-9a-f]{2}|%25|%u00[0-9a-f]{2}|&#x?[0-9a-f]{1,4};?|\\\\[ux][0-9a-f]{2,4}|[ '\"`<>(){}\\[\\]=;|&$#/.*%+\\-\\\\\n]|or|and|union|select|script|onerror|sleep|\\.\\./|\\$\\{|\\{\\{|[a-z0-9]{1,3}){0,60}",
    ) {
        properties::inspect(&[&[place], text.as_bytes()].concat());
    }
}

#[test]
fn the_corpus_keeps_every_promise() {
    let folder = std::path::Path::new("tests/corpus/firewall");
    let mut count = 0;
    for kind in std::fs::read_dir(folder).expect("tests run in the package's folder") {
        for file in std::fs::read_dir(kind.expect("readable").path()).expect("a folder") {
            let text = std::fs::read(file.expect("readable").path()).expect("a file");
            for line in text.split(|&byte| byte == b'\n') {
                for place in 0..8 {
                    properties::inspect(&[&[place], line].concat());
                }
                count += 1;
            }
        }
    }
    assert!(count > 1_000, "{count} lines");
}

/// Pieces of values that, repeated, would make a careless reader begin anew at each.
#[rustfmt::skip]
const PIECES: [&str; 68] = [
    "<", "<a ", "<a x='", "<!", "<!x [", "'", "\"", "`", "''", "/*", "/**/", "--", "-- \n", "#\n",
    "(", "((select", "select(", "sleep(", "or 1=1 ", ",x", "union select ", "&", "&&", "; id ",
    ";curl ", "`ls ", "$(", "${", "${${", "{{", "{{7", "{{}}", "%", "%25", "%2525", "&amp;", "&#",
    "\\u0", "\u{ff05}25", "../", "..", "/./", "//", "/", ".", "__class__", "{{__class__", ")(|(",
    "o:1", "<!entity", "\n", "\nset-cookie", "[", "{\"a\":", "\"", "\\\"", "a=1&", "=", ";",
    "--x\r\n", "ab ", "a, b c d e f g; cat /x ", "@@", "0x", "1e", "1.", "x'", "javascript:",
];

/// What would take a reader that goes back over it for ever. The bound is no time: were the work to
/// grow faster than the bytes, these would take hours.
#[test]
fn no_value_stalls_its_reader() {
    const BYTES: usize = 128 * 1024;
    for piece in PIECES {
        let text = piece.repeat(BYTES / piece.len());
        let mut inspector = Inspector::default();
        let mut inspection = inspector.inspect(&[]);
        inspection.target(text.as_bytes());
        inspection.header(b"referer", text.as_bytes());
        for kind in
            [Kind::Form, Kind::Json, Kind::Xml, Kind::Text, Kind::Multipart { boundary: b"x" }]
        {
            inspection.body(kind, text.as_bytes());
        }
    }
}

#[test]
fn values_beyond_the_bound_are_a_finding_and_no_work() {
    let mut inspector = Inspector::default();
    let text = "a=1.&".repeat(VALUES_MAX as usize + 1);
    inspector.inspect(&[]).pairs(Part::Form, text.as_bytes());
    assert!(inspector.score() >= THRESHOLD, "what is not looked at must not pass");
    assert_eq!(inspector.findings()[0].name.as_bytes(), b"values");
}

/// Empty and plain values are no way around the values that follow.
#[test]
fn nothing_switches_the_inspection_off() {
    for filling in ["&", "a=1&", "a.=1&", "a", "=&"] {
        let mut inspector = Inspector::default();
        let mut inspection = inspector.inspect(&[]);
        inspection.target(format!("/?{}", filling.repeat(VALUES_MAX as usize + 1)).as_bytes());
        inspection.body(Kind::Form, b"q=1'+or+'1'='1");
        assert!(inspector.score() >= THRESHOLD, "{filling}");
    }
}

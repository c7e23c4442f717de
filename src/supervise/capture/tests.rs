//! Messages are found however the stream is cut.

use proptest::prelude::*;

use super::*;

/// The log's text and the messages of a stream that comes in these pieces.
fn split<'a>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
    bytes_max: usize,
) -> (String, Vec<String>) {
    let mut capture = Capture::new(bytes_max);
    let (mut log, mut messages) = (Vec::new(), Vec::new());
    let mut text = |capture: &mut Capture, bytes: &[u8]| {
        if capture.is_within() {
            capture.keep(bytes);
        } else {
            log.extend_from_slice(bytes);
        }
    };
    for mut rest in pieces {
        while !rest.is_empty() {
            let count = match capture.next(rest) {
                Piece::Held => {
                    let held = capture.take_held();
                    text(&mut capture, held);
                    continue;
                }
                Piece::Text(count) => {
                    text(&mut capture, &rest[..count]);
                    count
                }
                Piece::Mark(count) => {
                    messages.extend(capture.pass_mark());
                    count
                }
                Piece::Begun(count) => {
                    capture.hold(count);
                    count
                }
            };
            rest = &rest[count..];
        }
    }
    let held = capture.take_held();
    text(&mut capture, held);
    let as_text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (as_text(log), messages.into_iter().map(as_text).collect())
}

#[test]
fn messages_are_no_text_wherever_the_stream_is_cut() {
    for (stream, log, messages) in [
        ("plain", "plain", &[][..]),
        ("a<!--XSUPERVISOR:BEGIN-->b<!--XSUPERVISOR:END-->c", "ac", &["b"]),
        ("<!--XSUPERVISOR:BEGIN--><!--XSUPERVISOR:END-->", "", &[""]),
        (
            "<!--XSUPERVISOR:BEGIN-->1<!--XSUPERVISOR:END--><!--XSUPERVISOR:BEGIN-->2<!--XSUPERVISOR:END-->",
            "",
            &["1", "2"],
        ),
        ("<!--XSUPER<!--XSUPERVISOR:BEGIN-->x<!--XSUPERVISOR:END-->", "<!--XSUPER", &["x"]),
        ("<<<!--XSUPERVISOR:END-->", "<<<!--XSUPERVISOR:END-->", &[]),
        (
            "<!--XSUPERVISOR:BEGIN-->a<!--XSUPERVISOR:BEGIN-->b<!--XSUPERVISOR:END-->",
            "",
            &["a<!--XSUPERVISOR:BEGIN-->b"],
        ),
        ("x<!--XSUPERVISOR:BEGIN-->never ended", "x", &[]),
        ("ends in <!--XSUP", "ends in <!--XSUP", &[]),
        ("html <!-- a comment --> <b>", "html <!-- a comment --> <b>", &[]),
    ] {
        let expected: Vec<String> = messages.iter().map(|message| (*message).to_owned()).collect();
        let bytes = stream.as_bytes();
        for cut in 0..=bytes.len() {
            let found = split([&bytes[..cut], &bytes[cut..]], 100);
            assert_eq!(found, (log.to_owned(), expected.clone()), "{stream} cut at {cut}");
        }
        assert_eq!(split(bytes.chunks(1), 100), (log.to_owned(), expected), "{stream}");
    }
}

#[test]
fn a_message_keeps_its_last_bytes() {
    let stream = b"<!--XSUPERVISOR:BEGIN-->123456789<!--XSUPERVISOR:END-->";
    for size in [1, 2, 40, 100] {
        let found = split(stream.chunks(size), 4);
        assert_eq!(found, (String::new(), vec!["6789".to_owned()]), "{size}");
    }
    assert!(Capture::is_whole(stream) && !Capture::is_whole(&stream[..54]));
}

#[test]
fn what_was_not_ended_is_lost_with_its_stream() {
    let mut capture = Capture::new(10);
    assert_eq!(capture.end(), None);
    assert_eq!(capture.pass_mark(), None);
    capture.keep(b"abc");
    assert_eq!(capture.end(), Some(3));
    assert!(!capture.is_within());
}

proptest! {
    #[test]
    fn cuts_change_nothing(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "<!--XSUPERVISOR:BEGIN-->", "<!--XSUPERVISOR:END-->", "<!--XSUPERVISOR:", "<", "x",
            ]),
            0..12,
        ),
        size in 1_usize..30,
    ) {
        let stream = words.concat();
        prop_assert_eq!(split(stream.as_bytes().chunks(size), 1000), split([stream.as_bytes()], 1000));
    }
}

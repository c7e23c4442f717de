//! Escapes, look-ups and the small parts of a request that variables show.

use proptest::prelude::*;

use super::super::escape::{self, Place};
use super::super::{Error, credentials, date, lookup, target};

fn escaped(text: &[u8], place: Place) -> Vec<u8> {
    let mut out = b"before ".to_vec();
    out.extend_from_slice(text);
    escape::tail(&mut out, 7, place);
    assert!(out.starts_with(b"before "), "what stands before is not touched");
    out.split_off(7)
}

#[test]
fn what_a_place_can_not_hold_is_escaped() {
    let text = b"/a b?c%#\"\r\n\x7f\xc3\xa9+&;\t";
    for (place, expected) in [
        (Place::Line, &b"/a b?c%#\"%0D%0A%7F\xc3\xa9+&;\t"[..]),
        (Place::Path, b"/a%20b%3Fc%25%23%22%0D%0A%7F%C3%A9+&;%09"),
        (Place::Argument, b"/a%20b%3Fc%25%23%22%0D%0A%7F%C3%A9%2B%26%3B%09"),
        (Place::Target, b"/a%20b?c%%23\"%0D%0A%7F%C3%A9+&;%09"),
        (Place::Url, b"/a%20b?c%#\"%0D%0A%7F%C3%A9+&;%09"),
    ] {
        let escaped = escaped(text, place);
        assert_eq!(escaped, expected, "{place:?}: {}", String::from_utf8_lossy(&escaped));
    }
}

#[test]
fn values_are_looked_up_as_nginx_does() {
    let query = b"a=1&B=2&a=3&empty=&x";
    for (name, expected) in
        [("a", Some("1")), ("b", Some("2")), ("empty", Some("")), ("x", None), ("c", None)]
    {
        let found = lookup::argument(query, name.as_bytes());
        assert_eq!(found, expected.map(str::as_bytes), "{name}");
    }
    let cookies = b"a=1; b=x=y;c= 3 ;ab=4";
    for (name, expected) in [("a", Some("1")), ("b", Some("x=y")), ("c", Some(" 3")), ("d", None)] {
        let found = lookup::cookie(cookies, name.as_bytes());
        assert_eq!(found, expected.map(str::as_bytes), "{name}");
    }
    assert!(lookup::is_named(b"X-Api-Key", "x_api_KEY"));
    assert!(!lookup::is_named(b"X-Api-Key", "x-api-key"));
    let head = b"HTTP/1.1 200 OK\r\nA-B: 1\r\na-b:  2\r\n\r\nA-B: body";
    assert!(lookup::lines(head, "a_b").eq([&b"1"[..], b"2"]));
    assert_eq!(lookup::head_bytes(head), head.len() - "A-B: body".len());
}

#[test]
fn a_user_is_the_name_before_the_colon() {
    for (value, expected) in [
        ("Basic YWxhZGRpbjpvcGVuc2VzYW1l", Some("aladdin")),
        ("basic YTo=", Some("a")),
        ("Basic Og==", Some("")),
        ("Basic YQ==", None),
        ("Basic !!", None),
        ("Bearer YTpi", None),
        ("", None),
    ] {
        let mut out = b"x".to_vec();
        let found = credentials::basic_user(value.as_bytes(), &mut out);
        assert_eq!(found.map(|()| &out[1..]), expected.map(str::as_bytes), "{value}");
        assert!(found.is_some() || out == b"x", "{value}");
    }
}

#[test]
fn times_have_nginxs_forms() {
    let time = date::imf_fixdate(784_111_777);
    assert_eq!(&date::log_time(&time), b"06/Nov/1994:08:49:37 +0000");
    assert_eq!(&date::iso8601(&time), b"1994-11-06T08:49:37+00:00");
}

proptest! {
    /// What stands in a place never ends it: no line end in a line, no blank, query or fragment in
    /// what was a path; and a path decodes to what it was.
    #[test]
    fn nothing_breaks_out(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let line = escaped(&bytes, Place::Line);
        prop_assert!(!line.iter().any(|byte| (*byte < b' ' && *byte != b'\t') || *byte == 0x7f));
        for place in [Place::Path, Place::Argument, Place::Target, Place::Url] {
            prop_assert!(escaped(&bytes, place).iter().all(u8::is_ascii_graphic));
        }
        let mut path = b"/".to_vec();
        path.extend_from_slice(&escaped(&bytes, Place::Path));
        prop_assert!(target::split(&path, false).is_ok());
        prop_assert_eq!(target::path(&path), path.as_slice());
    }

    /// A path in normal form is the normal form of its escaped self.
    #[test]
    fn a_written_path_is_read_back(path in "/[a-z%0-9./?# é]{0,20}") {
        let mut normal = Vec::new();
        let written = target::write_normal(path.as_bytes(), &mut normal);
        prop_assume!(written != Err(Error::Target));
        prop_assert!(!target::has_dot_segments(&normal));
        let mut again = Vec::new();
        prop_assert_eq!(target::write_normal(&escaped(&normal, Place::Path), &mut again), Ok(()));
        prop_assert_eq!(again, normal);
    }
}

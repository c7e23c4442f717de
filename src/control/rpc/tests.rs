//! Calls as Python's client and others write them, what is refused, and round trips.

use proptest::prelude::*;

use super::parse::{self, Call, Malformed};
use super::value::Value;
use super::{catalogue, print, properties};

/// As Python's `xmlrpc.client.dumps` writes it.
const PYTHON: &str = "<?xml version='1.0'?>\n<methodCall>\n<methodName>supervisor.x</methodName>\n\
    <params>\n<param>\n<value><int>-1</int></value>\n</param>\n<param>\n\
    <value><boolean>1</boolean></value>\n</param>\n<param>\n\
    <value><string>a&lt;b&gt;&amp;\r\n\t\u{e9}</string></value>\n</param>\n<param>\n\
    <value><array><data>\n<value><string></string></value>\n<value> plain </value>\n<value/>\n\
    </data></array></value>\n</param>\n<param>\n<value><struct>\n<member>\n<name>k</name>\n\
    <value><i4>2</i4></value>\n</member>\n</struct></value>\n</param>\n<param>\n\
    <value><double>1.5</double></value>\n</param>\n<param>\n\
    <value><base64>\naGk=\n</base64></value>\n</param>\n</params>\n</methodCall>\n";

fn method(xml: &str) -> Result<Call, Malformed> {
    parse::call(xml.as_bytes())
}

#[test]
fn what_python_sends_is_read() {
    let call = method(PYTHON).unwrap();
    assert_eq!(call.method, "supervisor.x");
    assert_eq!(
        call.parameters,
        [
            Value::Int(-1),
            Value::Boolean(true),
            Value::text("a<b>&\n\t\u{e9}"),
            Value::texts(["", " plain ", ""]),
            Value::Struct(vec![("k".to_owned(), Value::Int(2))]),
            Value::Double(1.5),
            Value::Bytes(b"hi".to_vec()),
        ]
    );
    properties::call(PYTHON.as_bytes());
}

#[test]
fn parameters_may_be_left_out() {
    for rest in ["", "<params/>", "<params></params>", "\n <!-- nothing --> "] {
        let call = method(&format!("<methodCall><methodName>a.b</methodName>{rest}</methodCall>"));
        assert_eq!(call, Ok(Call { method: "a.b".to_owned(), parameters: Vec::new() }), "{rest}");
    }
}

#[test]
fn what_is_no_call_is_refused() {
    let deep =
        format!("{}{}", "<array><data><value>".repeat(40), "</value></data></array>".repeat(40));
    let wrapped = |value: &str| {
        format!(
            "<methodCall><methodName>a.b</methodName><params><param><value>{value}</value>\
             </param></params></methodCall>"
        )
    };
    for text in [
        String::new(),
        "not xml".to_owned(),
        "<methodCall>".to_owned(),
        "<methodCall></methodCall>".to_owned(),
        "<methodCall><methodName></methodName></methodCall>".to_owned(),
        "<methodCall><methodName>a</methodName></wrong>".to_owned(),
        "<methodCall><methodName>a</methodName></methodCall><more/>".to_owned(),
        wrapped("<int>one</int>"),
        wrapped("<boolean>true</boolean>"),
        wrapped("<nil/>"),
        wrapped("<double>NaN</double>"),
        wrapped("<base64>!</base64>"),
        wrapped("text<int>1</int>"),
        wrapped("&unknown;"),
        wrapped(&deep),
    ] {
        assert!(method(&text).is_err(), "{text}");
    }
    assert!(parse::call(b"<methodCall><methodName>\xff</methodName></methodCall>").is_err());
}

#[test]
fn a_billion_laughs_are_not_laughed() {
    let text = "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;'>]>\
        <methodCall><methodName>&b;</methodName></methodCall>";
    assert_eq!(method(text), Err(Malformed::DocumentType));
}

#[test]
fn answers_hold_nothing_that_a_parser_would_choke_on() {
    let xml = print::response(&Value::text("\x1b[31mred\0\u{ffff} <&> \r\n"));
    assert!(xml.contains("<string>\u{fffd}[31mred\u{fffd}\u{fffd} &lt;&amp;&gt; &#13;\n</string>"));
}

#[test]
fn there_are_forty_one_methods_in_order() {
    let names: Vec<_> = catalogue::ENTRIES.iter().map(|entry| entry.name).collect();
    assert_eq!(names.len(), 41);
    assert!(names.is_sorted());
    for name in names.iter().filter(|name| name.starts_with("supervisor.")) {
        let unknown = catalogue::method(name, &[]).err().map(|fault| fault.number());
        assert_ne!(unknown, Some(1), "{name} is known");
    }
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<i32>().prop_map(|number| Value::Int(number.into())),
        any::<bool>().prop_map(Value::Boolean),
        any::<f64>()
            .prop_filter("JSON and XML-RPC know no others", |n| n.is_finite())
            .prop_map(Value::Double),
        ".{0,12}".prop_map(Value::Text),
        prop::collection::vec(any::<u8>(), 0..9).prop_map(Value::Bytes),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((".{0,4}", inner), 0..4).prop_map(Value::Struct),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read(method in "[a-z.<&]{1,9}", parameters in prop::collection::vec(value(), 0..4)) {
        properties::call(print::call(&Call { method, parameters }).as_bytes());
    }

    #[test]
    fn any_text_keeps_every_promise(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        properties::call(&bytes);
    }

    #[test]
    fn text_like_a_call_keeps_every_promise(
        inner in "(<(/?)(value|int|string|array|data|struct|member|name|i4|base64)>|[a-z0-9&;#\\r\\n]{0,4}){0,12}",
    ) {
        let head = "<methodCall><methodName>a</methodName><params><param><value>";
        properties::call(format!("{head}{inner}</value></param></params></methodCall>").as_bytes());
    }
}

#[test]
fn the_corpus_keeps_every_promise() {
    let folder = std::path::Path::new("tests/corpus/rpc_call");
    let entries = std::fs::read_dir(folder).expect("tests run in the package's folder");
    let mut count = 0;
    for entry in entries {
        let path = entry.expect("the folder is readable").path();
        properties::call(&std::fs::read(path).expect("a file"));
        count += 1;
    }
    assert!(count > 20, "{} is seeded", folder.display());
}

//! What must hold of any bytes that are taken for a call.

use super::parse::{self, Call};
use super::print;
use super::value::Value;

/// Whatever is read can be written, and reads back as the same but for what XML cannot hold.
pub(crate) fn call(bytes: &[u8]) {
    let Ok(call) = parse::call(bytes) else { return };
    let written = print::call(&call);
    let is_clean = |c: char| c == '\t' || c == '\n' || !c.is_ascii_control() || c == '\x7f';
    assert!(written.chars().all(is_clean), "no control characters: {written:?}");
    let again = parse::call(written.as_bytes()).expect("what is written is read");
    assert_eq!(again, writable(call));
}

fn writable(call: Call) -> Call {
    Call {
        method: clean(&call.method),
        parameters: call.parameters.into_iter().map(writable_value).collect(),
    }
}

fn writable_value(value: Value) -> Value {
    match value {
        Value::Text(text) => Value::Text(clean(&text)),
        Value::Array(values) => Value::Array(values.into_iter().map(writable_value).collect()),
        Value::Struct(members) => {
            let member = |(name, value): (String, Value)| (clean(&name), writable_value(value));
            Value::Struct(members.into_iter().map(member).collect())
        }
        plain @ (Value::Int(_) | Value::Boolean(_) | Value::Double(_) | Value::Bytes(_)) => plain,
    }
}

fn clean(text: &str) -> String {
    let is_bad = |c: char| {
        (c.is_ascii_control() && !matches!(c, '\t' | '\n' | '\r' | '\x7f'))
            || matches!(c, '\u{fffe}' | '\u{ffff}')
    };
    text.chars().map(|c| if is_bad(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

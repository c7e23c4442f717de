//! Values as XML that every parser takes: what XML cannot hold (control characters, which colour
//! half of all logs and break Supervisor's own answers) becomes U+FFFD, and a carriage return is
//! written as a number, since parsers turn a bare one into a line feed.

use super::base64;
use super::fault::Fault;
use super::parse::Call;
use super::value::Value;

const HEAD: &str = "<?xml version='1.0'?>\n";

pub(crate) fn response(value: &Value) -> String {
    let mut xml = format!("{HEAD}<methodResponse>\n<params>\n<param>\n");
    write(&mut xml, value);
    xml.push_str("</param>\n</params>\n</methodResponse>\n");
    xml
}

pub(crate) fn fault(fault: &Fault) -> String {
    let mut xml = format!("{HEAD}<methodResponse>\n<fault>\n");
    write(&mut xml, &fault.value());
    xml.push_str("</fault>\n</methodResponse>\n");
    xml
}

/// A call, as a client writes it.
#[cfg_attr(not(any(test, fuzzing)), expect(dead_code, reason = "what is parsed, written back"))]
pub(crate) fn call(call: &Call) -> String {
    let mut xml = format!("{HEAD}<methodCall>\n<methodName>");
    escape(&mut xml, &call.method);
    xml.push_str("</methodName>\n<params>\n");
    for parameter in &call.parameters {
        xml.push_str("<param>\n");
        write(&mut xml, parameter);
        xml.push_str("</param>\n");
    }
    xml.push_str("</params>\n</methodCall>\n");
    xml
}

/// Without white space between the elements, which of a thousand processes would be half of what a
/// client's parser is called for.
fn write(xml: &mut String, value: &Value) {
    xml.push_str("<value>");
    match value {
        Value::Int(number) => scalar(xml, "int", &number.to_string()),
        Value::Boolean(flag) => scalar(xml, "boolean", if *flag { "1" } else { "0" }),
        Value::Double(number) => scalar(xml, "double", &number.to_string()),
        Value::Text(text) => scalar(xml, "string", text),
        Value::Bytes(bytes) => scalar(xml, "base64", &base64::encode(bytes)),
        Value::Array(values) => {
            xml.push_str("<array><data>");
            for value in values {
                write(xml, value);
            }
            xml.push_str("</data></array>");
        }
        Value::Struct(members) => {
            xml.push_str("<struct>");
            for (name, value) in members {
                xml.push_str("<member><name>");
                escape(xml, name);
                xml.push_str("</name>");
                write(xml, value);
                xml.push_str("</member>");
            }
            xml.push_str("</struct>");
        }
    }
    xml.push_str("</value>");
}

fn scalar(xml: &mut String, kind: &str, text: &str) {
    xml.extend(["<", kind, ">"]);
    escape(xml, text);
    xml.extend(["</", kind, ">"]);
}

fn escape(xml: &mut String, text: &str) {
    // Most is as it is: copied in one piece up to the next character that is not.
    let mut copied = 0;
    for (at, character) in text.char_indices() {
        if let Some(instead) = instead_of(character) {
            xml.extend([&text[copied..at], instead]);
            copied = at + character.len_utf8();
        }
    }
    xml.push_str(&text[copied..]);
}

fn instead_of(character: char) -> Option<&'static str> {
    match character {
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '&' => Some("&amp;"),
        '\r' => Some("&#13;"),
        '\t' | '\n' => None,
        '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => Some("\u{fffd}"),
        _ => None,
    }
}

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

fn write(xml: &mut String, value: &Value) {
    xml.push_str("<value>");
    match value {
        Value::Int(number) => scalar(xml, "int", &number.to_string()),
        Value::Boolean(flag) => scalar(xml, "boolean", if *flag { "1" } else { "0" }),
        Value::Double(number) => scalar(xml, "double", &number.to_string()),
        Value::Text(text) => scalar(xml, "string", text),
        Value::Bytes(bytes) => scalar(xml, "base64", &base64::encode(bytes)),
        Value::Array(values) => {
            xml.push_str("<array><data>\n");
            for value in values {
                write(xml, value);
            }
            xml.push_str("</data></array>");
        }
        Value::Struct(members) => {
            xml.push_str("<struct>\n");
            for (name, value) in members {
                xml.push_str("<member>\n<name>");
                escape(xml, name);
                xml.push_str("</name>\n");
                write(xml, value);
                xml.push_str("</member>\n");
            }
            xml.push_str("</struct>");
        }
    }
    xml.push_str("</value>\n");
}

fn scalar(xml: &mut String, kind: &str, text: &str) {
    xml.extend(["<", kind, ">"]);
    escape(xml, text);
    xml.extend(["</", kind, ">"]);
}

fn escape(xml: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '&' => xml.push_str("&amp;"),
            '\r' => xml.push_str("&#13;"),
            '\t' | '\n' => xml.push(character),
            '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => xml.push(char::REPLACEMENT_CHARACTER),
            other => xml.push(other),
        }
    }
}

//! Distinguished names, written as RFC 2253 says and nginx does: the last part first, what is not
//! plain text escaped.

use std::fmt::Write as _;

use super::der::Der;
use super::tag;

/// What OpenSSL calls the parts that are usual: identifiers below 2.5.4 by their last byte.
const OF_DIRECTORY: [(u8, &str); 16] = [
    (3, "CN"),
    (4, "SN"),
    (5, "serialNumber"),
    (6, "C"),
    (7, "L"),
    (8, "ST"),
    (9, "street"),
    (10, "O"),
    (11, "OU"),
    (12, "title"),
    (13, "description"),
    (17, "postalCode"),
    (42, "GN"),
    (43, "initials"),
    (46, "dnQualifier"),
    (97, "organizationIdentifier"),
];
const EMAIL: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01];
const DOMAIN: &[u8] = &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19];
const USER: &[u8] = &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x01];

/// Two bytes a character.
const BMP_STRING: u8 = 0x1e;

pub(super) fn read(mut parts: Der<'_>) -> Option<String> {
    let mut written = Vec::new();
    while let Some(mut attributes) = parts.expect(tag::SET) {
        let mut part = String::new();
        while let Some(mut attribute) = attributes.expect(tag::SEQUENCE) {
            let identifier = attribute.content(tag::OBJECT)?;
            let (kind, value) = attribute.next()?;
            if !part.is_empty() {
                part.push('+');
            }
            write_kind(&mut part, identifier);
            part.push('=');
            write_value(&mut part, &text(kind, value));
        }
        written.push(part);
    }
    written.reverse();
    Some(written.join(","))
}

fn write_kind(out: &mut String, identifier: &[u8]) {
    let known = match identifier {
        [0x55, 0x04, last] => {
            OF_DIRECTORY.iter().find(|(number, _)| number == last).map(|(_, name)| *name)
        }
        EMAIL => Some("emailAddress"),
        DOMAIN => Some("DC"),
        USER => Some("UID"),
        _ => None,
    };
    match known {
        Some(name) => out.push_str(name),
        None => dotted(out, identifier),
    }
}

/// `1.2.840.113549`.
fn dotted(out: &mut String, identifier: &[u8]) {
    let mut number = 0_u64;
    let mut is_first = true;
    for byte in identifier {
        number = number << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 != 0 {
            continue;
        }
        // The first number holds two.
        let written = if is_first {
            let root = (number / 40).min(2);
            write!(out, "{root}.{}", number - root * 40)
        } else {
            write!(out, ".{number}")
        };
        written.expect("a text takes what is written");
        (number, is_first) = (0, false);
    }
}

fn text(kind: u8, value: &[u8]) -> Vec<u8> {
    if kind != BMP_STRING {
        return value.to_vec();
    }
    let units = value.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    String::from_utf16_lossy(&units.collect::<Vec<u16>>()).into_bytes()
}

fn write_value(out: &mut String, value: &[u8]) {
    for (at, &byte) in value.iter().enumerate() {
        let is_edge = at == 0 || at + 1 == value.len();
        match byte {
            b',' | b'+' | b'"' | b'\\' | b'<' | b'>' | b';' => {
                out.push('\\');
                out.push(char::from(byte));
            }
            b' ' if is_edge => out.push_str("\\ "),
            b'#' if at == 0 => out.push_str("\\#"),
            b' '..=b'~' => out.push(char::from(byte)),
            _ => write!(out, "\\{byte:02X}").expect("a text takes what is written"),
        }
    }
}

//! The one form in which values are judged.
//!
//! Escapes are taken off layer by layer until none is left: percent, `%u`, HTML entities, `\u` and
//! `\x`, UTF-8 that is longer than it need be, full-width letters. Then letters are small, and white
//! space is one space, or one line end if there was any. What means something in one language only,
//! such as a comment, is left to that language's detector.

use super::LAYERS_MAX;

/// How a value is written where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    Plain,
    /// A plus is a space, as forms are sent.
    Form,
}

/// What was odd about a value's writing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Oddities(u8);

impl Oddities {
    /// Layers are left.
    pub(crate) const LAYERS: Self = Self(1);
    /// UTF-8 that is longer than it need be.
    pub(crate) const OVERLONG: Self = Self(2);
    pub(crate) const ZERO: Self = Self(4);

    pub(crate) fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(crate) fn is_none(self) -> bool {
        self == Self::default()
    }

    fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// Writes the normal form of `value` to `out`.
pub(crate) fn write(
    value: &[u8],
    coding: Coding,
    out: &mut Vec<u8>,
    spare: &mut Vec<u8>,
) -> Oddities {
    let mut oddities = Oddities::default();
    out.clear();
    out.extend(value.iter().map(|&byte| match (coding, byte) {
        (Coding::Form, b'+') => b' ',
        (Coding::Form | Coding::Plain, _) => byte,
    }));
    for layer in 0..=LAYERS_MAX {
        if !out.iter().any(|&byte| begins_escape(byte)) {
            break;
        }
        if layer == LAYERS_MAX {
            // Everything else about the value is judged as far as it was read.
            if unescape(out, spare, &mut oddities) {
                oddities.add(Oddities::LAYERS);
            }
            break;
        }
        let changed = unescape(out, spare, &mut oddities);
        std::mem::swap(out, spare);
        if !changed {
            break;
        }
    }
    settle(out);
    oddities
}

/// Whether an escape, or a byte that is folded, may begin here.
pub(super) const fn begins_escape(byte: u8) -> bool {
    matches!(byte, b'%' | b'&' | b'\\' | 0 | 0xc0..=0xff)
}

/// Small letters, and white space as one.
fn settle(out: &mut Vec<u8>) {
    let mut write = 0;
    for read in 0..out.len() {
        let byte = match out[read] {
            b'\r' | b'\n' => b'\n',
            b'\t' | 0x0b | 0x0c => b' ',
            byte => byte.to_ascii_lowercase(),
        };
        let is_space = byte == b' ' || byte == b'\n';
        if is_space && write > 0 && matches!(out[write - 1], b' ' | b'\n') {
            if byte == b'\n' {
                out[write - 1] = b'\n';
            }
            continue;
        }
        out[write] = byte;
        write += 1;
    }
    out.truncate(write);
}

/// Takes one layer off; whether there was any. Each step writes less than it reads.
fn unescape(value: &[u8], out: &mut Vec<u8>, oddities: &mut Oddities) -> bool {
    out.clear();
    let mut changed = false;
    let mut at = 0;
    while at < value.len() {
        let rest = &value[at..];
        if !begins_escape(rest[0]) {
            let end = rest.iter().position(|&byte| begins_escape(byte)).unwrap_or(rest.len());
            out.extend_from_slice(&rest[..end]);
            at += end;
            continue;
        }
        let read = match rest[0] {
            b'%' => percent(rest, out),
            b'&' => entity(rest, out),
            b'\\' => backslash(rest, out),
            0 => {
                oddities.add(Oddities::ZERO);
                1
            }
            _ => folded(rest, out, oddities),
        };
        if read == 0 {
            out.push(rest[0]);
            at += 1;
        } else {
            changed = true;
            at += read;
        }
    }
    changed
}

fn digits(bytes: &[u8], count: usize) -> Option<u32> {
    let digits = bytes.get(..count)?;
    digits.iter().try_fold(0, |value, &digit| Some(value * 16 + char::from(digit).to_digit(16)?))
}

/// `%41` and `%u0041`; the bytes read, none if it is no escape.
fn percent(rest: &[u8], out: &mut Vec<u8>) -> usize {
    match rest {
        [_, b'u' | b'U', digits4 @ ..] => push_character(digits(digits4, 4), 6, out),
        [_, digits2 @ ..] => match digits(digits2, 2) {
            Some(byte) => {
                out.push(byte as u8);
                3
            }
            None => 0,
        },
        [] => 0,
    }
}

/// `\u0041` and `\x41`, of characters that mean something alone: a path of Windows may look so.
fn backslash(rest: &[u8], out: &mut Vec<u8>) -> usize {
    let (character, read) = match rest {
        [_, b'u' | b'U', b'{', rest @ ..] => {
            let count = rest.iter().take(6).take_while(|byte| byte.is_ascii_hexdigit()).count();
            match rest.get(count) {
                Some(b'}') => (digits(rest, count), count + 4),
                _ => return 0,
            }
        }
        [_, b'u' | b'U', digits4 @ ..] => (digits(digits4, 4), 6),
        [_, b'x' | b'X', digits2 @ ..] => (digits(digits2, 2), 4),
        _ => return 0,
    };
    match character {
        Some(character @ 0x20..0x7f) => {
            out.push(character as u8);
            read
        }
        _ => 0,
    }
}

fn push_character(character: Option<u32>, read: usize, out: &mut Vec<u8>) -> usize {
    let Some(character) = character.and_then(char::from_u32) else { return 0 };
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    read
}

/// Names that are seen in attacks; of the others none stands for a sign that means anything.
const ENTITIES: [(&[u8], u8); 20] = [
    (b"lt", b'<'),
    (b"gt", b'>'),
    (b"amp", b'&'),
    (b"quot", b'"'),
    (b"apos", b'\''),
    (b"colon", b':'),
    (b"semi", b';'),
    (b"tab", b'\t'),
    (b"newline", b'\n'),
    (b"nbsp", b' '),
    (b"lpar", b'('),
    (b"rpar", b')'),
    (b"sol", b'/'),
    (b"bsol", b'\\'),
    (b"equals", b'='),
    (b"grave", b'`'),
    (b"period", b'.'),
    (b"dollar", b'$'),
    (b"lcub", b'{'),
    (b"rcub", b'}'),
];

/// Longest of the names above.
const ENTITY_BYTES_MAX: usize = 7;
/// Digits of a number in an entity, leading zeros included.
const ENTITY_DIGITS_MAX: usize = 10;

/// `&lt;`, `&#60;`, `&#x3c` with or without its end.
fn entity(rest: &[u8], out: &mut Vec<u8>) -> usize {
    let (radix, start) = match rest {
        [_, b'#', b'x' | b'X', ..] => (16, 3),
        [_, b'#', ..] => (10, 2),
        _ => return named(rest, out),
    };
    let mut value: u32 = 0;
    let mut at = start;
    while let Some(digit) = rest.get(at).and_then(|&byte| char::from(byte).to_digit(radix)) {
        if at - start >= ENTITY_DIGITS_MAX {
            return 0;
        }
        value = value.saturating_mul(radix).saturating_add(digit);
        at += 1;
    }
    if at == start {
        return 0;
    }
    at += usize::from(rest.get(at) == Some(&b';'));
    push_character(Some(value), at, out)
}

fn named(rest: &[u8], out: &mut Vec<u8>) -> usize {
    let name = rest.get(1..).unwrap_or_default();
    let length =
        name.iter().take(ENTITY_BYTES_MAX).take_while(|it| it.is_ascii_alphabetic()).count();
    if name.get(length) != Some(&b';') {
        return 0;
    }
    let known = ENTITIES.iter().find(|(known, _)| known.eq_ignore_ascii_case(&name[..length]));
    known.map_or(0, |(_, byte)| {
        out.push(*byte);
        length + 2
    })
}

/// Overlong UTF-8 of ASCII, full-width letters and what databases take for a space or a quote.
fn folded(rest: &[u8], out: &mut Vec<u8>, oddities: &mut Oddities) -> usize {
    let (byte, read) = match *rest {
        [first @ 0xc0..=0xc1, second @ 0x80..=0xbf, ..] => {
            oddities.add(Oddities::OVERLONG);
            ((first & 1) << 6 | (second & 0x3f), 2)
        }
        [0xe0, second @ 0x80..=0x81, third @ 0x80..=0xbf, ..] => {
            oddities.add(Oddities::OVERLONG);
            ((second & 1) << 6 | (third & 0x3f), 3)
        }
        // U+FF01 to U+FF5E
        [0xef, 0xbc, third @ 0x81..=0xbf, ..] => (third - 0x81 + b'!', 3),
        [0xef, 0xbd, third @ 0x80..=0x9e, ..] => (third - 0x80 + b'`', 3),
        // What some readers take for a slash or a backslash.
        [0xe2, 0x88, 0x95, ..] | [0xe2, 0x81, 0x84, ..] => (b'/', 3),
        [0xe2, 0x88, 0x96, ..] => (b'\\', 3),
        // A no-break space, and a modifier letter that SQL Server reads as an apostrophe.
        [0xc2, 0xa0, ..] => (b' ', 2),
        [0xca, 0xbc, ..] => (b'\'', 2),
        _ => return 0,
    };
    out.push(byte);
    read
}

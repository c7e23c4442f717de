//! A value as tokens of SQL, in the place of a query where it stands.
//!
//! All dialects at once: what is a comment or a string in one of them is one here. Nothing is read
//! twice, and reading ends with a bounded number of tokens.

use super::super::SQL_TOKENS_MAX;
use super::words::{self, Word};

/// Where in a query the value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// As a number or a name would.
    Bare,
    /// Between two of these.
    Single,
    Double,
    Backtick,
}

impl Place {
    fn quote(self) -> Option<u8> {
        match self {
            Self::Bare => None,
            Self::Single => Some(b'\''),
            Self::Double => Some(b'"'),
            Self::Backtick => Some(b'`'),
        }
    }

    /// Where the literal ends that the value begins in; `None` if the value lies within it whole.
    pub(super) fn end_of_literal(self, value: &[u8]) -> Option<usize> {
        self.quote().map_or(Some(0), |quote| memchr::memchr(quote, value))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Number,
    /// A string that ends.
    Text,
    /// One that the value ends in: the query's own quote would end it.
    OpenText,
    /// A name that is none of the known words.
    Name,
    Word(Word),
    /// `@x`, `@@version`, `:x`, `?`
    Variable,
    /// `=`, `<`, `<=>`
    Compare,
    /// `+`, `%`, `<<`
    Reckon,
    Star,
    /// `||`, `&&`
    Logic,
    /// `!`, `~`
    Not,
    Open,
    Close,
    Comma,
    Semicolon,
    /// The rest is a comment, and says nothing.
    Comment,
    /// The rest is a comment that says something.
    Remark,
    /// Nothing that SQL has.
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'v> {
    pub(super) kind: Kind,
    pub(super) text: &'v [u8],
}

/// Tokens that are seen again with those that follow them.
const OVERLAP: usize = SQL_TOKENS_MAX / 4;

pub(super) struct Reader<'v> {
    value: &'v [u8],
    at: usize,
    tokens: Vec<Token<'v>>,
}

/// Signs of two bytes.
const COMPARES: [&[u8; 2]; 10] =
    [b"<=", b">=", b"<>", b"<@", b"@>", b"!=", b"!<", b"!>", b"!~", b"=="];
const RECKONS: [&[u8; 2]; 4] = [b"<<", b">>", b"::", b"->"];

/// Letters of a comment that still says nothing.
const COMMENT_BYTES_MAX: usize = 3;

impl<'v> Reader<'v> {
    /// Reads the first tokens of `value`. In a literal's place the first is that literal.
    pub(super) fn begin(value: &'v [u8], place: Place) -> Self {
        let mut reader = Self { value, at: 0, tokens: Vec::with_capacity(16) };
        if let Some(quote) = place.quote() {
            reader.enclosing(quote);
        }
        reader.fill();
        reader
    }

    pub(super) fn tokens(&self) -> &[Token<'v>] {
        &self.tokens
    }

    /// Goes on to further tokens, behind the last of those before; whether there are any.
    pub(super) fn go_on(&mut self) -> bool {
        if self.at >= self.value.len() {
            return false;
        }
        self.tokens.drain(..self.tokens.len().saturating_sub(OVERLAP));
        self.fill();
        true
    }

    fn fill(&mut self) {
        while self.at < self.value.len() && self.tokens.len() < SQL_TOKENS_MAX {
            self.step();
        }
    }

    fn rest(&self) -> &'v [u8] {
        &self.value[self.at..]
    }

    fn push(&mut self, kind: Kind, length: usize) {
        let length = length.min(self.value.len() - self.at);
        self.tokens.push(Token { kind, text: &self.value[self.at..self.at + length] });
        self.at += length;
        self.fold();
    }

    /// A sum of three is one of two, and so are strings that are put together: no padding of these
    /// takes the place of what is behind it.
    fn fold(&mut self) {
        let [.., first, one, second, other, third] = &self.tokens[..] else { return };
        let is_joined = match first.kind {
            Kind::Number => one.kind == Kind::Reckon && other.kind == Kind::Reckon,
            Kind::Text => one.text == b"||" && other.text == b"||",
            _ => false,
        };
        if is_joined && second.kind == first.kind && third.kind == first.kind {
            self.tokens.truncate(self.tokens.len() - 2);
        }
    }

    fn step(&mut self) {
        let rest = self.rest();
        match rest {
            [byte, ..] if byte.is_ascii_whitespace() => self.at += 1,
            [b'/', b'*', b'!', after @ ..] => {
                // MySQL reads on inside of it, from this version on.
                let digits = after.iter().take(6).take_while(|byte| byte.is_ascii_digit()).count();
                self.at += 3 + digits;
            }
            [b'/', b'*', after @ ..] => match memchr::memmem::find(after, b"*/") {
                Some(end) => self.at += end + 4,
                None => self.remark(2),
            },
            [b'*', b'/', ..] => self.at += 2,
            [b'-', b'-', after @ ..] if self.is_comment(after) => self.comment(2),
            [b'#', ..] => self.comment(1),
            [quote @ (b'\'' | b'"'), ..] => self.literal(*quote, 1),
            [b'`', after @ ..] => {
                let end = memchr::memchr(b'`', after);
                self.push(Kind::Name, end.map_or(rest.len(), |end| end + 2));
            }
            [byte, ..] if byte.is_ascii_digit() => self.number(),
            [b'.', byte, ..] if byte.is_ascii_digit() => self.number(),
            [b'@', ..] => {
                let length = rest.iter().take_while(|byte| is_of_name(**byte) || **byte == b'@');
                self.push(Kind::Variable, length.count());
            }
            [byte, ..] if is_of_name(*byte) => self.word(),
            _ => self.sign(),
        }
    }

    fn sign(&mut self) {
        let (kind, length) = match self.rest() {
            [b'<', b'=', b'>', ..] | [b'!', b'~', b'*', ..] => (Kind::Compare, 3),
            [one, other, ..] if COMPARES.contains(&&[*one, *other]) => (Kind::Compare, 2),
            [one, other, ..] if RECKONS.contains(&&[*one, *other]) => (Kind::Reckon, 2),
            [b'|', b'|', ..] | [b'&', b'&', ..] => (Kind::Logic, 2),
            [b'=' | b'<' | b'>', ..] => (Kind::Compare, 1),
            [b'+' | b'-' | b'/' | b'%' | b'^' | b'|' | b'&', ..] => (Kind::Reckon, 1),
            [b'*', ..] => (Kind::Star, 1),
            [b'!' | b'~', ..] => (Kind::Not, 1),
            [b'(', ..] => (Kind::Open, 1),
            [b')', ..] => (Kind::Close, 1),
            [b',', ..] => (Kind::Comma, 1),
            [b';', ..] => (Kind::Semicolon, 1),
            _ => (Kind::Other, 1),
        };
        self.push(kind, length);
    }

    /// Two hyphens before a digit are two signs, but behind a literal.
    fn is_comment(&self, after: &[u8]) -> bool {
        let is_sum = after.first().is_some_and(u8::is_ascii_digit);
        let is_behind_literal = matches!(self.tokens.last(), Some(Token { kind: Kind::Text, .. }));
        !is_sum || is_behind_literal
    }

    /// To the line's end; one that others follow is white space.
    fn comment(&mut self, marks: usize) {
        match memchr::memchr(b'\n', self.rest()) {
            Some(end) if self.at + end + 1 < self.value.len() => self.at += end + 1,
            Some(_) | None => self.remark(marks),
        }
    }

    fn remark(&mut self, marks: usize) {
        let rest = self.rest();
        let said = rest[marks..].iter().filter(|byte| byte.is_ascii_alphanumeric()).count();
        self.push(if said <= COMMENT_BYTES_MAX { Kind::Comment } else { Kind::Remark }, rest.len());
    }

    /// The literal that the value begins in. What is escaped for one dialect is not for the next, so
    /// a backslash keeps it open in none.
    fn enclosing(&mut self, quote: u8) {
        let mut at = 0;
        while let Some(found) = memchr::memchr(quote, &self.value[at..]) {
            at += found + 1;
            if self.value.get(at) != Some(&quote) {
                return self.push(Kind::Text, at);
            }
            at += 1;
        }
        self.push(Kind::OpenText, self.value.len());
    }

    /// A string; `opening` bytes stand before its text. A quote twice, or behind a backslash, does
    /// not end it.
    fn literal(&mut self, quote: u8, opening: usize) {
        let rest = self.rest();
        let mut at = opening;
        while let Some(found) = rest.get(at..).and_then(|rest| memchr::memchr2(quote, b'\\', rest))
        {
            at += found;
            if rest[at] == b'\\' || rest.get(at + 1) == Some(&quote) {
                at += 2;
            } else {
                self.push(Kind::Text, at + 1);
                return;
            }
        }
        self.push(Kind::OpenText, rest.len());
    }

    fn number(&mut self) {
        let rest = self.rest();
        let count = |from: usize, is: fn(&u8) -> bool| {
            rest.get(from..).unwrap_or_default().iter().take_while(|byte| is(byte)).count()
        };
        let length = if let [b'0', b'x' | b'b', ..] = rest {
            2 + count(2, u8::is_ascii_hexdigit)
        } else {
            let mut length = count(0, u8::is_ascii_digit);
            if rest.get(length) == Some(&b'.') {
                length += 1 + count(length + 1, u8::is_ascii_digit);
            }
            if rest.get(length) == Some(&b'e') {
                let signs = usize::from(matches!(rest.get(length + 1), Some(b'+' | b'-')));
                let digits = count(length + 1 + signs, u8::is_ascii_digit);
                if digits > 0 {
                    length += 1 + signs + digits;
                }
            }
            length
        };
        // `3rd` is a name; but `1.union` and `1e0union` are a number and a word to MySQL.
        let is_whole = rest[..length].iter().all(u8::is_ascii_digit);
        if is_whole && rest.get(length).is_some_and(|&byte| is_of_name(byte)) {
            self.word();
        } else {
            self.push(Kind::Number, length);
        }
    }

    fn word(&mut self) {
        let rest = self.rest();
        let is_inner = |byte: &&u8| is_of_name(**byte) || **byte == b'.';
        let length = rest.iter().take_while(is_inner).count();
        let word = &rest[..length];
        // `n'…'`, `x'…'`, `_utf8'…'`: a string with its kind before it.
        let is_prefix =
            matches!(word, b"n" | b"x" | b"b" | b"e" | b"q" | b"u" | b"_utf8" | b"_latin1");
        if is_prefix && rest.get(length) == Some(&b'\'') {
            self.at += length;
            self.literal(b'\'', 1);
            return;
        }
        match words::of(word) {
            Some(known) => self.push(Kind::Word(known), length),
            None => self.push(Kind::Name, length),
        }
    }
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

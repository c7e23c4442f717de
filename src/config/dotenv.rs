//! Files of variables (`.env`): what shells, containers and systemd's EnvironmentFile all read alike.
//!
//! `NAME=value` a line, `#` comments, an `export` before the name, single quotes that keep
//! everything and double quotes with `\n`, `\t`, `\r`, `\"`, `\\` and `\$`; both may go over lines.
//! Nothing is expanded and no command is run: a value says what it says.

use super::variables;

/// Names and values.
pub(crate) type Variables = Vec<(String, String)>;

/// What is wrong, and on which line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub(crate) struct Error {
    pub(crate) line: usize,
    pub(crate) message: String,
}

/// The variables in their order; one that comes twice is there twice.
pub(crate) fn parse(text: &str) -> Result<Variables, Error> {
    let mut reader = Reader { rest: text.strip_prefix('\u{feff}').unwrap_or(text), line: 1 };
    let mut variables = Vec::new();
    // Every turn takes at least one line off what is left.
    while !reader.rest.is_empty() {
        variables.extend(reader.statement()?);
    }
    Ok(variables)
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
}

impl Reader<'_> {
    /// One line, or more where a quote goes on; nothing for one that says nothing.
    fn statement(&mut self) -> Result<Option<(String, String)>, Error> {
        let line = self.rest.lines().next().unwrap_or_default();
        let start = line.trim_start();
        if start.is_empty() || start.starts_with('#') {
            self.end_line();
            return Ok(None);
        }
        let Some(equals) = line.find('=') else {
            return Err(self.error("not NAME=value".to_owned()));
        };
        let written = line[..equals].trim();
        let exported = written.strip_prefix("export").filter(|rest| rest.starts_with([' ', '\t']));
        let name = exported.unwrap_or(written).trim_start();
        if !variables::is_name(name) {
            return Err(self.error(format!("`{}` is not a variable's name", shown(name))));
        }
        self.rest = self.rest[equals + 1..].trim_start_matches([' ', '\t']);
        let value = match self.rest.chars().next() {
            Some('\'') => self.quoted('\'')?,
            Some('"') => self.quoted('"')?,
            _ => self.plain(),
        };
        if value.contains('\0') {
            return Err(self.error(format!("the value of `{name}` holds a zero byte")));
        }
        Ok(Some((name.to_owned(), value)))
    }

    /// To the end of the line, or to a `#` behind a blank.
    fn plain(&mut self) -> String {
        let line = self.rest.lines().next().unwrap_or_default();
        let comment = line.match_indices('#').map(|(at, _)| at);
        let is_comment = |at: &usize| *at == 0 || line[..*at].ends_with([' ', '\t']);
        let end = comment.into_iter().find(is_comment).unwrap_or(line.len());
        let value = line[..end].trim_end().to_owned();
        self.end_line();
        value
    }

    fn quoted(&mut self, quote: char) -> Result<String, Error> {
        let mut value = String::new();
        let mut characters = self.rest.char_indices().skip(1);
        let first_line = self.line;
        while let Some((at, character)) = characters.next() {
            match character {
                _ if character == quote => {
                    self.rest = &self.rest[at + 1..];
                    return self.nothing_more().map(|()| value);
                }
                '\\' if quote == '"' => match characters.next() {
                    Some((_, 'n')) => value.push('\n'),
                    Some((_, 't')) => value.push('\t'),
                    Some((_, 'r')) => value.push('\r'),
                    Some((_, literal @ ('"' | '\\' | '$'))) => value.push(literal),
                    Some((_, other)) => {
                        self.line += usize::from(other == '\n');
                        value.extend(['\\', other]);
                    }
                    None => break,
                },
                _ => {
                    self.line += usize::from(character == '\n');
                    value.push(character);
                }
            }
        }
        Err(Error { line: first_line, message: format!("a quote {quote} is not closed") })
    }

    /// Behind a closing quote only a comment may follow.
    fn nothing_more(&mut self) -> Result<(), Error> {
        let line = self.rest.lines().next().unwrap_or_default();
        let rest = line.trim_start();
        if !rest.is_empty() && !rest.starts_with('#') {
            return Err(self.error("more behind a closing quote".to_owned()));
        }
        self.end_line();
        Ok(())
    }

    fn end_line(&mut self) {
        self.rest = self.rest.split_once('\n').map_or("", |(_, rest)| rest);
        self.line += 1;
    }

    fn error(&self, message: String) -> Error {
        Error { line: self.line, message }
    }
}

/// What may be shown of a line: the file may hold secrets, so a line without a name is cut short.
fn shown(text: &str) -> String {
    const SHOWN_CHARACTERS: usize = 16;
    let mut shown: String = text.trim().chars().take(SHOWN_CHARACTERS).collect();
    if text.trim().chars().count() > SHOWN_CHARACTERS {
        shown.push_str("...");
    }
    shown.escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::parse;

    #[test]
    fn values_as_others_write_them() {
        for (text, expected) in [
            ("A=1\nB=two words\n", vec![("A", "1"), ("B", "two words")]),
            (
                "\u{feff}# note\n\n  export A = x # why\r\nB=#\nC=a#b",
                vec![("A", "x"), ("B", ""), ("C", "a#b")],
            ),
            (
                "A='$x \\n \"q\"' # c\nB=\"a\\tb\\\"\\\\\\$ \\d\"",
                vec![("A", "$x \\n \"q\""), ("B", "a\tb\"\\$ \\d")],
            ),
            (
                "KEY=\"-----BEGIN\nabc\n-----END\"\nB=2",
                vec![("KEY", "-----BEGIN\nabc\n-----END"), ("B", "2")],
            ),
            ("A=\nexport=1", vec![("A", ""), ("export", "1")]),
            ("A=b=c\nA=2", vec![("A", "b=c"), ("A", "2")]),
        ] {
            let expected: Vec<_> = expected
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect();
            assert_eq!(parse(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, error) in [
            ("A=1\nnonsense", "line 2: not NAME=value"),
            ("1A=x", "line 1: `1A` is not a variable's name"),
            ("export a b=x", "line 1: `a b` is not a variable's name"),
            ("A=\"x\ny", "line 1: a quote \" is not closed"),
            ("A=\"x\ny\" z", "line 2: more behind a closing quote"),
            ("A='x\ny'\nB", "line 3: not NAME=value"),
            ("a very long line that may be a secret", "line 1: not NAME=value"),
            ("A=\0", "line 2: the value of `A` holds a zero byte"),
        ] {
            assert_eq!(parse(text).unwrap_err().to_string(), error, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_ends_in_variables_or_an_error(text in "(?s)[A-Z='\" #\\\\\n\r\0é]{0,60}") {
            let _either = parse(&text);
        }

        #[test]
        fn a_quoted_value_comes_back(value in "(?s)[^'\0]{0,40}") {
            let parsed = parse(&format!("A='{value}'\n")).unwrap();
            prop_assert_eq!(parsed, [("A".to_owned(), value)]);
        }
    }
}

//! The words of an `nginx.conf`, as `ngx_conf_read_token` takes them: `;` and braces end one, quotes
//! count at its beginning, a backslash holds the next character, `${` is no brace.

use std::path::Path;
use std::rc::Rc;

use crate::import::{Place, Remark};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Word(String),
    /// `;`
    End,
    /// `{`
    Open,
    /// `}`
    Close,
}

#[derive(Clone, Debug)]
pub(super) struct Placed {
    pub(super) token: Token,
    pub(super) place: Place,
}

/// All words of a text, or the first thing that is none.
pub(super) fn read(file: &Rc<Path>, text: &str) -> Result<Vec<Placed>, Remark> {
    let mut reading = Reading { file, rest: text.chars().peekable(), line: 1 };
    let mut tokens = Vec::new();
    while let Some(token) = reading.next()? {
        tokens.push(token);
    }
    Ok(tokens)
}

struct Reading<'a> {
    file: &'a Rc<Path>,
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    line: usize,
}

impl Reading<'_> {
    fn take(&mut self) -> Option<char> {
        let c = self.rest.next()?;
        self.line += usize::from(c == '\n');
        Some(c)
    }

    fn place(&self) -> Place {
        Place { file: Rc::clone(self.file), line: self.line }
    }

    fn next(&mut self) -> Result<Option<Placed>, Remark> {
        loop {
            let place = self.place();
            let Some(c) = self.take() else { return Ok(None) };
            let token = match c {
                ' ' | '\t' | '\r' | '\n' => continue,
                '#' => {
                    while self.rest.next_if(|c| *c != '\n').is_some() {}
                    continue;
                }
                ';' => Token::End,
                '{' => Token::Open,
                '}' => Token::Close,
                '"' | '\'' => Token::Word(self.quoted(c, &place)?),
                first => Token::Word(self.plain(first)),
            };
            return Ok(Some(Placed { token, place }));
        }
    }

    fn plain(&mut self, first: char) -> String {
        let mut word = String::new();
        self.push(first, &mut word);
        let mut last = first;
        loop {
            let is_of_word = |c: &char| match c {
                ' ' | '\t' | '\r' | '\n' | ';' => false,
                '{' => last == '$',
                _ => true,
            };
            let Some(c) = self.rest.next_if(is_of_word) else { return word };
            self.push(c, &mut word);
            last = c;
        }
    }

    fn quoted(&mut self, quote: char, place: &Place) -> Result<String, Remark> {
        let mut word = String::new();
        loop {
            match self.take() {
                None => return Err(place.remark("this quote is not closed")),
                Some(c) if c == quote => break,
                Some(c) => self.push(c, &mut word),
            }
        }
        match self.rest.peek().copied() {
            None | Some(' ' | '\t' | '\r' | '\n' | ';' | '{' | ')') => Ok(word),
            Some(c) => Err(self.place().remark(format!("`{c}` right after a quote"))),
        }
    }

    /// A backslash keeps what follows from meaning anything; only a few of them then disappear.
    fn push(&mut self, c: char, word: &mut String) {
        if c != '\\' {
            word.push(c);
            return;
        }
        match self.take() {
            Some(c @ ('"' | '\'' | '\\')) => word.push(c),
            Some('t') => word.push('\t'),
            Some('r') => word.push('\r'),
            Some('n') => word.push('\n'),
            Some(other) => word.extend(['\\', other]),
            None => word.push('\\'),
        }
    }
}

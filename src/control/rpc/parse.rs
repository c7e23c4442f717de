//! A call as XML, into its method and parameters.
//!
//! No document type is read, so nothing can be defined that expands (billion laughs); how deep
//! values may lie in each other is bounded, how long a call may be is the server's bound. As
//! Supervisor does, a call without `<params>` has none, and a value without a type is text.

use quick_xml::events::{BytesRef, Event};
use quick_xml::{Reader, XmlVersion};

use super::base64;
use super::value::Value;

/// Values in values; a call of calls needs six.
const DEPTH_MAX: usize = 32;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Call {
    pub(crate) method: String,
    pub(crate) parameters: Vec<Value>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    #[error("the call is not UTF-8 text")]
    NotText,
    #[error("{0}")]
    Xml(String),
    #[error("a document type is not read")]
    DocumentType,
    #[error("expected {expected}, found {found}")]
    Unexpected { expected: &'static str, found: String },
    #[error("`{text}` is no {kind}")]
    BadValue { kind: &'static str, text: String },
    #[error("values lie more than {DEPTH_MAX} deep")]
    TooDeep,
    #[error("the call names no method")]
    NoMethod,
}

pub(crate) fn call(body: &[u8]) -> Result<Call, Malformed> {
    let text = std::str::from_utf8(body).map_err(|_| Malformed::NotText)?;
    let mut tokens = Tokens::new(text);
    tokens.open("methodCall")?;
    tokens.open("methodName")?;
    let method = tokens.text_until_close()?;
    if method.is_empty() {
        return Err(Malformed::NoMethod);
    }
    let mut parameters = Vec::new();
    if let Some(name) = tokens.open_or_close()? {
        expect("params", &name)?;
        while let Some(name) = tokens.open_or_close()? {
            expect("param", &name)?;
            tokens.open("value")?;
            parameters.push(value(&mut tokens, DEPTH_MAX)?);
            tokens.close()?;
        }
        tokens.close()?;
    }
    tokens.end()?;
    Ok(Call { method, parameters })
}

/// What follows `<value>`, its end included.
fn value(tokens: &mut Tokens<'_>, depth: usize) -> Result<Value, Malformed> {
    let mut text = String::new();
    loop {
        match tokens.next()? {
            Token::Text(more) => text.push_str(&more),
            Token::Close => return Ok(Value::Text(text)),
            Token::End => return Err(unexpected("</value>", "the end")),
            Token::Open(kind) => {
                // Around a typed value there may be white space only.
                if !text.trim().is_empty() {
                    return Err(unexpected("</value>", &format!("<{kind}>")));
                }
                let value = typed(tokens, &kind, depth)?;
                tokens.close()?;
                return Ok(value);
            }
        }
    }
}

fn typed(tokens: &mut Tokens<'_>, kind: &str, depth: usize) -> Result<Value, Malformed> {
    let depth = depth.checked_sub(1).ok_or(Malformed::TooDeep)?;
    match kind {
        "array" => array(tokens, depth),
        "struct" => members(tokens, depth),
        "string" => Ok(Value::Text(tokens.text_until_close()?)),
        "int" | "i4" | "i8" => scalar(tokens, "integer", |text| text.parse().ok().map(Value::Int)),
        "boolean" => scalar(tokens, "boolean", |text| match text {
            "0" => Some(Value::Boolean(false)),
            "1" => Some(Value::Boolean(true)),
            _ => None,
        }),
        "double" => scalar(tokens, "number", |text| {
            text.parse().ok().filter(|number: &f64| number.is_finite()).map(Value::Double)
        }),
        "base64" => scalar(tokens, "Base64", |text| base64::decode(text).map(Value::Bytes)),
        other => Err(unexpected("the type of a value", &format!("<{other}>"))),
    }
}

fn scalar(
    tokens: &mut Tokens<'_>,
    kind: &'static str,
    read: impl FnOnce(&str) -> Option<Value>,
) -> Result<Value, Malformed> {
    let text = tokens.text_until_close()?;
    read(text.trim()).ok_or(Malformed::BadValue { kind, text })
}

fn array(tokens: &mut Tokens<'_>, depth: usize) -> Result<Value, Malformed> {
    let mut values = Vec::new();
    tokens.open("data")?;
    while let Some(name) = tokens.open_or_close()? {
        expect("value", &name)?;
        values.push(value(tokens, depth)?);
    }
    tokens.close()?;
    Ok(Value::Array(values))
}

fn members(tokens: &mut Tokens<'_>, depth: usize) -> Result<Value, Malformed> {
    let mut members = Vec::new();
    while let Some(name) = tokens.open_or_close()? {
        expect("member", &name)?;
        tokens.open("name")?;
        let name = tokens.text_until_close()?;
        tokens.open("value")?;
        members.push((name, value(tokens, depth)?));
        tokens.close()?;
    }
    Ok(Value::Struct(members))
}

fn expect(expected: &'static str, found: &str) -> Result<(), Malformed> {
    if found == expected { Ok(()) } else { Err(unexpected(expected, &format!("<{found}>"))) }
}

fn unexpected(expected: &'static str, found: &str) -> Malformed {
    Malformed::Unexpected { expected, found: found.chars().take(64).collect() }
}

enum Token {
    Open(String),
    Close,
    Text(String),
    End,
}

/// The XML as the few kinds of pieces that a call is made of.
struct Tokens<'a> {
    reader: Reader<&'a [u8]>,
}

impl<'a> Tokens<'a> {
    fn new(text: &'a str) -> Self {
        let mut reader = Reader::from_str(text);
        let config = reader.config_mut();
        config.expand_empty_elements = true;
        config.check_end_names = true;
        Self { reader }
    }

    fn next(&mut self) -> Result<Token, Malformed> {
        let version = XmlVersion::Explicit1_0;
        loop {
            let event =
                self.reader.read_event().map_err(|error| Malformed::Xml(error.to_string()))?;
            return Ok(match event {
                Event::Start(start) | Event::Empty(start) => {
                    Token::Open(start.name().as_ref().to_owned())
                }
                Event::End(_) => Token::Close,
                Event::Text(text) => Token::Text(text.xml_content(version).into_owned()),
                Event::CData(text) => Token::Text(text.xml_content(version).into_owned()),
                Event::GeneralRef(reference) => Token::Text(resolve(&reference)?.to_string()),
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) => continue,
                Event::DocType(_) => return Err(Malformed::DocumentType),
                Event::Eof => Token::End,
            });
        }
    }

    /// The next element's name, or nothing at the end of the one around it.
    fn open_or_close(&mut self) -> Result<Option<String>, Malformed> {
        loop {
            match self.next()? {
                Token::Open(name) => return Ok(Some(name)),
                Token::Close => return Ok(None),
                Token::Text(text) if text.trim().is_empty() => {}
                Token::Text(text) => return Err(unexpected("an element", &text)),
                Token::End => return Err(unexpected("an element", "the end")),
            }
        }
    }

    fn open(&mut self, name: &'static str) -> Result<(), Malformed> {
        match self.open_or_close()? {
            Some(found) => expect(name, &found),
            None => Err(unexpected(name, "the end of an element")),
        }
    }

    fn close(&mut self) -> Result<(), Malformed> {
        match self.open_or_close()? {
            None => Ok(()),
            Some(found) => Err(unexpected("the end of an element", &format!("<{found}>"))),
        }
    }

    fn text_until_close(&mut self) -> Result<String, Malformed> {
        let mut text = String::new();
        loop {
            match self.next()? {
                Token::Text(more) => text.push_str(&more),
                Token::Close => return Ok(text),
                Token::Open(name) => return Err(unexpected("text", &format!("<{name}>"))),
                Token::End => return Err(unexpected("text", "the end")),
            }
        }
    }

    /// Nothing after the call.
    fn end(&mut self) -> Result<(), Malformed> {
        loop {
            match self.next()? {
                Token::End => return Ok(()),
                Token::Text(text) if text.trim().is_empty() => {}
                Token::Text(_) | Token::Open(_) | Token::Close => {
                    return Err(unexpected("the end", "more"));
                }
            }
        }
    }
}

/// `&amp;` and its like, or a character by number.
fn resolve(reference: &BytesRef<'_>) -> Result<char, Malformed> {
    let bad = || Malformed::BadValue { kind: "character", text: format!("&{};", &**reference) };
    match reference.resolve_char_ref() {
        Ok(Some(character)) => Ok(character),
        Ok(None) => match &**reference {
            "lt" => Ok('<'),
            "gt" => Ok('>'),
            "amp" => Ok('&'),
            "apos" => Ok('\''),
            "quot" => Ok('"'),
            _ => Err(bad()),
        },
        Err(_) => Err(bad()),
    }
}

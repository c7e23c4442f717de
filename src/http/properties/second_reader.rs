//! A second opinion on what a stream of requests says: naive readers, written apart from the parser
//! they judge and sharing no code with it.
//!
//! Each is lenient in a way of its own, as servers in the field are. A stream that was sent on is
//! unambiguous when all of them read the same requests out of it. Used by the properties beside this
//! file and by the end-to-end tests, so it names nothing but the standard library.

/// What ends a line for a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineEnds {
    /// CR LF; either of them alone is an error.
    Strict,
    /// LF, with or without a CR before it.
    Lf,
    /// CR, LF or both.
    Any,
}

/// What a reader goes by when lengths compete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prefers {
    /// More than one length of any kind is an error.
    Nothing,
    FirstLength,
    LastLength,
    /// A coding whose text has `chunked` anywhere in it.
    AnyChunked,
    /// A coding that is exactly `chunked`; any other is not seen.
    ExactChunked,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Leniency {
    pub(crate) line_ends: LineEnds,
    pub(crate) prefers: Prefers,
}

/// Every opinion that is asked.
pub(crate) const LENIENCIES: &[Leniency] = &[
    Leniency { line_ends: LineEnds::Strict, prefers: Prefers::Nothing },
    Leniency { line_ends: LineEnds::Lf, prefers: Prefers::AnyChunked },
    Leniency { line_ends: LineEnds::Lf, prefers: Prefers::FirstLength },
    Leniency { line_ends: LineEnds::Lf, prefers: Prefers::LastLength },
    Leniency { line_ends: LineEnds::Any, prefers: Prefers::AnyChunked },
    Leniency { line_ends: LineEnds::Any, prefers: Prefers::ExactChunked },
];

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) method: String,
    pub(crate) target: String,
    /// Names in lower case, with underscores read as hyphens.
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Vec<(String, String)>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) messages: Vec<Message>,
    /// The stream ends within a message.
    pub(crate) is_cut: bool,
}

/// Why reading stopped.
enum Stop {
    Cut,
    Nonsense(String),
}

/// All messages of `stream`; an error says what could not be read.
pub(crate) fn read(stream: &[u8], leniency: Leniency) -> Result<Reading, String> {
    let mut cursor = Cursor { rest: stream, leniency };
    let mut reading = Reading::default();
    while !cursor.rest.is_empty() {
        match cursor.message() {
            Ok(message) => reading.messages.push(message),
            Err(Stop::Cut) => {
                reading.is_cut = true;
                break;
            }
            Err(Stop::Nonsense(what)) => return Err(what),
        }
    }
    Ok(reading)
}

struct Cursor<'a> {
    rest: &'a [u8],
    leniency: Leniency,
}

impl<'a> Cursor<'a> {
    fn message(&mut self) -> Result<Message, Stop> {
        let first = text(self.line()?);
        let words: Vec<&str> = first.split(' ').filter(|word| !word.is_empty()).collect();
        let [method, target, version] = words[..] else {
            return Err(Stop::Nonsense(format!("first line {first:?}")));
        };
        if !version.starts_with("HTTP/1.") {
            return Err(Stop::Nonsense(format!("version {version:?}")));
        }
        let mut message = Message {
            method: method.to_owned(),
            target: target.to_owned(),
            fields: self.fields()?,
            ..Message::default()
        };
        self.body(&mut message)?;
        Ok(message)
    }

    fn fields(&mut self) -> Result<Vec<(String, String)>, Stop> {
        let mut fields: Vec<(String, String)> = Vec::new();
        loop {
            let line = text(self.line()?);
            if line.is_empty() {
                return Ok(fields);
            }
            if line.starts_with([' ', '\t']) {
                match fields.last_mut() {
                    Some((_, value)) if self.leniency.line_ends != LineEnds::Strict => {
                        value.push_str(line.trim());
                        continue;
                    }
                    _ => return Err(Stop::Nonsense(format!("folded line {line:?}"))),
                }
            }
            let (name, value) = line
                .split_once(':')
                .ok_or_else(|| Stop::Nonsense(format!("line without a colon {line:?}")))?;
            fields.push((
                name.trim().to_ascii_lowercase().replace('_', "-"),
                value.trim_matches(|c: char| c.is_whitespace() || c.is_control()).to_owned(),
            ));
        }
    }

    fn body(&mut self, message: &mut Message) -> Result<(), Stop> {
        let values = |wanted: &str| -> Vec<String> {
            let of_name = message.fields.iter().filter(|(name, _)| name == wanted);
            of_name.map(|(_, value)| value.to_ascii_lowercase()).collect()
        };
        let (lengths, codings) = (values("content-length"), values("transfer-encoding"));
        let is_any = codings.iter().any(|coding| coding.contains("chunked"));
        let is_exact = codings.iter().any(|coding| coding == "chunked");
        let length = match self.leniency.prefers {
            Prefers::Nothing if lengths.len() + codings.len() > 1 => {
                return Err(Stop::Nonsense(format!("two lengths: {lengths:?} {codings:?}")));
            }
            Prefers::Nothing if codings.len() == 1 && !is_exact => {
                return Err(Stop::Nonsense(format!("coding {codings:?}")));
            }
            Prefers::Nothing | Prefers::AnyChunked if is_any => None,
            Prefers::ExactChunked if is_exact => None,
            Prefers::LastLength => lengths.last(),
            Prefers::Nothing
            | Prefers::FirstLength
            | Prefers::AnyChunked
            | Prefers::ExactChunked => lengths.first(),
        };
        match length {
            Some(length) => {
                let length = length
                    .parse::<usize>()
                    .map_err(|_| Stop::Nonsense(format!("length {length:?}")))?;
                message.body = self.take(length)?.to_vec();
            }
            None if is_any => self.chunks(message)?,
            None => {}
        }
        Ok(())
    }

    fn chunks(&mut self, message: &mut Message) -> Result<(), Stop> {
        loop {
            let line = text(self.line()?);
            let digits: String = line.chars().take_while(char::is_ascii_hexdigit).collect();
            let after = &line[digits.len()..];
            let is_plain =
                after.is_empty() || after.trim_start_matches([' ', '\t']).starts_with(';');
            let is_plain = is_plain || after.chars().all(|c| c == ' ' || c == '\t');
            if self.leniency.line_ends == LineEnds::Strict && !is_plain {
                return Err(Stop::Nonsense(format!("size line {line:?}")));
            }
            let size = usize::from_str_radix(&digits, 16)
                .map_err(|_| Stop::Nonsense(format!("size line {line:?}")))?;
            if size == 0 {
                message.trailers = self.fields()?;
                return Ok(());
            }
            message.body.extend_from_slice(self.take(size)?);
            let end = self.line()?;
            if !end.is_empty() {
                return Err(Stop::Nonsense(format!("{:?} behind a chunk", text(end))));
            }
        }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Stop> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(Stop::Cut)?;
        self.rest = rest;
        Ok(taken)
    }

    fn line(&mut self) -> Result<&'a [u8], Stop> {
        let is_end = |&byte: &u8| match self.leniency.line_ends {
            LineEnds::Strict | LineEnds::Any => byte == b'\r' || byte == b'\n',
            LineEnds::Lf => byte == b'\n',
        };
        let at = self.rest.iter().position(is_end).ok_or(Stop::Cut)?;
        let (line, rest) = self.rest.split_at(at);
        let (line, rest) = match (self.leniency.line_ends, rest) {
            (LineEnds::Strict | LineEnds::Any, [b'\r', b'\n', rest @ ..]) => (line, rest),
            (LineEnds::Strict, [b'\r']) => return Err(Stop::Cut),
            (LineEnds::Strict, _) => {
                return Err(Stop::Nonsense(format!("half a line end after {:?}", text(line))));
            }
            (LineEnds::Lf, _) => (line.strip_suffix(b"\r").unwrap_or(line), &rest[1..]),
            (LineEnds::Any, _) => (line, &rest[1..]),
        };
        self.rest = rest;
        Ok(line)
    }
}

/// Every byte as a character of its own, so that nothing is lost.
fn text(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

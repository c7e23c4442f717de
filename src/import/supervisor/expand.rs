//! `%(name)s` in values: Python's `%` with a mapping, as Supervisor expands its options.
//!
//! What is only known when a program starts, or should not be copied into another file, stays a
//! reference: it is put between two marks, so that what reads the text further takes it for a part
//! of a word, and [`written`] turns it into `${NAME}`.

use std::fmt::Write as _;

/// Around the name of a reference; of the private use area, which no configuration needs.
pub(super) const MARKS: [char; 2] = ['\u{E000}', '\u{E001}'];

const WIDTH_MAX: usize = 1024;

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    Text(String),
    Number(i64),
    /// Known later, as `${NAME}`; `%(…)02d` of it becomes `${NAME:02}`.
    Later(&'static str),
    /// The same for a variable of the environment.
    Environment(String),
}

/// Replaces what stands between `%` and its conversion. The error is what is wrong with the text.
pub(super) fn expand(
    text: &str,
    lookup: &dyn Fn(&str) -> Option<Meaning>,
) -> Result<String, String> {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        expanded.push_str(&rest[..at]);
        let format = Format::read(&rest[at + 1..])?;
        rest = &rest[at + 1 + format.len..];
        match format.name {
            None => expanded.push('%'),
            Some(name) => {
                let meaning =
                    lookup(name).ok_or_else(|| format!("`%({name})` is not known here"))?;
                format.write(name, meaning, &mut expanded)?;
            }
        }
    }
    expanded.push_str(rest);
    Ok(expanded)
}

/// The text as our file writes it: references in our way, and what only looks like one escaped.
pub(super) fn written(text: &str) -> String {
    text.replace("${", "$${").replace(MARKS[0], "${").replace(MARKS[1], "}")
}

/// Whether something in it is only known later.
pub(super) fn has_reference(text: &str) -> bool {
    text.contains(MARKS[0])
}

/// What is in the text itself.
pub(super) fn without_references(text: &str) -> String {
    let mut parts = text.split(MARKS[0]);
    let first = parts.next().unwrap_or_default();
    let rest = parts.filter_map(|part| Some(part.split_once(MARKS[1])?.1));
    std::iter::once(first).chain(rest).collect()
}

struct Format<'a> {
    /// `None`: `%%`.
    name: Option<&'a str>,
    is_left: bool,
    is_padded_with_zeros: bool,
    sign: &'static str,
    width: usize,
    precision: Option<usize>,
    conversion: char,
    /// After the `%`.
    len: usize,
}

impl<'a> Format<'a> {
    fn read(text: &'a str) -> Result<Self, String> {
        let mut format = Format {
            name: None,
            is_left: false,
            is_padded_with_zeros: false,
            sign: "",
            width: 0,
            precision: None,
            conversion: '%',
            len: 1,
        };
        if text.starts_with('%') {
            return Ok(format);
        }
        let named = text.strip_prefix('(').and_then(|inner| Some((inner, closing(inner)?)));
        let Some((inner, end)) = named else {
            return Err("`%` must be `%%` or `%(name)s`".to_owned());
        };
        format.name = Some(&inner[..end]);
        let mut rest = inner[end + 1..].chars().peekable();
        while let Some(flag) = rest.next_if(|c| matches!(c, '#' | '0' | '-' | ' ' | '+')) {
            match flag {
                '0' => format.is_padded_with_zeros = true,
                '-' => format.is_left = true,
                '+' => format.sign = "+",
                ' ' if format.sign.is_empty() => format.sign = " ",
                _ => {}
            }
            format.len += 1;
        }
        let mut number = |format: &mut Self| -> Option<usize> {
            let mut value = None;
            while let Some(digit) = rest.peek().and_then(|c| c.to_digit(10)) {
                rest.next();
                format.len += 1;
                value = Some((value.unwrap_or(0) * 10 + digit as usize).min(WIDTH_MAX));
            }
            if rest.peek() == Some(&'.') && format.precision.is_none() {
                rest.next();
                format.len += 1;
                format.precision = Some(0);
            }
            value
        };
        format.width = number(&mut format).unwrap_or(0);
        if format.precision.is_some() {
            format.precision = Some(number(&mut format).unwrap_or(0));
        }
        format.conversion =
            rest.next().ok_or_else(|| format!("`%({})` lacks its `s`", &inner[..end]))?;
        format.len += "()".len() - 1 + end + 1 + format.conversion.len_utf8() - 1;
        Ok(format)
    }

    fn write(&self, name: &str, meaning: Meaning, out: &mut String) -> Result<(), String> {
        let later = match meaning {
            Meaning::Number(number) => {
                self.pad(&self.number(name, number)?, out);
                return Ok(());
            }
            Meaning::Text(text) if matches!(self.conversion, 's' | 'r' | 'a') => {
                let text = match self.precision {
                    Some(most) => text.chars().take(most).collect(),
                    None => text,
                };
                self.pad(&text, out);
                return Ok(());
            }
            Meaning::Text(_) => {
                return Err(format!("`%({name}){}` wants a number", self.conversion));
            }
            Meaning::Later(later) => later.to_owned(),
            Meaning::Environment(name) => name,
        };
        let is_plain = self.width == 0 && self.precision.is_none() && self.sign.is_empty();
        let [open, close] = MARKS;
        let is_number = matches!(self.conversion, 'd' | 'i' | 'u');
        match self.conversion {
            's' | 'd' | 'i' | 'u' if is_plain => {
                let _infallible = write!(out, "{open}{later}{close}");
                Ok(())
            }
            _ if is_number && self.is_padded_with_zeros && !self.is_left && self.width < 100 => {
                let _infallible = write!(out, "{open}{later}:0{}{close}", self.width);
                Ok(())
            }
            other => Err(format!("`%({name})` with this format (`{other}`) has no equal")),
        }
    }

    fn number(&self, name: &str, number: i64) -> Result<String, String> {
        let digits = match self.conversion {
            's' | 'd' | 'i' | 'u' | 'r' | 'a' => number.unsigned_abs().to_string(),
            'x' => format!("{:x}", number.unsigned_abs()),
            'X' => format!("{:X}", number.unsigned_abs()),
            'o' => format!("{:o}", number.unsigned_abs()),
            other => return Err(format!("`%({name}){other}` is no format for a number")),
        };
        Ok(format!("{}{digits}", if number < 0 { "-" } else { self.sign }))
    }

    fn pad(&self, text: &str, out: &mut String) {
        let missing = self.width.saturating_sub(text.chars().count());
        let is_number = !matches!(self.conversion, 's' | 'r' | 'a');
        match (self.is_left, self.is_padded_with_zeros && is_number) {
            (true, _) => {
                out.push_str(text);
                out.extend(std::iter::repeat_n(' ', missing));
            }
            (false, true) => {
                let (sign, digits) =
                    text.split_at(text.find(|c: char| c.is_alphanumeric()).unwrap_or(0));
                out.push_str(sign);
                out.extend(std::iter::repeat_n('0', missing));
                out.push_str(digits);
            }
            (false, false) => {
                out.extend(std::iter::repeat_n(' ', missing));
                out.push_str(text);
            }
        }
    }
}

/// Where the bracket that is open already is closed; brackets within a name are counted.
fn closing(inner: &str) -> Option<usize> {
    let mut depth = 1_usize;
    for (at, c) in inner.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

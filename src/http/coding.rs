//! Content codings: which of them a client takes, and whether a type is worth one.

/// What a client prefers to have nothing else than: between 1 and 1000 thousandths.
const LEAST: u16 = 1;

/// How much a client wants the coding `token`, in thousandths; 0: not at all. `accept` is its
/// `Accept-Encoding` (RFC 9110, 12.5.3).
pub(crate) fn weight(accept: &[u8], token: &str) -> u16 {
    let mut of_any = 0;
    for element in accept.split(|&byte| byte == b',') {
        let mut parts = element.split(|&byte| byte == b';').map(<[u8]>::trim_ascii);
        let coding = parts.next().unwrap_or_default();
        let mut weight = || parts.find_map(quality).unwrap_or(1000);
        if coding.eq_ignore_ascii_case(token.as_bytes()) || is_alias(coding, token) {
            return weight();
        }
        if coding == b"*" {
            of_any = weight();
        }
    }
    of_any
}

/// The first of `codings` among those that the client wants most; `None` when it wants none.
pub(crate) fn choose<T: Copy>(
    accept: &[u8],
    codings: impl Iterator<Item = (T, &'static str)>,
) -> Option<T> {
    let mut best = None;
    for (coding, token) in codings {
        let weight = weight(accept, token);
        if weight >= LEAST && best.is_none_or(|(_, most)| weight > most) {
            best = Some((coding, weight));
        }
    }
    best.map(|(coding, _)| coding)
}

/// gzip's old name (RFC 9110, 8.4.1.3).
fn is_alias(coding: &[u8], token: &str) -> bool {
    token == "gzip" && coding.eq_ignore_ascii_case(b"x-gzip")
}

/// `q=0.5` in thousandths; `None` for another parameter. A weight that is none wants nothing.
fn quality(parameter: &[u8]) -> Option<u16> {
    let (name, value) = parameter.split_at_checked(2)?;
    if !name.eq_ignore_ascii_case(b"q=") {
        return None;
    }
    let (whole, fraction) = match value.trim_ascii() {
        [whole] => (whole, &[][..]),
        [whole, b'.', fraction @ ..] if fraction.len() <= 3 => (whole, fraction),
        _ => return Some(0),
    };
    let digits = [*whole, digit(fraction, 0), digit(fraction, 1), digit(fraction, 2)];
    let thousandths = digits.iter().try_fold(0_u16, |sum, digit| {
        digit.is_ascii_digit().then(|| sum * 10 + u16::from(digit - b'0'))
    });
    Some(thousandths.filter(|thousandths| *thousandths <= 1000).unwrap_or(0))
}

fn digit(fraction: &[u8], at: usize) -> u8 {
    fraction.get(at).copied().unwrap_or(b'0')
}

/// Whether a `Content-Type` is one of `types`, which are in lower case; `text/*` stands for all of
/// a kind, `*` for everything.
pub(crate) fn is_of(content_type: &[u8], types: &[String]) -> bool {
    let end = content_type.iter().position(|&byte| byte == b';');
    let media = content_type[..end.unwrap_or(content_type.len())].trim_ascii();
    types.iter().any(|known| match known.strip_suffix('*') {
        Some(kind) => media
            .split_at_checked(kind.len())
            .is_some_and(|(start, _)| start.eq_ignore_ascii_case(kind.as_bytes())),
        None => media.eq_ignore_ascii_case(known.as_bytes()),
    })
}

/// Whether a list such as `Cache-Control` or `Vary` has that word.
pub(crate) fn has_word(value: &[u8], word: &str) -> bool {
    value
        .split(|&byte| byte == b',')
        .any(|it| it.trim_ascii().eq_ignore_ascii_case(word.as_bytes()))
}

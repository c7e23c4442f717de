//! One value out of many: an argument of a query, a cookie, a header line by a variable's name.

use std::sync::LazyLock;

use memchr::memmem::Finder;

/// The value of the first argument of that name, as it was received; names match in any case, as
/// nginx's do.
pub(crate) fn argument<'a>(query: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    query.split(|&byte| byte == b'&').find_map(|argument| {
        let (found, value) = argument.split_at_checked(name.len())?;
        let value = value.strip_prefix(b"=")?;
        found.eq_ignore_ascii_case(name).then_some(value)
    })
}

/// The value of the first cookie of that name in one `Cookie` line.
pub(crate) fn cookie<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    line.split(|&byte| byte == b';').find_map(|cookie| {
        let (found, value) = cookie.trim_ascii().split_at_checked(name.len())?;
        let value = value.strip_prefix(b"=")?;
        found.eq_ignore_ascii_case(name).then_some(value)
    })
}

/// Whether a header is meant by the part of a variable's name after `http_`: any case, and `_` for
/// every `-`.
pub(crate) fn is_named(header: &[u8], variable: &str) -> bool {
    header.len() == variable.len()
        && header.iter().zip(variable.bytes()).all(|(&header, variable)| {
            let header = if header == b'-' { b'_' } else { header.to_ascii_lowercase() };
            header == variable.to_ascii_lowercase()
        })
}

/// The values of a header in a head that was written, so that what was sent can be told.
pub(crate) fn lines<'a>(head: &'a [u8], variable: &'a str) -> impl Iterator<Item = &'a [u8]> {
    head.split(|&byte| byte == b'\n')
        .skip(1)
        .map_while(|line| {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            (!line.is_empty()).then_some(line)
        })
        .filter_map(move |line| {
            let colon = memchr::memchr(b':', line)?;
            is_named(&line[..colon], variable).then(|| line[colon + 1..].trim_ascii())
        })
}

static END: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\r\n\r\n"));

/// Of a head that was written, to the end of its empty line.
pub(crate) fn head_bytes(written: &[u8]) -> usize {
    let end = END.find(written);
    end.map_or(written.len(), |at| at + 4)
}

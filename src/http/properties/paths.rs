//! Targets and paths: one normal form, with nothing left in it that climbs or hides.

use crate::http::target::{self, Target};
use crate::http::{Error, route};

pub(crate) fn target(bytes: &[u8]) {
    path(target::path(bytes));
    for is_options in [false, true] {
        if let Ok(parts) = target::split(bytes, is_options) {
            split(bytes, parts);
        }
    }
    if target::is_authority(bytes) {
        let host = route::without_port(bytes);
        assert!(!host.is_empty() && bytes.starts_with(host), "{}", bytes.escape_ascii());
        let port = &bytes[host.len()..];
        let is_port = port.iter().skip(1).all(u8::is_ascii_digit);
        assert!(port.is_empty() || (port[0] == b':' && is_port), "{}", bytes.escape_ascii());
        assert!(!bytes.iter().any(|byte| b"/\\@?#, \0\r\n".contains(byte)));
    }
}

fn split(bytes: &[u8], Target { authority, path_and_query }: Target<'_>) {
    assert!(bytes.ends_with(path_and_query), "{}", bytes.escape_ascii());
    assert!(authority.is_none_or(target::is_authority), "{}", bytes.escape_ascii());
    match path_and_query {
        [] | [b'?', ..] => assert!(authority.is_some(), "{}", bytes.escape_ascii()),
        [b'/', ..] => {}
        other => assert_eq!(other, b"*"),
    }
    assert!(!path_and_query.iter().any(|&byte| byte <= b' ' || byte == 0x7f || byte == b'#'));
    path(target::path(path_and_query));
}

fn path(path: &[u8]) {
    let mut scratch = Vec::new();
    let normal = target::normalise(path, &mut scratch).map(<[u8]>::to_vec);
    assert_eq!(normal, naively(path), "{}", path.escape_ascii());
    let Ok(normal) = normal else { return };
    assert_eq!(normal.first(), Some(&b'/'), "{}", path.escape_ascii());
    assert!(!normal.contains(&0), "{}", path.escape_ascii());
    assert!(!normal.windows(2).any(|pair| pair == b"//"), "{}", path.escape_ascii());
    let segments = normal.split(|&byte| byte == b'/');
    assert!(!segments.into_iter().any(|segment| segment == b"." || segment == b".."));
    if !normal.contains(&b'%') {
        let mut scratch = Vec::new();
        let again = target::normalise(&normal, &mut scratch).map(<[u8]>::to_vec);
        assert_eq!(again, Ok(normal), "{}", path.escape_ascii());
    }
}

/// The same by a list of segments.
fn naively(path: &[u8]) -> Result<Vec<u8>, Error> {
    match path {
        [] | b"*" => return Ok(b"/".to_vec()),
        [b'/', ..] => {}
        _ => return Err(Error::Target),
    }
    let mut decoded = Vec::new();
    let mut rest = path;
    while let [byte, after @ ..] = rest {
        rest = after;
        if *byte != b'%' {
            decoded.push(*byte);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2).ok_or(Error::Target)?;
        let digits = std::str::from_utf8(digits).map_err(|_| Error::Target)?;
        let is_signed = digits.starts_with('+');
        let byte = u8::from_str_radix(digits, 16).ok().filter(|_| !is_signed);
        decoded.push(byte.ok_or(Error::Target)?);
        rest = after;
    }
    if decoded.contains(&0) {
        return Err(Error::Target);
    }
    let mut kept: Vec<&[u8]> = Vec::new();
    let mut ends_in_slash = true;
    for segment in decoded.split(|&byte| byte == b'/').skip(1) {
        ends_in_slash = matches!(segment, b"" | b"." | b"..");
        match segment {
            b"" | b"." => {}
            b".." => drop(kept.pop().ok_or(Error::Target)?),
            segment => kept.push(segment),
        }
    }
    let mut normal = kept.iter().flat_map(|segment| [b"/", *segment].concat()).collect::<Vec<_>>();
    if ends_in_slash {
        normal.push(b'/');
    }
    Ok(normal)
}

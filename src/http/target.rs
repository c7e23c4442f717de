//! Request targets: their four forms, and the path that routes are matched against.
//!
//! The path forwarded is the one received, byte for byte. What is matched is its normal form:
//! percent-decoded, slashes merged, dot segments resolved, as nginx matches its locations, so that
//! `/a/../admin` cannot reach `/admin` past that route.

use super::Error;

/// A target taken apart; parts are subslices of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Target<'a> {
    /// Host and port of an absolute form.
    pub(crate) authority: Option<&'a [u8]>,
    /// Path and query. Empty, or only a query, when an absolute form left the path out.
    pub(crate) path_and_query: &'a [u8],
}

pub(crate) fn split(target: &[u8], is_options: bool) -> Result<Target<'_>, Error> {
    if target.iter().any(|&byte| byte <= b' ' || byte == 0x7f || byte == b'#') {
        return Err(Error::Target);
    }
    if target.starts_with(b"/") || (is_options && target == b"*") {
        return Ok(Target { authority: None, path_and_query: target });
    }
    let rest = strip_scheme(target).ok_or(Error::Target)?;
    let end = rest.iter().position(|&byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
    let (authority, path_and_query) = rest.split_at(end);
    if !is_authority(authority) {
        return Err(Error::Target);
    }
    Ok(Target { authority: Some(authority), path_and_query })
}

fn strip_scheme(target: &[u8]) -> Option<&[u8]> {
    ["http://", "https://"].iter().find_map(|scheme| {
        let (start, rest) = target.split_at_checked(scheme.len())?;
        start.eq_ignore_ascii_case(scheme.as_bytes()).then_some(rest)
    })
}

/// Bytes of a host that is not in brackets. A table, since every request's host is looked at.
const IN_HOST: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < table.len() {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let others = b"-._~%!$&'()*+;=";
    let mut at = 0;
    while at < others.len() {
        table[others[at] as usize] = true;
        at += 1;
    }
    table
};

/// `host`, `host:port`, `[v6]`, `[v6]:port`; no user information, nothing a second reader could
/// take for the end of the host.
pub(crate) fn is_authority(authority: &[u8]) -> bool {
    let (host, after) = if let [b'[', rest @ ..] = authority {
        let Some(end) = memchr::memchr(b']', rest) else { return false };
        (&rest[..end], &rest[end + 1..])
    } else {
        let colon = authority.iter().position(|byte| *byte == b':');
        authority.split_at(colon.unwrap_or(authority.len()))
    };
    let is_bracketed = authority.starts_with(b"[");
    let is_host_byte = |&byte: &u8| IN_HOST[usize::from(byte)] || (is_bracketed && byte == b':');
    let is_port = match after {
        [] => true,
        [b':', digits @ ..] => digits.len() <= 5 && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    !host.is_empty() && host.iter().all(is_host_byte) && is_port
}

/// The path without its query.
pub(crate) fn path(path_and_query: &[u8]) -> &[u8] {
    let end = path_and_query.iter().position(|byte| *byte == b'?');
    &path_and_query[..end.unwrap_or(path_and_query.len())]
}

/// The normal form of `path`: itself when it has it, else written to `scratch`.
pub(crate) fn normalise<'a>(path: &'a [u8], scratch: &'a mut Vec<u8>) -> Result<&'a [u8], Error> {
    match path {
        [] | b"*" => return Ok(b"/"),
        [b'/', ..] if is_normal(path) => return Ok(path),
        [b'/', ..] => {}
        _ => return Err(Error::Target),
    }
    decode(path, scratch)?;
    resolve(scratch)?;
    Ok(scratch)
}

/// As `normalise`, but always written: for who needs the path beyond the head that it stands in.
pub(crate) fn write_normal(path: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
    let is_as_received = match normalise(path, out)? {
        // Of `*` and of an absolute form without a path.
        b"/" => {
            out.clear();
            out.push(b'/');
            return Ok(());
        }
        normal => std::ptr::eq(normal, path),
    };
    if is_as_received {
        out.clear();
        out.extend_from_slice(path);
    }
    Ok(())
}

/// Whether a decoded path has a segment `.` or `..`.
pub(crate) fn has_dot_segments(path: &[u8]) -> bool {
    path.split(|&byte| byte == b'/').any(|segment| matches!(segment, b"." | b".."))
}

fn is_normal(path: &[u8]) -> bool {
    let mut after_slash = false;
    for &byte in path {
        match byte {
            // A zero byte is refused where escapes are.
            b'%' | 0 => return false,
            b'/' | b'.' if after_slash => return false,
            _ => after_slash = byte == b'/',
        }
    }
    true
}

fn decode(path: &[u8], decoded: &mut Vec<u8>) -> Result<(), Error> {
    decoded.clear();
    let mut bytes = path.iter();
    while let Some(&byte) = bytes.next() {
        let byte = if byte == b'%' {
            let mut digit = || {
                bytes.next().and_then(|&byte| char::from(byte).to_digit(16)).ok_or(Error::Target)
            };
            (digit()? * 16 + digit()?) as u8
        } else {
            byte
        };
        if byte == 0 {
            return Err(Error::Target);
        }
        decoded.push(byte);
    }
    Ok(())
}

/// Merges slashes and resolves `.` and `..` in place; a path that climbs above the root is refused.
fn resolve(path: &mut Vec<u8>) -> Result<(), Error> {
    let mut write = 0;
    let mut read = 0;
    while read < path.len() {
        // Each round handles one slash and the segment after it.
        while read < path.len() && path[read] == b'/' {
            read += 1;
        }
        let start = read;
        while read < path.len() && path[read] != b'/' {
            read += 1;
        }
        let is_last = read == path.len();
        match &path[start..read] {
            b"." | b"" => {
                if is_last {
                    path[write] = b'/';
                    write += 1;
                }
            }
            b".." => {
                if write == 0 {
                    return Err(Error::Target);
                }
                write = path[..write].iter().rposition(|&byte| byte == b'/').unwrap_or(0);
                if is_last {
                    path[write] = b'/';
                    write += 1;
                }
            }
            segment => {
                let length = segment.len();
                path[write] = b'/';
                path.copy_within(start..read, write + 1);
                write += 1 + length;
            }
        }
    }
    path.truncate(write);
    Ok(())
}

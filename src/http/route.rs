//! How hosts and paths are matched; the order in which candidates are tried is the caller's, fixed
//! when a configuration is compiled.

/// The host without its port; brackets of an IPv6 address stay, since names are written with them.
pub(crate) fn without_port(authority: &[u8]) -> &[u8] {
    // Short, so a search made for long texts would spend most of its time on beginning.
    let place = |wanted, text: &[u8]| text.iter().position(|byte| *byte == wanted);
    let after_brackets = place(b']', authority).unwrap_or(0);
    match place(b':', &authority[after_brackets..]) {
        Some(colon) => &authority[..after_brackets + colon],
        None => authority,
    }
}

/// How precisely a server's name matched; greater is better, an exact name beats every wildcard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Match {
    /// `*.name`: a longer name is more precise.
    Wildcard(usize),
    Exact,
}

/// `pattern` is lower case: a name, or `*.name` for any depth below it. A trailing dot of `host` is
/// the same host.
pub(crate) fn match_host(pattern: &str, host: &[u8]) -> Option<Match> {
    let host = host.strip_suffix(b".").unwrap_or(host);
    match pattern.strip_prefix('*') {
        Some(suffix) => {
            let (label, tail) = host.split_at_checked(host.len().checked_sub(suffix.len())?)?;
            (!label.is_empty() && tail.eq_ignore_ascii_case(suffix.as_bytes()))
                .then_some(Match::Wildcard(suffix.len()))
        }
        None => host.eq_ignore_ascii_case(pattern.as_bytes()).then_some(Match::Exact),
    }
}

//! `sticky = { cookie = "srv", ... }`: by what a client comes back to its backend; a cookie of ours,
//! or a session of the backends' own that is learned from their responses.

use super::limits;
use super::model::capacity::{Cookie, OnDrain, Place, Renewal, Session, Sticky, Token};
use super::section::{Section, unknown_word};

/// One of these says what a client is known by.
const TOKENS: [&str; 3] = ["cookie", "learn", "header"];
const SAME_SITES: [&str; 3] = ["strict", "lax", "none"];
const ON_DRAINS: [&str; 2] = ["move", "follow"];

pub(super) fn read(mut section: Section<'_>) -> Option<Sticky> {
    let given: Vec<&str> =
        TOKENS.into_iter().filter(|key| section.key_span(key).is_some()).collect();
    let by = match (given.first().copied(), given.get(1).copied()) {
        (Some(first), Some(second)) => {
            let span = section.key_span(second).unwrap_or_default();
            let message = format!("`{first}` and `{second}` exclude each other");
            section.report.error(&span, message, "a client is known by one of them");
            for key in TOKENS {
                let _told_enough = section.value(key);
            }
            None
        }
        (Some("cookie"), None) => cookie(&mut section).map(Token::Cookie),
        (Some("learn"), None) => session(&mut section, "learn", Place::Cookie).map(Token::Session),
        (Some(_), None) => session(&mut section, "header", Place::Header).map(Token::Session),
        (None, _) => {
            section.missing("cookie", "such as `cookie = \"srv\"`; or `learn`, or `header`");
            None
        }
    };
    let on_drain = on_drain(&mut section).unwrap_or(OnDrain::Move);
    section.finish(&[
        ("name", "cookie"),
        ("expires", "max_age"),
        ("httponly", "http_only"),
        ("samesite", "same_site"),
    ]);
    Some(Sticky { by: by?, on_drain })
}

fn cookie(section: &mut Section<'_>) -> Option<Cookie> {
    let name = name(section, "cookie");
    let (attributes, renewal) = attributes(section);
    Some(Cookie { name: name?, attributes, renewal })
}

fn session(section: &mut Section<'_>, key: &'static str, place: Place) -> Option<Session> {
    let name = name(section, key);
    let timeout_ms = section.positive_duration("timeout").unwrap_or(limits::SESSION_TIMEOUT_MS);
    Some(Session { place, name: name?, timeout_ms })
}

/// A backend's own word in place of a digest of its address; `behind` is what stands for several
/// backends, if that is what the section is about.
pub(super) fn route(section: &mut Section<'_>, behind: Option<&str>) -> Option<String> {
    let route = section.text("route")?;
    if let Some(behind) = behind {
        let message = format!("backends behind {behind} have no `route` of the file");
        section.report.error(&route.span, message, "each is told by its address");
        return None;
    }
    let is_short = route.value.len() <= limits::STICKY_ROUTE_BYTES_MAX;
    if route.value.is_empty() || !is_short || !route.value.bytes().all(is_value_byte) {
        let max = limits::STICKY_ROUTE_BYTES_MAX;
        let message = format!("`{}` is no value of a cookie", route.value.escape_debug());
        let hint = format!("1 to {max} letters, digits and marks without a meaning in cookies");
        section.report.error(&route.span, message, hint);
        return None;
    }
    Some(route.value)
}

/// Of a cookie or a header.
fn name(section: &mut Section<'_>, key: &'static str) -> Option<String> {
    let name = section.text(key)?;
    let is_short = name.value.len() <= limits::NAME_BYTES_MAX;
    if name.value.is_empty() || !is_short || !name.value.bytes().all(is_name_byte) {
        let message = format!("`{}` is no name for a {}", name.value.escape_debug(), noun(key));
        section.report.error(&name.span, message, "letters, digits, `-` and `_`");
        return None;
    }
    Some(name.value)
}

fn noun(key: &str) -> &str {
    if key == "header" { key } else { "cookie" }
}

/// As nginx writes them, `path` last.
fn attributes(section: &mut Section<'_>) -> (String, Renewal) {
    let max_age_ms = section.positive_duration("max_age");
    let max_age = max_age_ms.map(|age_ms| format!("max-age={}", age_ms.div_ceil(1000)));
    let domain = attribute(section, "domain").map(|domain| format!("domain={domain}"));
    let is_http_only = section.flag("http_only").unwrap_or(false);
    let is_secure = section.flag("secure").unwrap_or(false);
    let same_site = same_site(section, is_secure).map(|word| format!("samesite={word}"));
    let path = attribute(section, "path").unwrap_or_else(|| "/".to_owned());
    let parts = [
        max_age,
        domain,
        is_http_only.then(|| "httponly".to_owned()),
        is_secure.then(|| "secure".to_owned()),
        same_site,
        Some(format!("path={path}")),
    ];
    let text: Vec<String> = parts.into_iter().flatten().map(|part| format!("; {part}")).collect();
    (text.concat(), if max_age_ms.is_some() { Renewal::Always } else { Renewal::Once })
}

fn same_site(section: &mut Section<'_>, is_secure: bool) -> Option<String> {
    let word = section.text("same_site")?;
    if !SAME_SITES.contains(&word.value.as_str()) {
        unknown_word(section.report, "same_site", &word, &SAME_SITES);
    } else if word.value == "none" && !is_secure {
        let message = "browsers drop a cookie with `same_site = \"none\"` that is not secure";
        section.report.error(&word.span, message, "add `secure = true`");
    }
    Some(word.value)
}

/// Text that cannot end the attribute it stands in.
fn attribute(section: &mut Section<'_>, key: &'static str) -> Option<String> {
    let text = section.text(key)?;
    let is_fine = |byte: u8| byte.is_ascii_graphic() && byte != b';' && byte != b',';
    if text.value.is_empty() || !text.value.bytes().all(is_fine) {
        let message = format!("`{}` is no {key} of a cookie", text.value.escape_debug());
        section.report.error(&text.span, message, "visible characters without `;` and `,`");
        return None;
    }
    Some(text.value)
}

fn on_drain(section: &mut Section<'_>) -> Option<OnDrain> {
    let word = section.text("on_drain")?;
    match word.value.as_str() {
        "move" => Some(OnDrain::Move),
        "follow" => Some(OnDrain::Follow),
        _ => {
            unknown_word(section.report, "on_drain", &word, &ON_DRAINS);
            None
        }
    }
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

fn is_value_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.!#$%&'*+/:=@^`|~".contains(&byte)
}

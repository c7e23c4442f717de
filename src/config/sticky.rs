//! `sticky = { cookie = "srv", ... }`: the cookie by which a client comes back to its backend.

use super::limits;
use super::model::capacity::{Cookie, OnDrain, Renewal, Sticky};
use super::report::Located;
use super::section::{Section, unknown_word};

const SAME_SITES: [&str; 3] = ["strict", "lax", "none"];
const ON_DRAINS: [&str; 2] = ["move", "follow"];

pub(super) fn read(mut section: Section<'_>) -> Option<Sticky> {
    let name = section.text("cookie").and_then(|name| cookie_name(&section, name));
    if section.key_span("cookie").is_none() {
        section.missing("cookie", "such as `cookie = \"srv\"`");
    }
    let (attributes, renewal) = attributes(&mut section);
    let on_drain = on_drain(&mut section).unwrap_or(OnDrain::Move);
    section.finish(&[
        ("name", "cookie"),
        ("expires", "max_age"),
        ("httponly", "http_only"),
        ("samesite", "same_site"),
    ]);
    Some(Sticky { cookie: Cookie { name: name?, attributes, renewal }, on_drain })
}

/// A backend's own word in place of a digest of its address.
pub(super) fn route(section: &mut Section<'_>) -> Option<String> {
    let route = section.text("route")?;
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

fn cookie_name(section: &Section<'_>, name: Located<String>) -> Option<String> {
    let is_short = name.value.len() <= limits::NAME_BYTES_MAX;
    if name.value.is_empty() || !is_short || !name.value.bytes().all(is_name_byte) {
        let message = format!("`{}` is not a cookie's name", name.value.escape_debug());
        section.report.error(&name.span, message, "letters, digits, `-` and `_`");
        return None;
    }
    Some(name.value)
}

/// As nginx writes them, `path` last.
fn attributes(section: &mut Section<'_>) -> (String, Renewal) {
    let mut text = String::new();
    let max_age_ms = section.positive_duration("max_age");
    if let Some(max_age_ms) = max_age_ms {
        text.push_str(&format!("; max-age={}", max_age_ms.div_ceil(1000)));
    }
    if let Some(domain) = attribute(section, "domain") {
        text.push_str(&format!("; domain={domain}"));
    }
    if section.flag("http_only").unwrap_or(false) {
        text.push_str("; httponly");
    }
    let is_secure = section.flag("secure").unwrap_or(false);
    if is_secure {
        text.push_str("; secure");
    }
    if let Some(word) = section.text("same_site") {
        if !SAME_SITES.contains(&word.value.as_str()) {
            unknown_word(section.report, "same_site", &word, &SAME_SITES);
        } else if word.value == "none" && !is_secure {
            let message = "browsers drop a cookie with `same_site = \"none\"` that is not secure";
            section.report.error(&word.span, message, "add `secure = true`");
        }
        text.push_str(&format!("; samesite={}", word.value));
    }
    let path = attribute(section, "path").unwrap_or_else(|| "/".to_owned());
    text.push_str(&format!("; path={path}"));
    (text, if max_age_ms.is_some() { Renewal::Always } else { Renewal::Once })
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

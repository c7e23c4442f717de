//! What runs: events, addresses with a script in them, styles that call out, and the rest of a
//! script's string.

use std::sync::LazyLock;

use super::super::Judgement;
use super::super::words::Words;

/// Attributes that run their value, of the HTML standard and of what browsers have beyond it.
#[rustfmt::skip]
const EVENTS: [&[u8]; 84] = [
    b"onabort", b"onactivate", b"onafterprint", b"onanimationend", b"onanimationiteration",
    b"onanimationstart", b"onauxclick", b"onbeforecopy", b"onbeforecut", b"onbeforeinput",
    b"onbeforeprint", b"onbeforetoggle", b"onbeforeunload", b"onbegin", b"onblur", b"onbounce",
    b"oncanplay", b"oncanplaythrough", b"onchange", b"onclick", b"onclose", b"oncontextmenu",
    b"oncopy", b"oncuechange", b"oncut", b"ondblclick", b"ondrag", b"ondragend", b"ondragenter",
    b"ondragleave", b"ondragover", b"ondragstart", b"ondrop", b"ondurationchange", b"onend",
    b"onended", b"onerror", b"onfinish", b"onfocus", b"onfocusin", b"onfocusout", b"onfullscreenchange",
    b"ongotpointercapture", b"onhashchange", b"oninput", b"oninvalid", b"onkeydown", b"onkeypress",
    b"onkeyup", b"onload", b"onloadeddata", b"onloadedmetadata", b"onloadend", b"onloadstart",
    b"onmessage", b"onmousedown", b"onmouseenter", b"onmouseleave", b"onmousemove", b"onmouseout",
    b"onmouseover", b"onmouseup", b"onmousewheel", b"onpageshow", b"onpaste", b"onplay", b"onplaying",
    b"onpointerdown", b"onpointerenter", b"onpointermove", b"onpointerover", b"onpointerrawupdate",
    b"onpopstate", b"onprogress", b"onpropertychange", b"onreadystatechange", b"onrepeat", b"onresize",
    b"onscroll", b"onsearch", b"onstart", b"onsubmit", b"ontoggle", b"ontransitionend",
];

/// Letters of the shortest event.
const EVENT_BYTES_MIN: usize = 5;

pub(super) fn is_event(name: &[u8]) -> bool {
    EVENTS.contains(&name)
}

/// Whether browsers to come may know such an event.
pub(super) fn may_be_event(name: &[u8]) -> bool {
    name.len() >= EVENT_BYTES_MIN
        && name.starts_with(b"on")
        && name.iter().all(u8::is_ascii_lowercase)
}

/// Longest scheme with its colon that is looked for, and what may stand between its letters.
const SCHEME_BYTES_MAX: usize = 64;

/// Schemes whose addresses are scripts.
const SCRIPTS: [&[u8]; 5] = [b"javascript:", b"vbscript:", b"livescript:", b"mocha:", b"jscript:"];

/// Documents in addresses that hold scripts.
const DOCUMENTS: [&[u8]; 4] =
    [b"data:text/html", b"data:application/xhtml", b"data:text/xml", b"data:application/xm"];

/// Whether an address is a script. White space and control characters in its scheme are skipped, as
/// browsers skip them.
pub(super) fn address(value: &[u8]) -> Judgement {
    let mut scheme = [0; 24];
    let mut length = 0;
    let mut read = 0;
    for &byte in value.iter().take(SCHEME_BYTES_MAX) {
        read += 1;
        if byte <= b' ' {
            continue;
        }
        if length == scheme.len() {
            break;
        }
        scheme[length] = byte;
        length += 1;
    }
    let scheme = &scheme[..length];
    if SCRIPTS.iter().any(|script| scheme.starts_with(script)) {
        let colon = memchr::memchr(b':', &value[..read]).map_or(read, |colon| colon + 1);
        return if runs(&value[colon..]) { Judgement::Attack } else { Judgement::Clean };
    }
    if DOCUMENTS.iter().any(|document| scheme.starts_with(document)) {
        return Judgement::Attack;
    }
    Judgement::Clean
}

/// Whether what follows a script's scheme is a script, and not the title of a book.
fn runs(script: &[u8]) -> bool {
    let calls = script.windows(2).any(|pair| {
        matches!(pair[1], b'(' | b'`')
            && (pair[0].is_ascii_alphanumeric() || matches!(pair[0], b'_' | b'$' | b']' | b')'))
    });
    let assigns = script.windows(2).any(|pair| pair[1] == b'=' && pair[0].is_ascii_alphanumeric());
    calls
        || assigns
        || script.starts_with(b"//")
        || memchr::memmem::find(script, b"document.").is_some()
}

/// A style that loads or runs something.
pub(super) fn style(text: &[u8]) -> Judgement {
    const CALLS: [&[u8]; 6] =
        [b"expression(", b"javascript:", b"vbscript:", b"-moz-binding", b"behavior:", b"@import"];
    let calls = CALLS.iter().any(|call| memchr::memmem::find(text, call).is_some());
    if calls { Judgement::Attack } else { Judgement::Clean }
}

/// What injected script does first.
#[rustfmt::skip]
const DEEDS: [&str; 38] = [
    "alert(", "alert`", "prompt(", "prompt`", "confirm(", "confirm`", "eval(", "document.cookie",
    "document.location", "document.write", "document.domain", "window.location", "location=",
    "location.href", "string.fromcharcode", "settimeout(", "setinterval(", "fetch(", "import(",
    "atob(", "new function(", "function(", "xmlhttprequest", "constructor(", ".constructor",
    "window[", "self[", "top[", "this[", "print(", "$.getscript(", "navigator.sendbeacon",
    "localstorage.", "document[", "throw", "onerror=", "console.log(", "postmessage(",
];

static SEARCH: LazyLock<Words> = LazyLock::new(|| Words::new(&DEEDS));

pub(in super::super) fn prepare() {
    LazyLock::force(&SEARCH);
}

/// How far behind the end of a string its script's first deed is looked for.
const REST_BYTES_MAX: usize = 96;

/// The value ends a script's string and goes on as script: `';alert(1)//`, `"-prompt(1)-"`.
pub(super) fn rest_of_string(value: &[u8]) -> (Judgement, usize) {
    for quote in [b'\'', b'"', b'`'] {
        let Some(end) = memchr::memchr(quote, value) else { continue };
        let rest = &value[end + 1..];
        let rest = &rest[..rest.len().min(REST_BYTES_MAX)];
        let next = rest.iter().find(|byte| !byte.is_ascii_whitespace() && **byte != b')');
        let is_on = next.is_some_and(|byte| b";-+*,|&^/%}]<>=?:".contains(byte));
        if is_on && SEARCH.find(rest).is_some() {
            return (Judgement::Attack, end);
        }
    }
    // `${alert(1)}` in a string of that kind.
    let template = memchr::memmem::find(value, b"${").filter(|at| {
        let rest = &value[*at..];
        SEARCH.find(&rest[..rest.len().min(REST_BYTES_MAX)]).is_some()
    });
    match template {
        Some(at) => (Judgement::Odd, at),
        None => (Judgement::Clean, 0),
    }
}

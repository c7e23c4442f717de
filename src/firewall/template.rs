//! Expressions that a template engine or a logger would work out: `{{7*7}}`, `${jndi:…}`.
//!
//! A name in braces is what honest templates are made of; it takes an operation, a lookup or one of
//! the roots that attacks climb from to be found.

use std::sync::LazyLock;

use super::words::Words;
use super::{EXPRESSION_BYTES_MAX, Judgement};

/// Openings and what ends them.
const FORMS: [(&[u8], &[u8]); 12] = [
    (b"{{", b"}}"),
    (b"{%", b"%}"),
    (b"${", b"}"),
    (b"#{", b"}"),
    (b"*{", b"}"),
    (b"@{", b"}"),
    (b"~{", b"}"),
    (b"<%", b"%>"),
    (b"<#", b">"),
    (b"[[", b"]]"),
    (b"@(", b")"),
    (b"#set", b")"),
];

/// What is read of an expression that is judged as a whole.
const SHORT_BYTES_MAX: usize = 40;
/// Roots of one value that are looked at; each costs a look back for the opening before it.
const ROOTS_MAX: usize = 64;

/// What gives an attack away, wherever in an expression it is.
#[rustfmt::skip]
const ROOTS: [&str; 57] = [
    "__class__", "__mro__", "__subclasses__", "__globals__", "__builtins__", "__init__",
    "__import__", "__dict__", "__base__", "__getattribute__", "mro()", ".constructor",
    "['constructor", "java.lang", "java.util", "javax.", "getruntime", "processbuilder", "getclass",
    ".class.", "forname", "system(", "exec(", "popen", "eval(", "passthru", "file_get_contents",
    "phpinfo", "require(", "child_process", "process.", "import os", "import(", "lipsum", "cycler",
    "joiner", "namespace.", "_self.env", "registerundefinedfilter", "|attr(", "url_for.",
    "get_flashed_messages", "freemarker", "file.open", "config.items", "config[",
    "request.application", "request[", "self._", "request|attr", "#request", "t(java", "new java",
    "`id`", "['cat", "|filter('", "`ls",
];

static SEARCH: LazyLock<Words> = LazyLock::new(|| Words::new(&ROOTS));

pub(super) fn prepare() {
    LazyLock::force(&SEARCH);
}

pub(super) fn judge(value: &[u8]) -> (Judgement, usize) {
    let mut odd = None;
    let mut count = 0;
    for at in 0..value.len() {
        let Some((open, close)) = form_at(value, at) else { continue };
        let inner = &value[at + open.len()..];
        if open == b"${" && is_lookup(inner) {
            return (Judgement::Attack, at);
        }
        let short = &inner[..inner.len().min(SHORT_BYTES_MAX)];
        let Some(end) = memchr::memmem::find(short, close) else { continue };
        match judge_short(short[..end].trim_ascii()) {
            Judgement::Attack => return (Judgement::Attack, at),
            // Who asks for one such object may be honest, who asks for two is looking around.
            Judgement::Odd if count > 0 => return (Judgement::Attack, at),
            Judgement::Odd => {
                count += 1;
                odd = Some(at);
            }
            Judgement::Clean => {}
        }
    }
    let rooted = SEARCH.hits(value).take(ROOTS_MAX).find_map(|hit| opening_before(value, hit.at));
    match (rooted, odd) {
        (Some(at), _) => (Judgement::Attack, at),
        (None, Some(at)) => (Judgement::Odd, at),
        (None, None) => (Judgement::Clean, 0),
    }
}

fn form_at(value: &[u8], at: usize) -> Option<(&'static [u8], &'static [u8])> {
    let rest = &value[at..];
    if !matches!(rest, [b'{' | b'$' | b'#' | b'*' | b'@' | b'~' | b'<' | b'[', ..]) {
        return None;
    }
    FORMS.into_iter().find(|(open, _)| rest.starts_with(open))
}

/// Where the expression begins in which `at` lies.
fn opening_before(value: &[u8], at: usize) -> Option<usize> {
    let least = at.saturating_sub(EXPRESSION_BYTES_MAX);
    (least..at).rev().find(|&start| {
        form_at(value, start).is_some_and(|(open, close)| {
            let inner = value.get(start + open.len()..at).unwrap_or_default();
            memchr::memmem::find(inner, close).is_none()
        })
    })
}

/// Lookups of Log4j and its like, hidden in each other or not.
fn is_lookup(inner: &[u8]) -> bool {
    const NAMES: [&[u8]; 16] = [
        b"jndi:",
        b"lower:",
        b"upper:",
        b"env:",
        b"sys:",
        b"java:",
        b"ctx:",
        b"date:",
        b"main:",
        b"script:",
        b"dns:",
        b"url:",
        b"base64decoder:",
        b"const:",
        b"::-",
        b":-",
    ];
    let inner = inner.strip_prefix(b"${").unwrap_or(inner);
    NAMES.iter().any(|name| inner.starts_with(name))
}

fn judge_short(expression: &[u8]) -> Judgement {
    const ROOTS: [&[u8]; 7] =
        [b"config", b"settings", b"self", b"request", b"app", b"_self", b"dump"];
    if is_product(expression) {
        return Judgement::Attack;
    }
    if ROOTS.contains(&expression) {
        return Judgement::Odd;
    }
    Judgement::Clean
}

/// A product or sum of two numbers, quoted or not: what every probe begins with.
fn is_product(expression: &[u8]) -> bool {
    let expression = expression.trim_ascii_start();
    let expression = expression.strip_prefix(b"=").unwrap_or(expression);
    let mut parts = expression.splitn(2, |byte| matches!(byte, b'*' | b'+' | b'-' | b'/'));
    let (Some(one), Some(other)) = (parts.next(), parts.next()) else { return false };
    let is_number = |text: &[u8]| {
        let is_around = |byte: &u8| b" '\"(){}*".contains(byte);
        let digits = text.iter().filter(|byte| byte.is_ascii_digit()).count();
        digits > 0 && text.iter().all(|byte| byte.is_ascii_digit() || is_around(byte))
    };
    is_number(one) && is_number(other)
}

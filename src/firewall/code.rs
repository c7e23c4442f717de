//! Pieces of programs, objects and queries of kinds that have no detector of their own.

use std::sync::LazyLock;

use super::finding::Part;
use super::words::Words;
use super::{Judgement, prose};

/// Meant for an interpreter, unless somebody writes about it.
#[rustfmt::skip]
const PIECES: [&str; 77] = [
    "<?php", "<?=", "php://", "phar://", "expect://", "zip://", "netdoc:", "gopher://", "dict://",
    "jar:http", "ldap://", "rmi://", "java.lang.runtime", "java.lang.processbuilder",
    "getruntime()", "processbuilder(", "@ognl.", "#_memberaccess", "%{(#", "%{#",
    "('child_process')", "(\"child_process\")", "process.mainmodule", "__import__(",
    "base64_decode($_", "eval($_", "system($_", "exec($_", "assert($_", "passthru($_",
    "eval(base64_decode", "call_user_func(", "create_function(", "phpinfo()",
    "class.module.classloader", "javax.script.scriptengine", "spring.cloud.function",
    "file_put_contents(", "169.254.169.254", "metadata.google.internal", "xi:include",
    "data://text", "glob://", "os.popen(", "os.system(", "javax.naming", "com.sun.rowset",
    "system('", "system(\"", "exec('", "exec(\"", "passthru('", "shell_exec(", "popen('",
    "popen(\"", "proc_open(", "file_get_contents(", "$_get[", "$_post[", "$_request[",
    "$_server[", "$_cookie[", "subprocess.", "java.util.", "java.io.", "java.net.",
    "require('fs')", "require(\"fs\")", "assert('", "eval('", "eval(\"", "globals[", "o:1:\"",
    "__proto__", "constructor.prototype", "constructor[prototype", "isset($_",
];

/// What closes a filter of LDAP's and opens the next.
const FILTERS: [&str; 5] = [")(|(", ")(&(", ")(!(", "*)(", "*))("];

static SEARCH: LazyLock<Words> = LazyLock::new(|| Words::new(&PIECES));
static FILTER_SEARCH: LazyLock<Words> = LazyLock::new(|| Words::new(&FILTERS));

pub(super) fn prepare() {
    LazyLock::force(&SEARCH);
    LazyLock::force(&FILTER_SEARCH);
}

pub(super) fn judge(value: &[u8]) -> (Judgement, usize) {
    if let Some(at) = serialised(value).or_else(|| directory(value)).or_else(|| entity(value)) {
        return (Judgement::Attack, at);
    }
    match SEARCH.find(value) {
        Some(hit) if prose::is_text(value) => (Judgement::Odd, hit.at),
        Some(hit) => (Judgement::Attack, hit.at),
        None => (Judgement::Clean, 0),
    }
}

/// An object of PHP's or Java's that would be read back.
fn serialised(value: &[u8]) -> Option<usize> {
    if is_packed_object(value) {
        return Some(0);
    }
    // `o:4:"user":1:{`
    let at = memchr::memmem::find(value, b"o:")?;
    let rest = &value[at + 2..];
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (digits > 0 && rest[digits..].starts_with(b":\"")).then_some(at)
}

/// Whether an object of Java's begins here, in base64 or in hexadecimal digits: the only attack that
/// needs no sign.
pub(super) fn is_packed_object(value: &[u8]) -> bool {
    let begins =
        |start: &[u8]| value.get(..start.len()).is_some_and(|it| it.eq_ignore_ascii_case(start));
    begins(b"ro0ab") || begins(b"aced0005")
}

/// What is looked at behind an opened filter for its attribute.
const FILTER_BYTES_MAX: usize = 40;

/// A filter of LDAP's that closes the one around it: an attribute and a value follow.
fn directory(value: &[u8]) -> Option<usize> {
    let is_filter = |at: &usize| {
        let rest = &value[*at..];
        let rest = &rest[..rest.len().min(FILTER_BYTES_MAX)];
        rest.windows(2).any(|pair| pair[0].is_ascii_alphanumeric() && pair[1] == b'=')
    };
    FILTER_SEARCH.hits(value).map(|hit| hit.at).find(is_filter)
}

/// An entity of XML's that is read from elsewhere, or a type that defines one.
fn entity(value: &[u8]) -> Option<usize> {
    let entity = memchr::memmem::find(value, b"<!entity");
    let kind =
        || memchr::memmem::find(value, b"<!doctype").filter(|at| value[*at..].contains(&b'['));
    let at = entity.or_else(kind)?;
    let words = [&b"system"[..], b"public", b"<!entity"];
    words.iter().any(|word| memchr::memmem::find(&value[at..], word).is_some()).then_some(at)
}

/// Operators of document stores, as the names of values.
const OPERATORS: [&[u8]; 14] = [
    b"$ne", b"$gt", b"$gte", b"$lt", b"$lte", b"$where", b"$regex", b"$in", b"$nin", b"$or",
    b"$and", b"$exists", b"$expr", b"$not",
];

/// Names by which an object's origin is reached.
const ORIGINS: [&[u8]; 3] = [b"__proto__", b"constructor.prototype", b"constructor[prototype"];

/// Whether a name of letters alone reaches an object's origin.
pub(super) fn is_origin(name: &[u8]) -> bool {
    memchr::memmem::find(name, b"__proto__").is_some()
}

/// Names of values that mean something to what reads them: `user[$ne]`, `__proto__[admin]`.
pub(super) fn judge_name(name: &[u8], part: Part) -> Judgement {
    if ORIGINS.iter().any(|origin| memchr::memmem::find(name, origin).is_some()) {
        return Judgement::Attack;
    }
    let Some(at) = memchr::memchr(b'$', name) else { return Judgement::Clean };
    let length = name[at + 1..].iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let operator = &name[at..=at + length];
    match part {
        _ if !OPERATORS.contains(&operator) => Judgement::Clean,
        // Interfaces that take such queries on purpose speak JSON.
        Part::Json if operator != b"$where" => Judgement::Odd,
        _ => Judgement::Attack,
    }
}

//! `basic_auth`, `auth_request` and `satisfy`: who the client must be, and whose word on it is
//! enough; nginx's directives of the same names.

use std::path::PathBuf;

use toml::de::DeValue;

use super::super::headers::{self, Side};
use super::super::model::guard::{AuthRequest, BasicAuth, Satisfy, Taken};
use super::super::model::route::Change;
use super::super::report::Located;
use super::super::section::{Section, unknown_word};
use super::super::template::{self, Scope, Stage};
use super::Choice;

const OFF: &str = "off";

/// `basic_auth = { realm = "Members", file = "users" }`, or "off".
pub(super) fn basic(section: &mut Section<'_>) -> Option<Choice<BasicAuth>> {
    let mut table = match table(section, "basic_auth")? {
        Given::Off => return Some(Choice::Off),
        Given::Table(table) => table,
        Given::Bad => return None,
    };
    let report = table.report;
    let realm = table.text("realm");
    if let Some(realm) = realm.as_ref().filter(|it| it.value.contains(|c: char| c.is_control())) {
        report.error(&realm.span, "the realm holds a control character", "it is part of a header");
    }
    let file = table.text("file");
    if table.key_span("file").is_none() {
        table.missing("file", "one of users and hashed passwords, as `htpasswd` writes it");
    }
    let file = file.map(|Located { value, span }| {
        let path = report.absolute(PathBuf::from(value));
        if let Err(reason) = (report.surroundings.users)(&path) {
            report.error(&span, reason, "");
        }
        path
    });
    table.finish(&[("user_file", "file"), ("auth_basic_user_file", "file"), ("name", "realm")]);
    let realm = realm.map_or_else(|| "restricted".to_owned(), |realm| realm.value);
    Some(Choice::On(BasicAuth { realm, file: file? }))
}

/// `auth_request = { upstream = "auth", path = "/check" }`, or "off".
pub(super) fn request(
    section: &mut Section<'_>,
    upstreams: &mut Vec<Located<String>>,
) -> Option<Choice<AuthRequest>> {
    let mut table = match table(section, "auth_request")? {
        Given::Off => return Some(Choice::Off),
        Given::Table(table) => table,
        Given::Bad => return None,
    };
    let report = table.report;
    let upstream = table.text("upstream");
    if table.key_span("upstream").is_none() {
        table.missing("upstream", "the name of the one that is asked");
    }
    upstreams.extend(upstream.clone());
    let path = table.raw_text("path").map(|text| {
        if !text.value.starts_with(['/', '$']) {
            report.error(&text.span, "a path starts with a slash", "such as \"/auth\"");
        }
        template::parse(report, &text, Scope { stage: Stage::Request, groups: None })
    });
    let taken = lines(&mut table, "set", Side::Request);
    let told = lines(&mut table, "response", Side::Response);
    let mut sent = Vec::new();
    for (name, value) in table.pairs("send") {
        let value = headers::line(report, &value, Scope { stage: Stage::Request, groups: None });
        if headers::is_free(report, &name, Side::Request, &Change::Set(value.clone())) {
            sent.push(Taken { name: name.value, value });
        }
    }
    table.finish(&[
        ("uri", "path"),
        ("auth_request_set", "set"),
        ("headers", "send"),
        ("request_headers", "send"),
        ("add_header", "response"),
    ]);
    let path = path.unwrap_or_else(|| template::Template {
        parts: vec![template::Part::Text("/".to_owned())],
    });
    Some(Choice::On(AuthRequest { upstream: upstream?.value, path, sent, taken, told }))
}

/// Lines that are made of an answer.
fn lines(table: &mut Section<'_>, key: &'static str, side: Side) -> Vec<Taken> {
    let report = table.report;
    let scope = Scope { stage: Stage::Response, groups: None };
    let mut lines = Vec::new();
    for (name, value) in table.pairs(key) {
        let template = headers::line(report, &value, scope);
        if headers::is_free(report, &name, side, &Change::Hide) {
            lines.push(Taken { name: name.value, value: template });
        }
    }
    lines
}

pub(super) fn satisfy(section: &mut Section<'_>) -> Option<Satisfy> {
    let word = section.text("satisfy")?;
    match word.value.as_str() {
        "all" => Some(Satisfy::All),
        "any" => Some(Satisfy::Any),
        _ => {
            unknown_word(section.report, "satisfy", &word, &["all", "any"]);
            None
        }
    }
}

enum Given<'a> {
    Off,
    Table(Section<'a>),
    /// Told where it was read.
    Bad,
}

fn table<'a>(section: &mut Section<'a>, key: &'static str) -> Option<Given<'a>> {
    let value = section.value(key)?;
    Some(match value.get_ref() {
        DeValue::String(text) if text == OFF => Given::Off,
        DeValue::Table(_) => section.section(key).map_or(Given::Bad, Given::Table),
        _ => {
            let _told: Option<()> = section.unexpected(value, "a table, or \"off\"");
            Given::Bad
        }
    })
}

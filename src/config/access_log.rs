//! `access_log`: where a server's or a route's requests are written down, and in which form.

use std::path::PathBuf;

use toml::de::DeValue;

use super::model::access_log::{AccessLog, Escape, Format, LogChoice};
use super::report::Located;
use super::section::{Section, text_of, unknown_word};
use super::template::{self, Groups, Part, Scope, Stage, Template, Variable};

const FORMATS: [&str; 2] = ["combined", "json"];
const ESCAPES: [&str; 3] = ["default", "json", "none"];

/// `"off"`, or a table with the file. `None`: the server's word holds, or nothing is logged.
pub(super) fn read(section: &mut Section<'_>, groups: Option<&Groups>) -> Option<LogChoice> {
    let value = section.value("access_log")?;
    if let DeValue::Table(_) = value.get_ref() {
        return section
            .section("access_log")
            .and_then(|table| to(table, groups))
            .map(LogChoice::To);
    }
    let report = section.report;
    let text = text_of(report, value, "\"off\" or a table such as { file = \"access.log\" }")?;
    if text.value == "off" {
        return Some(LogChoice::Off);
    }
    let hint = "expected \"off\" or { file = \"access.log\", format = \"combined\" }";
    report.error(&text.span, "`access_log` is neither off nor a table", hint);
    None
}

fn to(mut table: Section<'_>, groups: Option<&Groups>) -> Option<AccessLog> {
    let file = file(&mut table);
    let escape = escape(&mut table);
    let format = format(&mut table, escape, groups);
    table.finish(&[("path", "file"), ("log_format", "format")]);
    Some(AccessLog { file: file?, format: format? })
}

/// The folder must be there; the file is made.
fn file(table: &mut Section<'_>) -> Option<PathBuf> {
    let report = table.report;
    let Some(text) = table.text("file") else {
        if table.key_span("file").is_none() {
            table.missing("file", "such as `file = \"access.log\"`");
        }
        return None;
    };
    if text.value.is_empty() || text.value.ends_with('/') {
        let message = format!("`{}` is not the name of a file", text.value);
        report.error(&text.span, message, "such as \"access.log\"");
        return None;
    }
    let path = report.absolute(PathBuf::from(&text.value));
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !(report.surroundings.is_folder)(folder)) {
        let message = format!("no folder {} on this machine", folder.display());
        report.error(&text.span, message, "it is not made by itself");
    }
    Some(path)
}

fn escape(table: &mut Section<'_>) -> Option<Escape> {
    let word = table.text("escape")?;
    match word.value.as_str() {
        "default" => Some(Escape::Default),
        "json" => Some(Escape::Json),
        "none" => Some(Escape::None),
        _ => {
            unknown_word(table.report, "escape", &word, &ESCAPES);
            None
        }
    }
}

/// A name, or a text with variables.
fn format(
    table: &mut Section<'_>,
    escape: Option<Escape>,
    groups: Option<&Groups>,
) -> Option<Format> {
    let report = table.report;
    let escape_span = table.key_span("escape");
    let text = table.raw_text("format");
    let is_own = text.as_ref().is_some_and(|text| text.value.contains('$'));
    if let Some(span) = escape_span.filter(|_| !is_own) {
        report.error(&span, "`escape` is for a format of one's own", "this one has its own way");
    }
    let Some(text) = text else {
        return table.key_span("format").is_none().then(combined);
    };
    match text.value.as_str() {
        "combined" => Some(combined()),
        "json" => Some(Format::Json),
        _ if is_own => own(table, &text, escape.unwrap_or(Escape::Default), groups),
        _ => {
            unknown_word(report, "format", &text, &FORMATS);
            None
        }
    }
}

fn own(
    table: &Section<'_>,
    text: &Located<String>,
    escape: Escape,
    groups: Option<&Groups>,
) -> Option<Format> {
    let report = table.report;
    let template = template::parse(report, text, Scope { stage: Stage::End, groups });
    let is_gone = |variable: &Variable| matches!(variable, Variable::UpstreamHeader(_));
    if template.variables().any(is_gone) {
        let message = "`$upstream_http_` is gone when the log is written";
        report.error(&text.span, message, "`$sent_http_` is what the client was sent");
    }
    if text.value.contains('\n') {
        report.error(&text.span, "a format of several lines", "a request is one line");
        return None;
    }
    Some(Format::Text { template, escape })
}

/// nginx's predefined `combined`.
fn combined() -> Format {
    let text = |text: &str| Part::Text(text.to_owned());
    let header = |name: &str| Part::Variable(Variable::RequestHeader(name.to_owned()));
    let parts = vec![
        Part::Variable(Variable::RemoteAddr),
        text(" - "),
        Part::Variable(Variable::RemoteUser),
        text(" ["),
        Part::Variable(Variable::TimeLocal),
        text("] \""),
        Part::Variable(Variable::Request),
        text("\" "),
        Part::Variable(Variable::Status),
        text(" "),
        Part::Variable(Variable::BodyBytesSent),
        text(" \""),
        header("referer"),
        text("\" \""),
        header("user_agent"),
        text("\""),
    ];
    Format::Text { template: Template { parts }, escape: Escape::Default }
}

//! `compress`: which answers are compressed on their way, of files and of backends alike.

use toml::de::DeValue;

use super::limits;
use super::model::files::{Coding, Compress};
use super::report::{Located, Report};
use super::section::Section;

/// What shrinks well, of what browsers are sent. Pictures, films and archives are packed already.
const TYPES: [&str; 16] = [
    "text/*",
    "application/javascript",
    "application/json",
    "application/ld+json",
    "application/manifest+json",
    "application/geo+json",
    "application/xml",
    "application/xhtml+xml",
    "application/rss+xml",
    "application/atom+xml",
    "application/wasm",
    "application/vnd.ms-fontobject",
    "font/ttf",
    "font/otf",
    "image/svg+xml",
    "image/x-icon",
];

const HINT: &str = "expected \"zstd\", \"br\" or \"gzip\"";

/// `compress = true`, a list of codings, or a table.
pub(super) fn read(section: &mut Section<'_>) -> Option<Compress> {
    let value = section.value("compress")?;
    match value.get_ref() {
        DeValue::Boolean(false) => Some(Compress::default()),
        DeValue::Boolean(true) => Some(all(Coding::ALL.to_vec())),
        DeValue::Table(_) => table(section.section("compress")?),
        _ => {
            let codings = codings(section, "compress");
            (!codings.is_empty()).then(|| all(codings))
        }
    }
}

fn all(codings: Vec<Coding>) -> Compress {
    let types = TYPES.iter().map(|&it| it.to_owned()).collect();
    Compress { codings, types, bytes_min: limits::COMPRESS_BYTES_MIN }
}

fn table(mut table: Section<'_>) -> Option<Compress> {
    let has_codings = table.key_span("codings").is_some();
    let codings = codings(&mut table, "codings");
    let types = types(&mut table);
    let bytes_min = table.size("min");
    table.finish(&[
        ("gzip_types", "types"),
        ("gzip_min_length", "min"),
        ("encodings", "codings"),
        ("min_bytes", "min"),
        ("min_length", "min"),
    ]);
    if has_codings && codings.is_empty() {
        return None;
    }
    let mut compress = all(if has_codings { codings } else { Coding::ALL.to_vec() });
    if let Some(types) = types {
        compress.types = types;
    }
    compress.bytes_min = bytes_min.unwrap_or(compress.bytes_min);
    Some(compress)
}

/// A list of codings by their names in HTTP, each once.
pub(super) fn codings(section: &mut Section<'_>, key: &'static str) -> Vec<Coding> {
    let report = section.report;
    let mut codings = Vec::new();
    for text in section.texts(key) {
        match coding(&text.value) {
            Some(coding) if codings.contains(&coding) => {
                report.error(&text.span, format!("`{}` stands here twice", text.value), "");
            }
            Some(coding) => codings.push(coding),
            None => {
                let message = format!("`{}` is no coding", text.value.escape_debug());
                report.error(&text.span, message, HINT);
            }
        }
    }
    codings
}

/// By its name in HTTP, or by the end of a file's name.
fn coding(text: &str) -> Option<Coding> {
    let is_meant = |coding: &Coding| coding.token() == text || coding.ending()[1..] == *text;
    Coding::ALL.into_iter().find(is_meant)
}

fn types(table: &mut Section<'_>) -> Option<Vec<String>> {
    let report = table.report;
    table.key_span("types")?;
    let types = table.texts("types").into_iter();
    Some(types.filter_map(|text| media_type(report, &text)).collect())
}

fn media_type(report: &Report<'_>, text: &Located<String>) -> Option<String> {
    let lower = text.value.to_ascii_lowercase();
    let is_type = lower == "*" || lower.split('/').filter(|part| !part.is_empty()).count() == 2;
    if !is_type || lower.contains(|c: char| c.is_control() || c == ';') {
        let message = format!("`{}` is no type", text.value.escape_debug());
        report.error(&text.span, message, "such as \"text/html\", \"text/*\" or \"*\"");
        return None;
    }
    Some(lower)
}

//! The whole file: syntax, sections, and then what only the sections together can tell.

use toml::de::DeTable;

use super::diagnostic::Errors;
use super::model::{Config, Control};
use super::report::{Lookup, Report, Span};
use super::section::Section;
use super::{engine, names};

/// Reads and checks a text; see `config::parse`.
pub(super) fn read(text: &str, name: &str, lookup: Lookup<'_>) -> Result<Config, Errors> {
    let report = Report::new(name, text, lookup);
    let (document, syntax) = DeTable::parse_recoverable(text);
    let config = read_sections(Section::root(&report, &document), name);
    if syntax.is_empty() {
        return if report.is_clean() { Ok(config) } else { Err(Errors::of_report(report)) };
    }
    // What a broken line was meant to say is a guess, so only errors of other lines are kept.
    let spans: Vec<Span> =
        syntax.iter().map(|error| error.span().unwrap_or(0..text.len())).collect();
    let broken: Vec<usize> = spans.iter().map(|span| report.line_of(span.start)).collect();
    report.retain(|finding| !broken.contains(&report.line_of(finding.span.start)));
    for (error, span) in syntax.iter().zip(&spans) {
        report.error(span, error.message(), "");
    }
    Err(Errors::of_report(report))
}

fn read_sections(mut file: Section<'_>, name: &str) -> Config {
    let engine = engine::read(file.section("engine"));
    let config = Config {
        engine,
        servers: Vec::new(),
        upstreams: Vec::new(),
        programs: Vec::new(),
        control: Control { http: None, token_file: None },
        source: name.to_owned(),
        is_embedded: false,
    };
    file.finish(&[]);
    config
}

/// The engine's name as far as it can be read; see `config::engine_name`.
pub(super) fn engine_name(text: &str) -> Option<String> {
    let (document, _judged_by_read) = DeTable::parse_recoverable(text);
    let engine = document.get_ref().get("engine")?.get_ref().as_table()?;
    engine.get("name")?.get_ref().as_str().filter(|name| names::is_valid(name)).map(str::to_owned)
}

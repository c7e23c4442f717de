//! The whole file: syntax, sections, and then what only the sections together can tell.

use std::collections::BTreeMap;

use toml::de::DeTable;

use super::diagnostic::Errors;
use super::model::Config;
use super::report::{Report, Span, Surroundings};
use super::section::Section;
use super::{
    control, cross, engine, group, guard, listener, names, program, server, step, stream, table,
    upstream, variables,
};

/// Reads and checks a text; see `config::parse`.
pub(super) fn read(
    text: &str,
    name: &str,
    surroundings: Surroundings<'_>,
) -> Result<Config, Errors> {
    let (document, syntax) = DeTable::parse_recoverable(text);
    let mut report = Report::new(name, text, surroundings);
    report.is_broken = !syntax.is_empty();
    step::name_all(&report, document.get_ref());
    let config = read_sections(Section::root(&report, &document), name);
    if report.is_broken {
        report_syntax(&report, &syntax, text);
    }
    if report.is_clean() { Ok(config) } else { Err(Errors::of_report(report)) }
}

/// Adds the errors of syntax, the first of each line since the others follow from it, and keeps
/// from the rest only what a broken line cannot have caused: what that line was meant to say is a
/// guess, and without its header a table's keys belong anywhere.
fn report_syntax(report: &Report<'_>, syntax: &[toml::de::Error], text: &str) {
    let is_header = |line: &str| line.trim_start().starts_with('[');
    let lines: Vec<&str> = text.lines().collect();
    let mut doubtful = vec![false; lines.len()];
    let mut first_of_line: BTreeMap<usize, (Span, &str)> = BTreeMap::new();
    for error in syntax {
        let span = error.span().unwrap_or(0..text.len());
        let line = report.line_of(span.start);
        first_of_line.entry(line).or_insert((span, error.message()));
    }
    for line in first_of_line.keys().copied().filter(|line| *line < lines.len()) {
        doubtful[line] = true;
        if is_header(lines[line]) {
            let body = (line + 1..lines.len()).take_while(|at| !is_header(lines[*at]));
            body.for_each(|at| doubtful[at] = true);
        }
    }
    report.retain(|finding| {
        !doubtful.get(report.line_of(finding.span.start)).is_some_and(|is_doubtful| *is_doubtful)
    });
    for (span, message) in first_of_line.values() {
        report.error(span, *message, "");
    }
}

fn read_sections(mut file: Section<'_>, name: &str) -> Config {
    let engine = engine::read(file.section("engine"));
    // Before all that may name them.
    let tables = table::read_all(&mut file);
    let mut servers: Vec<_> = file.sections("server").into_iter().map(server::read).collect();
    let streams: Vec<_> = file.sections("stream").into_iter().map(stream::read).collect();
    let limits: Vec<_> = file
        .named_sections("limit")
        .into_iter()
        .map(|(name, section)| guard::zone::read(name, section))
        .collect();
    let mut upstreams: Vec<_> = file
        .named_sections("upstream")
        .into_iter()
        .map(|(name, section)| upstream::read(name, section, &engine.resolve))
        .collect();
    let mut programs: Vec<_> = file
        .named_sections("program")
        .into_iter()
        .map(|(name, section)| program::read(name, section))
        .collect();
    listener::read_all(&mut file, &mut programs);
    let mut groups: Vec<_> = file
        .named_sections("group")
        .into_iter()
        .map(|(name, section)| group::read(name, section))
        .collect();
    stream::settle_kinds(&mut upstreams, &servers, &streams);
    let control = control::read(file.section("control"));
    server::settle_identities(&mut servers);
    if !file.report.is_broken {
        group::settle(file.report, &mut programs, &mut groups);
        let sections = cross::Sections {
            servers: &servers,
            streams: &streams,
            limits: &limits,
            upstreams: &upstreams,
            programs: &programs,
            control: &control,
        };
        cross::check(file.report, sections);
    }
    file.finish(&[
        ("servers", "server"),
        ("streams", "stream"),
        ("tcp", "stream"),
        ("limits", "limit"),
        ("maps", "map"),
        ("split_clients", "split"),
        ("upstreams", "upstream"),
        ("programs", "program"),
        ("groups", "group"),
        ("listeners", "listener"),
        ("eventlistener", "listener"),
    ]);
    Config {
        engine,
        servers: servers.into_iter().map(|draft| draft.server).collect(),
        streams: streams.into_iter().map(|draft| draft.stream).collect(),
        limits: limits.into_iter().map(|draft| draft.zone).collect(),
        tables,
        upstreams: upstreams.into_iter().map(|draft| draft.upstream).collect(),
        programs: programs.into_iter().map(|draft| draft.program).collect(),
        groups: groups.into_iter().map(|draft| draft.group).collect(),
        control: control.control,
        source: name.to_owned(),
        is_embedded: false,
    }
}

/// The engine's name as far as it can be read; see `config::engine_name`.
pub(super) fn engine_name(text: &str) -> Option<String> {
    let (document, _judged_by_read) = DeTable::parse_recoverable(text);
    let engine = document.get_ref().get("engine")?.get_ref().as_table()?;
    let written = engine.get("name")?.get_ref().as_str()?;
    let name = variables::expand(written, &variables::from_environment).ok()?;
    names::is_valid(&name).then_some(name)
}

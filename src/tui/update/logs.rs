//! The log of everything: between the lines of the programs and of the engine what was done and what
//! happened, and, while that is wanted, each request. All by time, each with the name of its source.

use crate::control::requests::RequestRecord;
use crate::control::wire::{EventRecord, LogLine, Severity, Stream};
use crate::tui::model::Model;
use crate::tui::model::nodes::{Nodes, tag};

/// No program is called so: theirs have an instance behind a colon.
const EVENTS: &str = "events";
const ACCESS: &str = "access";

/// What is known already, for a log that has just begun.
pub(super) fn begin(model: &mut Model) {
    let Some(logs) = &mut model.logs else { return };
    for event in &model.events {
        logs.insert(of_event(&model.nodes, event));
    }
}

pub(super) fn happened(model: &mut Model, event: &EventRecord) {
    if let Some(logs) = &mut model.logs {
        logs.insert(of_event(&model.nodes, event));
    }
}

/// Asked for again, the last ones come once more.
pub(super) fn asked(model: &mut Model, records: &[RequestRecord]) {
    let Some(logs) = &mut model.logs else { return };
    for record in records {
        let program = source(&model.nodes, ACCESS, tag::of_slot(record.worker).0);
        let is_same = |line: &&LogLine| line.program == program;
        let known_ms = logs.lines.iter().rev().find(is_same).map_or(0, |line| line.wall_ms);
        if record.wall_ms >= known_ms.max(1) {
            let line = LogLine { program, ..of_request(record) };
            let mut later =
                logs.lines.iter().rev().take_while(|other| other.wall_ms >= line.wall_ms);
            if !later.any(|other| *other == line) {
                logs.insert(line);
            }
        }
    }
}

pub(super) fn turn_requests(model: &mut Model) {
    model.are_requests_in_logs = !model.are_requests_in_logs;
    if let (false, Some(logs)) = (model.are_requests_in_logs, &mut model.logs) {
        logs.leave_out(|line| line.program.starts_with(ACCESS) && !line.program.contains(':'));
    }
}

/// Of several engines, each has its own.
fn source(nodes: &Nodes, name: &str, at: usize) -> String {
    match nodes.all.get(at) {
        Some(node) => tag::name(name, &node.name),
        None => name.to_owned(),
    }
}

fn of_event(nodes: &Nodes, event: &EventRecord) -> LogLine {
    let words = [event.who.as_str(), &event.verb, &event.target];
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    let words = [words.join(" "), event.result.lines().next().unwrap_or_default().to_owned()];
    let words: Vec<&str> =
        words.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    LogLine {
        wall_ms: event.wall_ms,
        stream: match event.severity {
            Severity::Bad | Severity::Warn => Stream::Stderr,
            Severity::Info | Severity::Good => Stream::Stdout,
        },
        text: words.join(": "),
        program: source(nodes, EVENTS, tag::of_seq(event.seq).0),
    }
}

fn of_request(record: &RequestRecord) -> LogLine {
    let backend = match (&record.upstream, &record.backend) {
        (Some(upstream), Some(backend)) => format!(" {upstream}/{backend}"),
        (Some(upstream), None) => format!(" {upstream}"),
        (None, _) => String::new(),
    };
    let (status, took_us) = (record.status, record.service_us);
    let (whole_ms, tenths) = (took_us / 1000, took_us / 100 % 10);
    LogLine {
        wall_ms: record.wall_ms,
        stream: if status >= 500 { Stream::Stderr } else { Stream::Stdout },
        text: format!(
            "{status} {} {}{} {whole_ms}.{tenths} ms {}{backend}",
            record.method, record.host, record.path, record.client
        ),
        program: String::new(),
    }
}

//! What the process is started with, beside its command and its environment's `environment`.

use super::super::limits;
use super::super::model::process::{Naming, Process};
use super::super::report::{Located, Report};
use super::super::section::Section;

pub(super) fn read(
    section: &mut Section<'_>,
    environment: Vec<(String, String)>,
    instances: u32,
) -> Process {
    Process {
        environment,
        directory: section.folder("directory"),
        user: section.user("user"),
        naming: naming(section, instances),
    }
}

fn naming(section: &mut Section<'_>, instances: u32) -> Naming {
    let first_instance =
        section.integer("first_instance", 0..=limits::PROGRAM_FIRST_INSTANCE_MAX).unwrap_or(0);
    let Some(name) = section.raw_text("process_name") else {
        return Naming { process_name: None, first_instance };
    };
    check_name(section.report, &name, instances);
    Naming { process_name: Some(name.value), first_instance }
}

/// What Supervisor's protocol can carry: `group:name` is taken apart at the colon.
fn check_name(report: &Report<'_>, name: &Located<String>, instances: u32) {
    let (text, span) = (&name.value, &name.span);
    let plain = text.replace("${PROGRAM}", "p").replace("${INSTANCE}", "0");
    if plain.is_empty() {
        report.error(span, "`process_name` is empty", "such as \"${PROGRAM}_${INSTANCE}\"");
    } else if plain.contains("${") {
        let hint = "it may name `${PROGRAM}` and `${INSTANCE}`";
        report.error(span, "another variable in `process_name`", hint);
    } else if plain.contains(|c: char| c == ':' || c == '/' || c.is_whitespace() || c.is_control())
    {
        let message = format!("`{}` is no name for a process", text.escape_debug());
        report.error(span, message, "no colon, slash or blank");
    }
    if instances > 1 && !text.contains("${INSTANCE}") {
        let hint = "with several instances it needs `${INSTANCE}`";
        report.error(span, "every instance would have the same `process_name`", hint);
    }
}

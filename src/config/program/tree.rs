//! `kind`, `pidfile`, `reap_leftovers` and the bounds of what an instance uses.

use std::path::PathBuf;

use toml::de::DeValue;

use super::super::limits;
use super::super::model::stop::Reach;
use super::super::model::tree::{Bounds, LeftOvers, Main, Tree};
use super::super::section::Section;

const CHECKS: u32 = 3;

/// `killed`: whom SIGKILL may reach, which says what becomes of the others where the file does not.
pub(super) fn read(section: &mut Section<'_>, own: &[&str], killed: Reach) -> Tree {
    let left_overs = match (section.flag("reap_leftovers"), killed) {
        (Some(false), _) | (None, Reach::Main) => LeftOvers::Kept,
        (Some(true), _) | (None, Reach::Group) => LeftOvers::Ended,
    };
    Tree { main: main(section, own), left_overs, bounds: bounds(section) }
}

fn main(section: &mut Section<'_>, own: &[&str]) -> Main {
    let pidfile = section.raw_text("pidfile");
    // Other kinds, and what is none, are `life`'s.
    let is_daemon = section
        .value("kind")
        .is_some_and(|kind| matches!(kind.get_ref(), DeValue::String(word) if word == "daemon"));
    let pidfile = pidfile.map(|file| {
        section.report.check_variables(&file.value, &file.span, own);
        if !is_daemon {
            let hint =
                "only a program with `kind = \"daemon\"` is another process than the started one";
            section.report.error(&file.span, "`pidfile` without `kind = \"daemon\"`", hint);
        }
        if file.value.is_empty() {
            section.report.error(&file.span, "`pidfile` is empty", "name a file, or leave it out");
        }
        section.report.absolute(PathBuf::from(file.value))
    });
    if is_daemon { Main::Forked { pidfile } } else { Main::Started }
}

fn bounds(section: &mut Section<'_>) -> Bounds {
    let memory_bytes =
        section.size_within("memory_max", limits::PROGRAM_MEMORY_BYTES_MIN..=u64::MAX);
    let cpu_percent = section.text("cpu_max").and_then(|text| {
        let number = text.value.strip_suffix('%').and_then(|number| number.trim().parse().ok());
        let within = number.filter(|number| (1..=limits::PROGRAM_CPU_PERCENT_MAX).contains(number));
        if within.is_none() {
            let most = limits::PROGRAM_CPU_PERCENT_MAX;
            let hint = format!("a part of one core such as \"150%\", from 1% to {most}%");
            let message = format!("`{}` is no `cpu_max`", text.value.escape_debug());
            section.report.error(&text.span, message, &hint);
        }
        within
    });
    let tasks = section.integer("tasks_max", 1..=limits::PROGRAM_TASKS_MAX);
    let checks = section.integer("limit_checks", 1..=limits::PROGRAM_LIMIT_CHECKS_MAX);
    Bounds { memory_bytes, cpu_percent, tasks, checks: checks.unwrap_or(CHECKS) }
}

//! `on_fatal`: what follows from a program that could not be started.

use toml::de::DeValue;

use super::super::model::restart::OnFatal;
use super::super::report::{Located, Report, Span};
use super::super::section::{Section, unknown_word};
use super::{Draft, command};

const WORDS: [&str; 4] = ["ignore", "stop_group", "restart_group", "shutdown"];

/// What the command is told beyond what every side command is.
const OWN: [&str; 2] = ["GROUP", "REASON"];

#[derive(Default)]
pub(super) struct Reading {
    pub(super) on_fatal: OnFatal,
    pub(super) span: Span,
}

pub(super) fn read(section: &mut Section<'_>, own: &[&str]) -> Reading {
    let Some(value) = section.value("on_fatal") else { return Reading::default() };
    let on_fatal = match value.get_ref() {
        DeValue::String(text) => {
            word(section.report, &Located { value: text.to_string(), span: value.span() })
        }
        DeValue::Table(_) => section.section("on_fatal").and_then(|table| run(table, own)),
        _ => section.unexpected(value, "a word such as \"shutdown\", or { command = \"...\" }"),
    };
    Reading { on_fatal: on_fatal.unwrap_or_default(), span: value.span() }
}

fn word(report: &Report<'_>, word: &Located<String>) -> Option<OnFatal> {
    match word.value.as_str() {
        "ignore" => Some(OnFatal::Ignore),
        "stop_group" => Some(OnFatal::StopGroup),
        "restart_group" => Some(OnFatal::RestartGroup),
        "shutdown" => Some(OnFatal::Shutdown),
        _ => {
            unknown_word(report, "`on_fatal`", word, &WORDS);
            None
        }
    }
}

fn run(mut table: Section<'_>, own: &[&str]) -> Option<OnFatal> {
    if table.key_span("command").is_none() {
        table.missing("command", "what is run once the program is FATAL");
    }
    let own: Vec<&str> = own.iter().copied().chain(OWN).collect();
    let words = command::side(&mut table, "command", &own);
    table.finish(&[("run", "command"), ("exec", "command")]);
    words.map(OnFatal::Command)
}

/// A group that is to be stopped or restarted has somebody else in it.
pub(in crate::config) fn check(report: &Report<'_>, programs: &[Draft]) {
    for draft in programs {
        let program = &draft.program;
        let word = match program.on_fatal {
            OnFatal::StopGroup => "stop_group",
            OnFatal::RestartGroup => "restart_group",
            OnFatal::Ignore | OnFatal::Shutdown | OnFatal::Command(_) => continue,
        };
        let members = programs.iter().filter(|it| it.program.group_name() == program.group_name());
        if members.map(|it| it.program.instances).sum::<u32>() == 1 {
            let message = format!("`{word}` of `{}`, which is alone in its group", program.name);
            let hint = "put it into a group; a program alone is tried for ever with \
                        `start_retries = -1`";
            report.error(&draft.on_fatal, message, hint);
        }
    }
}

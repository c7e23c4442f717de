//! What the process is started with, beside its command and its environment's `environment`.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use toml::de::DeValue;

use crate::sys::capability;

use super::super::limits;
use super::super::model::process::{EnvFile, Naming, Process, Socket, Stdin};
use super::super::report::{Located, Report};
use super::super::section::{Section, unknown_word};
use super::super::variables;
use super::rlimits;

const MODE_MAX: u32 = 0o777;
const NICE: RangeInclusive<i32> = -20..=19;
const OOM_SCORE: RangeInclusive<i32> = -1000..=1000;

/// What had to be read before the rest could be judged.
pub(super) struct Surroundings {
    pub(super) environment: Vec<(String, String)>,
    pub(super) env_files: Vec<EnvFile>,
    pub(super) directory: Option<PathBuf>,
    pub(super) sockets: Vec<Socket>,
}

pub(super) fn read(
    section: &mut Section<'_>,
    surroundings: Surroundings,
    instances: u32,
) -> Process {
    let Surroundings { environment, env_files, directory, sockets } = surroundings;
    Process {
        environment,
        env_files,
        directory,
        user: section.user("user"),
        naming: naming(section, instances),
        stdin: stdin(section),
        sockets,
        umask: octal(section, "umask"),
        nice: section.signed("nice", NICE),
        oom_score_adj: section.signed("oom_score_adj", OOM_SCORE),
        no_new_privileges: section.flag("no_new_privileges").unwrap_or(false),
        capabilities: capabilities(section),
        limits: rlimits::read(section),
    }
}

fn stdin(section: &mut Section<'_>) -> Stdin {
    const WORDS: [(&str, Stdin); 3] =
        [("null", Stdin::Null), ("open", Stdin::Open), ("socket", Stdin::Socket)];
    let Some(word) = section.text("stdin") else { return Stdin::default() };
    let known = WORDS.iter().find(|(name, _)| *name == word.value);
    known.map_or_else(
        || {
            unknown_word(section.report, "standard input", &word, &WORDS.map(|(name, _)| name));
            Stdin::default()
        },
        |(_, stdin)| {
            if *stdin == Stdin::Socket && section.key_span("sockets").is_none() {
                let hint = "add `sockets`, the first of which it is";
                section.report.error(&word.span, "no socket for `stdin`", hint);
            }
            *stdin
        },
    )
}

/// Octal, as everywhere: `"022"`, or TOML's `0o022`.
pub(in crate::config) fn octal(section: &mut Section<'_>, key: &'static str) -> Option<u32> {
    let value = section.value(key)?;
    let mask = match value.get_ref() {
        DeValue::Integer(number) if number.radix() == 8 => {
            u32::from_str_radix(number.as_str(), 8).ok()
        }
        DeValue::String(text) => u32::from_str_radix(text, 8).ok(),
        _ => None,
    };
    let mask = mask.filter(|mask| *mask <= MODE_MAX);
    mask.or_else(|| section.unexpected(value, "octal digits such as \"022\", up to \"777\""))
}

fn capabilities(section: &mut Section<'_>) -> Option<u64> {
    let words = section.texts("capabilities");
    section.key_span("capabilities")?;
    let mut set = 0;
    for word in words {
        match capability::parse(&word.value) {
            Some(number) => set |= 1 << number,
            None => unknown_word(section.report, "capability", &word, capability::names()),
        }
    }
    Some(set)
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
    let lookup = |variable: &str| match variable {
        "PROGRAM" => Some("p".to_owned()),
        "INSTANCE" => Some("0".to_owned()),
        _ => None,
    };
    let Ok(plain) = variables::expand(text, &lookup) else {
        let hint = "it may name `${PROGRAM}` and `${INSTANCE}`, or `${INSTANCE:02}`";
        report.error(span, "another variable in `process_name`", hint);
        return;
    };
    if plain.is_empty() {
        report.error(span, "`process_name` is empty", "such as \"${PROGRAM}_${INSTANCE}\"");
    } else if plain.contains(|c: char| c == ':' || c == '/' || c.is_whitespace() || c.is_control())
    {
        let message = format!("`{}` is no name for a process", text.escape_debug());
        report.error(span, message, "no colon, slash or blank");
    }
    if instances > 1 && !text.contains("${INSTANCE") {
        let hint = "with several instances it needs `${INSTANCE}`";
        report.error(span, "every instance would have the same `process_name`", hint);
    }
}

//! `[program.NAME]`: what to run, when to restart it, how to stop it, and what it serves.

use std::path::PathBuf;

use toml::de::DeValue;

use crate::sys::signal;

use super::model::{AutoRestart, LogTarget, Program, Serves};
use super::report::{Located, Span};
use super::section::{Section, integer_of, unknown_word};
use super::{capacity, limits, names, upstream, variables};

const SECONDS_START_MS: u64 = 1_000;
const SECONDS_STOP_MS: u64 = 10_000;
const START_RETRIES: u32 = 3;
const START_RETRIES_MAX: u32 = 1_000_000;
/// What people stop programs with, for hints; every other signal is accepted too.
const STOP_SIGNALS: [&str; 7] = ["TERM", "INT", "QUIT", "HUP", "KILL", "USR1", "USR2"];
const LOG_BYTES_MAX: u64 = 50 << 20;
const LOG_BACKUPS: u32 = 10;
const LOG_BACKUPS_MAX: u32 = 1_000;

/// Supervisor's and systemd's words for the same.
const OTHERS: [(&str, &str); 12] = [
    ("numprocs", "instances"),
    ("replicas", "instances"),
    ("startsecs", "start_seconds"),
    ("startretries", "start_retries"),
    ("exitcodes", "exit_codes"),
    ("stopsignal", "stop_signal"),
    ("stopwaitsecs", "stop_seconds"),
    ("stdout_logfile", "stdout"),
    ("stderr_logfile", "stderr"),
    ("env", "environment"),
    ("cwd", "directory"),
    ("restart", "autorestart"),
];

/// A program, and where in the file its parts stand.
pub(super) struct Draft {
    pub(super) program: Program,
    /// The upstream it serves, also if `serves` has another error.
    pub(super) joins: Option<Located<String>>,
    /// The port of `serves`.
    pub(super) port: Span,
}

pub(super) fn read(name: Located<String>, mut section: Section<'_>) -> Draft {
    names::check(section.report, "a program", &name);
    let Joining { joins, port, serves } = section.section("serves").map(serves).unwrap_or_default();
    let environment = environment(&mut section);
    let own = own_variables(serves.is_some() || section.key_span("serves").is_some(), &environment);
    for value in environment.iter().map(|(_, value)| value) {
        section.report.check_variables(&value.value, &value.span, &own);
    }
    let command = command(&mut section, &own);
    let program = Program {
        name: name.value,
        command: command.unwrap_or_default(),
        instances: section.integer("instances", 1..=limits::PROGRAM_INSTANCES_MAX).unwrap_or(1),
        serves,
        autostart: section.flag("autostart").unwrap_or(true),
        autorestart: autorestart(&mut section).unwrap_or(AutoRestart::Unexpected),
        exit_codes: exit_codes(&mut section),
        start_seconds_ms: section.seconds("start_seconds").unwrap_or(SECONDS_START_MS),
        start_retries: section
            .integer("start_retries", 0..=START_RETRIES_MAX)
            .unwrap_or(START_RETRIES),
        stop_signal: stop_signal(&mut section),
        stop_seconds_ms: section.seconds("stop_seconds").unwrap_or(SECONDS_STOP_MS),
        directory: section.folder("directory"),
        user: section.user("user"),
        stdout: log_target(&mut section, "stdout", &own),
        stderr: log_target(&mut section, "stderr", &own),
        environment: environment.into_iter().map(|(name, value)| (name, value.value)).collect(),
    };
    section.finish(&OTHERS);
    Draft { program, joins, port }
}

/// The variables a spawn adds to the environment's.
fn own_variables(is_serving: bool, environment: &[(String, Located<String>)]) -> Vec<&str> {
    let port = is_serving.then_some("PORT");
    let own = environment.iter().map(|(name, _)| name.as_str());
    variables::INSTANCE_NAMES.into_iter().chain(port).chain(own).collect()
}

fn command(section: &mut Section<'_>, own: &[&str]) -> Option<Vec<String>> {
    let command = section.raw_text("command");
    if section.key_span("command").is_none() {
        section.missing("command", "such as `command = \"python3 app.py\"`");
    }
    let command = command?;
    section.report.check_variables(&command.value, &command.span, own);
    match shell_words::split(&command.value) {
        Ok(words) if words.first().is_some_and(|word| !word.is_empty()) => Some(words),
        Ok(_) => {
            section.report.error(&command.span, "`command` is empty", "name a program to run");
            None
        }
        Err(_) => {
            let message = "`command` does not split into words";
            section.report.error(&command.span, message, "a quote is not closed");
            None
        }
    }
}

fn environment(section: &mut Section<'_>) -> Vec<(String, Located<String>)> {
    let report = section.report;
    section
        .pairs("environment")
        .into_iter()
        .map(|(name, value)| {
            if !variables::is_name(&name.value) {
                let message = format!("`{}` is not a variable's name", name.value.escape_debug());
                report.error(&name.span, message, "letters, digits and `_`");
            }
            (name.value, value)
        })
        .collect()
}

/// `serves` as far as it could be read.
#[derive(Default)]
struct Joining {
    joins: Option<Located<String>>,
    port: Span,
    serves: Option<Serves>,
}

fn serves(mut section: Section<'_>) -> Joining {
    let joins = section.text("upstream");
    if section.key_span("upstream").is_none() {
        section.missing("upstream", "the upstream that instances join");
    }
    let number = section.integer("port", 1..=u32::from(u16::MAX));
    let port = section.value("port").map_or_else(Span::default, toml::Spanned::span);
    if section.key_span("port").is_none() {
        section.missing("port", "the port of the first instance");
    }
    let weight = section.integer("weight", 1..=limits::WEIGHT_MAX).unwrap_or(upstream::WEIGHT);
    let max_fails = upstream::max_fails(&mut section);
    let fail_timeout_s = upstream::fail_timeout(&mut section);
    let max_conns = capacity::max_conns(&mut section);
    let priority = capacity::priority(&mut section);
    section.finish(&[("maxconn", "max_conns")]);
    let known = joins.clone().zip(number.and_then(|number| u16::try_from(number).ok()));
    let serves = known.map(|(upstream, port)| Serves {
        upstream: upstream.value,
        port,
        weight,
        max_fails,
        fail_timeout_s,
        max_conns,
        priority,
    });
    Joining { joins, port, serves }
}

fn autorestart(section: &mut Section<'_>) -> Option<AutoRestart> {
    let value = section.value("autorestart")?;
    match value.get_ref() {
        DeValue::Boolean(true) => Some(AutoRestart::Always),
        DeValue::Boolean(false) => Some(AutoRestart::Never),
        DeValue::String(word) if word == "unexpected" => Some(AutoRestart::Unexpected),
        _ => section.unexpected(value, "true, false or \"unexpected\""),
    }
}

fn exit_codes(section: &mut Section<'_>) -> Vec<i32> {
    let items = section.items("exit_codes");
    if section.key_span("exit_codes").is_none() {
        return vec![0];
    }
    let code = |number: i64| i32::try_from(number).ok().filter(|code| (0..=255).contains(code));
    items
        .into_iter()
        .filter_map(|item| {
            let code = integer_of(item).and_then(code);
            code.or_else(|| section.unexpected(item, "an exit code from 0 to 255"))
        })
        .collect()
}

fn stop_signal(section: &mut Section<'_>) -> i32 {
    let Some(value) = section.value("stop_signal") else { return signal::TERM };
    let word = match value.get_ref() {
        DeValue::Integer(number) => number.as_str().to_owned(),
        DeValue::String(word) => word.to_string(),
        _ => return section.unexpected(value, "a signal such as \"TERM\"").unwrap_or(signal::TERM),
    };
    signal::parse(&word).unwrap_or_else(|| {
        let word = Located { value: word, span: value.span() };
        unknown_word(section.report, "signal", &word, &STOP_SIGNALS);
        signal::TERM
    })
}

fn log_target(section: &mut Section<'_>, key: &'static str, own: &[&str]) -> LogTarget {
    let mut target = LogTarget { file: None, max_bytes: LOG_BYTES_MAX, backups: LOG_BACKUPS };
    let Some(mut table) = section.section(key) else { return target };
    if let Some(file) = table.raw_text("file") {
        table.report.check_variables(&file.value, &file.span, own);
        if file.value.is_empty() {
            table.report.error(&file.span, "`file` is empty", "name a file, or leave it out");
        }
        target.file = Some(table.report.absolute(PathBuf::from(file.value)));
    }
    target.max_bytes = table.size("max_bytes").unwrap_or(target.max_bytes);
    target.backups = table.integer("backups", 0..=LOG_BACKUPS_MAX).unwrap_or(target.backups);
    table.finish(&[("path", "file"), ("maxbytes", "max_bytes"), ("size", "max_bytes")]);
    target
}

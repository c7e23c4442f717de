//! The side commands of a life: `hooks`, `hook_timeout` and `reload`.

use toml::de::DeValue;

use crate::sys::signal;

use super::super::model::stop::{Hooks, OwnTimes, Reload};
use super::super::report::Located;
use super::super::section::{Section, unknown_word};
use super::command;

/// What makes programs read their configuration again, for hints.
const RELOAD_SIGNALS: [&str; 3] = ["HUP", "USR1", "USR2"];

const TIMEOUT_MS: u64 = 30_000;

pub(super) fn read(section: &mut Section<'_>, own: &[&str]) -> Hooks {
    let timeout_ms = section.positive_duration("hook_timeout").unwrap_or(TIMEOUT_MS);
    let mut hooks = Hooks {
        pre_start: None,
        post_start: None,
        pre_stop: None,
        post_stop: None,
        timeout_ms,
        own: OwnTimes::default(),
    };
    let Some(mut table) = section.section("hooks") else { return hooks };
    (hooks.pre_start, hooks.own.pre_start_ms) = hook(&mut table, "pre_start", own);
    (hooks.post_start, hooks.own.post_start_ms) = hook(&mut table, "post_start", own);
    (hooks.pre_stop, hooks.own.pre_stop_ms) = hook(&mut table, "pre_stop", own);
    (hooks.post_stop, hooks.own.post_stop_ms) = hook(&mut table, "post_stop", own);
    table.finish(&[
        ("ExecStartPre", "pre_start"),
        ("ExecStartPost", "post_start"),
        ("ExecStopPost", "post_stop"),
        ("before_start", "pre_start"),
        ("after_start", "post_start"),
        ("before_stop", "pre_stop"),
        ("after_stop", "post_stop"),
        ("finish", "post_stop"),
    ]);
    hooks
}

/// A command, or `{ command = "...", timeout = "..." }`: its words, and its own time.
fn hook(
    table: &mut Section<'_>,
    key: &'static str,
    own: &[&str],
) -> (Option<Vec<String>>, Option<u64>) {
    let is_table = table.value(key).is_some_and(|it| matches!(it.get_ref(), DeValue::Table(_)));
    if !is_table {
        return (command::side(table, key, own), None);
    }
    let Some(mut hook) = table.section(key) else { return (None, None) };
    if hook.key_span("command").is_none() {
        hook.missing("command", "what is run");
    }
    let words = command::side(&mut hook, "command", own);
    let timeout_ms = hook.positive_duration("timeout");
    hook.finish(&[]);
    (words, timeout_ms)
}

/// A signal, or `{ command = "..." }`.
pub(super) fn reload(section: &mut Section<'_>, own: &[&str]) -> Option<Reload> {
    let value = section.value("reload")?;
    match value.get_ref() {
        DeValue::String(text) => {
            let number = signal::parse(text);
            if number.is_none() {
                let word = Located { value: text.to_string(), span: value.span() };
                unknown_word(section.report, "signal", &word, &RELOAD_SIGNALS);
            }
            number.map(Reload::Signal)
        }
        DeValue::Table(_) => {
            let mut table = section.section("reload")?;
            if table.key_span("command").is_none() {
                table.missing("command", "what makes the program read its configuration again");
            }
            let words = command::side(&mut table, "command", own);
            table.finish(&[]);
            words.map(Reload::Command)
        }
        _ => section.unexpected(value, "a signal such as \"HUP\", or { command = \"...\" }"),
    }
}

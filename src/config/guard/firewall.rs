//! `firewall`: whether requests are searched for attacks, and what is let pass.

use std::ops::RangeInclusive;

use super::super::limits;
use super::super::model::firewall::{CoreRules, Exception, Firewall, Mode, Part, Rule, Unread};
use super::super::report::{Located, Report};
use super::super::section::{Section, unknown_word};

/// Before the number of a core rule.
const CORE: &str = "crs-";
const THRESHOLDS: RangeInclusive<u32> = 1..=limits::firewall::THRESHOLD_MAX;

/// `firewall = { mode = "block", threshold = 5, except = [{ rule = …, where = … }] }`
pub(super) fn read(section: &mut Section<'_>) -> Option<Firewall> {
    let mut table = section.section("firewall")?;
    let report = table.report;
    let mode = table.text("mode");
    if mode.is_none() && table.key_span("mode").is_none() {
        table.missing("mode", "expected \"off\", \"detect\" or \"block\"");
    }
    let mode = mode
        .and_then(|word| known(report, "mode", &word, &Mode::ALL.map(|mode| (mode.name(), mode))));
    let threshold = table.integer("threshold", THRESHOLDS);
    let exceptions = exceptions(&mut table);
    let on_oversize = unread(&mut table, "on_oversize");
    let core = core(&mut table);
    table.finish(&[
        ("exceptions", "except"),
        ("exclude", "except"),
        ("ignore", "except"),
        ("enabled", "mode"),
        ("score", "threshold"),
        ("modsecurity", "crs"),
        ("rules", "crs"),
    ]);
    let threshold = threshold.unwrap_or(limits::firewall::THRESHOLD);
    Some(Firewall { mode: mode?, threshold, exceptions, on_oversize, core })
}

fn unread(table: &mut Section<'_>, key: &'static str) -> Unread {
    let report = table.report;
    let words = Unread::ALL.map(|word| (word.name(), word));
    let word = table.text(key);
    word.and_then(|word| known(report, "word", &word, &words)).unwrap_or_default()
}

/// `crs = { rules = "/etc/pilothouse/crs.conf", budget = "250ms", on_timeout = "pass" }`
fn core(table: &mut Section<'_>) -> Option<CoreRules> {
    let mut core = table.section("crs")?;
    let report = core.report;
    let rules = core.text("rules");
    if core.key_span("rules").is_none() {
        core.missing("rules", "expected a file in ModSecurity's language that includes the rules");
    }
    let budget = core.positive_duration("budget");
    if let Some(span) = core.key_span("budget")
        && budget.is_some_and(|budget_ms| budget_ms > limits::firewall::CORE_BUDGET_MS_MAX)
    {
        let hint = format!("at most {} s", limits::firewall::CORE_BUDGET_MS_MAX / 1000);
        report.error(&span, "`budget` is longer than requests should wait", hint);
    }
    let on_timeout = unread(&mut core, "on_timeout");
    let is_alone = core.flag("alone").unwrap_or(false);
    core.finish(&[("file", "rules"), ("budget_ms", "budget"), ("timeout", "budget")]);
    let rules = rules?;
    let file = report.absolute(rules.value.into());
    let folders = match (report.surroundings.rules)(&file) {
        Ok(folders) => folders,
        Err(message) => {
            report.error(&rules.span, message, "");
            return None;
        }
    };
    let budget_ms = budget.unwrap_or(limits::firewall::CORE_BUDGET_MS);
    Some(CoreRules { file, folders, budget_ms, on_timeout, is_alone })
}

fn exceptions(table: &mut Section<'_>) -> Vec<Exception> {
    let items = table.sections("except");
    if items.len() > limits::firewall::EXCEPTIONS_MAX {
        let span = table.key_span("except").unwrap_or_default();
        let most = limits::firewall::EXCEPTIONS_MAX;
        let message = format!("{} exceptions are more than {most}", items.len());
        table.report.error(&span, message, "an exception may be for a rule, or for a place");
    }
    items.into_iter().filter_map(exception).collect()
}

fn exception(mut item: Section<'_>) -> Option<Exception> {
    let report = item.report;
    let (rule, place) = (item.text("rule"), item.text("where"));
    let has_none = item.key_span("rule").is_none() && item.key_span("where").is_none();
    if has_none {
        let hint = "name a `rule`, or `where`; mode \"off\" lets everything pass";
        report.error(&item.span, "an exception for everything", hint);
    }
    item.finish(&[("id", "rule"), ("place", "where"), ("name", "where"), ("in", "where")]);
    let (rule, id) = match rule {
        Some(word) => self::rule(report, &word).map(|(rule, id)| (Some(rule), id))?,
        None => (None, None),
    };
    let (part, name) = match place {
        Some(word) => self::place(report, &word)?,
        None => (None, None),
    };
    (!has_none).then_some(Exception { rule, id, part, name })
}

/// `sql-injection`, or `crs-942100`
fn rule(report: &Report<'_>, word: &Located<String>) -> Option<(Rule, Option<u32>)> {
    let id = word.value.strip_prefix(CORE).and_then(|id| id.parse().ok()).filter(|id| *id > 0);
    if id.is_some() {
        return Some((Rule::Core, id));
    }
    let rules = Rule::ALL.map(|rule| (rule.name(), rule));
    known(report, "rule", word, &rules).map(|rule| (rule, None))
}

/// `query`, or `query:NAME`
fn place(report: &Report<'_>, word: &Located<String>) -> Option<(Option<Part>, Option<String>)> {
    let (part, name) = match word.value.split_once(':') {
        Some((part, name)) => (part, Some(name.trim())),
        None => (word.value.as_str(), None),
    };
    let part = Located { value: part.trim().to_owned(), span: word.span.clone() };
    let parts = Part::ALL.map(|part| (part.name(), part));
    let part = known(report, "place", &part, &parts)?;
    match name {
        Some(_) if !part.has_names() => {
            let message = format!("values in `{}` have no names", part.name());
            report.error(&word.span, message, "");
            None
        }
        Some("") => {
            let hint = format!("expected `{0}`, or `{0}:NAME`", part.name());
            report.error(&word.span, "a name is missing behind the colon", hint);
            None
        }
        name => Some((Some(part), name.map(str::to_owned))),
    }
}

fn known<T: Copy>(
    report: &Report<'_>,
    kind: &str,
    word: &Located<String>,
    known: &[(&str, T)],
) -> Option<T> {
    let found = known.iter().find(|(name, _)| *name == word.value).map(|(_, value)| *value);
    if found.is_none() {
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        unknown_word(report, kind, word, &names);
    }
    found
}

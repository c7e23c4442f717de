//! `access_log` and `log_format`.

use super::lines::Lines;
use super::scope::{Remarks, Scope};
use super::values::{self, NO_GROUPS, Names};
use crate::import::page;

/// What a server or a location writes. nginx has a file without a word, too; ours has not.
pub(super) fn access(
    scope: &Scope<'_>,
    (http, own): (&Scope<'_>, &[String]),
    prefix: &str,
    lines: &mut Lines,
    remarks: &mut Remarks,
) {
    let rules = scope.all("access_log");
    let Some(rule) = rules.first() else { return };
    if let Some(second) = rules.get(1) {
        remarks.warn(&second.place, "one access log a place: this one is left out");
    }
    let path = rule.argument(0).unwrap_or_default();
    if path == "off" {
        lines.text("access_log", "off", &rule.place);
        return;
    }
    if path.starts_with("syslog:") || path.contains('$') {
        remarks.warn(&rule.place, "such an access log has no equal here: none is written");
        return;
    }
    let file = if path.starts_with('/') { path.to_owned() } else { format!("{prefix}/{path}") };
    let mut pairs = vec![("file".to_owned(), page::string(&file))];
    let words = rule.arguments.iter().skip(1).map(String::as_str);
    let name = words.clone().find(|word| !word.contains('=') && *word != "gzip");
    if words.clone().any(|word| word == "gzip" || word.starts_with("gzip=")) {
        remarks.warn(&rule.place, "this log is not packed here");
    }
    if words.clone().any(|word| word.starts_with("if=")) {
        remarks.warn(&rule.place, "a condition of a log has no equal here: all is written");
    }
    match name.unwrap_or("combined") {
        "combined" => pairs.push(("format".to_owned(), page::string("combined"))),
        name => {
            let format = http.own("log_format").find(|format| format.argument(0) == Some(name));
            let Some(format) = format else {
                remarks.mistake(&rule.place, format!("there is no log_format `{name}`"));
                return;
            };
            let mut words = format.arguments[1..].iter().map(String::as_str).peekable();
            let names = Names { own, groups: &NO_GROUPS };
            let escape = words.next_if(|word| word.starts_with("escape="));
            match values::template(&words.collect::<String>(), names) {
                Ok(text) => pairs.push(("format".to_owned(), page::string(&text))),
                Err(variable) => {
                    let text = format!("`combined` in its place: there is no `${variable}` here");
                    remarks.warn(&format.place, text);
                    pairs.push(("format".to_owned(), page::string("combined")));
                }
            }
            if let Some(escape) = escape {
                let word = escape.trim_start_matches("escape=");
                pairs.push(("escape".to_owned(), page::string(word)));
            }
        }
    }
    lines.add("access_log", page::inline(&pairs), &rule.place);
}

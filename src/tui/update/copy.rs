//! What `y` takes: the marked rows, the row under the cursor, or the lines of the log in view.

use crate::control::text;
use crate::tui::model::key::Key;
use crate::tui::model::{Model, panel, rows};
use crate::tui::msg::Effect;

/// Text to copy, and what it is called when it was.
pub(super) fn take(model: &Model) -> Option<Effect> {
    if model.focus().is_log() {
        return lines(model);
    }
    if !model.marks.is_empty() {
        let labels: Vec<String> = model.marks.iter().map(Key::label).collect();
        let what = format!("{} names", labels.len());
        return Some(Effect::Copy { text: labels.join("\n"), what });
    }
    let row = rows::selected(model)?;
    let text = match &row {
        // What did it, so that it can be done again.
        rows::Row::Event(event) if !event.cli.is_empty() => event.cli.clone(),
        rows::Row::Event(event) => format!("{} {} {}", event.verb, event.target, event.result),
        rows::Row::Request(record) => format!("{} {}{}", record.method, record.host, record.path),
        rows::Row::Plan(row) => row.text(),
        // One more of `except`, which lets such requests pass.
        rows::Row::Alarm(alarm) => alarm.exception.clone(),
        rows::Row::Record(record) => record.copy.clone(),
        rows::Row::Attention(_)
        | rows::Row::Upstream(_)
        | rows::Row::Backend(_)
        | rows::Row::Program(_)
        | rows::Row::Worker(_) => row.key().label(),
    };
    let what = text.lines().next().unwrap_or_default().to_owned();
    Some(Effect::Copy { what, text })
}

/// The match that was gone to, else what the pane shows.
fn lines(model: &Model) -> Option<Effect> {
    let log = model.open_log();
    if let Some((_, line)) = log.shown().find(|(number, _)| Some(*number) == log.find.at) {
        let text = text::plain(&line.text).into_owned();
        return Some(Effect::Copy { text, what: "the line that was found".to_owned() });
    }
    let page = usize::from(panel::log_rows(model));
    let shown = log.shown().rev().skip(log.above_end).take(page);
    let mut texts: Vec<_> = shown.map(|(_, line)| text::plain(&line.text).into_owned()).collect();
    texts.reverse();
    let what = format!("{} lines", texts.len());
    (!texts.is_empty()).then(|| Effect::Copy { text: texts.join("\n"), what })
}

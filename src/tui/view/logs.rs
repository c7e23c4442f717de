//! What programs print: of the selected one, or of all by time.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::control::text;
use crate::control::wire::LogLine;

use super::about;
use super::canvas::{Canvas, content, take};
use crate::tui::model::log_tail::LogTail;
use crate::tui::model::overlay::Overlay;
use crate::tui::model::panel::{Panel, PanelFacts, View, ViewFacts};
use crate::tui::model::pointer::Hit;
use crate::tui::model::{Link, Model};
use crate::tui::theme::Role;
use crate::tui::widget::log::LongLines;
use crate::tui::widget::rule::Rule;
use crate::tui::widget::{log, number, pen};

pub(crate) const VIEW: ViewFacts = ViewFacts {
    name: "logs",
    title: "Logs",
    short_title: "Logs",
    help: "all that is said, by time: programs, the engine's own log, events, requests",
    panels: &[PanelFacts::lines("lines")],
};

/// Cells that a name has on the narrowest terminal.
const NAME_WIDTH_MIN: u16 = 8;

pub(in crate::tui) fn draw(canvas: &mut Canvas, body: Rect) {
    output(canvas, body);
}

/// The log that keys act on: the selected program's, or that of all.
pub(super) fn output(canvas: &mut Canvas, mut area: Rect) {
    let is_of_all = canvas.pane.view == View::Logs;
    let tail = canvas.model.log_in(canvas.pane.view);
    canvas.hit(area, Hit::Panel(if is_of_all { Panel::AllLogs } else { Panel::ProgramLog }));
    let rule_row = take(&mut area, 1);
    if let Some(Overlay::Attached(attached)) = &canvas.model.overlay {
        let height = area.height.saturating_sub(1);
        let row = Rect { y: area.y + height, height: area.height - height, ..area };
        area.height = height;
        about::prompt(canvas, row, &attached.key, attached.input.value());
    }
    let name = match &tail.of {
        Some(key) if !is_of_all => format!("Output {}", key.label()),
        _ if is_of_all && canvas.model.are_requests_in_logs => {
            "Programs, engine and requests".to_owned()
        }
        _ if is_of_all => "Programs and engine".to_owned(),
        _ => "Output".to_owned(),
    };
    let separator = canvas.skin.glyphs.separator;
    let mut facts = vec![if tail.until_ms.is_some() && tail.is_following() {
        canvas.span("as it was", Role::Warn)
    } else if tail.is_following() {
        canvas.span("following", Role::Ok)
    } else if tail.unseen == 0 {
        canvas.span("scrolled up, G follows", Role::Warn)
    } else {
        let unseen = number::count(tail.unseen as u64);
        canvas.span(format!("+{unseen} new below, G follows"), Role::Warn)
    }];
    if tail.is_wrapped {
        facts.push(canvas.span(format!("{separator}wrapped"), Role::Dim));
    }
    facts.extend(found(canvas, tail));
    let shown: Vec<(u64, &LogLine)> = tail.shown().collect();
    let lines = number::count(tail.numbered().count() as u64);
    facts.push(canvas.span(format!("{separator}{lines} lines"), Role::Dim));
    if !tail.ended.is_empty() {
        facts.push(canvas.span(format!("{separator}{}", text::plain(&tail.ended)), Role::Dim));
    }
    let is_focused = canvas.pane.has_focus && canvas.model.focus().is_log();
    let mut rule = Rule::new(&name, canvas.skin).facts(Line::from(facts));
    if is_focused {
        rule = rule.and(canvas.span(canvas.skin.glyphs.focus, Role::Accent));
    }
    rule.draw(canvas.buffer, rule_row, canvas.skin);
    if shown.is_empty() {
        let words = match &tail.of {
            _ if !tail.lines.is_empty() && tail.until_ms.is_some() => {
                "no line of that time is kept here"
            }
            _ if !tail.lines.is_empty() => "no line holds that",
            _ if matches!(canvas.model.link, Link::Connecting { .. }) => "waiting for the engine",
            None if !is_of_all => "select a program to see what it says",
            None | Some(_) => "no output since the engine's master started",
        };
        let line = canvas.cell(words, Role::Dim);
        canvas.line(content(area), &line);
        return;
    }
    // The first lines fill the pane from its top; nothing is above them to scroll to.
    let lines = shown;
    let page = usize::from(area.height).min(lines.len());
    let end = lines.len().saturating_sub(tail.above_end);
    let end = if tail.is_wrapped { end } else { end.max(page) };
    let long = if tail.is_wrapped { LongLines::Wrapped } else { LongLines::Cut };
    let names = is_of_all.then(|| names(canvas.model, area.width, &lines[..end]));
    let look =
        log::Look { long, searched: &tail.find.searched, at: tail.find.at, names: names.as_ref() };
    log::draw(canvas.buffer, content(area), &lines[..end], look, canvas.skin);
}

/// What is searched for and left out: `2 of 12 /error/`.
fn found<'a>(canvas: &Canvas<'a>, tail: &'a LogTail) -> Vec<Span<'a>> {
    let separator = canvas.skin.glyphs.separator;
    let mut spans = Vec::new();
    if !tail.find.kept.is_empty() {
        spans.push(canvas.span(format!("{separator}only &{}", tail.find.kept), Role::Warn));
    }
    if !tail.find.searched.is_empty() {
        let (at, count) = tail.standing();
        let text = format!("{separator}{at} of {count} /{}/", tail.find.searched);
        spans.push(canvas.span(text, if count == 0 { Role::Warn } else { Role::Info }));
    }
    spans
}

/// Programs in the order of the file, which is that of their colours. Names of the lines in view are
/// whole, if they are not of an odd length.
fn names<'a>(model: &'a Model, room: u16, lines: &[(u64, &LogLine)]) -> log::Names<'a> {
    let mut order: Vec<&str> =
        model.moment.programs.iter().map(|row| row.program.name.as_str()).collect();
    order.dedup();
    let newest = lines.iter().rev().take(usize::from(model.size.height));
    let width = newest.map(|(_, line)| pen::width(&line.program)).max().unwrap_or(0);
    log::Names { order, width: width.min((room / 5).max(NAME_WIDTH_MIN)) }
}

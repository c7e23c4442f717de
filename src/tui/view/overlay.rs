//! What lies over a view: help, the palette, questions, and lists to choose from.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use tui_input::Input;

use crate::control::explain::LABEL;
use crate::control::wire::UpstreamRow;

use super::canvas::{Canvas, row};
use super::what_if;
use crate::tui::action::{Id, hint, palette};
use crate::tui::export::Format;
use crate::tui::model::key::Key;
use crate::tui::model::order::{Gate, Question};
use crate::tui::model::overlay::{SIGNALS, STRATEGIES};
use crate::tui::model::pointer::Hit;
use crate::tui::theme::Role;
use crate::tui::widget::columns::{self, Column, Placed};
use crate::tui::widget::pen::{self, Side};
use crate::tui::widget::{bar, number, overlay};

/// Content cells of the boxes; terminals with less get less.
const HELP_WIDTH: u16 = 84;
const PALETTE_WIDTH: u16 = 76;
const PALETTE_HEIGHT: u16 = 18;
const QUESTION_WIDTH: u16 = 68;
const CHOICE_WIDTH: u16 = 60;
const PREVIEW_WIDTH: u16 = 74;
/// Cells of one backend's share in the preview; a strip takes over where there are too many.
const SHARE_WIDTH: usize = 5;

/// The keys that work here, filtered by what is typed.
pub(super) fn help(canvas: &mut Canvas, area: Rect, filter: &str, scroll: usize) {
    let model = canvas.model;
    let lines: Vec<Line> = hint::help_matching(model, filter)
        .into_iter()
        .map(|action| {
            Line::from(vec![
                canvas.strong(format!("{:<10}", model.keys.all(action)), Role::Accent),
                canvas.span(format!("{:<11}", action.label), Role::Bright),
                canvas.span(action.help, Role::Dim),
            ])
        })
        .collect();
    let title =
        typed_title(canvas, &format!("Keys in {}", canvas.model.view.facts().title), filter);
    let height = (lines.len().min(100) as u16 + 1).max(4);
    let inner = overlay::open(canvas.buffer, area, (HELP_WIDTH, height), &title, canvas.skin);
    let room = usize::from(inner.height.saturating_sub(1));
    let first = scroll.min(lines.len().saturating_sub(room));
    for (at, line) in (0..).zip(lines.iter().skip(first).take(room)) {
        let place = row(inner, at);
        canvas.line(place, line);
        canvas.hit(place, Hit::Choice(first + usize::from(at)));
    }
    let below = lines.len().saturating_sub(first + room);
    let words = if below > 0 {
        format!("{below} more below: Down; type to find, Esc closes")
    } else {
        "type to find, Esc closes".to_owned()
    };
    let line = canvas.cell(words, Role::Dim);
    canvas.right(row(inner, inner.height.saturating_sub(1)), &line);
}

/// A box's title with what was typed into it.
fn typed_title<'a>(canvas: &Canvas, title: &str, typed: &str) -> Line<'a> {
    let mut spans = vec![canvas.strong(format!(" {title} "), Role::Accent)];
    if !typed.is_empty() {
        spans.push(canvas.strong(format!("/{typed} "), Role::Bright));
    }
    Line::from(spans)
}

/// Every verb on every target, best match first.
pub(super) fn palette(canvas: &mut Canvas, area: Rect, input: &Input, selected: usize) {
    let entries = palette::entries(canvas.model, input.value());
    let title = Line::from(canvas.strong(" Command ", Role::Accent));
    let size = (PALETTE_WIDTH, PALETTE_HEIGHT);
    let inner = overlay::open(canvas.buffer, area, size, &title, canvas.skin);
    let prompt = Line::from(vec![
        canvas.strong(": ", Role::Accent),
        canvas.span(input.value().to_owned(), Role::Bright),
        Span::styled(" ", canvas.skin.badge(Role::Accent)),
    ]);
    canvas.line(row(inner, 0), &prompt);
    // A line of its own for what a shell would be told, where there is room for a list as well.
    let below = u16::from(inner.height > 4);
    let list = Rect {
        y: inner.y + 1.min(inner.height),
        height: inner.height.saturating_sub(1 + below * 2),
        ..inner
    };
    if let Some(entry) = entries.get(selected).filter(|_| below > 0) {
        let line = shell_line(canvas, entry);
        canvas.line(row(inner, inner.height - 1), &line);
    }
    if entries.is_empty() {
        let words = if canvas.model.past.is_some() {
            "nothing is called that here; orders are for the present"
        } else {
            "nothing is called that; Esc closes"
        };
        let line = canvas.cell(words, Role::Dim);
        canvas.line(row(list, 0), &line);
        return;
    }
    let widest = entries.iter().map(|entry| pen::width(&entry.text)).max().unwrap_or(0);
    let columns = [
        Column::left("", 20).grow(widest.min(44)),
        Column::right("", 6).priority(2),
        Column::left("", 16).priority(3).grow(60),
    ];
    let placed = columns::place(
        &columns,
        Rect { x: list.x + 2.min(list.width), width: list.width.saturating_sub(2), ..list },
    );
    let height = usize::from(list.height);
    let first = selected.saturating_sub(height / 2).min(entries.len().saturating_sub(height));
    for (at, entry) in entries.iter().enumerate().skip(first).take(height) {
        let place = row(list, (at - first) as u16);
        canvas.hit(place, Hit::Choice(at));
        let cells = [
            canvas.cell(entry.text.as_str(), Role::Bright),
            canvas.cell(entry.keys.as_str(), Role::Accent),
            canvas.cell(entry.help, Role::Dim),
        ];
        canvas.row(&placed, place.y, &cells);
        if at == selected {
            pen::select(canvas.buffer, place, canvas.skin);
        }
    }
}

/// What does the same in a shell.
fn shell_line<'a>(canvas: &Canvas<'a>, entry: &palette::Entry) -> Line<'a> {
    match palette::line(canvas.model, entry) {
        Some(Ok(line)) => Line::from(vec![
            canvas.strong("$ ", Role::Accent),
            // Of several engines the line says how its own is reached.
            canvas
                .span(if canvas.model.nodes.are_several() { "" } else { "pilothouse " }, Role::Dim),
            canvas.span(line, Role::Bright),
        ]),
        Some(Err(why)) => canvas.cell(why, Role::Warn),
        None => canvas.cell("this console only", Role::Dim),
    }
}

/// What would happen, and what makes it happen. The focus starts on Cancel.
pub(super) fn confirm(canvas: &mut Canvas, area: Rect, question: &Question) {
    let title = Line::from(canvas.strong(format!(" {} ", question.title), Role::Warn));
    let width = QUESTION_WIDTH.max(title.width() as u16);
    let facts: Vec<String> = question
        .facts
        .iter()
        .flat_map(|fact| wrapped(fact, usize::from(width.min(area.width.saturating_sub(4)))))
        .collect();
    let gate_rows = match question.gate {
        Gate::Yes => 0,
        Gate::Name { .. } => 2,
    };
    let height = facts.len().min(40) as u16 + 4 + gate_rows;
    let inner = overlay::open(canvas.buffer, area, (width, height), &title, canvas.skin);
    // The buttons keep the last row, whatever has to go.
    let last = inner.height.saturating_sub(1);
    let first = u16::from(inner.height > 4);
    let room = last.saturating_sub(gate_rows + first);
    for (at, fact) in (first..).zip(facts.iter().take(usize::from(room))) {
        let line = canvas.cell(fact.as_str(), Role::Text);
        canvas.line(row(inner, at), &line);
    }
    let key = match &question.gate {
        Gate::Yes => "y",
        Gate::Name { expected, typed } => {
            let line = Line::from(vec![
                canvas.span("Type ", Role::Dim),
                canvas.strong(expected.as_str(), Role::Warn),
                canvas.span(" to go on: ", Role::Dim),
                canvas.strong(
                    typed.value().to_owned(),
                    if expected.starts_with(typed.value()) { Role::Bright } else { Role::Bad },
                ),
                Span::styled(" ", canvas.skin.badge(Role::Warn)),
            ]);
            canvas.line(row(inner, last.saturating_sub(2)), &line);
            "needs the name"
        }
    };
    let buttons = buttons(canvas, question, key);
    let place = row(inner, last);
    pen::line(canvas.buffer, place, &buttons, Side::Left, canvas.skin);
    let widths: Vec<u16> = buttons.spans.iter().map(|span| pen::width(&span.content)).collect();
    let aside: u16 = widths.iter().take(3).sum();
    let all: u16 = widths.iter().sum();
    canvas.hit(Rect { width: all.min(place.width), ..place }, Hit::Go);
    canvas.hit(Rect { width: aside.min(place.width), ..place }, Hit::Cancel);
}

fn buttons<'a>(canvas: &Canvas, question: &Question, key: &str) -> Line<'a> {
    let focused = |is_focused: bool, role: Role| {
        if is_focused { canvas.skin.badge(role) } else { canvas.skin.style(role) }
    };
    let go_role = if question.is_open() { Role::Warn } else { Role::Dim };
    Line::from(vec![
        Span::styled(" Cancel ", focused(!question.is_go_focused, Role::Info)),
        canvas.span(" Esc, n", Role::Dim),
        Span::raw("     "),
        Span::styled(format!(" {} ", question.verb), focused(question.is_go_focused, go_role)),
        canvas.span(format!(" {key}"), Role::Dim),
    ])
}

/// Words of `text` in lines of at most `width` cells.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("the list starts with a line");
        let needed = usize::from(pen::width(line)) + 1 + usize::from(pen::width(word));
        if line.is_empty() {
            line.push_str(word);
        } else if needed <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

/// Each with a word about it; what is chosen is what one sees.
pub(super) fn theme(canvas: &mut Canvas, area: Rect, selected: usize) {
    let themes = &canvas.model.themes;
    let widest = themes.iter().map(|entry| entry.name.len()).max().unwrap_or(0);
    let entries: Vec<Choice> = themes
        .iter()
        .map(|entry| Choice {
            name: format!("{:<widest$}  ", entry.name),
            note: &entry.about,
            is_current: entry.name == canvas.model.theme,
        })
        .collect();
    let help =
        format!("g signs: {}   Enter takes it, Esc goes back", canvas.skin.glyph_tier().name());
    choice(canvas, area, ("Theme", &help), &entries, selected);
}

pub(super) fn signal(canvas: &mut Canvas, area: Rect, targets: &[Key], selected: usize) {
    let whom = match targets {
        [only] => only.label(),
        several => format!("{} programs", several.len()),
    };
    let entries = SIGNALS.map(|(name, meaning)| Choice {
        name: format!("{name:<7}"),
        note: meaning,
        is_current: false,
    });
    let title = format!("Signal to {whom}");
    choice(canvas, area, (&title, "Enter sends it, Esc goes back"), &entries, selected);
}

/// Into which kind of file the screen goes.
pub(super) fn export(canvas: &mut Canvas, area: Rect, selected: usize) {
    let entries = Format::ALL.map(|format| {
        let (name, note) = format.about();
        Choice { name: format!("{name:<6}"), note, is_current: false }
    });
    let help = "Enter writes it here, Esc goes back";
    choice(canvas, area, ("Save this screen", help), &entries, selected);
}

/// Each strategy with what the model says of it, so that the choice is a preview.
pub(super) fn strategy(canvas: &mut Canvas, area: Rect, upstream: &str, selected: usize) {
    let title = Line::from(canvas.strong(format!(" Strategy of {upstream} "), Role::Accent));
    let size = (PREVIEW_WIDTH, STRATEGIES.len().min(40) as u16 + 4);
    let inner = overlay::open(canvas.buffer, area, size, &title, canvas.skin);
    let Some(upstream) = canvas.model.upstream(upstream) else { return };
    let columns = [
        Column::left("", 15),
        Column::right("max share", 9),
        Column::right("in flight", 9).priority(3),
        Column::right("est. p95", 8).priority(2),
        Column::left("shares", 10).priority(4).grow(24),
    ];
    let table =
        Rect { x: inner.x + 4.min(inner.width), width: inner.width.saturating_sub(4), ..inner };
    let placed = columns::place(&columns, table);
    let titles = row(inner, 0);
    if titles.height > 0 {
        placed.titles(canvas.buffer, titles.y, titles.x, canvas.skin);
    }
    for (at, name) in (0..).zip(STRATEGIES) {
        let place = row(inner, at + 1);
        if place.height == 0 {
            return;
        }
        let sign = if name == upstream.strategy { canvas.skin.glyphs.fits } else { " " };
        let sign = canvas.cell(format!("  {sign}"), Role::Ok);
        canvas.line(place, &sign);
        preview(canvas, &placed, place, upstream, name);
        canvas.hit(place, Hit::Choice(usize::from(at)));
        if usize::from(at) == selected {
            pen::select(canvas.buffer, place, canvas.skin);
        }
    }
    let below = (inner.height >= 3).then(|| inner.height - 2);
    if let Some(below) = below.filter(|below| usize::from(*below) > STRATEGIES.len()) {
        let line = canvas.cell(basis(canvas, upstream, inner.width), Role::Dim);
        canvas.line(row(inner, below), &line);
    }
    let undo = canvas.model.keys.name(Id::Undo);
    let line =
        canvas.cell(format!("Enter takes it, {undo} takes it back, Esc goes back"), Role::Dim);
    canvas.right(row(inner, inner.height.saturating_sub(1)), &line);
}

fn preview(canvas: &mut Canvas, placed: &Placed, place: Rect, upstream: &UpstreamRow, name: &str) {
    let shown = canvas.cell(name.replace('_', " "), Role::Bright);
    let model = canvas.model;
    let Some(modelled) = model.explained.modelled(upstream, name) else {
        return canvas.row(placed, place.y, &[shown]);
    };
    if !modelled.impossible.is_empty() {
        let why = canvas.cell(modelled.impossible.as_str(), Role::Dim);
        canvas.row(placed, place.y, &[shown]);
        let x = (place.x + 21).min(place.right());
        return canvas.line(Rect { x, width: place.right() - x, ..place }, &why);
    }
    let cells = [
        shown,
        canvas.bold(number::percent(modelled.max_share), Role::Bright),
        canvas.cell(number::count(u64::from(modelled.in_flight_max)), Role::Text),
        canvas.latency(u64::from(modelled.service_us.p95)),
    ];
    canvas.row(placed, place.y, &cells);
    let Some(cell) = placed.cell(4, place.y) else { return };
    let shares = what_if::shares(modelled);
    if shares.len() * SHARE_WIDTH > usize::from(cell.width) + 1 {
        return bar::shares(canvas.buffer, cell, &shares, canvas.skin);
    }
    let share = |(at, share): (usize, &f64)| {
        let text = format!("{:>3.0}%", share * 100.0);
        canvas.span(format!("{text:<SHARE_WIDTH$}"), Role::series(at))
    };
    let line = Line::from(shares.iter().enumerate().map(share).collect::<Vec<_>>());
    canvas.line(cell, &line);
}

/// What the preview rests on.
fn basis(canvas: &Canvas, upstream: &UpstreamRow, room: u16) -> String {
    let explained = &canvas.model.explained;
    let Some(explanation) = explained.of(upstream) else {
        return if explained.why.is_empty() {
            "asking the engine for a preview".to_owned()
        } else {
            explained.why.clone()
        };
    };
    let held = &explanation.what_if.held;
    if held.arrivals == 0 {
        return "no request in the last minute to preview with".to_owned();
    }
    let texts = what_if::facts(held).map(|held| format!("{LABEL}: {held}"));
    let fitting = texts.into_iter().find(|text| pen::width(text) <= room);
    fitting.unwrap_or_else(|| LABEL.to_owned())
}

struct Choice<'a> {
    name: String,
    note: &'a str,
    /// It holds already, and carries a sign.
    is_current: bool,
}

/// A list under a title, above a line of help.
fn choice(
    canvas: &mut Canvas,
    area: Rect,
    (title, help): (&str, &str),
    entries: &[Choice],
    selected: usize,
) {
    let title = Line::from(canvas.strong(format!(" {title} "), Role::Accent));
    let size = (CHOICE_WIDTH, entries.len().min(40) as u16 + 2);
    let inner = overlay::open(canvas.buffer, area, size, &title, canvas.skin);
    let height = usize::from(inner.height.saturating_sub(1));
    let first = selected.saturating_sub(height / 2).min(entries.len().saturating_sub(height));
    for (at, entry) in entries.iter().enumerate().skip(first).take(height) {
        let place = row(inner, (at - first) as u16);
        let sign = if entry.is_current { canvas.skin.glyphs.fits } else { " " };
        let line = Line::from(vec![
            canvas.span(format!("  {sign} "), Role::Ok),
            canvas.span(entry.name.as_str(), Role::Bright),
            canvas.span(entry.note, Role::Dim),
        ]);
        canvas.line(place, &line);
        canvas.hit(place, Hit::Choice(at));
        if at == selected {
            pen::select(canvas.buffer, place, canvas.skin);
        }
    }
    let line = canvas.cell(help, Role::Dim);
    canvas.right(row(inner, inner.height.saturating_sub(1)), &line);
}

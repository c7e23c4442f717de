//! The selected program in full, above its output: why it is as it is, how its roll goes, what it is
//! kept hold of by and when it runs next, its command.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::control::standing::{Place, Rolling};
use crate::control::text;
use crate::control::wire::ProgramRow;

use super::canvas::{Canvas, content, take};
use crate::tui::model::about::{self, About};
use crate::tui::model::key::Key;
use crate::tui::theme::Role;
use crate::tui::widget::{bar, number, pen};

const BAR: u16 = 16;

pub(super) fn draw(canvas: &mut Canvas, body: &mut Rect) {
    let Some(row) = about::program(canvas.model) else { return };
    for line in about::lines(canvas.model, canvas.pane.height) {
        let area = content(take(body, 1));
        match line {
            About::Reason => reason(canvas, area, row),
            About::Rolling => rolling(canvas, area, row),
            About::Facts => facts(canvas, area, row),
            About::Command => command(canvas, area, row),
        }
    }
}

/// What stands before each of the lines.
fn label<'a>(canvas: &Canvas, text: &str) -> Span<'a> {
    canvas.span(format!("{text:<9}"), Role::Dim)
}

fn reason(canvas: &mut Canvas, area: Rect, row: &ProgramRow) {
    let program = &row.program;
    let texts = [program.reason.as_str(), program.log_degraded.as_str()];
    let texts: Vec<_> =
        texts.into_iter().filter(|text| !text.is_empty()).map(text::plain).collect();
    let role = if about::is_in_trouble(row) { Role::Warn } else { Role::Text };
    let texts = texts.join(canvas.skin.glyphs.separator);
    let line = Line::from(vec![label(canvas, "why"), canvas.span(texts, role)]);
    canvas.line(area, &line);
}

/// `roll  ▄▄▄▄  2 of 5   ✔ web:0 web:1  ↻ web:2  · web:3 web:4`.
fn rolling(canvas: &mut Canvas, area: Rect, row: &ProgramRow) {
    let Some(Rolling { done, of, .. }) = row.standing.rolling else { return };
    let head = Line::from(label(canvas, "roll"));
    canvas.line(area, &head);
    let width = head.width() as u16;
    let rest = |skip: u16| Rect {
        x: area.x + skip.min(area.width),
        width: area.width.saturating_sub(skip),
        ..area
    };
    let share = f64::from(done) / f64::from(of.max(1));
    let place = Rect { width: BAR.min(rest(width).width), ..rest(width) };
    bar::level(canvas.buffer, place, share, Role::Info, canvas.skin);
    let mut spans = vec![
        canvas.strong(format!("  {done}"), Role::Bright),
        canvas.span(format!(" of {of} "), Role::Dim),
    ];
    let places = [Place::Done, Place::Turn, Place::Failed, Place::Waits, Place::Left, Place::Extra];
    for place in places {
        let siblings = canvas.model.moment.programs.iter().filter(|other| {
            other.program.name == row.program.name
                && other.standing.rolling.is_some_and(|rolling| rolling.place == place)
        });
        let names: Vec<String> = siblings.map(|row| row.program.instance.to_string()).collect();
        if names.is_empty() {
            continue;
        }
        let (sign, word, role) = place_look(canvas, place);
        spans.push(canvas.span(format!("  {sign} {word} "), role));
        spans.push(canvas.span(names.join(" "), Role::Text));
    }
    canvas.line(rest(width + BAR), &Line::from(spans));
}

fn place_look(canvas: &Canvas, place: Place) -> (&'static str, &'static str, Role) {
    let glyphs = canvas.skin.glyphs;
    match place {
        Place::Done => (glyphs.fits, "done", Role::Ok),
        Place::Turn => (glyphs.restarted, "its turn", Role::Info),
        Place::Failed => (glyphs.failed, "failed", Role::Bad),
        Place::Waits => (glyphs.point, "to come", Role::Dim),
        Place::Left => (glyphs.stopped, "left alone", Role::Dim),
        Place::Extra => (glyphs.mark, "extra", Role::Info),
    }
}

/// On a row, beside its state: `↻ 2/5`.
pub(super) fn roll_mark<'a>(canvas: &Canvas, row: &ProgramRow) -> Option<Span<'a>> {
    let Rolling { done, of, place } = row.standing.rolling?;
    let (sign, _, role) = place_look(canvas, place);
    Some(canvas.span(format!(" {sign} {done}/{of}"), role))
}

/// As many whole ones as there is room for, most telling first.
fn facts(canvas: &mut Canvas, area: Rect, row: &ProgramRow) {
    let mut spans = vec![label(canvas, "about")];
    let mut room = area.width.saturating_sub(9);
    for (name, value, role) in told(canvas, row) {
        let width = pen::width(&name) + pen::width(&value) + 1;
        let gap = if spans.len() > 1 { 3 } else { 0 };
        if width + gap > room {
            break;
        }
        room -= width + gap;
        spans.push(Span::raw(" ".repeat(usize::from(gap))));
        spans.push(canvas.span(format!("{name} "), Role::Dim));
        spans.push(canvas.span(value, role));
    }
    canvas.line(area, &Line::from(spans));
}

fn told(canvas: &Canvas, row: &ProgramRow) -> Vec<(String, String, Role)> {
    let program = &row.program;
    let now_ms = canvas.model.seen_ms();
    let mut told = Vec::new();
    let mut tell = |name: &str, value: String, role: Role| {
        told.push((name.to_owned(), value, role));
    };
    tell("life", row.incarnation.to_string(), Role::Text);
    if row.next_run_ms > 0 {
        let left = number::remaining(row.next_run_ms.saturating_sub(now_ms));
        tell("next run", format!("{}Z, in {left}", number::clock(row.next_run_ms)), Role::Info);
    }
    if !row.user.is_empty() {
        tell("as", text::plain(&row.user).into_owned(), Role::Text);
    }
    if !program.tracking.is_empty() {
        tell("tracked by", program.tracking.clone(), Role::Text);
    }
    if program.log_lost_bytes > 0 {
        tell("log lost", number::bytes(program.log_lost_bytes), Role::Warn);
    }
    if !program.differs.is_empty() {
        tell("differs:", program.differs.clone(), Role::Warn);
    }
    if let Some(backend) = &program.backend {
        tell("serves", backend.clone(), Role::Text);
    }
    if row.instances > 1 {
        tell("instances", row.instances.to_string(), Role::Text);
    }
    if row.standing.is_listening {
        tell("stdin", "open".to_owned(), Role::Text);
    }
    tell("restarts", number::count(program.restarts.into()), Role::Text);
    told
}

fn command(canvas: &mut Canvas, area: Rect, row: &ProgramRow) {
    let text = text::plain(&row.command).into_owned();
    let line = Line::from(vec![label(canvas, "command"), canvas.span(text, Role::Dim)]);
    canvas.line(area, &line);
}

/// What is typed for the program that is spoken to, below its output.
pub(super) fn prompt(canvas: &mut Canvas, area: Rect, key: &Key, typed: &str) {
    let lead = vec![
        Span::styled(format!(" {} ", key.label()), canvas.skin.badge(Role::Accent)),
        canvas.strong(" > ", Role::Accent),
    ];
    let out = Line::from(vec![
        canvas.strong("Ctrl-]", Role::Bright),
        canvas.span(" detaches", Role::Dim),
    ]);
    let out_width = out.width() as u16 + 2;
    let area = content(area);
    let mut width = area.width;
    if width > out_width + 30 {
        canvas.right(area, &out);
        width -= out_width;
    }
    let lead_width: u16 = lead.iter().map(|span| pen::width(&span.content)).sum();
    // The end of a long line is where one types.
    let room = usize::from(width.saturating_sub(lead_width + 1));
    let from = typed.chars().count().saturating_sub(room);
    let end: String = typed.chars().skip(from).collect();
    let mut line = lead;
    line.push(canvas.span(end, Role::Bright));
    line.push(Span::styled(" ", canvas.skin.badge(Role::Accent)));
    canvas.line(Rect { width, ..area }, &Line::from(line));
}

//! Where in the past one is: the line of the last quarter of an hour with what happened on it, and
//! the words in the header.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::control::wire::Severity;

use super::canvas::{Canvas, content, row};
use super::state;
use crate::tui::model::past::{self, Past};
use crate::tui::theme::Role;
use crate::tui::widget::spark::{self, Spark};
use crate::tui::widget::{number, pen};

/// Cells of the words at both ends, with their distance.
const LABEL: u16 = 10;
const END: u16 = 5;
/// The oldest second and the oldest rows fall off the edge at about the same time.
const EDGE_MS: u64 = 3_000;
/// Below this width the present's trouble is not told beside the past.
const TROUBLE_WIDTH_MIN: u16 = 80;

/// How long ago, when that was, and what is wrong meanwhile.
pub(super) fn standing(canvas: &Canvas, past: &Past, width: u16) -> Line<'static> {
    let ago = number::age(canvas.model.ago_ms());
    let mut spans = vec![
        Span::styled(format!(" PAST {ago} ago "), canvas.skin.badge(Role::Warn)),
        canvas.strong(format!("  {}Z", number::clock(past.at_ms)), Role::Bright),
    ];
    if canvas.model.tape.since_ms().is_none_or(|since_ms| past.at_ms + EDGE_MS < since_ms) {
        spans.push(canvas.span("  only figures kept", Role::Warn));
    } else if width >= TROUBLE_WIDTH_MIN {
        let trouble = past::trouble(&past.present);
        let (text, role) =
            if trouble.is_empty() { ("ok".to_owned(), Role::Ok) } else { (trouble, Role::Bad) };
        spans.push(canvas.span("  now ", Role::Dim));
        spans.push(canvas.span(text, role));
    }
    Line::from(spans)
}

/// On two rows the traffic is drawn over the line.
pub(super) fn draw(canvas: &mut Canvas, area: Rect) {
    let Some(past) = &canvas.model.past else { return };
    let inner = content(area);
    if inner.height == 0 || inner.width < LABEL + END + 1 {
        return;
    }
    let at_ms = past.at_ms;
    let line = Rect {
        x: inner.x + LABEL,
        y: inner.bottom() - 1,
        width: inner.width - LABEL - END,
        height: 1,
    };
    labels(canvas, Rect { y: line.y, height: 1, ..inner });
    if inner.height > 1 {
        traffic(canvas, Rect { y: inner.y, ..line });
    }
    for x in line.x..line.right() {
        pen::text(
            canvas.buffer,
            (x, line.y),
            1,
            canvas.skin.glyphs.rule,
            canvas.skin.style(Role::Faint),
        );
    }
    for (x, severity) in (line.x..).zip(past::marks(canvas.model, line.width)) {
        let Some(severity) = severity else { continue };
        let glyph = match severity {
            Severity::Info | Severity::Good => canvas.skin.glyphs.mark,
            Severity::Warn => canvas.skin.glyphs.warning,
            Severity::Bad => canvas.skin.glyphs.failed,
        };
        let style = canvas.skin.style(state::severity_role(severity));
        pen::text(canvas.buffer, (x, line.y), 1, glyph, style);
    }
    cursor(canvas, line, at_ms);
}

fn labels(canvas: &mut Canvas, area: Rect) {
    let span_ms = canvas.model.span_ms().map_or(0, |(oldest_ms, newest_ms)| newest_ms - oldest_ms);
    let left = canvas.cell(format!("-{}", number::age(span_ms)), Role::Dim);
    canvas.line(area, &left);
    let right = canvas.cell("now", Role::Dim);
    canvas.right(area, &right);
}

fn traffic(canvas: &mut Canvas, area: Rect) {
    let model = canvas.model;
    let places = spark::samples(area.width, canvas.skin);
    let mut values = vec![0; places];
    let later = model.past.iter().flat_map(|past| &past.samples);
    let mut earlier = None;
    for sample in model.history.iter().chain(later) {
        let Some(at) = past::place(model, sample.wall_ms, places as u16).map(usize::from) else {
            continue;
        };
        // A short past is drawn wide: each sample reaches as far as the next.
        if let Some(from) = earlier.replace(at).filter(|from| *from < at) {
            let held = values[from];
            values[from + 1..at].fill(held);
        }
        values[at] = u64::from(sample.requests).max(values[at]);
    }
    let top = values.iter().copied().max().unwrap_or(0);
    Spark { values: &values, top, role: Role::Dim }.draw(canvas.buffer, area, canvas.skin);
    let label = canvas.cell("req/s", Role::Dim);
    let place = Rect { x: area.x - LABEL, width: LABEL, ..area };
    canvas.line(row(place, 0), &label);
}

/// What happened there is still seen under it.
fn cursor(canvas: &mut Canvas, line: Rect, at_ms: u64) {
    let Some(at) = past::place(canvas.model, at_ms, line.width) else { return };
    let position = (line.x + at, line.y);
    let symbol = canvas.buffer[position].symbol().to_owned();
    let is_bare = symbol == canvas.skin.glyphs.rule;
    let shown = if is_bare { canvas.skin.glyphs.axis } else { symbol.as_str() };
    let style = canvas.skin.badge(Role::Warn);
    pen::text(canvas.buffer, position, 1, shown, style);
}

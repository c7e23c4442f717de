//! Strategies and verdicts in an operator's words.

use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::control::explain::{Cause, Finding, Verdict, words};
use crate::control::listener::Kind;
use crate::control::wire::{BackendRow, UpstreamRow};

use super::canvas::Canvas;
use crate::tui::theme::Role;
use crate::tui::widget::{number, pen};

/// `least conn`, `weighted rr`: what an operator calls it, in eleven cells.
pub(super) fn strategy_label(strategy: &str, members: &[&BackendRow]) -> String {
    let is_weighted =
        members.windows(2).any(|pair| pair[0].backend.weight != pair[1].backend.weight);
    match strategy {
        "round_robin" if is_weighted => "weighted rr".to_owned(),
        "round_robin" => "round robin".to_owned(),
        "hash_consistent" => "ketama hash".to_owned(),
        other => other.replace('_', " "),
    }
}

/// What is added to the name of an upstream that serves not only requests.
pub(super) fn kind_tag(kind: Kind) -> &'static str {
    match kind {
        Kind::Http => "",
        Kind::Tcp => " tcp",
        Kind::Both => " http+tcp",
    }
}

/// The verdict in sign, words and colour.
pub(super) fn line(canvas: &Canvas, row: &UpstreamRow) -> Line<'static> {
    // Whether it fitted is judged as it happens, and not kept.
    if canvas.model.past.is_some() {
        return canvas.none();
    }
    let (glyph, role) = look(canvas, row.fit.verdict);
    Line::from(vec![
        canvas.span(format!("{glyph} "), role),
        canvas.span(in_tier(canvas, words::short(&row.fit)), role),
    ])
}

pub(super) fn look(canvas: &Canvas, verdict: Verdict) -> (&'static str, Role) {
    let glyphs = canvas.skin.glyphs;
    match verdict {
        Verdict::TooFew => (glyphs.point, Role::Dim),
        Verdict::Fits => (glyphs.fits, Role::Ok),
        Verdict::Skewed => (glyphs.warning, Role::Warn),
        Verdict::Deviates => (glyphs.failed, Role::Bad),
    }
}

/// The two signs that a verdict's number may carry, in the tier's own form.
pub(super) fn in_tier(canvas: &Canvas, text: String) -> String {
    if canvas.skin.is_ascii() { text.replace('±', "+-").replace('×', "x") } else { text }
}

/// Cells of a finding's claim and of its value.
const LABEL: u16 = 30;
const VALUE: u16 = 9;

/// One tested claim: sign, claim, value, note.
pub(super) fn finding(canvas: &mut Canvas, area: Rect, finding: &Finding) {
    let (glyph, role) = look(canvas, finding.verdict);
    let label = Line::from(vec![
        canvas.span(format!("{glyph} "), role),
        canvas.span(words::label(&finding.claim), Role::Text),
    ]);
    let part = |x: u16, width: u16| Rect {
        x: area.x + x.min(area.width),
        width: width.min(area.width.saturating_sub(x)),
        ..area
    };
    canvas.line(part(0, LABEL), &label);
    let value = canvas.bold(in_tier(canvas, words::value(&finding.claim)), Role::Bright);
    canvas.right(part(LABEL, VALUE), &value);
    let place = part(LABEL + VALUE + 2, u16::MAX);
    let note = in_tier(canvas, words::note(finding));
    let note = canvas.cell(pen::clauses(&note, place.width).to_owned(), Role::Dim);
    canvas.line(place, &note);
}

/// Why something went another way than the strategy's, and since when.
pub(super) fn cause(canvas: &mut Canvas, area: Rect, cause: &Cause) {
    let at = match cause.at_ms {
        0 => String::new(),
        at_ms => format!("  {}Z", number::clock(at_ms)),
    };
    let line = Line::from(vec![
        canvas.span(format!("{} ", canvas.skin.glyphs.warning), Role::Warn),
        canvas.span("cause  ", Role::Text),
        canvas.strong(words::cause(cause), Role::Bright),
        canvas.span(at, Role::Dim),
    ]);
    canvas.line(area, &line);
}

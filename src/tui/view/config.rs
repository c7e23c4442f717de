//! The configuration: what is different between the file and what runs, what a reload would do, the
//! lines themselves, and what is wrong with the file.

use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::control::plan::{self, Plan, Sign, Weight};
use crate::control::text;

use super::canvas::{Canvas, content, row, take};
use super::listing::Listing;
use super::section::{self, Heading};
use crate::tui::model::Model;
use crate::tui::model::key::Kind;
use crate::tui::model::panel::{Empty, Panel, PanelFacts, ViewFacts};
use crate::tui::model::planned::PlanRow;
use crate::tui::model::rows::Row;
use crate::tui::theme::Role;
use crate::tui::widget::columns::Column;
use crate::tui::widget::pen;
use crate::tui::widget::rule::Rule;

pub(crate) const VIEW: ViewFacts = ViewFacts {
    name: "config",
    title: "Config",
    short_title: "Conf",
    help: "the file against what runs: what a reload would change, restart and drain",
    panels: &[
        PanelFacts::rows("differences", differences)
            .only(Kind::Plan)
            .when_empty(|_| Empty::Fits("the file is what runs")),
        PanelFacts::rows("lines", every_line).only(Kind::Plan).at_height(16),
    ],
};

fn differences(model: &Model) -> Vec<Row<'_>> {
    model.planned.rows().into_iter().map(Row::Plan).collect()
}

fn every_line(model: &Model) -> Vec<Row<'_>> {
    model.planned.lines().into_iter().map(Row::Plan).collect()
}

/// Rows that the changes have at least beside the lines.
const CHANGES_MIN: u16 = 6;

pub(in crate::tui) fn draw(canvas: &mut Canvas, body: Rect) {
    let model = canvas.model;
    let mut rest = body;
    let Some(plan) = model.planned.plan() else {
        let area = take(&mut rest, 1);
        canvas.rule(area, "Config", String::new());
        let words = match (model.planned.why.as_str(), model.past.is_some()) {
            (_, true) => "told of the present only: p comes back to now",
            ("", false) if model.nodes.are_mixed() => {
                "a file is one engine's: @ chooses the node it is shown of"
            }
            ("", false) => "asking the engine",
            (why, false) => why,
        };
        let line = canvas.cell(text::plain(words).into_owned(), Role::Dim);
        canvas.line(content(rest), &line);
        return;
    };
    if !plan.error.is_empty() {
        refused(canvas, rest, plan);
        return;
    }
    let shown = canvas.shown();
    let has_both = shown.len() > 1 && !plan.lines.is_empty();
    let is_lines_alone = shown == [Panel::ConfigLines];
    if !is_lines_alone {
        let wanted = (model.planned.rows().len().clamp(1, 400) as u16).saturating_add(1);
        let height =
            if has_both { wanted.min((body.height / 2).max(CHANGES_MIN)) } else { body.height };
        let area = take(&mut rest, height);
        changes(canvas, area, plan);
    }
    if has_both || is_lines_alone {
        lines(canvas, rest);
    }
}

fn changes(canvas: &mut Canvas, area: Rect, plan: &Plan) {
    let listing = Listing::of(canvas, Panel::ConfigTable);
    let names = listing.rows.iter().map(|row| match row {
        Row::Plan(PlanRow::Section(change)) => pen::width(&change.label()) + 2,
        Row::Plan(PlanRow::Detail(_, detail)) => pen::width(&detail.key) + 4,
        _ => 0,
    });
    let widest = names.max().unwrap_or(0);
    let columns =
        [Column::name("", widest, (16, 44)), Column::left("what a reload does", 20).grow(200)];
    let separator = canvas.skin.glyphs.separator;
    let facts = canvas.cell(
        format!("generation {} runs{separator}{}", plan.generation, plan.summary()),
        Role::Dim,
    );
    let heading = Heading { title: "Config", columns: &columns, facts: Some(facts) };
    section::table(canvas, area, &listing, &heading, |canvas, row, placed, y| {
        let Row::Plan(row) = row else { return };
        let cells = cells(canvas, row);
        canvas.row(placed, y, &cells);
    });
}

fn cells<'a>(canvas: &Canvas<'a>, row: &PlanRow<'a>) -> [Line<'a>; 2] {
    match row {
        PlanRow::Section(change) => [
            Line::from(vec![
                canvas.strong(format!("{} ", change.sign.letter()), sign_role(change.sign)),
                canvas.strong(text::plain(&change.label()).into_owned(), Role::Bright),
            ]),
            canvas.cell(text::plain(&change.effect), weight_role(change.weight)),
        ],
        PlanRow::Detail(_, detail) => [
            Line::from(vec![
                canvas.span(format!("  {} ", detail.sign.letter()), sign_role(detail.sign)),
                canvas.span(text::plain(&detail.key), Role::Text),
            ]),
            value(canvas, detail),
        ],
        PlanRow::Line(..) => [Line::default(), Line::default()],
    }
}

/// `least_conn → round_robin`.
fn value<'a>(canvas: &Canvas<'a>, detail: &'a plan::Detail) -> Line<'a> {
    if detail.sign != Sign::Changed || detail.from == detail.to {
        return canvas.cell(text::plain(&detail.words()).into_owned(), Role::Dim);
    }
    Line::from(vec![
        canvas.span(text::plain(&detail.from), Role::Dim),
        canvas.span(format!(" {} ", canvas.skin.glyphs.arrow), Role::Faint),
        canvas.span(text::plain(&detail.to), Role::Text),
    ])
}

fn sign_role(sign: Sign) -> Role {
    match sign {
        Sign::Added => Role::Ok,
        Sign::Removed => Role::Bad,
        Sign::Changed => Role::Info,
    }
}

fn weight_role(weight: Weight) -> Role {
    match weight {
        Weight::Nothing => Role::Dim,
        Weight::Gentle => Role::Ok,
        Weight::Drains => Role::Warn,
        Weight::Interrupts => Role::Bad,
    }
}

/// The lines of both files, by their own signs.
fn lines(canvas: &mut Canvas, area: Rect) {
    let listing = Listing::of(canvas, Panel::ConfigLines);
    let columns = [Column::left("", 20).grow(400)];
    let config = text::plain(&canvas.model.moment.head.config).into_owned();
    let facts = canvas.cell(config, Role::Dim);
    let heading = Heading { title: "Lines", columns: &columns, facts: Some(facts) };
    section::table(canvas, area, &listing, &heading, |canvas, row, placed, y| {
        let Row::Plan(PlanRow::Line(_, line)) = row else { return };
        let (sign, words, role) = match line {
            plan::Line::Same(words) => (' ', text::plain(words), Role::Dim),
            plan::Line::Gone(words) => ('-', text::plain(words), Role::Bad),
            plan::Line::New(words) => ('+', text::plain(words), Role::Ok),
            plan::Line::Gap(count) => {
                let words = format!("{} {count} lines as before", canvas.skin.glyphs.ellipsis);
                let line = canvas.cell(words, Role::Faint);
                canvas.row(placed, y, &[line]);
                return;
            }
        };
        let line = canvas.cell(format!("{sign} {words}"), role);
        canvas.row(placed, y, &[line]);
    });
}

/// What is wrong with the file, in the words of the check, and that it changes nothing.
fn refused(canvas: &mut Canvas, mut area: Rect, plan: &Plan) {
    let rule = take(&mut area, 1);
    let facts = Line::from(vec![
        canvas.strong(format!("{} would be refused", canvas.skin.glyphs.failed), Role::Bad),
        canvas.span(format!("; generation {} runs on", plan.generation), Role::Dim),
    ]);
    Rule::new("Config", canvas.skin).facts(facts).draw(canvas.buffer, rule, canvas.skin);
    let room = content(area).width;
    let pieces = plan.error.lines().flat_map(|line| {
        let role = match line.trim_start() {
            line if line.starts_with("error:") => Role::Bad,
            line if line.starts_with("-->") => Role::Info,
            _ => Role::Text,
        };
        broken(&text::plain(line), room).into_iter().map(move |piece| (piece, role))
    });
    for (at, (piece, role)) in (0..area.height).zip(pieces) {
        let line = canvas.cell(piece, role);
        canvas.line(row(content(area), at), &line);
    }
}

/// A line in as many as it needs: what was expected may be a long list.
fn broken(line: &str, room: u16) -> Vec<String> {
    let (mut pieces, mut rest) = (Vec::new(), line);
    loop {
        let end = pen::prefix_bytes(rest.chars(), room.max(1)).max(1);
        if end >= rest.len() || !rest.is_char_boundary(end) {
            pieces.push(rest.to_owned());
            return pieces;
        }
        // At a blank, where there is one.
        let end = rest[..end].rfind(' ').filter(|blank| *blank > 0).map_or(end, |blank| blank + 1);
        pieces.push(rest[..end].to_owned());
        rest = &rest[end..];
    }
}

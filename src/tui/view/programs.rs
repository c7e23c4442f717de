//! Programs, above the output of the selected one.

use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::control::wire::{ProgramRow, ProgramState};

use super::canvas::{Canvas, take};
use super::listing::Listing;
use super::section::{self, Heading};
use super::state;
use super::{about, logs, overview};
use crate::tui::model::attention;
use crate::tui::model::key::Key;
use crate::tui::model::panel::{self, Empty, Panel, PanelFacts, ViewFacts};
use crate::tui::model::rows::{self, Row};
use crate::tui::theme::Role;
use crate::tui::widget::columns::Column;
use crate::tui::widget::{number, pen};

pub(crate) const VIEW: ViewFacts = ViewFacts {
    name: "programs",
    title: "Programs",
    short_title: "Prog",
    help: "programs and the output of the selected one",
    panels: &[
        PanelFacts::rows("programs", rows::programs).sorted_by("state").when_empty(|_| NO_PROGRAMS),
        PanelFacts::lines("lines").at_height(16),
    ],
};

pub(super) const NO_PROGRAMS: Empty =
    Empty::Says("no programs: add [program.NAME] to the configuration, then : reload");

/// Cells of the widest state with the mark of a roll: `● RUNNING ↻ 2/5`.
const STATE: u16 = 16;
/// Narrower terminals show the roll of the selected program only.
const MARK_WIDTH_MIN: u16 = 60;

pub(in crate::tui) fn draw(canvas: &mut Canvas, body: Rect) {
    let shown = canvas.shown();
    let mut rest = body;
    if shown.contains(&Panel::ProgramTable) {
        let listing = Listing::of(canvas, Panel::ProgramTable);
        let height = panel::program_table_height(canvas.model, body.height, shown.len() == 1);
        let area = take(&mut rest, height);
        table(canvas, area, &listing);
    }
    if shown.contains(&Panel::ProgramLog) {
        if shown.len() > 1 {
            about::draw(canvas, &mut rest);
        }
        logs::output(canvas, rest);
    }
}

fn table<'a>(canvas: &mut Canvas<'a>, area: Rect, listing: &Listing<'a>) {
    let names = listing.rows.iter().map(|row| pen::width(&row.key().label()));
    let programs = canvas.model.moment.programs.iter();
    let served = programs.filter_map(|row| row.program.backend.as_deref()).map(pen::width);
    let served = served.max().unwrap_or(0);
    let columns = [
        Column::name("", names.max().unwrap_or(0), (14, 26)),
        Column::left("state", if area.width < MARK_WIDTH_MIN { state::WIDTH } else { STATE }),
        Column::right("pid", 7).priority(4),
        Column::right("since", 8),
        Column::right("cpu", 4).priority(2),
        Column::right("rss", 5).priority(3),
        Column::right("restarts", 8).priority(6),
        Column::left("last exit", 9).priority(3),
        Column::left("serves", served.clamp(12, 30)).priority(5).grow(40).middle(),
    ];
    let count = listing.count(area.height.saturating_sub(1));
    let tally = overview::tally(canvas, &count, area.width);
    let facts = canvas.cell(tally, Role::Dim);
    let heading = Heading { title: "Programs", columns: &columns, facts: Some(facts) };
    section::table(canvas, area, listing, &heading, |canvas, row, placed, y| {
        let Row::Program(row) = row else { return };
        let cells = cells(canvas, row);
        canvas.row(placed, y, &cells);
    });
}

fn cells<'a>(canvas: &Canvas<'a>, row: &'a ProgramRow) -> Vec<Line<'a>> {
    let program = &row.program;
    let look = state::program(program.state, canvas.skin);
    let since = number::age(canvas.model.seen_ms().saturating_sub(row.since_ms));
    let (when, is_running) = match program.state {
        ProgramState::Running | ProgramState::Starting | ProgramState::Stopping => (since, true),
        ProgramState::Backoff => {
            let wait_ms = row.retry_at_ms.saturating_sub(canvas.model.seen_ms());
            (format!("in {}", number::remaining(wait_ms)), false)
        }
        ProgramState::Stopped
        | ProgramState::Exited
        | ProgramState::Fatal
        | ProgramState::Unknown => (since, false),
    };
    let while_running = |text: String| {
        if is_running { canvas.cell(text, Role::Text) } else { canvas.none() }
    };
    let exit = match (program.exit_code, program.exit_signal) {
        (None, None) if program.state == ProgramState::Fatal => {
            canvas.cell(attention::exit_text(None, None), Role::Warn)
        }
        (None, None) => canvas.none(),
        (Some(0), None) => canvas.cell("exit 0", Role::Dim),
        (code, signal) => canvas.cell(attention::exit_text(code, signal), Role::Warn),
    };
    let restarts = match program.state {
        ProgramState::Backoff | ProgramState::Fatal => {
            let tries = format!("{} failed", row.start_failures);
            canvas.cell(tries, Role::Warn)
        }
        _ => canvas.amount(u64::from(program.restarts), number::count(program.restarts.into())),
    };
    vec![
        canvas.bold(format!("{}:{}", program.name, program.instance), Role::Bright),
        state_cell(canvas, row, look),
        program.pid.map_or_else(|| canvas.none(), |pid| canvas.cell(pid.to_string(), Role::Dim)),
        canvas.cell(when, Role::Text),
        while_running(format!("{:.0}%", program.cpu_percent)),
        while_running(number::bytes(program.rss_bytes)),
        restarts,
        exit,
        serves(canvas, row),
    ]
}

/// While a roll is under way it is told of beside the state, which then is the news.
fn state_cell<'a>(canvas: &Canvas<'a>, row: &ProgramRow, look: state::Look) -> Line<'a> {
    let word = state::program_word(row.program.state);
    let Some(mark) = about::roll_mark(canvas, row) else {
        return canvas.state(&Key::of_program(row), look, word);
    };
    let mut line = canvas.settled(look, word);
    line.push_span(mark);
    line
}

/// And on the first instance's row, whether there are as many as the file says.
fn serves<'a>(canvas: &Canvas<'a>, row: &'a ProgramRow) -> Line<'a> {
    let program = &row.program;
    let mut line = program
        .backend
        .as_deref()
        .map_or_else(|| canvas.none(), |backend| canvas.cell(backend, Role::Dim));
    if program.instance == 0 && !program.differs.is_empty() {
        line.push_span(canvas.span(format!("  {}", program.differs), Role::Warn));
    }
    line
}

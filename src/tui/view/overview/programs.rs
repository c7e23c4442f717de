//! The Overview's programs: state, and what it uses or what it said last.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::control::standing::Readiness;
use crate::control::text;
use crate::control::wire::{ProgramRow, ProgramState};

use crate::tui::model::attention;
use crate::tui::model::key::Key;
use crate::tui::model::panel::Panel;
use crate::tui::model::rows::Row;
use crate::tui::theme::Role;
use crate::tui::view::canvas::Canvas;
use crate::tui::view::listing::Listing;
use crate::tui::view::section::{self, Heading};
use crate::tui::view::state;
use crate::tui::widget::columns::Column;
use crate::tui::widget::{number, pen};

pub(super) fn draw(canvas: &mut Canvas, area: Rect) {
    let listing = Listing::of(canvas, Panel::Programs);
    let widest = listing.rows.iter().map(|row| pen::width(&row.key().label())).max().unwrap_or(0);
    let columns = [
        Column::name("", widest + 2, (12, 26)),
        Column::left("", 10),
        Column::left("", 9).priority(2),
        Column::left("", 10),
        Column::left("", 10).priority(3).grow(80),
    ];
    let count = listing.count(area.height.saturating_sub(1));
    let facts = canvas.cell(tally(canvas, &count, area.width), Role::Dim);
    let heading = Heading { title: "Programs", columns: &columns, facts: Some(facts) };
    section::table(canvas, area, &listing, &heading, |canvas, row, placed, y| {
        let Row::Program(row) = row else { return };
        let cells = program_cells(canvas, row);
        canvas.row(placed, y, &cells);
    });
}

/// Below this width only what is wrong is counted.
const TALLY_WIDTH_MIN: u16 = 80;

/// `5 of 11 · 9 running · 1 backoff`.
pub(in crate::tui::view) fn tally(canvas: &Canvas, count: &str, width: u16) -> String {
    const ORDER: [ProgramState; 8] = [
        ProgramState::Running,
        ProgramState::Starting,
        ProgramState::Stopping,
        ProgramState::Backoff,
        ProgramState::Fatal,
        ProgramState::Unknown,
        ProgramState::Exited,
        ProgramState::Stopped,
    ];
    let is_worth = |state: &ProgramState| {
        width >= TALLY_WIDTH_MIN
            || matches!(state, ProgramState::Backoff | ProgramState::Fatal | ProgramState::Unknown)
    };
    let counts = ORDER.into_iter().filter(is_worth).filter_map(|state| {
        let rows = canvas.model.moment.programs.iter();
        let in_state = rows.filter(|row| row.program.state == state).count();
        let word = state::program_word(state).to_lowercase();
        (in_state > 0).then(|| format!("{in_state} {word}"))
    });
    let parts: Vec<String> = std::iter::once(count.to_owned()).chain(counts).collect();
    parts.join(canvas.skin.glyphs.separator)
}

fn program_cells<'a>(canvas: &Canvas<'a>, row: &'a ProgramRow) -> Vec<Line<'a>> {
    let program = &row.program;
    let look = state::program(program.state, canvas.skin);
    let name = Line::from(vec![
        canvas.span(format!("{} ", look.glyph), look.role),
        canvas.strong(format!("{}:{}", program.name, program.instance), Role::Bright),
    ]);
    let word = canvas.state(&Key::of_program(row), look, state::program_word(program.state));
    // The sign stands before the name here.
    let word = Line::from(word.spans.into_iter().skip(1).collect::<Vec<_>>());
    let age = number::age(canvas.model.seen_ms().saturating_sub(row.since_ms));
    let last = || attention::exit_text(program.exit_code, program.exit_signal);
    let (what, when) = match program.state {
        ProgramState::Running | ProgramState::Starting | ProgramState::Stopping => {
            let pid = program.pid.map_or_else(|| "no pid".to_owned(), |pid| format!("pid {pid}"));
            (pid, age)
        }
        ProgramState::Backoff => {
            let wait_ms = row.retry_at_ms.saturating_sub(canvas.model.seen_ms());
            (last(), format!("retry {}", number::remaining(wait_ms)))
        }
        ProgramState::Fatal | ProgramState::Unknown => (last(), format!("down {age}")),
        ProgramState::Exited => (last(), age),
        ProgramState::Stopped => (String::new(), age),
    };
    vec![
        name,
        word,
        canvas.cell(what, Role::Text),
        canvas.cell(when, Role::Dim),
        program_detail(canvas, row),
    ]
}

/// What it uses and serves while it runs; its last words when it does not.
fn program_detail<'a>(canvas: &Canvas<'a>, row: &'a ProgramRow) -> Line<'a> {
    let program = &row.program;
    match program.state {
        _ if row.standing.readiness != Readiness::Plain && !program.reason.is_empty() => {
            canvas.cell(text::plain(&program.reason), Role::Warn)
        }
        ProgramState::Running | ProgramState::Starting | ProgramState::Stopping => {
            let mut spans = vec![
                canvas.span("cpu ", Role::Dim),
                canvas.span(format!("{:>4}", format!("{:.0}%", program.cpu_percent)), Role::Text),
                canvas.span("  rss ", Role::Dim),
                canvas.span(format!("{:>5}", number::bytes(program.rss_bytes)), Role::Text),
            ];
            if let Some(backend) = &program.backend {
                let arrow = canvas.skin.glyphs.arrow;
                spans.push(canvas.span(format!("  {arrow} "), Role::Dim));
                spans.push(canvas.span(backend.as_str(), Role::Text));
            }
            Line::from(spans)
        }
        ProgramState::Stopped
        | ProgramState::Backoff
        | ProgramState::Exited
        | ProgramState::Fatal
        | ProgramState::Unknown => {
            let words = if row.last_line.is_empty() {
                program.reason.clone()
            } else {
                format!("\"{}\"", text::plain(row.last_line.trim()))
            };
            Line::from(Span::styled(words, canvas.skin.style(Role::Dim)))
        }
    }
}

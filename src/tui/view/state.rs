//! States as sign, word and colour: never by colour alone.

use ratatui::text::Line;

use crate::control::text;
use crate::control::wire::{BackendState, ProgramState, Severity};

use super::canvas::Canvas;
use crate::tui::model::key::Key;
use crate::tui::model::pending::{Pending, Stage};
use crate::tui::model::rows;
use crate::tui::theme::Role;
use crate::tui::theme::skin::Skin;

/// Cells of the widest state: sign, space, `DRAINING`.
pub(super) const WIDTH: u16 = 10;

#[derive(Clone, Copy)]
pub(super) struct Look {
    pub(super) glyph: &'static str,
    pub(super) role: Role,
}

pub(super) fn backend(state: BackendState, skin: &Skin) -> Look {
    let glyphs = skin.glyphs;
    match state {
        BackendState::Up => Look { glyph: glyphs.up, role: Role::Ok },
        BackendState::Starting => Look { glyph: glyphs.starting, role: Role::Info },
        BackendState::Draining => Look { glyph: glyphs.draining, role: Role::Warn },
        BackendState::Drained | BackendState::Down => {
            Look { glyph: glyphs.stopped, role: Role::Dim }
        }
        BackendState::Failed => Look { glyph: glyphs.failed, role: Role::Bad },
    }
}

pub(super) fn program(state: ProgramState, skin: &Skin) -> Look {
    let glyphs = skin.glyphs;
    match state {
        ProgramState::Running => Look { glyph: glyphs.up, role: Role::Ok },
        ProgramState::Starting => Look { glyph: glyphs.starting, role: Role::Info },
        ProgramState::Backoff => Look { glyph: glyphs.waiting, role: Role::Warn },
        ProgramState::Stopping => Look { glyph: glyphs.draining, role: Role::Warn },
        ProgramState::Stopped | ProgramState::Exited => {
            Look { glyph: glyphs.stopped, role: Role::Dim }
        }
        ProgramState::Fatal | ProgramState::Unknown => {
            Look { glyph: glyphs.failed, role: Role::Bad }
        }
    }
}

/// A worker's state is the engine's word; one that is not known shows as it came.
pub(super) fn worker(state: &str, skin: &Skin) -> Look {
    let glyphs = skin.glyphs;
    match state {
        "running" => Look { glyph: glyphs.up, role: Role::Ok },
        "starting" => Look { glyph: glyphs.starting, role: Role::Info },
        _ => Look { glyph: glyphs.draining, role: Role::Warn },
    }
}

/// A response's status, by its class.
pub(super) fn status(status: u16, skin: &Skin) -> Look {
    let glyphs = skin.glyphs;
    match status / 100 {
        2 => Look { glyph: glyphs.up, role: Role::Ok },
        3 => Look { glyph: glyphs.point, role: Role::Info },
        4 => Look { glyph: glyphs.warning, role: Role::Warn },
        5 => Look { glyph: glyphs.failed, role: Role::Bad },
        _ => Look { glyph: glyphs.starting, role: Role::Dim },
    }
}

/// The sign of a line that needs attention, by the word it carries.
pub(super) fn attention(word: &str, severity: Severity, skin: &Skin) -> Look {
    let glyphs = skin.glyphs;
    let glyph = match word {
        "DRAINING" => glyphs.draining,
        "BACKOFF" | "WAITING" => glyphs.waiting,
        "STARTING" => glyphs.starting,
        "DOWN" | "DRAINED" => glyphs.stopped,
        "REPLACED" => glyphs.restarted,
        "FAILING" | "UNREADY" | "LOG LOST" => glyphs.warning,
        _ => glyphs.failed,
    };
    Look { glyph, role: severity_role(severity) }
}

pub(super) fn severity_role(severity: Severity) -> Role {
    match severity {
        Severity::Info => Role::Text,
        Severity::Good => Role::Ok,
        Severity::Warn => Role::Warn,
        Severity::Bad => Role::Bad,
    }
}

pub(super) fn backend_word(state: BackendState) -> &'static str {
    rows::state_word(state)
}

pub(super) fn program_word(state: ProgramState) -> &'static str {
    text::program_state(state)
}

impl Canvas<'_> {
    /// Sign and word; while an order on the row is under way, the order instead.
    pub(super) fn state(&self, key: &Key, look: Look, word: &str) -> Line<'static> {
        match self.model.pending_on(key) {
            Some(pending) => self.order(pending, look, word),
            None => self.settled(look, word),
        }
    }

    /// Sign and word, whatever is under way.
    pub(super) fn settled(&self, look: Look, word: &str) -> Line<'static> {
        Line::from(vec![
            self.span(format!("{} ", look.glyph), look.role),
            self.strong(word.to_owned(), look.role),
        ])
    }

    /// An order's progress in the room of a state. The sign changes once a second, no more.
    fn order(&self, pending: &Pending, look: Look, word: &str) -> Line<'static> {
        let glyphs = self.skin.glyphs;
        let state = self.strong(word.to_owned(), look.role);
        match &pending.stage {
            Stage::Sent if pending.is_late(self.model.now_ms) => {
                Line::from(vec![self.span("? ", Role::Warn), self.strong(pending.verb, Role::Warn)])
            }
            Stage::Sent => {
                let is_odd = self.model.now_ms / 1000 % 2 == 1;
                let glyph = if is_odd { glyphs.starting } else { look.glyph };
                Line::from(vec![
                    self.span(format!("{glyph} "), Role::Info),
                    self.strong(pending.verb, Role::Info),
                ])
            }
            // What was asked for is done: said on the row for a while.
            Stage::Done { .. } => {
                Line::from(vec![self.span(format!("{} ", glyphs.fits), Role::Ok), state])
            }
            Stage::Failed { .. } => {
                Line::from(vec![self.span(format!("{} ", glyphs.failed), Role::Bad), state])
            }
        }
    }
}

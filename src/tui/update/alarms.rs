//! What an operator who looks elsewhere is told of: something of the engine's own that went wrong.

use crate::control::wire::{EventRecord, Severity};
use crate::tui::model::Model;
use crate::tui::msg::Effect;

/// Whose doing an event is when nobody asked for it.
const ENGINE: &str = "engine";

/// What fails together is told of once; how much it is stands in the title.
const GAP_MS: u64 = 1_000;

/// What somebody ordered they know of.
pub(super) fn of(model: &mut Model, event: &EventRecord) -> Option<Effect> {
    let is_news = event.severity == Severity::Bad && event.who == ENGINE;
    if !is_news || model.now_ms < model.alarmed_ms + GAP_MS {
        return None;
    }
    model.alarmed_ms = model.now_ms;
    let EventRecord { verb, target, result, .. } = event;
    Some(Effect::Alarm(format!("{target} {verb}: {result}")))
}

//! The menu of signals for a program, or for the marked ones.

use crate::control::wire::Severity;
use crate::tui::action::Id;
use crate::tui::action::chord::{Chord, Reading};
use crate::tui::model::Model;
use crate::tui::model::key::Key;
use crate::tui::model::overlay::{Overlay, SIGNALS};
use crate::tui::msg::Effect;

use super::{orders, overlays};

pub(super) fn open(model: &mut Model, target: Option<&Key>) {
    match crate::tui::action::order::targets(model, Id::Signal, target) {
        Ok(targets) => model.overlay = Some(Overlay::Signal { targets, selected: 0 }),
        Err(why) => model.say(Severity::Info, why),
    }
}

pub(super) fn press(
    model: &mut Model,
    chord: Chord,
    targets: Vec<Key>,
    selected: usize,
) -> Vec<Effect> {
    match chord.reading() {
        Reading::Accept => orders::signal(model, &targets, SIGNALS[selected].0),
        Reading::Close => Vec::new(),
        Reading::Other if overlays::is_shut(model, chord, Id::Signal) => Vec::new(),
        reading @ (Reading::Step(_) | Reading::Aside(_) | Reading::Other) => {
            let selected = overlays::chosen(selected, reading, chord, SIGNALS.len());
            model.overlay = Some(Overlay::Signal { targets, selected });
            Vec::new()
        }
    }
}

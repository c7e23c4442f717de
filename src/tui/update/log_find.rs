//! Searching in a log, and leaving lines out of it. Both apply while they are typed.

use tui_input::Input;

use crate::control::wire::Severity;
use crate::tui::action::chord::Reading;
use crate::tui::model::log_find::{Purpose, Towards};
use crate::tui::model::overlay::Overlay;
use crate::tui::model::{Model, panel};
use crate::tui::msg::{Effect, Press};

use super::overlays;

pub(super) fn open(model: &mut Model, purpose: Purpose) {
    let before = model.open_log().find.of(purpose).to_owned();
    let input = Input::new(before.clone());
    model.overlay = Some(Overlay::Find { input, purpose, before });
}

pub(super) fn press(
    model: &mut Model,
    press: Press,
    mut input: Input,
    (purpose, before): (Purpose, String),
) -> Vec<Effect> {
    match press.chord.reading() {
        Reading::Close => set(model, purpose, before),
        Reading::Accept => {
            if purpose == Purpose::Search && model.open_log().matches().is_empty() {
                complain(model);
            }
        }
        Reading::Step(_) | Reading::Aside(_) | Reading::Other => {
            overlays::typed(&mut input, press);
            model.overlay = Some(Overlay::Find { input, purpose, before });
            apply(model);
        }
    }
    Vec::new()
}

pub(super) fn apply(model: &mut Model) {
    let Some(Overlay::Find { input, purpose, .. }) = &model.overlay else { return };
    let (words, purpose) = (input.value().to_owned(), *purpose);
    set(model, purpose, words);
}

fn set(model: &mut Model, purpose: Purpose, words: String) {
    let page = usize::from(panel::log_rows(model));
    match purpose {
        Purpose::Search => {
            model.open_log_mut().find.searched = words;
            let _nothing_to_go_to = model.open_log_mut().go_to_first(page);
        }
        Purpose::Keep => {
            model.open_log_mut().find.kept = words;
            model.open_log_mut().follow();
        }
    }
}

pub(super) fn next(model: &mut Model, towards: Towards) {
    let page = usize::from(panel::log_rows(model));
    if !model.open_log_mut().go_to_next(towards, page) {
        complain(model);
    }
}

/// False: there was nothing to undo.
pub(super) fn clear(model: &mut Model) -> bool {
    let find = &mut model.open_log_mut().find;
    let has_any = !find.searched.is_empty() || !find.kept.is_empty();
    (find.searched, find.kept, find.at) = (String::new(), String::new(), None);
    has_any
}

fn complain(model: &mut Model) {
    let searched = &model.open_log().find.searched;
    let text = if searched.is_empty() {
        "search with / first".to_owned()
    } else {
        format!("no line holds {searched}")
    };
    model.say(Severity::Info, text);
}

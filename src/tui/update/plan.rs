//! The plan of a reload: asked for while its view is open.

use crate::control::plan::Plan;
use crate::tui::model::panel::View;
use crate::tui::model::{Link, Model};
use crate::tui::msg::Effect;

/// What is asked of the engine, when that has changed.
pub(super) fn follow(model: &mut Model) -> Option<Effect> {
    let is_wanted = model.is_in_view(View::Config)
        && model.past.is_none()
        // A file is one engine's.
        && (!model.nodes.are_several() || model.nodes.chosen.is_some())
        && !matches!(model.link, Link::Connecting { .. });
    if is_wanted == model.planned.is_asked {
        return None;
    }
    model.planned.ask(is_wanted);
    Some(if is_wanted { Effect::Plan } else { Effect::StopPlanning })
}

pub(super) fn came(model: &mut Model, outcome: Result<Box<Plan>, String>) {
    if model.planned.is_asked {
        model.planned.came(outcome);
    }
}

//! The explanation of an upstream: asked for while Balance or the choice of a strategy is open.

use crate::control::explain::Explanation;
use crate::tui::model::overlay::Overlay;
use crate::tui::model::panel::View;
use crate::tui::model::{Link, Model};
use crate::tui::msg::Effect;

/// What is asked of the engine, when that has changed.
pub(super) fn follow(model: &mut Model) -> Option<Effect> {
    let wanted = match (&model.link, &model.overlay) {
        _ if model.past.is_some() => None,
        (Link::Connecting { .. }, _) => None,
        (_, Some(Overlay::Strategy { upstream, .. })) => Some(upstream.clone()),
        _ if model.is_in_view(View::Balance) => {
            model.balance_upstream().map(|row| row.name.clone())
        }
        _ => None,
    };
    if wanted == model.explained.asked {
        return None;
    }
    model.explained.asked.clone_from(&wanted);
    Some(match wanted {
        Some(upstream) => Effect::Explain { upstream },
        None => Effect::StopExplaining,
    })
}

pub(super) fn came(model: &mut Model, upstream: &str, outcome: Result<Box<Explanation>, String>) {
    if model.explained.asked.as_deref() == Some(upstream) {
        model.explained.came(outcome);
    }
}

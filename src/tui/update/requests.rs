//! The requests: asked for while their view is open, with what its filter says, and no longer.

use crate::control::requests::{Filter, RequestRecord};
use crate::tui::model::list::List;
use crate::tui::model::panel::{Panel, View};
use crate::tui::model::{Link, Model, request_tail};
use crate::tui::msg::Effect;

use super::cursor::{self, Cause};
use super::logs;

/// What is asked of the engine, when that has changed.
pub(super) fn follow(model: &mut Model) -> Option<Effect> {
    let is_there = !matches!(model.link, Link::Connecting { .. });
    let filter = &model.lists.of(Panel::RequestTable).filter;
    let wanted = if !is_there {
        None
    } else if model.is_in_view(View::Requests) {
        Some(request_tail::facets(model, filter).0)
    } else {
        let are_in_logs = model.is_in_view(View::Logs) && model.are_requests_in_logs;
        are_in_logs.then(Filter::default)
    };
    if wanted == model.requests.asked {
        return None;
    }
    model.requests.ask(wanted.clone());
    Some(match wanted {
        Some(filter) => Effect::FollowRequests { filter, number: model.requests.number },
        None => Effect::StopRequests,
    })
}

pub(super) fn came(model: &mut Model, number: u64, records: Vec<RequestRecord>, lost: u64) {
    if number != model.requests.number {
        return;
    }
    model.requests.lost += lost;
    if model.is_in_view(View::Logs) {
        logs::asked(model, &records);
    }
    for record in records {
        model.requests.push(record);
    }
    if !model.requests.is_held {
        to_newest(model.lists.of_mut(Panel::RequestTable));
    }
    cursor::settle(model, Cause::Operator);
}

pub(super) fn ended(model: &mut Model, number: u64, why: String) {
    if number == model.requests.number {
        model.requests.ended = why;
    }
}

/// The stream ended with the connection it came by: it is asked for again.
pub(super) fn attached(model: &mut Model) {
    model.requests.ask(None);
}

/// Rows that are read stand still.
pub(super) fn hold(model: &mut Model) {
    model.requests.hold();
}

pub(super) fn resume(model: &mut Model) {
    model.requests.follow();
    to_newest(model.lists.of_mut(Panel::RequestTable));
    cursor::settle(model, Cause::Operator);
}

fn to_newest(list: &mut List) {
    list.cursor = None;
    list.position = 0;
    list.held = None;
}

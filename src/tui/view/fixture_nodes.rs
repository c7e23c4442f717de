//! The fixture's engine twice, as two nodes of one console; the second was lost a while ago.

use super::fixture::{self, NOW_MS};
use crate::control::wire::Role;
use crate::tui::model::nodes::Node;
use crate::tui::model::panel::View;
use crate::tui::model::{Link, Model};

const LOST_MS: u64 = 12_000;

pub(super) fn model(view: View, size: (u16, u16)) -> Model {
    let mut model = fixture::model(view, size);
    for (name, link) in [
        ("edge1", Link::Live),
        (
            "edge2",
            Link::Stale {
                since_ms: NOW_MS - LOST_MS,
                why: "Connection refused (ssh: connect to host edge2 port 22)".to_owned(),
            },
        ),
    ] {
        let mut node = Node::new(name.to_owned(), format!("ssh {name} pilothouse"), NOW_MS);
        node.link = link;
        node.role = Role::Operate;
        node.rtt_ms = Some(24);
        node.snapshot = model.moment.clone();
        node.history = model.history.clone();
        node.events = model.events.clone();
        model.nodes.all.push(node);
    }
    model.moment = model.nodes.present();
    model.history = model.nodes.history();
    model.events = model.nodes.events();
    model
}

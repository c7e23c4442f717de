//! Engines that do not answer, among several, and those whose file was refused.

use crate::control::wire::Severity;

use super::super::key::Key;
use super::super::{Link, Model};
use super::{Attention, refused};

pub(super) fn nodes(model: &Model, list: &mut Vec<Attention>) {
    for (_, node) in model.nodes.shown() {
        let key = Key::Node { name: node.name.clone() };
        let (word, text, since_ms) = match &node.link {
            Link::Live if node.snapshot.head.config_error.is_empty() => continue,
            Link::Live => {
                list.push(refused(&node.snapshot.head, key));
                continue;
            }
            Link::Stale { since_ms, why } => {
                ("STALE", format!("{why}; its rows are as they were then"), *since_ms)
            }
            Link::Connecting { why } if why.is_empty() => continue,
            Link::Connecting { why } => ("AWAY", why.clone(), 0),
        };
        list.push(Attention {
            key,
            severity: Severity::Bad,
            word,
            kind: "node",
            name: node.name.clone(),
            text,
            since_ms,
            rank: 0,
        });
    }
}

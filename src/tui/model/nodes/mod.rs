//! The engines of a console that is attached to several.
//!
//! They are shown as one: a name of a node's is followed by `@` and the node's own, `api@edge1`, and
//! the numbers that tell rows apart hold the node's place, so that no two rows are ever taken for one
//! another and every view, filter, mark and order works on all of them. The model's moment is made of
//! theirs; what is sent to a node, or came from it, is in its own words (`tag`).

mod figures;
pub(crate) mod tag;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use crate::control::sample::Sample;
use crate::control::tape::Tape;
use crate::control::wire::{EventRecord, Head, Role, Snapshot};

use super::key::Key;
use super::{EVENTS_MAX, Link, SAMPLES_MAX};

pub(crate) use figures::add;

/// As many as the numbers that tell rows apart have room for.
pub(crate) const NODES_MAX: usize = 16;

/// None for a console on one engine, whose model is that engine's alone.
#[derive(Debug, Default)]
pub(crate) struct Nodes {
    pub(crate) all: Vec<Node>,
    /// The one that is shown alone.
    pub(crate) chosen: Option<usize>,
}

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) name: String,
    /// What a shell needs before a verb to mean it: `pilothouse -s /run/a.sock`.
    pub(crate) shell: String,
    pub(crate) link: Link,
    pub(crate) heard_ms: u64,
    pub(crate) rtt_ms: Option<u32>,
    pub(crate) role: Role,
    /// In its own words, as all below but the times of samples and events.
    pub(crate) snapshot: Snapshot,
    pub(crate) tape: Tape,
    /// By this console's clock, oldest first.
    pub(crate) history: VecDeque<Sample>,
    pub(crate) events: VecDeque<EventRecord>,
    /// From its clock to this console's.
    pub(crate) ahead_ms: i64,
}

impl Node {
    pub(crate) fn new(name: String, shell: String, now_ms: u64) -> Self {
        Self {
            name,
            shell,
            link: Link::Connecting { why: String::new() },
            heard_ms: now_ms,
            rtt_ms: None,
            role: Role::Read,
            snapshot: Snapshot::default(),
            tape: Tape::default(),
            history: VecDeque::new(),
            events: VecDeque::new(),
            ahead_ms: 0,
        }
    }

    /// How old what is shown of it is; none while it is live.
    pub(crate) fn stale_ms(&self, now_ms: u64) -> Option<u64> {
        match self.link {
            Link::Stale { since_ms, .. } => Some(now_ms.saturating_sub(since_ms)),
            Link::Live | Link::Connecting { .. } => None,
        }
    }

    /// Why nothing is ordered of it; none: it takes orders.
    pub(crate) fn refusal(&self, now_ms: u64) -> Option<String> {
        let name = &self.name;
        match (&self.link, self.role) {
            (Link::Connecting { .. }, _) => Some(format!("not sent: {name} has not answered yet")),
            (Link::Stale { since_ms, .. }, _) => {
                let age = now_ms.saturating_sub(*since_ms) / 1000;
                Some(format!("not sent: {name} does not answer, its rows are {age} s old"))
            }
            (Link::Live, Role::Read) => Some(format!("{name} may only be looked at")),
            (Link::Live, Role::Operate) => None,
        }
    }

    pub(crate) fn keep_newest(&mut self) {
        let surplus = self.history.len().saturating_sub(SAMPLES_MAX);
        self.history.drain(..surplus);
        let surplus = self.events.len().saturating_sub(EVENTS_MAX);
        self.events.drain(..surplus);
    }
}

impl Nodes {
    pub(crate) fn are_several(&self) -> bool {
        !self.all.is_empty()
    }

    /// With their places.
    pub(crate) fn shown(&self) -> impl Iterator<Item = (usize, &Node)> {
        let is_shown = |(at, _): &(usize, &Node)| self.is_shown(*at);
        self.all.iter().enumerate().filter(is_shown)
    }

    pub(crate) fn is_shown(&self, at: usize) -> bool {
        self.chosen.is_none_or(|chosen| chosen == at)
    }

    /// Whether rows of more than one are listed, so that each has to say whose it is.
    pub(crate) fn are_mixed(&self) -> bool {
        self.chosen.is_none() && self.all.len() > 1
    }

    pub(crate) fn chosen(&self) -> Option<&Node> {
        self.all.get(self.chosen?)
    }

    pub(crate) fn named(&self, name: &str) -> Option<usize> {
        self.all.iter().position(|node| node.name == name)
    }

    /// Whose row it is; none: the engine as a whole is meant, and no node is chosen.
    pub(crate) fn of(&self, key: &Key) -> Option<usize> {
        match key {
            Key::Upstream { name }
            | Key::Backend { upstream: name, .. }
            | Key::Program { name, .. } => self.named(tag::split(name).1?),
            Key::Node { name } => self.named(name),
            Key::Worker { slot } | Key::Request { worker: slot, .. } => Some(tag::of_slot(*slot).0),
            Key::Event { seq } => Some(tag::of_seq(*seq).0),
            Key::Plan { .. } | Key::Alarm { .. } | Key::Record { .. } | Key::Config => self.chosen,
        }
        .filter(|at| *at < self.all.len())
    }

    /// Of those that are shown together: live while one is.
    pub(crate) fn link(&self) -> Link {
        let links = || self.shown().map(|(_, node)| &node.link);
        if links().any(|link| *link == Link::Live) {
            return Link::Live;
        }
        // The one that was heard last is how old the newest of what is shown is.
        let stale = links().filter(|link| matches!(link, Link::Stale { .. }));
        let newest = stale.max_by_key(|link| match link {
            Link::Stale { since_ms, .. } => *since_ms,
            Link::Live | Link::Connecting { .. } => 0,
        });
        let waiting = || links().find(|link| **link != Link::Connecting { why: String::new() });
        let nobody = Link::Connecting { why: String::new() };
        newest.or_else(waiting).cloned().unwrap_or(nobody)
    }

    /// Whether any of those that are shown takes orders.
    pub(crate) fn role(&self) -> Role {
        let operates = self.shown().any(|(_, node)| node.role == Role::Operate);
        if operates { Role::Operate } else { Role::Read }
    }

    /// The farthest of those that are shown.
    pub(crate) fn rtt_ms(&self) -> Option<u32> {
        self.shown().filter_map(|(_, node)| node.rtt_ms).max()
    }

    pub(crate) fn present(&self) -> Snapshot {
        self.merged(|node| node.snapshot.clone())
    }

    /// The rows of that moment, by this console's clock.
    pub(crate) fn at(&self, wall_ms: u64) -> Snapshot {
        self.merged(|node| node.tape.at(wall_ms.saturating_add_signed(-node.ahead_ms)))
    }

    fn merged(&self, of: impl Fn(&Node) -> Snapshot) -> Snapshot {
        let mut whole = Snapshot::default();
        for (at, node) in self.shown() {
            let rows = tag::snapshot(at, node, of(node));
            if self.chosen.is_some() {
                return rows;
            }
            whole.head.wall_ms = whole.head.wall_ms.max(rows.head.wall_ms);
            whole.head.listeners.extend(rows.head.listeners);
            whole.workers.extend(rows.workers);
            whole.upstreams.extend(rows.upstreams);
            whole.backends.extend(rows.backends);
            whole.programs.extend(rows.programs);
            if let Some(firewall) = rows.firewall {
                whole.firewall.get_or_insert_default().join(firewall);
            }
        }
        let name = format!("{} nodes", self.all.len());
        Snapshot { head: Head { name, ..whole.head }, ..whole }
    }

    /// Each second of those that are shown as one, oldest first.
    pub(crate) fn history(&self) -> VecDeque<Sample> {
        let samples = self
            .shown()
            .flat_map(|(at, node)| node.history.iter().map(move |sample| tag::sample(at, sample)));
        figures::by_second(samples)
    }

    /// Oldest first.
    pub(crate) fn events(&self) -> VecDeque<EventRecord> {
        let mut events: Vec<EventRecord> = self
            .shown()
            .flat_map(|(at, node)| node.events.iter().map(move |event| tag::event(at, node, event)))
            .collect();
        events.sort_by_key(|event| event.wall_ms);
        events.drain(..events.len().saturating_sub(EVENTS_MAX));
        events.into()
    }
}

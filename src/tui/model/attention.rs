//! What is wrong or in transition, worst first: the list that opens the console.
//!
//! Derived anew from the snapshot each time, so it can never disagree with the rows it is about.

mod attacks;
mod backends;
mod certificates;
mod ends;
mod names;
mod nodes;
mod programs;
mod starts;
#[cfg(test)]
mod tests;
mod workers;

use crate::control::wire::{BackendState, EventRecord, Head, Severity, UpstreamRow};

use super::key::Key;
use super::{Link, Model};

pub(crate) use ends::exit_text;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Attention {
    /// The thing itself: actions on the line act on it.
    pub(crate) key: Key,
    pub(crate) severity: Severity,
    /// `FATAL`, `FAILED`, `DRAINING` ...
    pub(crate) word: &'static str,
    /// `program`, `backend` ...
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    /// What matters most comes first: a narrow terminal shows no more than that.
    pub(crate) text: String,
    /// Wall clock; zero when not known.
    pub(crate) since_ms: u64,
    rank: u8,
}

/// Worst first; among equals the one that began last comes first.
pub(crate) fn list(model: &Model) -> Vec<Attention> {
    let mut list = Vec::new();
    if model.nodes.are_several() {
        nodes::nodes(model, &mut list);
    } else {
        engine(model, &mut list);
    }
    upstreams(model, &mut list);
    names::names(model, &mut list);
    programs::programs(model, &mut list);
    backends::backends(model, &mut list);
    workers::workers(model, &mut list);
    certificates::certificates(model, &mut list);
    attacks::attacks(model, &mut list);
    attacks::refusals(model, &mut list);
    list.sort_by(|a, b| {
        (a.rank, std::cmp::Reverse(a.since_ms), &a.name).cmp(&(
            b.rank,
            std::cmp::Reverse(b.since_ms),
            &b.name,
        ))
    });
    list
}

/// A lost engine hides what its configuration says: the last word on that may be old.
fn engine(model: &Model, list: &mut Vec<Attention>) {
    let head = &model.moment.head;
    let matter = match &model.link {
        Link::Stale { since_ms, why } => Attention {
            key: Key::Config,
            severity: Severity::Bad,
            word: "STALE",
            kind: "engine",
            name: head.name.clone(),
            text: format!("{why}; all below is as it was then"),
            since_ms: *since_ms,
            rank: 0,
        },
        Link::Live if !head.config_error.is_empty() => Attention {
            since_ms: refused_reload(model).map_or(0, |event| event.wall_ms),
            ..refused(head, Key::Config)
        },
        Link::Live | Link::Connecting { .. } => return,
    };
    list.push(matter);
}

fn refused(head: &Head, key: Key) -> Attention {
    let first_line = head.config_error.lines().next().unwrap_or_default();
    let what = first_line.strip_prefix("error: ").unwrap_or(first_line);
    Attention {
        key,
        severity: Severity::Bad,
        word: "REFUSED",
        kind: "config",
        name: file_name(&head.config).to_owned(),
        text: format!("{what}; generation {} goes on", head.generation),
        since_ms: 0,
        rank: 0,
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The reload whose refusal still holds, while one does.
pub(crate) fn refused_reload(model: &Model) -> Option<&EventRecord> {
    model.events.iter().rev().find(|event| event.verb == "reload")
}

fn upstreams(model: &Model, list: &mut Vec<Attention>) {
    for upstream in &model.moment.upstreams {
        let mut members = model.backends_of(&upstream.name).peekable();
        if members.peek().is_none() || members.any(|row| takes_requests(row.backend.state)) {
            continue;
        }
        list.push(Attention {
            key: Key::Upstream { name: upstream.name.clone() },
            severity: Severity::Bad,
            word: "NONE UP",
            kind: "upstream",
            name: upstream.name.clone(),
            text: none_up(model, upstream),
            since_ms: model
                .backends_of(&upstream.name)
                .map(|row| row.since_ms)
                .max()
                .unwrap_or_default(),
            rank: 0,
        });
    }
}

/// What becomes of requests meanwhile: the file's choice, which only failed backends fall under.
fn none_up(model: &Model, upstream: &UpstreamRow) -> String {
    let mut members = model.backends_of(&upstream.name);
    let has_failed = members.any(|row| row.backend.state == BackendState::Failed);
    if has_failed && upstream.all_down == "use_all" {
        let count = upstream.desperate;
        return format!("asks failed backends, {count} times so far; none is up");
    }
    format!("answers 502, {} so far; no backend is up", upstream.refused)
}

/// Whether a backend in this state is offered new requests.
pub(crate) fn takes_requests(state: BackendState) -> bool {
    match state {
        BackendState::Up => true,
        BackendState::Starting
        | BackendState::Draining
        | BackendState::Drained
        | BackendState::Down
        | BackendState::Failed => false,
    }
}

//! The rows of each panel: filtered, sorted, held still while the cursor moves.

use std::cmp::Reverse;
use std::collections::HashMap;

use crate::control::firewall::Alarm;
use crate::control::requests::RequestRecord;
use crate::control::text;
use crate::control::wire::{
    BackendRow, BackendState, EventRecord, ProgramRow, ProgramState, UpstreamRow, Worker,
};

use super::Model;
use super::attention::Attention;
use super::columns::{self, Cell};
use super::filter::Filter;
use super::key::Key;
use super::list::{Sort, SortBy};
use super::panel::{Content, Panel};
use super::planned::PlanRow;
use super::record::Record;
use super::request_tail;

#[derive(Clone, Debug)]
pub(crate) enum Row<'a> {
    /// Boxed like the record: lists of thousands of the small ones are made for every frame.
    Attention(Box<Attention>),
    Upstream(&'a UpstreamRow),
    Backend(&'a BackendRow),
    Program(&'a ProgramRow),
    Worker(&'a Worker),
    Event(&'a EventRecord),
    Request(&'a RequestRecord),
    Plan(PlanRow<'a>),
    Alarm(&'a Alarm),
    Record(Box<Record>),
}

impl Row<'_> {
    pub(crate) fn key(&self) -> Key {
        match self {
            Self::Attention(attention) => attention.key.clone(),
            Self::Upstream(row) => Key::Upstream { name: row.name.clone() },
            Self::Backend(row) => Key::of_backend(row),
            Self::Program(row) => Key::of_program(row),
            Self::Worker(row) => Key::Worker { slot: row.slot },
            Self::Event(row) => Key::Event { seq: row.seq },
            Self::Request(row) => Key::Request { worker: row.worker, seq: row.seq },
            Self::Plan(row) => Key::Plan { identity: row.identity() },
            Self::Alarm(row) => Key::Alarm { identity: row.identity() },
            Self::Record(row) => Key::Record { identity: row.identity.clone() },
        }
    }

    /// Whether it is the row of this key: without making a key, which costs names.
    pub(crate) fn is(&self, key: &Key) -> bool {
        match (self, key) {
            (Self::Attention(row), key) => row.key == *key,
            (Self::Upstream(row), Key::Upstream { name }) => row.name == *name,
            (Self::Backend(row), Key::Backend { upstream, name, key }) => {
                row.key == *key && row.upstream == *upstream && row.backend.name == *name
            }
            (Self::Program(row), Key::Program { name, instance }) => {
                row.program.instance == *instance && row.program.name == *name
            }
            (Self::Worker(row), Key::Worker { slot }) => row.slot == *slot,
            (Self::Event(row), Key::Event { seq }) => row.seq == *seq,
            (Self::Request(row), Key::Request { worker, seq }) => {
                row.seq == *seq && row.worker == *worker
            }
            (Self::Plan(row), Key::Plan { identity }) => row.identity() == *identity,
            (Self::Alarm(row), Key::Alarm { identity }) => row.identity() == *identity,
            (Self::Record(row), Key::Record { identity }) => row.identity == *identity,
            _ => false,
        }
    }

    /// What a filter is matched against, in lower case.
    pub(super) fn text(&self) -> String {
        let text = match self {
            Self::Attention(row) => {
                format!("{} {} {} {}", row.word, row.kind, row.name, row.text)
            }
            Self::Upstream(row) => format!("{} {}", row.name, row.strategy),
            Self::Backend(row) => format!(
                "{}/{} {} {}",
                row.upstream,
                row.backend.name,
                state_word(row.backend.state),
                row.backend.program.as_deref().unwrap_or("")
            ),
            Self::Program(row) => format!(
                "{}:{} {} {}",
                row.program.name,
                row.program.instance,
                text::program_state(row.program.state),
                row.program.reason
            ),
            Self::Worker(row) => format!("{} {} {}", self.key().label(), row.pid, row.state),
            Self::Event(row) => {
                format!("{} {} {} {}", row.who, row.verb, row.target, row.result)
            }
            Self::Plan(row) => row.text(),
            Self::Record(row) => row.text(),
            Self::Alarm(row) => format!(
                "{} {} {} {} {}{} {}",
                row.verdict.name(),
                row.rule,
                row.place,
                row.client,
                row.host,
                row.path,
                row.excerpt
            ),
            Self::Request(row) => {
                let class = row.status / 100;
                let or_none = |name: &Option<String>| name.clone().unwrap_or_default();
                format!(
                    "{} {class}xx {} {}{} {}/{} {}",
                    row.status,
                    row.method,
                    row.host,
                    row.path,
                    or_none(&row.upstream),
                    or_none(&row.backend),
                    row.client
                )
            }
        };
        text.to_lowercase()
    }
}

/// The rows of a panel as they are to be shown. The log has no rows: see `log_tail`.
pub(crate) fn rows(model: &Model, panel: Panel) -> Vec<Row<'_>> {
    let list = model.lists.of(panel);
    let mut rows = all(model, panel);
    match panel {
        _ if list.filter.is_empty() => {}
        Panel::RequestTable => {
            keep_matching(model, &mut rows, &request_tail::facets(model, &list.filter).1);
        }
        _ => keep_matching(model, &mut rows, &list.filter),
    }
    sort(model, panel, &mut rows, list.sort);
    if let Some(held) = list.held.as_ref().filter(|held| model.now_ms < held.until_ms) {
        let places: HashMap<&Key, usize> = held.order.iter().zip(0..).collect();
        // A row that is new goes after the one it follows anyway.
        let mut place = 0;
        rows.sort_by_cached_key(|row| {
            place = places.get(&row.key()).copied().unwrap_or(place);
            place
        });
    }
    rows
}

/// The rows before the filter and the order.
pub(crate) fn unfiltered(model: &Model, panel: Panel) -> Vec<Row<'_>> {
    all(model, panel)
}

/// Where the cursor of a panel stands among its rows; none when its row is not there.
pub(crate) fn cursor(model: &Model, panel: Panel, rows: &[Row<'_>]) -> Option<usize> {
    let cursor = model.lists.of(panel).cursor.as_ref()?;
    rows.iter().position(|row| row.is(cursor))
}

/// The row under the cursor of the focused panel.
pub(crate) fn selected(model: &Model) -> Option<Row<'_>> {
    let panel =
        if model.focus() == Panel::ProgramLog { Panel::ProgramTable } else { model.focus() };
    let cursor = model.lists.of(panel).cursor.as_ref()?;
    // Whatever the filter and the order: the cursor is always on a row that is shown.
    all(model, panel).into_iter().find(|row| row.is(cursor))
}

/// The row of the live snapshot that is called `label`.
pub(crate) fn find(model: &Model, label: &str) -> Option<Key> {
    let moment = &model.moment;
    let upstreams = moment.upstreams.iter().map(Row::Upstream);
    let rows = upstreams
        .chain(moment.backends.iter().map(Row::Backend))
        .chain(moment.programs.iter().map(Row::Program))
        .chain(moment.workers.iter().map(Row::Worker));
    rows.map(|row| row.key()).find(|key| key.label() == label)
}

fn all(model: &Model, panel: Panel) -> Vec<Row<'_>> {
    match panel.facts().content {
        Content::Rows(of) | Content::Tree(of) => of(model),
        Content::Lines => Vec::new(),
    }
}

pub(crate) fn workers(model: &Model) -> Vec<Row<'_>> {
    model.moment.workers.iter().map(Row::Worker).collect()
}

pub(crate) fn programs(model: &Model) -> Vec<Row<'_>> {
    model.moment.programs.iter().map(Row::Program).collect()
}

/// Newest first.
pub(crate) fn events(model: &Model) -> Vec<Row<'_>> {
    model.events.iter().rev().map(Row::Event).collect()
}

/// Each upstream followed by its backends, unless it is folded.
pub(crate) fn tree(model: &Model) -> Vec<Row<'_>> {
    let mut rows = Vec::new();
    for upstream in &model.moment.upstreams {
        rows.push(Row::Upstream(upstream));
        if !model.is_folded(&upstream.name) {
            rows.extend(model.backends_of(&upstream.name).map(Row::Backend));
        }
    }
    rows
}

/// Keeps rows that match the filter. An upstream stays above backends of its that match, so that a
/// backend is never without its heading.
fn keep_matching(model: &Model, rows: &mut Vec<Row<'_>>, filter: &str) {
    let filter = Filter::parse(filter);
    let is_match = |row: &Row<'_>| filter.is_match(model, row);
    let parents: Vec<String> = rows
        .iter()
        .filter(|row| is_match(row))
        .filter_map(|row| match row {
            Row::Backend(row) => Some(row.upstream.clone()),
            Row::Attention(_)
            | Row::Upstream(_)
            | Row::Program(_)
            | Row::Worker(_)
            | Row::Event(_)
            | Row::Request(_)
            | Row::Plan(_)
            | Row::Alarm(_)
            | Row::Record(_) => None,
        })
        .collect();
    rows.retain(|row| match row {
        Row::Upstream(upstream) => is_match(row) || parents.contains(&upstream.name),
        Row::Attention(_)
        | Row::Backend(_)
        | Row::Program(_)
        | Row::Worker(_)
        | Row::Event(_)
        | Row::Request(_)
        | Row::Plan(_)
        | Row::Alarm(_)
        | Row::Record(_) => is_match(row),
    });
}

fn sort(model: &Model, panel: Panel, rows: &mut [Row<'_>], sort: Sort) {
    match panel.facts().content {
        // Backends are sorted inside their upstream; the headings keep the file's order.
        Content::Tree(_) => {
            for group in rows.chunk_by_mut(|_, next| !matches!(next, Row::Upstream(_))) {
                let headings = usize::from(matches!(group.first(), Some(Row::Upstream(_))));
                sort_flat(model, &mut group[headings..], sort);
            }
        }
        Content::Rows(_) | Content::Lines => sort_flat(model, rows, sort),
    }
}

fn sort_flat(model: &Model, rows: &mut [Row<'_>], sort: Sort) {
    match sort.by {
        SortBy::Natural => {}
        SortBy::Column(name) => rows.sort_by_cached_key(|row| place(model, row, name)),
    }
    if sort.is_reversed {
        rows.reverse();
    }
}

/// Where a row belongs by a column: a state by how bad it is, numbers before words, those without
/// such a column last.
fn place(model: &Model, row: &Row<'_>, name: &'static str) -> (u8, Reverse<i64>, String) {
    let severity = if name == "state" { badness(row) } else { 0 };
    match columns::cell(model, row, name) {
        Some(Cell::Number(value)) => (severity, Reverse(ordered(value)), String::new()),
        Some(Cell::Text(text)) => (severity, Reverse(i64::MIN), text.to_lowercase()),
        None => (u8::MAX, Reverse(i64::MIN), String::new()),
    }
}

/// A number that orders as the value does (the order of `f64::total_cmp`).
fn ordered(value: f64) -> i64 {
    let bits = value.to_bits() as i64;
    bits ^ ((bits >> 63) & i64::MAX)
}

/// Lower is worse, so that the worst sort first.
fn badness(row: &Row<'_>) -> u8 {
    match row {
        Row::Backend(row) => match row.backend.state {
            BackendState::Failed => 0,
            BackendState::Down => 1,
            BackendState::Draining => 2,
            BackendState::Starting => 3,
            BackendState::Drained => 4,
            BackendState::Up => 5,
        },
        Row::Program(row) => match row.program.state {
            ProgramState::Fatal => 0,
            ProgramState::Unknown => 1,
            ProgramState::Backoff => 2,
            ProgramState::Stopping => 3,
            ProgramState::Starting => 4,
            ProgramState::Running => 5,
            ProgramState::Exited => 6,
            ProgramState::Stopped => 7,
        },
        Row::Request(row) => 5 - (row.status / 100).min(5) as u8,
        Row::Plan(PlanRow::Section(change) | PlanRow::Detail(change, _)) => {
            3 - (change.weight as u8).min(3)
        }
        Row::Plan(PlanRow::Line(..))
        | Row::Attention(_)
        | Row::Upstream(_)
        | Row::Worker(_)
        | Row::Event(_)
        | Row::Alarm(_)
        | Row::Record(_) => 0,
    }
}

/// The word for a backend's state, as everywhere in the console.
pub(crate) fn state_word(state: BackendState) -> &'static str {
    match state {
        BackendState::Up => "UP",
        BackendState::Starting => "STARTING",
        BackendState::Draining => "DRAINING",
        BackendState::Drained => "DRAINED",
        BackendState::Down => "DOWN",
        BackendState::Failed => "FAILED",
    }
}

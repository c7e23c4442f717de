//! What changed between two snapshots, and the public status as a projection of one.
//!
//! Pure. A row is known by its identity (slot, name, key), which is unique in its table; while the
//! set and order of rows stay, only changed rows travel, else the whole table does; of a row of which
//! nothing but figures changed, the figures.

use serde::{Deserialize, Serialize};

use super::firewall::Firewall;
use super::moved::{self, Moved};
use super::wire::{
    Backend, BackendRow, Head, ProgramRow, Snapshot, Status, Upstream, UpstreamRow, Worker,
};

/// What changed between two snapshots.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Delta {
    pub(crate) head: Option<Box<Head>>,
    #[serde(default, skip_serializing_if = "Table::is_same")]
    pub(crate) workers: Table<Worker>,
    #[serde(default, skip_serializing_if = "Table::is_same")]
    pub(crate) upstreams: Table<UpstreamRow>,
    #[serde(default, skip_serializing_if = "Table::is_same")]
    pub(crate) backends: Table<BackendRow>,
    #[serde(default, skip_serializing_if = "Table::is_same")]
    pub(crate) programs: Table<ProgramRow>,
    #[serde(default, skip_serializing_if = "Moved::is_empty")]
    pub(crate) moved: Moved,
    /// Whole, when any of it changed: it never goes away again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) firewall: Option<Box<Firewall>>,
}

/// Rows that changed while the set of rows stayed, or the whole table when the set changed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Table<Row> {
    #[default]
    Same,
    Changed(Vec<Row>),
    All(Vec<Row>),
}

impl<Row> Table<Row> {
    pub(crate) fn is_same(&self) -> bool {
        matches!(self, Self::Same)
    }
}

pub(crate) fn diff(old: &Snapshot, new: &Snapshot) -> Delta {
    let elapsed_ms = new.head.uptime_ms.saturating_sub(old.head.uptime_ms);
    let workers = changed(&old.workers, &new.workers, is_same_worker, PartialEq::eq);
    let upstreams = changed(&old.upstreams, &new.upstreams, is_same_upstream, PartialEq::eq);
    let mut backends = changed(&old.backends, &new.backends, is_same_backend, PartialEq::eq);
    let mut programs = changed(&old.programs, &new.programs, is_same_program, |old, new| {
        has_gone_on(old, new, elapsed_ms)
    });
    let moved = Moved {
        backends: take_moved(&mut backends, &old.backends, &new.backends, moved::of_backend),
        programs: take_moved(&mut programs, &old.programs, &new.programs, moved::of_program),
    };
    Delta {
        head: (old.head != new.head).then(|| Box::new(new.head.clone())),
        workers: rows(&new.workers, workers),
        upstreams: rows(&new.upstreams, upstreams),
        backends: rows(&new.backends, backends),
        programs: rows(&new.programs, programs),
        moved,
        firewall: new.firewall.clone().filter(|_| old.firewall != new.firewall).map(Box::new),
    }
}

/// Brings `snapshot` to the state the delta was made for. A changed row that is not there is left
/// out: the delta was then made for another snapshot.
pub(crate) fn apply(snapshot: &mut Snapshot, delta: Delta) {
    if let Some(head) = delta.head {
        let elapsed_ms = head.uptime_ms.saturating_sub(snapshot.head.uptime_ms);
        for row in &mut snapshot.programs {
            row.program.uptime_ms = moved::later(row, elapsed_ms);
        }
        snapshot.head = *head;
    }
    if let Some(firewall) = delta.firewall {
        snapshot.firewall = Some(*firewall);
    }
    replace(&mut snapshot.workers, delta.workers, is_same_worker);
    replace(&mut snapshot.upstreams, delta.upstreams, is_same_upstream);
    replace(&mut snapshot.backends, delta.backends, is_same_backend);
    replace(&mut snapshot.programs, delta.programs, is_same_program);
    moved::put(delta.moved, &mut snapshot.backends, &mut snapshot.programs);
}

/// `GET /v1/status`: the same instant in the promised shape.
pub(crate) fn status(snapshot: &Snapshot) -> Status {
    let head = &snapshot.head;
    Status {
        name: head.name.clone(),
        version: head.version.clone(),
        generation: head.generation,
        uptime_ms: head.uptime_ms,
        orphans_reaped: head.orphans_reaped,
        config: head.config.clone(),
        listeners: head.listeners.clone(),
        servers: head.servers.clone(),
        certificates: head.certificates.clone(),
        limits: head.limits.clone(),
        refused: head.refused.clone(),
        workers: snapshot.workers.clone(),
        upstreams: snapshot
            .upstreams
            .iter()
            .map(|row| Upstream {
                name: row.name.clone(),
                kind: row.kind,
                strategy: row.strategy.clone(),
                requests: row.requests,
                backends: backends_of(snapshot, &row.name),
                names: row.names.clone(),
                admission: row.admission.clone(),
                all_down: row.all_down.clone(),
                desperate: row.desperate,
                differs: row.differs.clone(),
            })
            .collect(),
        programs: snapshot.programs.iter().map(|row| row.program.clone()).collect(),
        firewall: snapshot.firewall.clone(),
    }
}

fn backends_of(snapshot: &Snapshot, upstream: &str) -> Vec<Backend> {
    let rows = snapshot.backends.iter().filter(|row| row.upstream == upstream);
    rows.map(|row| Backend { reason: row.reason.clone(), ..row.backend.clone() }).collect()
}

fn is_same_worker(one: &Worker, other: &Worker) -> bool {
    one.slot == other.slot
}

fn is_same_upstream(one: &UpstreamRow, other: &UpstreamRow) -> bool {
    one.name == other.name
}

fn is_same_backend(one: &BackendRow, other: &BackendRow) -> bool {
    one.key == other.key && one.upstream == other.upstream && one.backend.name == other.backend.name
}

fn is_same_program(one: &ProgramRow, other: &ProgramRow) -> bool {
    one.program.name == other.program.name && one.program.instance == other.program.instance
}

/// Places of the rows that are other ones now; none: the set of rows is another one.
type Places = Option<Vec<usize>>;

fn changed<Row>(
    old: &[Row],
    new: &[Row],
    is_same: fn(&Row, &Row) -> bool,
    is_unchanged: impl Fn(&Row, &Row) -> bool,
) -> Places {
    let is_set_kept =
        old.len() == new.len() && old.iter().zip(new).all(|(old, new)| is_same(old, new));
    let is_other = |at: &usize| !is_unchanged(&old[*at], &new[*at]);
    is_set_kept.then(|| (0..new.len()).filter(is_other).collect())
}

/// The figures of rows of which nothing else changed; the places of all others are left.
fn take_moved<Row, Figures>(
    places: &mut Places,
    old: &[Row],
    new: &[Row],
    figures_of: fn(usize, &Row, &Row) -> Option<Figures>,
) -> Vec<Figures> {
    let mut moved = Vec::new();
    if let Some(places) = places {
        places.retain(|at| match figures_of(*at, &old[*at], &new[*at]) {
            Some(figures) => {
                moved.push(figures);
                false
            }
            None => true,
        });
    }
    moved
}

fn rows<Row: Clone>(new: &[Row], places: Places) -> Table<Row> {
    match places {
        None => Table::All(new.to_vec()),
        Some(places) if places.is_empty() => Table::Same,
        Some(places) => Table::Changed(places.into_iter().map(|at| new[at].clone()).collect()),
    }
}

/// It just went on: it is up for that much longer.
fn has_gone_on(old: &ProgramRow, new: &ProgramRow, elapsed_ms: u64) -> bool {
    let uptime_ms = moved::later(old, elapsed_ms);
    new.program.uptime_ms == uptime_ms && {
        let mut reached = old.clone();
        reached.program.uptime_ms = uptime_ms;
        reached == *new
    }
}

fn replace<Row>(rows: &mut Vec<Row>, table: Table<Row>, is_same: fn(&Row, &Row) -> bool) {
    match table {
        Table::Same => {}
        Table::All(all) => *rows = all,
        Table::Changed(changed) => {
            // Changed rows keep the table's order, so one walk meets them all.
            let mut places = rows.iter_mut();
            for row in changed {
                if let Some(place) = places.find(|place| is_same(place, &row)) {
                    *place = row;
                }
            }
        }
    }
}

//! What changed between two snapshots, and the public status as a projection of one.
//!
//! Pure. A row is known by its identity (slot, name, key), which is unique in its table; while the
//! set and order of rows stay, only changed rows travel, else the whole table does.

use serde::{Deserialize, Serialize};

use super::wire::{
    Backend, BackendRow, Head, ProgramRow, Snapshot, Status, Upstream, UpstreamRow, Worker,
};

/// What changed between two snapshots.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
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
}

/// Rows that changed while the set of rows stayed, or the whole table when the set changed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
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
    Delta {
        head: (old.head != new.head).then(|| Box::new(new.head.clone())),
        workers: changed(&old.workers, &new.workers, is_same_worker),
        upstreams: changed(&old.upstreams, &new.upstreams, is_same_upstream),
        backends: changed(&old.backends, &new.backends, is_same_backend),
        programs: changed(&old.programs, &new.programs, is_same_program),
    }
}

/// Brings `snapshot` to the state the delta was made for. A changed row that is not there is left
/// out: the delta was then made for another snapshot.
pub(crate) fn apply(snapshot: &mut Snapshot, delta: Delta) {
    if let Some(head) = delta.head {
        snapshot.head = *head;
    }
    replace(&mut snapshot.workers, delta.workers, is_same_worker);
    replace(&mut snapshot.upstreams, delta.upstreams, is_same_upstream);
    replace(&mut snapshot.backends, delta.backends, is_same_backend);
    replace(&mut snapshot.programs, delta.programs, is_same_program);
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
        certificates: head.certificates.clone(),
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

fn changed<Row>(old: &[Row], new: &[Row], is_same: fn(&Row, &Row) -> bool) -> Table<Row>
where
    Row: Clone + PartialEq,
{
    let is_set_kept =
        old.len() == new.len() && old.iter().zip(new).all(|(old, new)| is_same(old, new));
    if !is_set_kept {
        return Table::All(new.to_vec());
    }
    let pairs = old.iter().zip(new);
    let rows: Vec<Row> =
        pairs.filter(|(old, new)| old != new).map(|(_, new)| new.clone()).collect();
    if rows.is_empty() { Table::Same } else { Table::Changed(rows) }
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

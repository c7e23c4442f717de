//! Between a node's own words and those of a console that shows several: names with their node
//! behind an `@`, numbers with its place in them, times by this console's clock.

use crate::control::call::{Addition, BackendTarget, Command, ProgramTarget};
use crate::control::requests::{Filter, RequestRecord};
use crate::control::sample::Sample;
use crate::control::wire::{BackendRow, EventRecord, LogLine, ProgramRow, Snapshot};

use super::{NODES_MAX, Node};

const SIGN: char = '@';
/// A worker's slot is far below.
const SLOTS: u16 = 1_000;
const KEY_SHIFT: u32 = 28;
const SEQ_SHIFT: u32 = 56;
const _: () = assert!(NODES_MAX <= 1 << (u32::BITS - KEY_SHIFT));
const _: () = assert!(NODES_MAX * SLOTS as usize <= u16::MAX as usize);

/// A name and whose it is, if it says so.
pub(crate) fn split(name: &str) -> (&str, Option<&str>) {
    match name.rsplit_once(SIGN) {
        Some((name, node)) => (name, Some(node)),
        None => (name, None),
    }
}

/// `@edge1`: what a row need not say when its node stands beside it.
pub(crate) fn suffix(node: &str) -> String {
    format!("{SIGN}{node}")
}

pub(crate) fn name(name: &str, node: &str) -> String {
    format!("{name}{SIGN}{node}")
}

/// A node's place, and the slot as it says itself.
pub(crate) fn of_slot(slot: u16) -> (usize, u16) {
    (usize::from(slot / SLOTS), slot % SLOTS)
}

pub(crate) fn of_seq(seq: u64) -> (usize, u64) {
    ((seq >> SEQ_SHIFT) as usize, seq & ((1 << SEQ_SHIFT) - 1))
}

fn slot(at: usize, slot: u16) -> u16 {
    at as u16 * SLOTS + slot % SLOTS
}

/// The same operation both ways.
fn key(at: usize, key: u32) -> u32 {
    key ^ ((at as u32) << KEY_SHIFT)
}

fn seq(at: usize, seq: u64) -> u64 {
    ((at as u64) << SEQ_SHIFT) | seq
}

/// A time that is not known stays so.
fn time(node: &Node, ms: &mut u64) {
    if *ms > 0 {
        *ms = ms.saturating_add_signed(node.ahead_ms);
    }
}

/// `web:0` as `web@edge1:0`.
fn instance(program: &str, node: &str) -> String {
    match program.rsplit_once(':') {
        Some((program, instance)) => format!("{}:{instance}", name(program, node)),
        None => name(program, node),
    }
}

/// `api/10.0.3.5:8080` as `api@edge1/10.0.3.5:8080`.
fn member(backend: &str, node: &str) -> String {
    match backend.split_once('/') {
        Some((upstream, backend)) => format!("{}/{backend}", name(upstream, node)),
        None => name(backend, node),
    }
}

pub(super) fn snapshot(at: usize, node: &Node, mut rows: Snapshot) -> Snapshot {
    time(node, &mut rows.head.wall_ms);
    rows.head.name.clone_from(&node.name);
    for row in &mut rows.workers {
        row.slot = slot(at, row.slot);
    }
    for row in &mut rows.upstreams {
        row.name = name(&row.name, &node.name);
        time(node, &mut row.window_since_ms);
    }
    rows.backends.iter_mut().for_each(|row| backend(at, node, row));
    rows.programs.iter_mut().for_each(|row| program(node, row));
    let alarms = rows.firewall.iter_mut().flat_map(|firewall| &mut firewall.alarms);
    alarms.for_each(|alarm| time(node, &mut alarm.last_ms));
    rows
}

fn backend(at: usize, node: &Node, row: &mut BackendRow) {
    row.upstream = name(&row.upstream, &node.name);
    row.key = key(at, row.key);
    time(node, &mut row.since_ms);
    if let Some(program) = &mut row.backend.program {
        *program = instance(program, &node.name);
    }
    if let Some(drain) = &mut row.backend.drain {
        time(node, &mut drain.since_ms);
        time(node, &mut drain.deadline_ms);
    }
}

fn program(node: &Node, row: &mut ProgramRow) {
    row.program.name = name(&row.program.name, &node.name);
    if let Some(backend) = &mut row.program.backend {
        *backend = member(backend, &node.name);
    }
    for ms in [&mut row.since_ms, &mut row.retry_at_ms, &mut row.next_run_ms] {
        time(node, ms);
    }
}

/// What programs used is left out: their process ids are of several machines.
pub(crate) fn sample(at: usize, sample: &Sample) -> Sample {
    let mut sample = Sample { programs: Vec::new(), ..sample.clone() };
    for row in &mut sample.backends {
        row.key = key(at, row.key);
    }
    for row in &mut sample.workers {
        row.slot = slot(at, row.slot);
    }
    sample
}

/// What it is about is called as its row is, so that it leads there.
pub(crate) fn event(at: usize, node: &Node, event: &EventRecord) -> EventRecord {
    let target = match event.target.split_once('/') {
        Some(_) => member(&event.target, &node.name),
        None if event.target.is_empty() => String::new(),
        None => instance(&event.target, &node.name),
    };
    EventRecord { seq: seq(at, event.seq), target, ..event.clone() }
}

pub(crate) fn line(node: &Node, mut line: LogLine) -> LogLine {
    time(node, &mut line.wall_ms);
    if !line.program.is_empty() {
        line.program = instance(&line.program, &node.name);
    }
    line
}

pub(crate) fn request(at: usize, node: &Node, mut record: RequestRecord) -> RequestRecord {
    time(node, &mut record.wall_ms);
    record.worker = slot(at, record.worker);
    record.upstream = record.upstream.map(|upstream| name(&upstream, &node.name));
    record
}

/// Whose upstream it asks about, if it does, and the same in that node's words.
pub(crate) fn filter(filter: &Filter) -> (Option<&str>, Filter) {
    let (upstream, node) = match &filter.upstream {
        Some(upstream) => split(upstream),
        None => return (None, filter.clone()),
    };
    (node, Filter { upstream: Some(upstream.to_owned()), ..filter.clone() })
}

/// A command in the words of the node it is for.
pub(crate) fn command(at: usize, command: &Command) -> Command {
    let bare = |name: &String| split(name).0.to_owned();
    match command {
        Command::Backend { target, verb } => Command::Backend {
            target: BackendTarget {
                upstream: bare(&target.upstream),
                backend: target.backend.clone(),
                key: target.key.map(|life| key(at, life)),
            },
            verb: *verb,
        },
        Command::Add(addition) => {
            Command::Add(Addition { upstream: bare(&addition.upstream), ..addition.clone() })
        }
        Command::Upstream { name, verb } => {
            Command::Upstream { name: bare(name), verb: verb.clone() }
        }
        Command::Program { target, verb } => Command::Program {
            target: ProgramTarget { name: bare(&target.name), ..target.clone() },
            verb: verb.clone(),
        },
        Command::Scale { program, instances } => {
            Command::Scale { program: bare(program), instances: *instances }
        }
        Command::Reload
        | Command::Revert
        | Command::Reopen
        | Command::Upgrade
        | Command::Shutdown => command.clone(),
    }
}

//! `pilothouse backend`: what each takes, and in or out.

use serde::Serialize;

use super::arguments::{Backend, BackendName};
use super::failure::Failure;
use super::out::{Out, Tone};
use super::place::Place;
use super::steer::steer;
use super::table::{Align, Cell, Table};
use crate::control::call::{BackendTarget, BackendVerb, Command, Query};
use crate::control::wire::{self, BackendState, Frame, Snapshot, Upstream};
use crate::control::{delta, text};
use crate::sys;
use crate::tui::widget::number;

pub(crate) async fn run(place: &Place, out: Out, verb: Backend) -> Result<(), Failure> {
    match verb {
        Backend::List { upstream, listing } => {
            let upstreams = upstreams(place, upstream.as_deref()).await?;
            if listing.json {
                out.line(&json(&upstreams))
            } else {
                out.text(&table(&upstreams).text(out))
            }
        }
        Backend::Drain { place: backend, timeout, waiting } => {
            let verb = BackendVerb::Drain { timeout_ms: timeout };
            steer(place, out, &command(&backend.name, verb)).await?;
            if waiting.wait { drained(place, out, &backend.name).await } else { Ok(()) }
        }
        Backend::Enable(backend) => {
            steer(place, out, &command(&backend.name, BackendVerb::Enable)).await
        }
        Backend::Down(backend) => {
            steer(place, out, &command(&backend.name, BackendVerb::Down)).await
        }
        Backend::Weight { place: backend, weight } => {
            steer(place, out, &command(&backend.name, BackendVerb::Weight { weight })).await
        }
    }
}

fn command(name: &BackendName, verb: BackendVerb) -> Command {
    let BackendName { upstream, backend } = name.clone();
    Command::Backend { target: BackendTarget { upstream, backend, key: None }, verb }
}

async fn upstreams(place: &Place, only: Option<&str>) -> Result<Vec<Upstream>, Failure> {
    let status = place.client().status().await.map_err(|error| place.explain(error))?;
    let Some(name) = only else { return Ok(status.upstreams) };
    let known: Vec<String> = status.upstreams.iter().map(|row| row.name.clone()).collect();
    match status.upstreams.into_iter().find(|row| row.name == name) {
        Some(upstream) => Ok(vec![upstream]),
        None => Err(Failure::Failed(format!(
            "no upstream is named `{}`; there are: {}",
            text::plain(name),
            known.join(", ")
        ))),
    }
}

/// Backends as a flat list, each with its upstream's name.
fn json(upstreams: &[Upstream]) -> String {
    #[derive(Serialize)]
    struct Row<'a> {
        upstream: &'a str,
        #[serde(flatten)]
        backend: &'a wire::Backend,
    }
    let rows: Vec<Row<'_>> = upstreams
        .iter()
        .flat_map(|row| row.backends.iter().map(|backend| Row { upstream: &row.name, backend }))
        .collect();
    serde_json::to_string_pretty(&rows).expect("rows are plain data")
}

pub(crate) fn table(upstreams: &[Upstream]) -> Table {
    let mut table = Table::new(&[
        ("UPSTREAM/BACKEND", Align::Left),
        ("STATE", Align::Left),
        ("WEIGHT", Align::Right),
        ("ACTIVE", Align::Right),
        ("REQUESTS", Align::Right),
        ("SHARE", Align::Right),
        ("EXPECTED", Align::Right),
        ("5XX", Align::Right),
        ("FAILURES", Align::Right),
        ("P50", Align::Right),
        ("P99", Align::Right),
        ("FROM", Align::Left),
    ]);
    for upstream in upstreams {
        for row in &upstream.backends {
            table.row([
                format!("{}/{}", upstream.name, row.name).into(),
                Cell::toned(tone(row.state), word(row.state)),
                row.weight.to_string().into(),
                row.capacity.beside(number::count(row.active.into())).into(),
                number::count(row.requests).into(),
                number::percent(row.actual_share).trim().into(),
                number::percent(row.expected_share).trim().into(),
                troubles(row.responses.server_error),
                troubles(row.failures),
                number::latency(row.latency_us.p50).trim().into(),
                number::latency(row.latency_us.p99).trim().into(),
                row.program.as_deref().or(row.host.as_deref()).unwrap_or("").into(),
            ]);
        }
    }
    table
}

fn troubles(count: u64) -> Cell {
    let tone = if count == 0 { Tone::Quiet } else { Tone::Bad };
    Cell::toned(tone, number::count(count))
}

pub(crate) fn word(state: BackendState) -> &'static str {
    match state {
        BackendState::Up => "up",
        BackendState::Starting => "starting",
        BackendState::Draining => "draining",
        BackendState::Drained => "drained",
        BackendState::Down => "down",
        BackendState::Failed => "failed",
    }
}

fn tone(state: BackendState) -> Tone {
    match state {
        BackendState::Up => Tone::Good,
        BackendState::Starting | BackendState::Draining | BackendState::Drained => Tone::Warn,
        BackendState::Down | BackendState::Failed => Tone::Bad,
    }
}

/// Watches until the drain is over. It ends by itself: the engine holds its time limit.
async fn drained(place: &Place, out: Out, name: &BackendName) -> Result<(), Failure> {
    let asked_ms = sys::clock::wall_ms();
    let shown = text::plain(&format!("{}/{}", name.upstream, name.backend)).into_owned();
    let mut lines =
        place.client().lines(&Query::Watch).await.map_err(|error| place.explain(error))?;
    let mut snapshot = Snapshot::default();
    while let Some(frame) = lines.next::<Frame>().await? {
        match frame {
            Frame::Snapshot { snapshot: first, .. } => snapshot = *first,
            Frame::Delta { delta } => delta::apply(&mut snapshot, *delta),
            Frame::Sample { .. } | Frame::Event { .. } => continue,
        }
        if snapshot.head.wall_ms < asked_ms {
            // Taken before the drain began.
            continue;
        }
        match state_of(&snapshot, name) {
            Some(BackendState::Draining) => {}
            Some(BackendState::Drained) => return out.line(&format!("{shown}: drained")),
            Some(other) => {
                let word = word(other);
                return Err(Failure::Failed(format!(
                    "{shown}: the drain was undone, it is {word}"
                )));
            }
            None => return Err(Failure::Failed(format!("{shown}: left its upstream meanwhile"))),
        }
    }
    Err(Failure::Failed(format!("{shown}: the engine ended before the drain did")))
}

fn state_of(snapshot: &Snapshot, name: &BackendName) -> Option<BackendState> {
    let is_meant =
        |row: &&wire::BackendRow| row.upstream == name.upstream && row.backend.name == name.backend;
    snapshot.backends.iter().find(is_meant).map(|row| row.backend.state)
}

//! `pilothouse backend`: what each takes, and in or out.

use serde::Serialize;

use super::arguments::{Backend, BackendName};
use super::drain::{self, Goal};
use super::failure::Failure;
use super::out::{Out, Tone};
use super::place::Place;
use super::steer::steer;
use super::table::{Align, Cell, Table};
use crate::config;
use crate::control::call::{Addition, BackendTarget, BackendVerb, Command, Rank, Removal};
use crate::control::check::Check;
use crate::control::text;
use crate::control::wire::{self, BackendState, Upstream};
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
        Backend::Drain { names, timeout, waiting } => {
            let verb = BackendVerb::Drain { timeout_ms: timeout };
            let asked_ms = sys::clock::wall_ms();
            for name in &names {
                steer(place, out, &command(name, verb)).await?;
            }
            for name in names.iter().filter(|_| waiting.wait) {
                let wait = drain::Wait { name, goal: Goal::Drained, asked_ms };
                drain::wait(place, out, wait).await?;
            }
            Ok(())
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
        Backend::MaxConns { place: backend, max_conns } => {
            steer(place, out, &command(&backend.name, BackendVerb::MaxConns { max_conns })).await
        }
        Backend::Add { name: BackendName { upstream, backend }, weight, backup } => {
            let rank = if backup { Rank::Backup } else { Rank::Primary };
            let addition = Addition { upstream, address: backend, weight, rank };
            steer(place, out, &Command::Add(addition)).await
        }
        Backend::Remove { place: backend, now, timeout, waiting } => {
            let gently = Removal::Drained { timeout_ms: timeout };
            let removal = if now { Removal::AtOnce } else { gently };
            let asked_ms = sys::clock::wall_ms();
            steer(place, out, &command(&backend.name, BackendVerb::Remove(removal))).await?;
            if !waiting.wait {
                return Ok(());
            }
            let wait = drain::Wait { name: &backend.name, goal: Goal::Gone, asked_ms };
            drain::wait(place, out, wait).await
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
            "no upstream {}{}; there is {}",
            text::plain(name),
            config::did_you_mean(name, known.iter().map(String::as_str)),
            if known.is_empty() { "none".to_owned() } else { known.join(", ") }
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
        ("CHECK", Align::Left),
        ("REASON", Align::Left),
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
                checked(row.check.as_ref()),
                row.reason.as_str().into(),
            ]);
        }
    }
    table.without_empty(&["CHECK", "REASON"])
}

/// The last result, how long it took, and how many in a row were like it.
fn checked(check: Option<&Check>) -> Cell {
    let Some(check) = check else { return "".into() };
    if check.is_awaited() {
        return Cell::toned(Tone::Quiet, check.text());
    }
    let took = number::latency(check.latency_us);
    let row = check.passes.max(check.fails);
    let tone = if check.is_good { Tone::Quiet } else { Tone::Bad };
    Cell::toned(tone, format!("{} in {} (x{row})", check.text(), took.trim()))
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

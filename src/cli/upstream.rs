//! `pilothouse upstream`: how each balances.

use super::arguments::Upstream;
use super::failure::Failure;
use super::out::{Out, Tone};
use super::place::Place;
use super::steer::steer;
use super::table::{Align, Cell, Table};
use crate::control::call::{Command, UpstreamVerb};
use crate::control::wire::{self, BackendState};
use crate::tui::widget::number;

pub(crate) async fn run(place: &Place, out: Out, verb: Upstream) -> Result<(), Failure> {
    match verb {
        Upstream::List(listing) => {
            let status = place.client().status().await.map_err(|error| place.explain(error))?;
            if listing.json {
                let json = serde_json::to_string_pretty(&status.upstreams);
                return out.line(&json.expect("rows are plain data"));
            }
            out.text(&table(&status.upstreams).text(out))
        }
        Upstream::Strategy { upstream, strategy } => {
            let verb = UpstreamVerb::Strategy { strategy };
            steer(place, out, &Command::Upstream { name: upstream, verb }).await
        }
        Upstream::Reset { upstream } => {
            let command = Command::Upstream { name: upstream, verb: UpstreamVerb::Reset };
            steer(place, out, &command).await
        }
    }
}

fn table(upstreams: &[wire::Upstream]) -> Table {
    let mut table = Table::new(&[
        ("UPSTREAM", Align::Left),
        ("KIND", Align::Left),
        ("STRATEGY", Align::Left),
        ("BACKENDS", Align::Right),
        ("UP", Align::Right),
        ("ACTIVE", Align::Right),
        ("QUEUED", Align::Right),
        ("REQUESTS", Align::Right),
        ("FAILURES", Align::Right),
    ]);
    for row in upstreams {
        let up = row.backends.iter().filter(|row| row.state == BackendState::Up).count();
        let tone = match up {
            0 => Tone::Bad,
            some if some < row.backends.len() => Tone::Warn,
            _ => Tone::Good,
        };
        let active: u64 = row.backends.iter().map(|row| u64::from(row.active)).sum();
        let failures: u64 = row.backends.iter().map(|row| row.failures).sum();
        table.row([
            row.name.as_str().into(),
            row.kind.name().into(),
            row.strategy.as_str().into(),
            row.backends.len().to_string().into(),
            Cell::toned(tone, up.to_string()),
            number::count(active).into(),
            queued(row).into(),
            number::count(row.requests).into(),
            number::count(failures).into(),
        ]);
    }
    table
}

/// Waiting, and how many may: `3/100`; nothing without a queue.
fn queued(row: &wire::Upstream) -> String {
    let queue = row.admission.queue.as_ref();
    queue.map_or_else(String::new, |queue| format!("{}/{}", queue.queued, queue.length))
}

//! `pilothouse upstream`: how each balances.

use super::arguments::Upstream;
use super::explain;
use super::failure::Failure;
use super::out::{Out, Tone};
use super::place::Place;
use super::steer::steer;
use super::table::{Align, Cell, Table};
use crate::control::call::{Command, UpstreamVerb};
use crate::control::text;
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
            out.text(&table(&status.upstreams).text(out))?;
            out.text(&differences(out, &status.upstreams))
        }
        Upstream::Explain { upstream, listing } => {
            explain::run(place, out, upstream, listing.json).await
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
        ("FILE", Align::Left),
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
            match row.differs.len() {
                0 => Cell::from(""),
                _ => Cell::toned(Tone::Warn, "differs"),
            },
        ]);
    }
    table
}

/// Waiting, and how many may: `3/100`; nothing without a queue.
fn queued(row: &wire::Upstream) -> String {
    let queue = row.admission.queue.as_ref();
    queue.map_or_else(String::new, |queue| format!("{}/{}", queue.queued, queue.length))
}

/// What is otherwise than the file says, a line each.
fn differences(out: Out, upstreams: &[wire::Upstream]) -> String {
    let of_one = |row: &wire::Upstream| {
        let line = |what: &String| {
            let line = format!("{} differs from the file: {what}", row.name);
            out.paint(Tone::Warn, &text::plain(&line)) + "\n"
        };
        row.differs.iter().map(line).collect::<String>()
    };
    upstreams.iter().map(of_one).collect()
}

#[cfg(test)]
mod tests {
    use crate::config::model::Strategy;
    use crate::tui::model::overlay::STRATEGIES;

    #[test]
    fn the_console_offers_every_strategy() {
        assert_eq!(STRATEGIES, Strategy::ALL.map(Strategy::name));
    }
}

//! The whole engine as text: what `status` prints, and the console where there is no terminal.

use super::failure::Failure;
use super::out::{Out, Tone};
use super::place::Place;
use super::table::{Align, Cell, Table};
use super::{backend, program};
use crate::control::certificate::Standing;
use crate::control::listener::{Kind, Listener};
use crate::control::text;
use crate::control::wire::{BackendState, ProgramState, Status, Worker};
use crate::sys::clock;
use crate::tui::widget::number;

pub(crate) async fn show(place: &Place, out: Out) -> Result<(), Failure> {
    let status = place.client().status().await.map_err(|error| place.explain(error))?;
    out.text(&render(&status, out))
}

pub(crate) async fn show_json(place: &Place, out: Out) -> Result<(), Failure> {
    let status = place.client().status().await.map_err(|error| place.explain(error))?;
    out.line(&json(&status))
}

pub(crate) fn json(status: &Status) -> String {
    serde_json::to_string_pretty(status).expect("the status is plain data")
}

/// The overview, then how to get at the engine and how to end it.
pub(crate) async fn show_with_ways(place: &Place, out: Out) -> Result<(), Failure> {
    show(place, out).await?;
    out.line("")?;
    out.line(&format!("attach: {}", place.command("")))?;
    out.line(&format!("stop:   {}", place.command("shutdown")))
}

pub(crate) fn render(status: &Status, out: Out) -> String {
    let mut parts = vec![head(status, out)];
    let attention = attention(status);
    if !attention.is_empty() {
        let lines: Vec<String> = attention
            .iter()
            .map(|(tone, line)| format!("{}\n", out.paint(*tone, &text::plain(line))))
            .collect();
        parts.push(lines.concat());
    }
    let tables = [
        backend::table(&status.upstreams),
        program::table(&status.programs),
        workers(&status.workers),
    ];
    parts.extend(tables.iter().filter(|table| !table.is_empty()).map(|table| table.text(out)));
    parts.join("\n")
}

fn head(status: &Status, out: Out) -> String {
    let listener = |row: &Listener| match row.kind {
        Kind::Http if row.tls => format!("{} (tls)", row.address),
        Kind::Http => row.address.clone(),
        Kind::Tcp | Kind::Both => format!("{} ({})", row.address, row.kind.name()),
    };
    let listeners: Vec<String> = status.listeners.iter().map(listener).collect();
    let listening = if listeners.is_empty() {
        "listening nowhere".to_owned()
    } else {
        format!("listening on {}", listeners.join(", "))
    };
    let requests: u64 = status.upstreams.iter().map(|upstream| upstream.requests).sum();
    format!(
        "{}  engine {}  up {}  {} request{}  generation {}\n{}  {listening}\n",
        out.paint(Tone::Strong, &format!("pilothouse {}", text::plain(&status.version))),
        text::plain(&status.name),
        number::age(status.uptime_ms).trim(),
        number::count(requests),
        if requests == 1 { "" } else { "s" },
        status.generation,
        text::plain(&status.config),
    )
}

/// What somebody should look at, the worst first.
fn attention(status: &Status) -> Vec<(Tone, String)> {
    let mut found = Vec::new();
    for row in &status.programs {
        let tone = match row.state {
            ProgramState::Fatal | ProgramState::Unknown => Tone::Bad,
            ProgramState::Backoff => Tone::Warn,
            ProgramState::Stopped
            | ProgramState::Starting
            | ProgramState::Running
            | ProgramState::Stopping
            | ProgramState::Exited => continue,
        };
        let word = text::program_state(row.state);
        let gap = if row.reason.is_empty() { "" } else { ": " };
        found.push((tone, format!("! {}:{} is {word}{gap}{}", row.name, row.instance, row.reason)));
    }
    for upstream in &status.upstreams {
        for name in &upstream.names {
            let Some(trouble) = name.trouble() else { continue };
            let tone = if name.addresses.is_empty() { Tone::Bad } else { Tone::Warn };
            found.push((tone, format!("! {}/{}: {trouble}", upstream.name, name.name)));
        }
        for row in &upstream.backends {
            let tone = match row.state {
                BackendState::Failed => Tone::Bad,
                BackendState::Draining | BackendState::Drained | BackendState::Down => Tone::Warn,
                BackendState::Up | BackendState::Starting => continue,
            };
            let word = backend::word(row.state);
            let gap = if row.reason.is_empty() { "" } else { ": " };
            let text = format!("! {}/{} is {word}{gap}{}", upstream.name, row.name, row.reason);
            found.push((tone, text));
        }
    }
    for row in &status.certificates {
        let wall_ms = clock::wall_ms();
        let Some(complaint) = row.complaint(wall_ms) else { continue };
        let tone = match row.standing(wall_ms) {
            Standing::Expired | Standing::Early | Standing::Refusing => Tone::Bad,
            Standing::Soon | Standing::Stuck | Standing::Good => Tone::Warn,
        };
        found.push((tone, format!("! certificate of {}: {complaint}", row.server)));
    }
    floods(status, &mut found);
    for row in &status.workers {
        if let Some(log) = row.log.as_ref().filter(|log| log.is_failing) {
            let (reason, dropped) = (&log.last_error, log.dropped);
            let text = format!("! worker {} loses lines of access logs: {reason}", row.slot);
            found.push((Tone::Warn, format!("{text} ({dropped} so far)")));
        }
    }
    found.sort_by_key(|(tone, _)| *tone != Tone::Bad);
    found
}

/// Attacks and refusals that come all the time; a few are nobody's business at once.
fn floods(status: &Status, found: &mut Vec<(Tone, String)>) {
    const A_MINUTE_MIN: u64 = 60;
    if let Some(row) = status.firewall.as_ref().filter(|row| row.last_minute >= A_MINUTE_MIN) {
        let most = row.offenders.first().map_or("", |offender| &offender.client);
        let count = number::count(row.last_minute);
        found.push((Tone::Warn, format!("! {count} attacks in the last minute, most by {most}")));
    }
    for row in status.limits.iter().filter(|row| row.refused_last_minute >= A_MINUTE_MIN) {
        let most = row.offenders.first().map_or("", |offender| &offender.key);
        let (count, most) = (number::count(row.refused_last_minute), text::plain(most));
        let text = format!("! limit {} refused {count} in the last minute", row.name);
        found.push((Tone::Warn, format!("{text}, most of them {most}")));
    }
}

fn workers(rows: &[Worker]) -> Table {
    let mut table = Table::new(&[
        ("WORKER", Align::Left),
        ("PID", Align::Right),
        ("STATE", Align::Left),
        ("UP", Align::Right),
        ("CPU", Align::Right),
        ("MEMORY", Align::Right),
        ("ACTIVE", Align::Right),
        ("IDLE", Align::Right),
        ("REQUESTS", Align::Right),
        ("RESTARTS", Align::Right),
    ]);
    for row in rows {
        let tone = if row.state == "running" { Tone::Good } else { Tone::Warn };
        table.row([
            row.slot.to_string().into(),
            row.pid.to_string().into(),
            Cell::toned(tone, &*row.state),
            number::age(row.uptime_ms).trim().into(),
            number::percent(f64::from(row.cpu_percent) / 100.0).trim().into(),
            number::bytes(row.rss_bytes).trim().into(),
            number::count(row.connections.active.into()).into(),
            number::count(row.connections.idle.into()).into(),
            number::count(row.requests).into(),
            number::count(row.restarts.into()).into(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::render;
    use crate::cli::arguments::When;
    use crate::cli::out::Out;
    use crate::control::wire::Status;

    #[test]
    fn the_overview_leads_with_what_needs_attention() {
        let status: Status = serde_json::from_str(include_str!("status.json")).unwrap();
        let text = render(&status, Out::new(When::Never));
        assert_eq!(text, include_str!("overview.txt"));
    }
}

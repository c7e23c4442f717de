//! A command about programs whose answer takes its time, with how far it has come on standard error
//! while that is a terminal.

use std::convert::Infallible;

use super::failure::Failure;
use super::out::Out;
use super::place::Place;
use super::steer;
use super::ticker::Ticker;
use crate::control::call::{ALL, Command, ProgramTarget, Query};
use crate::control::rate::Rate;
use crate::control::wire::{Frame, ProgramRow, ProgramState, Snapshot};
use crate::control::{delta, text};

/// Longer lists are counted.
const NAMED_MAX: usize = 3;

/// As `steer`; the target is whom the command is about.
pub(super) async fn steer(
    place: &Place,
    out: Out,
    command: &Command,
    target: &ProgramTarget,
) -> Result<(), Failure> {
    if !Ticker::is_seen() {
        return steer::steer(place, out, command).await;
    }
    let mut ticker = Ticker::default();
    let asked = steer::ask(place, command);
    let answer = tokio::select! {
        answer = asked => answer,
        Err(failure) = show(place, target, &mut ticker) => Err(failure),
    };
    ticker.clear();
    out.line(&answer?)
}

/// Until it is dropped; what cannot be watched is no reason not to wait for the answer.
async fn show(
    place: &Place,
    target: &ProgramTarget,
    ticker: &mut Ticker,
) -> Result<Infallible, Failure> {
    if let Ok(mut lines) = place.client().lines(&Query::Watch { rate: Rate::Full }).await {
        let mut snapshot = Snapshot::default();
        while let Ok(Some(frame)) = lines.next::<Frame>().await {
            match frame {
                Frame::Snapshot { snapshot: first, .. } => snapshot = *first,
                Frame::Delta { delta } => delta::apply(&mut snapshot, *delta),
                Frame::Event { .. } | Frame::Sample { .. } => continue,
            }
            ticker.show(&line(&snapshot.programs, target));
        }
    }
    std::future::pending().await
}

/// `web: 2 of 5 done, web:2 STARTING`
fn line(rows: &[ProgramRow], target: &ProgramTarget) -> String {
    let is_meant = |row: &&ProgramRow| {
        let is_instance = target.instance.is_none_or(|instance| instance == row.program.instance);
        is_instance && (target.name == ALL || target.name == row.program.name)
    };
    let meant: Vec<&ProgramRow> = rows.iter().filter(is_meant).collect();
    let rolling = meant.iter().find_map(|row| row.standing.rolling);
    let moving: Vec<&&ProgramRow> =
        meant.iter().filter(|row| is_moving(row.program.state)).collect();
    let mut parts = Vec::new();
    parts.extend(rolling.map(|roll| format!("{} of {} done", roll.done, roll.of)));
    parts.extend(moving.iter().take(NAMED_MAX).map(|row| {
        let (name, state) = (&row.program.name, text::program_state(row.program.state));
        format!("{name}:{} {state}", row.program.instance)
    }));
    if moving.len() > NAMED_MAX {
        parts.push(format!("and {} more", moving.len() - NAMED_MAX));
    }
    let name = &target.name;
    let line =
        if parts.is_empty() { name.clone() } else { format!("{name}: {}", parts.join(", ")) };
    text::plain(&line).into_owned()
}

fn is_moving(state: ProgramState) -> bool {
    match state {
        ProgramState::Starting | ProgramState::Stopping | ProgramState::Backoff => true,
        ProgramState::Stopped
        | ProgramState::Running
        | ProgramState::Exited
        | ProgramState::Fatal
        | ProgramState::Unknown => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::standing::{Place, Rolling};

    #[test]
    fn a_line_tells_what_moves_and_how_much_is_done() {
        let row = |name: &str, instance, state| {
            let mut row = ProgramRow::default();
            (row.program.name, row.program.instance) = (name.to_owned(), instance);
            row.program.state = state;
            row
        };
        let mut rows: Vec<ProgramRow> =
            (0..5).map(|instance| row("web", instance, ProgramState::Running)).collect();
        rows.push(row("db", 0, ProgramState::Stopping));
        let target = |name: &str, instance| ProgramTarget {
            name: name.to_owned(),
            instance,
            incarnation: None,
        };
        rows[2].program.state = ProgramState::Starting;
        rows[2].standing.rolling = Some(Rolling { done: 2, of: 5, place: Place::Turn });
        assert_eq!(line(&rows, &target("web", None)), "web: 2 of 5 done, web:2 STARTING");
        assert_eq!(line(&rows, &target("web", Some(1))), "web");
        for row in &mut rows {
            row.program.state = ProgramState::Stopping;
            row.standing.rolling = None;
        }
        let all = "all: web:0 STOPPING, web:1 STOPPING, web:2 STOPPING, and 3 more";
        assert_eq!(line(&rows, &target("all", None)), all);
    }
}

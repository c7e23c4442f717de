//! Waiting for a drain on the command line: until nothing is left, or until its time is over.

use super::arguments::BackendName;
use super::backend::word;
use super::failure::Failure;
use super::out::Out;
use super::place::Place;
use crate::control::call::Query;
use crate::control::wire::{BackendRow, BackendState, Frame, Snapshot};
use crate::control::{delta, text};
use crate::sys;

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    Drained,
    /// Drained and off its upstream.
    Gone,
}

/// Watches until the drain is over. It ends by itself: the engine holds its time limit.
pub(super) async fn wait(
    place: &Place,
    out: Out,
    name: &BackendName,
    goal: Goal,
) -> Result<(), Failure> {
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
        match (row(&snapshot, name).map(|row| row.backend.state), goal) {
            (Some(BackendState::Draining), _) | (Some(BackendState::Drained), Goal::Gone) => {}
            (Some(BackendState::Drained), Goal::Drained) => {
                return out.line(&format!("{shown}: drained"));
            }
            (None, Goal::Gone) => return out.line(&format!("{shown}: drained and removed")),
            (Some(other), _) => {
                let word = word(other);
                return Err(Failure::Failed(format!(
                    "{shown}: the drain was undone, it is {word}"
                )));
            }
            (None, Goal::Drained) => {
                return Err(Failure::Failed(format!("{shown}: left its upstream meanwhile")));
            }
        }
    }
    Err(Failure::Failed(format!("{shown}: the engine ended before the drain did")))
}

fn row<'a>(snapshot: &'a Snapshot, name: &BackendName) -> Option<&'a BackendRow> {
    let is_meant =
        |row: &&BackendRow| row.upstream == name.upstream && row.backend.name == name.backend;
    snapshot.backends.iter().find(is_meant)
}

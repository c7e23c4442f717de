//! One command to the engine and its answer back to the person: done on standard output, not done
//! as a failure.

use super::failure::Failure;
use super::out::Out;
use super::place::Place;
use crate::control::call::Command;
use crate::control::text;

pub(crate) async fn steer(place: &Place, out: Out, command: &Command) -> Result<(), Failure> {
    out.line(&ask(place, command).await?)
}

/// The same, with the answer left to the caller.
pub(crate) async fn ask(place: &Place, command: &Command) -> Result<String, Failure> {
    let answer = place.client().command(command).await.map_err(|error| place.explain(error))?;
    // Line by line: a refused configuration answers with its diagnostics.
    let lines: Vec<_> = answer.message.lines().map(text::plain).collect();
    let message = lines.join("\n");
    if answer.is_done() { Ok(message) } else { Err(Failure::Failed(message)) }
}

//! `pilothouse program attach`: what a program says, and what the terminal says to it.
//!
//! Line by line, as the terminal edits them. Ends with Ctrl-C or the end of the input; the program
//! goes on.

use std::io::BufRead as _;

use tokio::sync::mpsc;

use super::arguments::ProgramName;
use super::failure::Failure;
use super::out::{Out, Tone};
use super::place::Place;
use super::program::{log_line, target};
use super::steer;
use crate::control::call::{Command, ProgramTarget, ProgramVerb, Query};
use crate::control::wire::LogLine;

/// Lines of the output so far that are shown first.
const LINES_BEFORE: u32 = 10;
/// Lines typed ahead of an engine that is slow to take them.
const LINES_AHEAD_MAX: usize = 16;

pub(super) async fn run(place: &Place, out: Out, name: ProgramName) -> Result<(), Failure> {
    let target = target(name);
    let query =
        Query::Log { target: target.clone(), stream: None, tail: Some(LINES_BEFORE), follow: true };
    let mut said = place.client().lines(&query).await.map_err(|error| place.explain(error))?;
    let mut typed = typed();
    loop {
        tokio::select! {
            line = said.next::<LogLine>() => match line? {
                Some(line) => out.line(&log_line(out, &line))?,
                None => return Ok(()),
            },
            line = typed.recv() => match line {
                Some(bytes) => send(place, &target, bytes).await?,
                None => return Ok(()),
            },
            interrupted = tokio::signal::ctrl_c() => {
                interrupted?;
                return out.line(&out.paint(Tone::Quiet, "\n-- detached"));
            }
        }
    }
}

async fn send(place: &Place, target: &ProgramTarget, bytes: Vec<u8>) -> Result<(), Failure> {
    let verb = ProgramVerb::Input { bytes };
    let command = Command::Program { target: target.clone(), verb };
    steer::ask(place, &command).await.map(drop)
}

/// The lines of standard input, from a thread of their own: nothing else can wait for a terminal,
/// and the process may end while it does.
fn typed() -> mpsc::Receiver<Vec<u8>> {
    let (sender, lines) = mpsc::channel(LINES_AHEAD_MAX);
    std::thread::spawn(move || {
        let mut input = std::io::stdin().lock();
        loop {
            let mut line = Vec::new();
            match input.read_until(b'\n', &mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) if sender.blocking_send(line).is_err() => return,
                Ok(_) => {}
            }
        }
    });
    lines
}

//! The console, and the same as text where no terminal is there to draw on.

use std::io::{self, IsTerminal as _};
use std::process::ExitCode;

use super::arguments::Console;
use super::failure::Failure;
use super::out::Out;
use super::place::Place;
use super::{background, overview, wait};
use crate::tui;

/// Attaches to the engine; one is started first when none runs for this configuration.
pub(crate) fn run(place: &Place, out: Out, console: Console) -> Result<ExitCode, Failure> {
    wait(background::ensure(place))?;
    let is_drawable = io::stdin().is_terminal() && io::stdout().is_terminal();
    if console.once {
        wait(overview::show(place, out))?;
        return Ok(ExitCode::SUCCESS);
    }
    if !is_drawable {
        wait(overview::show_with_ways(place, out))?;
        return Ok(ExitCode::SUCCESS);
    }
    Ok(tui::console::run(&tui::console::Options {
        socket: place.socket.clone(),
        is_read_only: console.read_only,
        theme: console.theme,
        is_slow: console.slow,
        attach_line: place.command(""),
        stop_line: place.command("shutdown"),
    }))
}

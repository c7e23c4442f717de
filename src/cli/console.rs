//! The console, and the same as text where no terminal is there to draw on.

use std::process::ExitCode;

use super::arguments::Console;
use super::failure::Failure;
use super::out::Out;
use super::place::Place;
use super::{background, overview, wait};

/// Attaches to the engine; one is started first when none runs for this configuration.
pub(crate) fn run(place: &Place, out: Out, console: &Console) -> Result<ExitCode, Failure> {
    wait(background::ensure(place))?;
    if console.once {
        wait(overview::show(place, out))?;
    } else {
        wait(overview::show_with_ways(place, out))?;
    }
    Ok(ExitCode::SUCCESS)
}

//! The console, and the same as text where no terminal is there to draw on.

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::process::ExitCode;

use super::arguments::Console;
use super::failure::Failure;
use super::out::Out;
use super::place::Place;
use super::{background, overview, wait};
use crate::tui;
use crate::tui::link::route::Route;

/// Attaches to the engine; one is started first when none runs for this configuration.
pub(crate) fn run(place: &Place, out: Out, console: Console) -> Result<ExitCode, Failure> {
    wait(background::ensure(place))?;
    if let Some(folder) = console.screenshot {
        return screenshot(place, out, folder, console.size, console.theme);
    }
    let is_drawable = io::stdin().is_terminal() && io::stdout().is_terminal();
    if console.once {
        wait(overview::show(place, out))?;
        return Ok(ExitCode::SUCCESS);
    }
    if !is_drawable {
        wait(overview::show_with_ways(place, out))?;
        return Ok(ExitCode::SUCCESS);
    }
    let route = Route::near(place.socket.clone());
    let farewell = format!(
        "detached; the engine goes on. attach: {}   stop: {}\n",
        place.command(""),
        place.command("shutdown")
    );
    Ok(tui::console::run(tui::console::Options { farewell, ..console.options(route, Vec::new()) }))
}

/// Seconds of samples a picture waits for.
const SCREENSHOT_SECONDS: usize = 90;

fn screenshot(
    place: &Place,
    out: Out,
    folder: PathBuf,
    size: tui::model::Size,
    theme: Option<String>,
) -> Result<ExitCode, Failure> {
    let socket = place.socket.clone();
    let options =
        tui::screenshot::Options { socket, folder, size, theme, seconds: SCREENSHOT_SECONDS };
    let written = wait(async {
        tui::screenshot::take(&options).await.map_err(|error| Failure::Failed(error.to_string()))
    })?;
    for path in written {
        out.line(&path.display().to_string())?;
    }
    Ok(ExitCode::SUCCESS)
}

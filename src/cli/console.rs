//! The console, and the same as text where no terminal is there to draw on.

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use super::arguments::Console;
use super::failure::Failure;
use super::namesake::{self, Intent};
use super::out::Out;
use super::place::Place;
use super::{background, overview, wait};
use crate::tui;
use crate::tui::console::Engine;
use crate::tui::link::route::Route;

/// An engine that takes a question and says nothing for so long is there all the same: the console
/// can show that it is silent, and what it says once it does.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(300);

/// Attaches to the engine; one is started first when none runs for this configuration.
pub(crate) fn run(place: &Place, out: Out, console: Console) -> Result<ExitCode, Failure> {
    if console.print.is_asked() {
        wait(background::ensure(place))?;
    } else {
        wait(reach(place))?;
    }
    if let Some(folder) = console.screenshot.clone() {
        return screenshot(place, out, folder, console);
    }
    let is_drawable = io::stdin().is_terminal() && io::stdout().is_terminal();
    if console.print.json {
        wait(overview::show_json(place, out))?;
        return Ok(ExitCode::SUCCESS);
    }
    if console.print.once {
        wait(overview::show(place, out))?;
        return Ok(ExitCode::SUCCESS);
    }
    if !is_drawable {
        wait(overview::show_with_ways(place, out))?;
        return Ok(ExitCode::SUCCESS);
    }
    let engine = Engine {
        name: place.engine.clone(),
        shell: place.command(""),
        route: Route::near(place.socket.clone()),
    };
    let farewell = format!(
        "detached; the engine goes on. attach: {}   stop: {}\n",
        place.command(""),
        place.command("shutdown")
    );
    Ok(tui::console::run(tui::console::Options { farewell, ..console.options(vec![engine]) }))
}

async fn reach(place: &Place) -> Result<(), Failure> {
    if tokio::time::timeout(ANSWER_TIMEOUT, place.client().status()).await.is_err() {
        return Ok(());
    }
    namesake::check(place, Intent::Act).await?;
    background::ensure(place).await
}

fn screenshot(
    place: &Place,
    out: Out,
    folder: PathBuf,
    console: Console,
) -> Result<ExitCode, Failure> {
    let options = tui::screenshot::Options {
        socket: place.socket.clone(),
        folder,
        size: console.size,
        theme: console.theme,
        seconds: console.samples,
    };
    let written = wait(async {
        tui::screenshot::take(&options).await.map_err(|error| Failure::Failed(error.to_string()))
    })?;
    for path in written {
        out.line(&path.display().to_string())?;
    }
    Ok(ExitCode::SUCCESS)
}

//! The console on an engine of another machine, through ssh. What ssh asks is asked before the screen
//! is there; no engine is ever started at the other end.

use std::io::{self, IsTerminal as _};
use std::process::ExitCode;

use super::arguments::Console;
use super::failure::Failure;
use super::out::Out;
use super::{overview, wait};
use crate::control::client::ClientError;
use crate::control::wire::Status;
use crate::tui;
use crate::tui::link::route::Route;
use crate::tui::link::target::Far;
use crate::tui::link::tunnel::{Asking, Tunnel};

pub(crate) fn run(far: Far, out: Out, console: &Console) -> Result<ExitCode, Failure> {
    if console.screenshot.is_some() {
        return Err(Failure::Usage("pictures are taken of an engine on this machine".to_owned()));
    }
    let attach_line = format!("pilothouse console {far}");
    let mut tunnel = Tunnel::new(far).map_err(Failure::Failed)?;
    let route = tunnel.route();
    let status = wait(async {
        tunnel.open(Asking::Allowed).await.map_err(Failure::NoEngine)?;
        ask(&route).await
    })?;
    let is_drawable = io::stdin().is_terminal() && io::stdout().is_terminal();
    if console.print.json {
        out.line(&overview::json(&status))?;
        return Ok(ExitCode::SUCCESS);
    }
    if console.print.once || !is_drawable {
        out.text(&overview::render(&status, out))?;
        return Ok(ExitCode::SUCCESS);
    }
    let farewell = format!("detached; the engine goes on. attach: {attach_line}\n");
    Ok(tui::console::run(tui::console::Options {
        farewell,
        ..console.options(route, vec![tunnel])
    }))
}

async fn ask(route: &Route) -> Result<Status, Failure> {
    route.client.status().await.map_err(|error| {
        let why = route.explain(&error);
        match error {
            ClientError::NoEngine { .. } => Failure::NoEngine(why),
            ClientError::NotPermitted(_) => Failure::NotPermitted(why),
            ClientError::Refused(_) | ClientError::Protocol { .. } => Failure::Failed(why),
        }
    })
}

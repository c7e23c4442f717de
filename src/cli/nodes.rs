//! The console on engines elsewhere, through ssh, and on several at once. What ssh asks is asked
//! before the screen is there; no engine is ever started.

use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::process::ExitCode;

use super::arguments::Console;
use super::failure::Failure;
use super::out::Out;
use super::{out, overview, wait};
use crate::control::client::ClientError;
use crate::control::wire::Status;
use crate::tui;
use crate::tui::console::Engine;
use crate::tui::link::route::Route;
use crate::tui::link::target::{Far, Target, Which};
use crate::tui::link::tunnel::{Asking, INTERRUPTED, Tunnel};
use crate::tui::model::nodes::NODES_MAX;

pub(crate) fn run(out: Out, console: &Console) -> Result<ExitCode, Failure> {
    if console.screenshot.is_some() {
        return Err(Failure::Usage("pictures are taken of one engine on this machine".to_owned()));
    }
    if console.targets.len() > NODES_MAX {
        return Err(Failure::Usage(format!("at most {NODES_MAX} engines are shown at once")));
    }
    let mut engines: Vec<Engine> = Vec::new();
    let mut tunnels = Vec::new();
    let mut answers = Vec::new();
    for target in &console.targets {
        let name = free_name(&engines, &name_of(target));
        let (route, answer) = reach(target, &mut tunnels)?;
        let socket = tunnels.last().and_then(Tunnel::socket);
        if let (Err(failure), [_, _, ..]) = (&answer, &console.targets[..]) {
            out::complain(&format!("{name}: {failure}"));
        }
        engines.push(Engine { name, shell: shell_of(target, socket), route });
        answers.push(answer);
    }
    // One that does not answer may come later, beside others; alone it is the failure.
    let (statuses, failures) = parted(answers);
    if statuses.is_empty()
        && let Some(first) = failures.into_iter().next()
    {
        return Err(first);
    }
    let is_drawable = io::stdin().is_terminal() && io::stdout().is_terminal();
    if console.print.json {
        for status in &statuses {
            out.line(&overview::json(status))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    if console.print.once || !is_drawable {
        for status in statuses {
            out.text(&overview::render(&status, out))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let goes_on = if engines.len() == 1 { "the engine goes on" } else { "the engines go on" };
    let words: Vec<String> = console.targets.iter().map(words_of).collect();
    let farewell = format!("detached; {goes_on}. attach: pilothouse console {}\n", words.join(" "));
    let options = tui::console::Options { tunnels, farewell, ..console.options(engines) };
    Ok(tui::console::run(options))
}

fn parted(answers: Vec<Result<Status, Failure>>) -> (Vec<Status>, Vec<Failure>) {
    let (mut statuses, mut failures) = (Vec::new(), Vec::new());
    for answer in answers {
        match answer {
            Ok(status) => statuses.push(status),
            Err(failure) => failures.push(failure),
        }
    }
    (statuses, failures)
}

/// The way there, and what was answered from there.
fn reach(
    target: &Target,
    tunnels: &mut Vec<Tunnel>,
) -> Result<(Route, Result<Status, Failure>), Failure> {
    match target {
        Target::Near(socket) => {
            let route = Route::near(socket.clone());
            let answer = wait(ask(&route));
            Ok((route, answer))
        }
        Target::Far(far) => {
            let mut tunnel = Tunnel::new(far.clone()).map_err(Failure::Failed)?;
            let route = tunnel.route();
            let answer = wait(async {
                tunnel.open(Asking::Allowed).await.map_err(Failure::NoEngine)?;
                ask(&route).await
            });
            // Whoever does not want to answer does not want the others either.
            if answer.as_ref().is_err_and(|failure| failure.to_string() == INTERRUPTED) {
                return Err(Failure::Failed(INTERRUPTED.to_owned()));
            }
            tunnels.push(tunnel);
            Ok((route, answer))
        }
    }
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

/// Of a socket the engine's folder, of a host its name: known before anything has answered.
fn name_of(target: &Target) -> String {
    let name = match target {
        Target::Near(socket) => {
            let folder = socket.parent().and_then(Path::file_name).unwrap_or(socket.as_os_str());
            folder.to_string_lossy().into_owned()
        }
        Target::Far(Far { host, .. }) => host.clone(),
    };
    // What has a meaning in the name of a row can be no part of a node's.
    name.chars().map(|char| if "@/:".contains(char) { '_' } else { char }).collect()
}

fn free_name(engines: &[Engine], name: &str) -> String {
    let is_free = |name: &str| engines.iter().all(|engine| engine.name != name);
    let numbered = (2..).map(|number| format!("{name}.{number}"));
    let mut names = std::iter::once(name.to_owned()).chain(numbered);
    names.find(|name| is_free(name)).expect("some number is free")
}

fn words_of(target: &Target) -> String {
    match target {
        Target::Near(socket) => socket.display().to_string(),
        Target::Far(far) => far.to_string(),
    }
}

/// `pilothouse -s /run/a.sock`, `ssh -p 2222 ana@edge1 pilothouse`.
fn shell_of(target: &Target, socket: Option<&str>) -> String {
    match target {
        Target::Near(socket) => format!("pilothouse -s {}", socket.display()),
        Target::Far(Far { user, host, port, which }) => {
            let port = port.map_or_else(String::new, |port| format!("-p {port} "));
            let user = user.as_ref().map_or_else(String::new, |user| format!("{user}@"));
            let socket = match (which, socket) {
                (Which::Socket(path), _) => format!(" -s {path}"),
                (Which::Named(_), Some(path)) => format!(" -s {path}"),
                (Which::Named(_), None) | (Which::Default, _) => String::new(),
            };
            format!("ssh {port}{user}{host} pilothouse{socket}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_called_by_where_they_are() {
        for (target, name, shell) in [
            (
                "/run/pilothouse/edge/control.sock",
                "edge",
                "pilothouse -s /run/pilothouse/edge/control.sock",
            ),
            ("ssh://ana@edge1:2222", "edge1", "ssh -p 2222 ana@edge1 pilothouse"),
            ("ssh://edge1/web", "edge1", "ssh edge1 pilothouse -s /run/web.sock"),
            ("ssh://[::1]/run/a.sock", "__1", "ssh ::1 pilothouse -s /run/a.sock"),
        ] {
            let target = Target::parse(target).unwrap();
            assert_eq!(
                (name_of(&target).as_str(), shell_of(&target, Some("/run/web.sock")).as_str()),
                (name, shell)
            );
        }
    }

    #[test]
    fn two_of_one_name_are_told_apart() {
        let engine = |name: &str| Engine {
            name: name.to_owned(),
            shell: String::new(),
            route: Route::near("a.sock".into()),
        };
        assert_eq!(free_name(&[], "edge"), "edge");
        assert_eq!(free_name(&[engine("edge"), engine("edge.2")], "edge"), "edge.3");
    }
}

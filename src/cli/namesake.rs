//! Engines of one name share one socket, so the engine that answers may run another configuration
//! than the call names. Looking is allowed, with a word about it; nothing is changed or opened by
//! mistake. A socket named outright means the engine behind it, whatever it runs.

use std::convert::Infallible;
use std::path::{Path, PathBuf};

use super::failure::Failure;
use super::out;
use super::place::Place;
use crate::config;
use crate::config::source::{Foreign, Source};
use crate::sys::{folders, lock};

/// What the call is about to do with the engine that answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Intent {
    Look,
    Act,
}

/// Says so when the engine runs another configuration, and refuses when that could do harm. An
/// engine that does not answer is the verb's own to report.
pub(crate) async fn check(place: &Place, intent: Intent) -> Result<(), Failure> {
    if place.is_socket_explicit {
        return Ok(());
    }
    let Ok(status) = place.client().status().await else { return Ok(()) };
    if is_same(&place.source, &status.config) {
        return Ok(());
    }
    let named = match &place.source {
        Source::Embedded | Source::Foreign(_) => place.source_name(),
        Source::File(path) => resolved(path).display().to_string(),
    };
    let found = format!("engine `{}` runs {}, not {named}", status.name, status.config);
    match (intent, &place.source) {
        // Whoever has no configuration here means the engine of the usual name.
        (Intent::Look, _) | (Intent::Act, Source::Embedded) => {
            out::complain(&format!("note: {found}"));
            Ok(())
        }
        (Intent::Act, Source::File(_) | Source::Foreign(_)) => Err(Failure::Failed(format!(
            "{found}; give one of them another `name` in [engine], or name the running one: -s {}",
            place.socket.display()
        ))),
    }
}

/// Before a second engine of one name is tried: the first, by its pid and configuration.
pub(crate) async fn refuse_second(place: &Place) -> Result<(), Failure> {
    let Ok(status) = place.client().status().await else { return Ok(()) };
    let pid = lock::holder_pid(&folders::runtime_dir(&place.engine).join("lock"));
    let pid = pid.unwrap_or_else(|| "unknown".to_owned());
    Err(Failure::Usage(format!(
        "engine `{}` runs already (pid {pid}), with {}; another engine needs another `name` in [engine]",
        status.name, status.config
    )))
}

fn is_same(source: &Source, running: &str) -> bool {
    match source {
        Source::Embedded => running == config::EMBEDDED_NAME,
        Source::File(path) => resolved(path) == resolved(Path::new(running)),
        Source::Foreign(foreign) => {
            let files = foreign.files.map(|path| Ok::<_, Infallible>(resolved(path)));
            let resolved = files.map(|files| Foreign { files, ..foreign.clone() });
            resolved.is_ok_and(|foreign| Source::Foreign(foreign).name() == running)
        }
    }
}

/// One spelling for one file, as far as it can be reached from here.
fn resolved(path: &Path) -> PathBuf {
    path.canonicalize().or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned())
}

//! The verbs about the engine as a whole: run, reload, reopen, shutdown.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use super::arguments::Waiting;
use super::failure::Failure;
use super::import;
use super::out::Out;
use super::place::Place;
use super::roles;
use super::steer::steer;
use super::ticker::Ticker;
use crate::config::Dates;
use crate::config::source::{Foreign, Source};
use crate::control::call::Command;
use crate::control::client::ClientError;
use crate::{config, keeper, sys};

/// How often `--wait` looks whether the engine is gone.
const GONE_INTERVAL: Duration = Duration::from_millis(50);

/// Becomes the engine's keeper; the configuration is checked first, so that what is wrong with it is
/// said here and once.
pub(crate) fn run(place: &Place) -> Result<ExitCode, Failure> {
    import::remark(place);
    become_keeper(place)
}

/// The same, by somebody who has said what there was to say about the files.
pub(crate) fn become_keeper(place: &Place) -> Result<ExitCode, Failure> {
    let config = load(place, Dates::Passed)?;
    let source = absolute(&place.source)?;
    let words = roles::words(&own_program()?, &config.engine.name, &source);
    Ok(keeper::run(&config.engine.name, words))
}

/// A master started again must find the file wherever its keeper stands.
fn absolute(source: &Source) -> Result<Source, Failure> {
    let absolute = |path: &Path| {
        let path = std::path::absolute(path);
        path.map_err(|error| Failure::Failed(format!("find the folder: {error}")))
    };
    Ok(match source {
        Source::File(path) => Source::File(absolute(path)?),
        Source::Foreign(foreign) => {
            Source::Foreign(Foreign { files: foreign.files.map(absolute)?, ..foreign.clone() })
        }
        Source::Embedded => Source::Embedded,
    })
}

/// The whole configuration, or every error in it.
pub(crate) fn load(place: &Place, dates: Dates) -> Result<config::model::Config, Failure> {
    let loaded = place.source.load(dates);
    loaded.map_err(|errors| Failure::Failed(errors.to_string().trim_end().to_owned()))
}

/// This binary, for starting itself in another role.
pub(crate) fn own_program() -> Result<OsString, Failure> {
    let path = sys::proc::own_path();
    let path = path.map_err(|error| Failure::Failed(format!("find this binary: {error}")))?;
    Ok(path.into_os_string())
}

pub(crate) async fn reload(place: &Place, out: Out) -> Result<(), Failure> {
    steer(place, out, &Command::Reload).await
}

pub(crate) async fn revert(place: &Place, out: Out) -> Result<(), Failure> {
    steer(place, out, &Command::Revert).await
}

pub(crate) async fn reopen(place: &Place, out: Out) -> Result<(), Failure> {
    steer(place, out, &Command::Reopen).await
}

pub(crate) async fn shutdown(place: &Place, out: Out, waiting: Waiting) -> Result<(), Failure> {
    steer(place, out, &Command::Shutdown).await?;
    // The engine bounds its own end by `shutdown_timeout`, so the wait is as long as that.
    let mut ticker = Ticker::default();
    while waiting.wait
        && let Some(left) = left(place).await?
    {
        ticker.show(&left);
        tokio::time::sleep(GONE_INTERVAL).await;
    }
    ticker.clear();
    Ok(())
}

/// What there still is of the engine, while it answers; one that is going down may break off in the
/// middle.
async fn left(place: &Place) -> Result<Option<String>, Failure> {
    match place.client().status().await {
        Ok(status) => {
            let connections: u32 = status.workers.iter().map(|it| it.connections.active).sum();
            let running = status.programs.iter().filter(|it| it.pid.is_some()).count();
            Ok(Some(format!("{connections} requests under way, {running} programs run")))
        }
        Err(ClientError::Refused(_) | ClientError::Protocol { .. }) => Ok(Some(String::new())),
        Err(ClientError::NoEngine { .. }) => Ok(None),
        Err(error @ ClientError::NotPermitted(_)) => Err(place.explain(error)),
    }
}

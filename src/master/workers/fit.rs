//! What a configuration makes of its workers: whose rights they have, and to which files they are
//! confined. A worker that fits another configuration is relieved by one that fits this.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::{WHO, confined, files};
use crate::config::model::Config;
use crate::master::{predecessors, rights};
use crate::sys::log;
use crate::sys::spawn::attributes::Attributes;
use crate::sys::spawn::{Order, Recipe, SpawnError};
use crate::sys::user::Identity;

/// A command that workers are run by, for whoever looks into one (`valgrind`, `strace -o file`).
const WORKER_UNDER: &str = "PILOTHOUSE_WORKER_UNDER";

#[derive(Debug, thiserror::Error)]
pub(in crate::master) enum FitError {
    #[error(transparent)]
    NoUser(#[from] rights::NoUser),
    #[error(transparent)]
    Spawn(#[from] SpawnError),
}

/// What all workers of this engine have in common.
pub(in crate::master) struct Stock {
    /// This binary, and which file it is.
    pub(in crate::master) binary: PathBuf,
    pub(in crate::master) image: String,
    /// The control socket, by which a later engine knows whose a worker is.
    pub(in crate::master) socket: PathBuf,
}

pub(in crate::master) struct Fit {
    pub(super) recipe: Recipe,
    /// Another word where workers should be others.
    pub(super) image: String,
    pub(super) files: files::Files,
}

impl Stock {
    pub(in crate::master) fn fit(&self, config: &Config) -> Result<Fit, FitError> {
        let rights::Rights { identity, remark } = rights::of_workers(config)?;
        if let Some(remark) = remark {
            log::warning!(WHO, "{remark}");
        }
        let user = identity.as_ref().map(|identity| format!("as {}", identity.uid));
        let reach = confined::tag(config).map(|reach| format!("in {reach}"));
        let words = [Some(self.image.clone()), user, reach];
        Ok(Fit {
            recipe: recipe(&self.binary, identity.as_ref(), &self.socket)?,
            image: words.into_iter().flatten().collect::<Vec<_>>().join(" "),
            files: files::Files::of(config),
        })
    }
}

/// This binary as a worker.
fn recipe(binary: &Path, identity: Option<&Identity>, socket: &Path) -> Result<Recipe, SpawnError> {
    let mut environment: Vec<_> = std::env::vars_os().collect();
    environment.retain(|(name, _)| name != predecessors::SOCKET);
    environment.push((predecessors::SOCKET.into(), socket.into()));
    let under = std::env::var(WORKER_UNDER).unwrap_or_default();
    let mut arguments: Vec<OsString> = under.split_whitespace().map(OsString::from).collect();
    let make = if arguments.is_empty() { Recipe::of_this_image } else { Recipe::new };
    arguments.extend([binary.into(), "__worker".into()]);
    let order =
        Order { arguments: &arguments, environment: &environment, directory: None, identity };
    // A worker talks to strangers: nothing it may be brought to run gains a right.
    Ok(make(&order)?.with(Attributes { no_new_privileges: true, ..Attributes::default() }))
}

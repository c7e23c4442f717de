//! Whose rights workers have, and what those do not let them reach.
//!
//! An engine that root has started does not let strangers talk to root: its workers are somebody
//! else. What they serve is theirs to read, what they write and what identifies them is opened here
//! and handed over.

use std::path::Path;
use std::{fs, io};

use crate::config::model::Config;
use crate::config::model::route::Action;
use crate::sys::file;
use crate::sys::user::{self, Identity};

#[derive(Debug, thiserror::Error)]
#[error("run workers as {0}: no such user")]
pub(super) struct NoUser(String);

/// Whose rights workers are to have.
#[derive(Default)]
pub(super) struct Rights {
    /// `None`: this process's.
    pub(super) identity: Option<Identity>,
    /// Why they are not what was asked for.
    pub(super) remark: Option<String>,
}

pub(super) fn of_workers(config: &Config) -> Result<Rights, NoUser> {
    let asked = config.engine.user.as_deref();
    if user::own_uid() != 0 {
        let other = asked.filter(|name| !is_own(name));
        let remark = other.map(|name| format!("only root can run workers as {name}"));
        return Ok(Rights { identity: None, remark });
    }
    if let Some(name) = asked {
        let identity = user::identity(name).ok_or_else(|| NoUser(name.to_owned()))?;
        let identity = Some(identity).filter(|identity| identity.uid != 0);
        return Ok(Rights { identity, remark: None });
    }
    let nobody = Identity::nobody();
    match user::as_user(&nobody, || ()) {
        Ok(()) => Ok(Rights { identity: Some(nobody), remark: None }),
        Err(error) => {
            let remark =
                format!("workers run as root, for they can not be {}: {error}", nobody.name);
            Ok(Rights { identity: None, remark: Some(remark) })
        }
    }
}

fn is_own(name: &str) -> bool {
    user::identity(name).is_some_and(|identity| identity.uid == user::own_uid())
}

/// What is served, or kept, where workers can not get at it: a line each. Nothing where workers have
/// the rights of whoever asks.
pub(crate) fn out_of_reach(config: &Config) -> Vec<String> {
    let identity = of_workers(config).unwrap_or_default().identity;
    let Some(identity) = identity else { return Vec::new() };
    let look = || {
        let folder = config.engine.temp_folder.clone().unwrap_or_else(std::env::temp_dir);
        let kept = Some(folder).filter(|folder| !file::is_writable(folder));
        let kept = kept.map(|folder| format!("keep request bodies in {}", folder.display()));
        let roots = config.servers.iter().flat_map(|server| &server.routes);
        let mut roots: Vec<&str> = roots.filter_map(|route| root_of(&route.action)).collect();
        roots.sort_unstable();
        roots.dedup();
        let served = roots.into_iter().filter(|root| !is_served(Path::new(root)));
        let served = served.map(|root| format!("read {root}, and answer 403 for what is in it"));
        kept.into_iter().chain(served).collect()
    };
    let found: Vec<String> = user::as_user(&identity, look).unwrap_or_default();
    let name = &identity.name;
    found.into_iter().map(|what| format!("workers run as {name}, who can not {what}")).collect()
}

fn root_of(action: &Action) -> Option<&str> {
    match action {
        Action::Files(files) if files.root.is_empty() => Some("/"),
        Action::Files(files) => Some(&files.root),
        Action::Proxy { .. } | Action::Respond(_) | Action::Redirect(_) => None,
    }
}

/// What is not there is no matter of rights.
fn is_served(root: &Path) -> bool {
    match fs::metadata(root) {
        Err(error) => error.kind() != io::ErrorKind::PermissionDenied,
        Ok(_) => file::is_accessible(root),
    }
}

//! Where an operator keeps what is theirs: settings and themes, and what this console remembers.

use std::path::PathBuf;

/// In the folder for configurations: `XDG_CONFIG_HOME`, else `.config` at home.
pub(crate) fn settings(variable: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    folder(variable, "XDG_CONFIG_HOME", ".config")
}

/// In the folder for what programs remember: `XDG_STATE_HOME`, else `.local/state` at home.
pub(crate) fn state(variable: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    folder(variable, "XDG_STATE_HOME", ".local/state")
}

fn folder(variable: impl Fn(&str) -> Option<String>, name: &str, at_home: &str) -> Option<PathBuf> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let all = set(name).or_else(|| set("HOME").map(|home| home.join(at_home)))?;
    Some(all.join("pilothouse"))
}

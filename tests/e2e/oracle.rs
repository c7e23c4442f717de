//! Programs of other people, used as clients: what the product is run with in earnest.
//!
//! A test whose program is missing says so and passes, except where `PILOTHOUSE_ORACLES_REQUIRED`
//! is set: the gate installs them all.

#![expect(clippy::print_stdout, reason = "a skipped test says why")]

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;

/// Where the program is; `None` when the test is to be skipped.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    find_in(program, &std::env::var_os("PATH").unwrap_or_default())
}

/// The same of one of Supervisor's, which the gate installs in a folder of their own.
pub(crate) fn supervisor(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PILOTHOUSE_SUPERVISOR").or_else(|| std::env::var_os("PATH"));
    // What else there is of it stands beside its client: a Python elsewhere lacks its library.
    let client = find_in("supervisorctl", &path.unwrap_or_default())?;
    find_in(program, client.parent()?.as_os_str())
}

/// sslyze, which the gate installs in a folder of its own: the one that is named, else where the gate
/// last put it.
pub(crate) fn sslyze() -> Option<PathBuf> {
    let named = std::env::var_os("PILOTHOUSE_SSLYZE");
    let kept = || {
        let home = std::env::var_os("HOME").map(PathBuf::from)?;
        let kept = home.join(".cache/pilothouse-tests/sslyze-6.3.1/bin");
        kept.is_dir().then(|| kept.into_os_string())
    };
    let path = named.or_else(kept).or_else(|| std::env::var_os("PATH"));
    find_in("sslyze", &path.unwrap_or_default())
}

/// schemathesis, which the gate installs in a folder of its own: the one that is named, else where the
/// gate last put it.
pub(crate) fn schemathesis() -> Option<PathBuf> {
    let named = std::env::var_os("PILOTHOUSE_SCHEMATHESIS");
    let kept = || {
        let home = std::env::var_os("HOME").map(PathBuf::from)?;
        let kept = home.join(".cache/pilothouse-tests/schemathesis-4.32.5/bin");
        kept.is_dir().then(|| kept.into_os_string())
    };
    let path = named.or_else(kept).or_else(|| std::env::var_os("PATH"));
    find_in("schemathesis", &path.unwrap_or_default())
}

/// The line that loads a part of nginx, where it is one of its own; `None` when the test is to be
/// skipped.
pub(crate) fn nginx_module(name: &str) -> Option<String> {
    let told = Command::new(find("nginx")?).arg("-V").output().expect("nginx runs");
    let built_in = format!("--with-{name} ");
    if String::from_utf8_lossy(&told.stderr).contains(&built_in) {
        return Some(String::new());
    }
    let file = PathBuf::from(format!("/usr/lib/nginx/modules/ngx_{name}_module.so"));
    if file.is_file() {
        return Some(format!("load_module {};\n", file.display()));
    }
    skip(&format!("nginx's module `{name}`"));
    None
}

fn skip(what: &str) {
    let reason = format!("skipped: {what} is not installed");
    assert!(std::env::var_os("PILOTHOUSE_ORACLES_REQUIRED").is_none(), "{reason}");
    println!("{reason}");
}

fn find_in(program: &str, path: &OsStr) -> Option<PathBuf> {
    let found =
        std::env::split_paths(path).map(|folder| folder.join(program)).find(|file| file.is_file());
    if found.is_none() {
        skip(program);
    }
    found
}

//! Other programs' configurations: what both programs make of the same file is compared.

mod files;
mod kept_words;
mod mirrors;
mod multiplexed;
mod names;
mod nginx;
mod passing;
mod rewrites;
mod run;
mod sockets;
mod stead;
mod streams;
mod supervisor;
mod twins;
mod values;

use std::path::Path;
use std::process::{Command, Output};

use crate::engine::BINARY;

/// `pilothouse import WHOSE` of a file.
fn import(whose: &str, arguments: &[&str], file: &Path) -> Output {
    let mut command = Command::new(BINARY);
    command.args(["import", whose]).args(arguments).arg(file);
    command.output().expect("the built binary runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

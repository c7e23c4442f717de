//! What belongs to the binary and not to an engine: shells' completions and the manual pages. Both
//! are made from the words of `arguments`, so neither can tell of a verb that is not there.

use std::process::ExitCode;

use clap::CommandFactory as _;

use super::arguments::{Arguments, Paper};
use super::failure::Failure;
use super::import;
use super::out::Out;

pub(crate) fn write(out: Out, paper: Paper) -> Result<ExitCode, Failure> {
    let mut words = Arguments::command();
    match paper {
        Paper::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut words, "pilothouse", &mut script);
            out.text(&String::from_utf8_lossy(&script))?;
        }
        Paper::Import(verb) => return import::run(out, &verb),
        Paper::Man { folder } => {
            clap_mangen::generate_to(words, &folder).map_err(|error| {
                Failure::Failed(format!("write the manual to {}: {error}", folder.display()))
            })?;
            out.line(&format!(
                "the pages are in {}; read one: man -l pilothouse.1",
                folder.display()
            ))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

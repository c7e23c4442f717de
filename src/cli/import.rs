//! `pilothouse import`: another program's configuration as one of ours, on standard output.
//!
//! Remarks go to standard error with the file and line that they are about, so that the output can
//! be led into a file as it is.

use std::process::ExitCode;

use super::arguments::Import;
use super::failure::Failure;
use super::out::{self, Out};
use super::place::Place;
use crate::config::source::Source;
use crate::{config, import};

pub(crate) fn run(out: Out, verb: &Import) -> Result<ExitCode, Failure> {
    let (what, translation) = match verb {
        Import::Supervisor(what) => (what, import::supervisor::translate(&what.file)),
        Import::Nginx { what, prefix } => {
            (what, import::nginx::translate(&what.file, prefix.as_deref()))
        }
    };
    let translation = translation.map_err(|mistakes| Failure::Failed(mistakes.to_string()))?;
    for warning in &translation.warnings {
        out::complain(&format!("{}: warning: {}", warning.place, warning.text));
    }
    out.text(&translation.toml)?;
    // What only shows once all is there, such as a name that is used twice.
    config::parse(&translation.toml, "translated")
        .map_err(|errors| Failure::Failed(errors.to_string().trim_end().to_owned()))?;
    let is_refused = what.strict && !translation.warnings.is_empty();
    Ok(if is_refused { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Says what in the files of other programs has no equal, for whoever runs them as they are. What is
/// wrong with them is said where they are loaded.
pub(crate) fn remark(place: &Place) {
    let Source::Foreign(foreign) = &place.source else { return };
    let Ok(translation) = import::files(&foreign.files) else { return };
    for warning in &translation.warnings {
        out::complain(&format!("{}: warning: {}", warning.place, warning.text));
    }
}

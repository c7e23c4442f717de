//! Other programs' configurations, said in ours.
//!
//! Text in, text out: the TOML names the file and line that each part comes from, and what has no
//! equal here becomes a warning with its place, never silence. What the other program would refuse
//! is an error. Nothing is started and nothing written; only `files` reads.

pub(crate) mod nginx;
pub(crate) mod supervisor;

mod both;
mod files;
mod page;

use std::fmt;
use std::path::Path;
use std::rc::Rc;

use crate::config::source::Files;

/// A configuration of ours, and what it could not say.
#[derive(Debug)]
pub(crate) struct Translation {
    pub(crate) toml: String,
    pub(crate) warnings: Vec<Remark>,
}

/// Something about a line of the file that is translated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Remark {
    pub(crate) place: Place,
    pub(crate) text: String,
}

/// Where something is written; line 0 is the file as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: Rc<Path>,
    pub(crate) line: usize,
}

/// Everything that is wrong with the files, in their order.
#[derive(Debug, thiserror::Error)]
#[error("{}", lines(.0))]
pub(crate) struct Mistakes(pub(crate) Vec<Remark>);

impl Place {
    fn remark(&self, text: impl Into<String>) -> Remark {
        Remark { place: self.clone(), text: text.into() }
    }

    /// The file's own name and the line, for a comment.
    fn short(&self) -> String {
        let name = self.file.file_name().unwrap_or(self.file.as_os_str());
        format!("{}:{}", name.to_string_lossy(), self.line)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(out, "{}", self.file.display()),
            line => write!(out, "{}:{line}", self.file.display()),
        }
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.place, self.text)
    }
}

/// Files of other programs, or of both, as one configuration.
pub(crate) fn files(files: &Files) -> Result<Translation, Mistakes> {
    let nginx = files.nginx.as_deref().map(|path| match &files.stead {
        None => nginx::translate(path, None),
        Some(stead) => nginx::stead::translate(path, stead),
    });
    let nginx = nginx.transpose()?;
    let supervisor = files.supervisor.as_deref().map(supervisor::translate).transpose()?;
    Ok(match (nginx, supervisor) {
        (Some(one), Some(other)) => both::join(one, other),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => Translation { toml: String::new(), warnings: Vec::new() },
    })
}

/// The same as a text alone; see `config::source::Translate`.
pub(crate) fn text(of: &Files) -> Result<String, String> {
    files(of).map(|translation| translation.toml).map_err(|mistakes| mistakes.to_string())
}

/// By file and line.
fn sort(remarks: &mut [Remark]) {
    remarks.sort_by(|one, other| {
        let place = |remark: &Remark| (Rc::clone(&remark.place.file), remark.place.line);
        place(one).cmp(&place(other))
    });
}

fn lines(remarks: &[Remark]) -> String {
    let lines: Vec<String> = remarks.iter().map(Remark::to_string).collect();
    lines.join("\n")
}

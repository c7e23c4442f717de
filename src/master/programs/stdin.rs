//! What is written to the standard input of programs that have one open.
//!
//! Never waits: a pipe takes what it has room for, and what it has not is the caller's to hear of.
//! Holds nothing back for later.

use std::io;

use super::Programs;
use super::desk::Desk;
use super::instance::Instance;
use crate::config::limits::PROGRAM_STDIN_BYTES_MAX;
use crate::control::call::{ProgramTarget, ProgramVerb};
use crate::control::wire::Answer;
use crate::supervise::state::Shown;
use crate::sys;

/// Why not all of it was taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StdinError {
    /// No such program, or no such instance of it.
    #[error("{}", .0.message)]
    Unknown(Answer),
    #[error("{0} does not run")]
    NotRunning(String),
    #[error("{0} has no open standard input: it needs `stdin = \"open\"`")]
    NotOpen(String),
    /// It has closed its end.
    #[error("{0} has closed its standard input")]
    Closed(String),
    #[error("{id} took {taken} of {length} bytes, its standard input is full")]
    Full { id: String, taken: usize, length: usize },
    #[error("{0} bytes at once are more than {PROGRAM_STDIN_BYTES_MAX}")]
    TooLong(usize),
    #[error("write to {0}: {1}")]
    Io(String, io::Error),
}

impl Programs {
    /// Writes it to each instance that the target means, to one after another; the first that does
    /// not take all of it ends it.
    pub(super) fn write_stdin(
        &self,
        target: &ProgramTarget,
        bytes: &[u8],
    ) -> Result<String, StdinError> {
        if bytes.len() > PROGRAM_STDIN_BYTES_MAX {
            return Err(StdinError::TooLong(bytes.len()));
        }
        let ids = self.resolve(target).map_err(StdinError::Unknown)?;
        let instances = ids.iter().filter_map(|id| self.instances.get(id));
        let mut written = Vec::new();
        for instance in instances {
            instance.write_stdin(bytes)?;
            written.push(format!("{} bytes to {}", bytes.len(), instance.id));
        }
        Ok(written.join(", "))
    }
}

impl Programs {
    /// The same for who has answers of their own; writes its own line to the audit trail.
    pub(crate) fn input(
        &mut self,
        target: &ProgramTarget,
        bytes: &[u8],
        by: &str,
    ) -> Result<(), StdinError> {
        let written = self.write_stdin(target, bytes);
        let answer = match &written {
            Ok(written) => Answer::changed(written.clone()),
            Err(error) => Answer::refused(error.to_string()),
        };
        self.note_done(target, ProgramVerb::Input { bytes: bytes.to_vec() }, by, &answer);
        written.map(drop)
    }
}

impl Instance {
    pub(super) fn is_listening(&self) -> bool {
        let has_input = self.process.as_ref().is_some_and(|process| process.stdin.is_some());
        has_input && matches!(self.shown(), Shown::Starting | Shown::Running)
    }

    fn write_stdin(&self, bytes: &[u8]) -> Result<(), StdinError> {
        let id = self.id.to_string();
        let Some(process) = &self.process else { return Err(StdinError::NotRunning(id)) };
        if !matches!(self.shown(), Shown::Starting | Shown::Running) {
            return Err(StdinError::NotRunning(id));
        }
        let Some(stdin) = &process.stdin else { return Err(StdinError::NotOpen(id)) };
        let length = bytes.len();
        let mut taken = 0;
        // Ends: each turn takes something, or returns.
        while taken < length {
            match sys::pipe::write(stdin, &bytes[taken..]) {
                Ok(count) => taken += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Err(StdinError::Full { id, taken, length });
                }
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                    return Err(StdinError::Closed(id));
                }
                Err(error) => return Err(StdinError::Io(id, error)),
            }
        }
        Ok(())
    }

    /// The keeper holds the end that is written to as well: a program whose input ended with a
    /// master's death would take it for the end of its work.
    pub(super) fn hold_stdin(&self, desk: &mut Desk) {
        if let Some(stdin) = self.process.as_ref().and_then(|process| process.stdin.as_ref()) {
            desk.keep(key(self), std::slice::from_ref(stdin));
        }
    }

    pub(super) fn release_stdin(&self, desk: &mut Desk) {
        desk.let_go(key(self));
    }
}

/// What the keeper holds it under.
pub(super) fn key(instance: &Instance) -> String {
    format!("stdin/{}/{}", instance.id, instance.state.life)
}

//! One line of standard error that is written over while something takes its time; nothing where that
//! is no terminal.

use std::io::{self, IsTerminal as _, Write as _};

#[derive(Default)]
pub(super) struct Ticker {
    shown: String,
}

impl Ticker {
    /// Whether anybody would see it.
    pub(super) fn is_seen() -> bool {
        let is_dumb = std::env::var_os("TERM").is_some_and(|name| name == "dumb");
        io::stderr().is_terminal() && !is_dumb
    }

    pub(super) fn show(&mut self, line: &str) {
        if line == self.shown || !Self::is_seen() {
            return;
        }
        line.clone_into(&mut self.shown);
        // Where it cannot be written, nobody looks.
        let _nobody_looks = write!(io::stderr(), "\r\u{1b}[K{line}");
    }

    pub(super) fn clear(&self) {
        if !self.shown.is_empty() {
            let _nobody_looks = write!(io::stderr(), "\r\u{1b}[K");
        }
    }
}

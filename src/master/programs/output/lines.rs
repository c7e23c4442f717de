//! Bytes into lines. A line longer than the bound is cut there, so that a program that never ends
//! one costs bounded memory; each part that is not the last says that it goes on.

use crate::config::limits::PROGRAM_LINE_BYTES_MAX;

/// What follows a part of a line.
pub(in crate::master::programs) const GOES_ON: &str = " [the line goes on]";

#[derive(Default)]
pub(in crate::master::programs) struct Lines {
    /// The line that has no end yet.
    begun: Vec<u8>,
}

impl Lines {
    pub(in crate::master::programs) fn take(&mut self, bytes: &[u8], mut line: impl FnMut(String)) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let whole = piece.strip_suffix(b"\n");
            let mut rest = whole.unwrap_or(piece);
            while self.begun.len() + rest.len() > PROGRAM_LINE_BYTES_MAX {
                let (fits, beyond) = rest.split_at(PROGRAM_LINE_BYTES_MAX - self.begun.len());
                self.begun.extend_from_slice(fits);
                line(text(&self.begun) + GOES_ON);
                self.begun.clear();
                rest = beyond;
            }
            match whole {
                Some(_) if self.begun.is_empty() => line(text(rest)),
                Some(_) => {
                    self.begun.extend_from_slice(rest);
                    line(text(&self.begun));
                    self.begun.clear();
                }
                None => self.begun.extend_from_slice(rest),
            }
        }
    }

    pub(super) fn leave(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.begun)
    }

    pub(super) fn take_up(&mut self, begun: &[u8]) {
        self.begun.extend_from_slice(begun);
    }

    pub(in crate::master::programs) fn end(&mut self) -> Option<String> {
        let begun = std::mem::take(&mut self.begun);
        (!begun.is_empty()).then(|| text(&begun))
    }
}

fn text(bytes: &[u8]) -> String {
    let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    String::from_utf8_lossy(bytes).into_owned()
}

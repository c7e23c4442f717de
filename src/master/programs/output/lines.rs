//! Bytes into lines. A line longer than the bound is cut there, so that a program that never ends
//! one costs bounded memory.

use crate::config::limits::PROGRAM_LINE_BYTES_MAX;

#[derive(Default)]
pub(in crate::master::programs) struct Lines {
    /// The line that has no end yet.
    begun: Vec<u8>,
}

impl Lines {
    pub(in crate::master::programs) fn take(&mut self, bytes: &[u8], mut line: impl FnMut(String)) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let mut rest = piece;
            while self.begun.len() + rest.len() > PROGRAM_LINE_BYTES_MAX {
                let (fits, beyond) = rest.split_at(PROGRAM_LINE_BYTES_MAX - self.begun.len());
                self.begun.extend_from_slice(fits);
                line(text(&self.begun));
                self.begun.clear();
                rest = beyond;
            }
            match rest.strip_suffix(b"\n") {
                Some(whole) if self.begun.is_empty() => line(text(whole)),
                Some(end) => {
                    self.begun.extend_from_slice(end);
                    line(text(&self.begun));
                    self.begun.clear();
                }
                None => self.begun.extend_from_slice(rest),
            }
        }
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

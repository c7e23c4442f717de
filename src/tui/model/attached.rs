//! Speaking to a program: what is typed, line by line, goes to its standard input.

use tui_input::Input;

use super::key::Key;

/// Lines that Up brings back.
const EARLIER_MAX: usize = 50;

#[derive(Clone, Debug)]
pub(crate) struct Attached {
    pub(crate) key: Key,
    /// The life that is spoken to; the next one has not heard what was said before.
    pub(crate) incarnation: u32,
    pub(crate) input: Input,
    /// What was sent, oldest first.
    earlier: Vec<String>,
    /// How many lines back the one in the input is from; zero: a new one.
    back: usize,
}

impl Attached {
    pub(crate) fn new(key: Key, incarnation: u32) -> Self {
        Self { key, incarnation, input: Input::default(), earlier: Vec::new(), back: 0 }
    }

    /// The line that was typed; the input is empty after it.
    pub(crate) fn take(&mut self) -> String {
        let line = self.input.value().to_owned();
        self.input.reset();
        self.back = 0;
        if !line.is_empty() && self.earlier.last() != Some(&line) {
            self.earlier.push(line.clone());
            let surplus = self.earlier.len().saturating_sub(EARLIER_MAX);
            self.earlier.drain(..surplus);
        }
        line
    }

    /// To a line that was sent before (negative: towards the newest).
    pub(crate) fn recall(&mut self, by: isize) {
        self.back = self.back.saturating_add_signed(by).min(self.earlier.len());
        let at = self.earlier.len() - self.back;
        let line = self.earlier.get(at).cloned().unwrap_or_default();
        self.input = Input::new(line);
    }
}

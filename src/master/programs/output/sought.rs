//! Lines that somebody waits for.

use regex::bytes::Regex;
use tokio::sync::oneshot;

use crate::control::wire::{LogLine, Stream};

#[derive(Default)]
pub(super) struct Sought {
    expressions: Vec<(Regex, oneshot::Sender<()>)>,
}

impl Sought {
    /// Tells once, of the next line that matches.
    pub(super) fn add(&mut self, expression: Regex) -> oneshot::Receiver<()> {
        let (found, is_found) = oneshot::channel();
        self.expressions.retain(|(_, found)| !found.is_closed());
        self.expressions.push((expression, found));
        is_found
    }

    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.expressions.len()
    }

    pub(super) fn has_any(&self) -> bool {
        !self.expressions.is_empty()
    }

    pub(super) fn look_at(&mut self, line: &LogLine) {
        if self.expressions.is_empty() || line.stream == Stream::Mark {
            return;
        }
        // Nobody pays for what nobody waits for any more.
        self.expressions.retain(|(_, found)| !found.is_closed());
        let matches = |(expression, _): &mut (Regex, oneshot::Sender<()>)| {
            expression.is_match(line.text.as_bytes())
        };
        for (_, found) in self.expressions.extract_if(.., matches) {
            // Nobody may wait for it any more.
            let _unheard = found.send(());
        }
    }
}

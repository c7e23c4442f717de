//! Standard output and standard error of the command line: text with a tone, coloured when asked.
//!
//! A closed standard output ends the verb quietly (`Failure::OutputClosed`), as in any pipe.

use std::io::{self, IsTerminal as _, Write as _};

use super::arguments::When;
use super::failure::Failure;

/// What a piece of text says about the thing it names; the terminal's own palette shows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tone {
    #[default]
    Plain,
    Strong,
    Quiet,
    Good,
    Warn,
    Bad,
    Cyan,
    Blue,
    Violet,
}

impl Tone {
    fn sgr(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Strong => "1",
            Self::Quiet => "2",
            Self::Good => "32",
            Self::Warn => "33",
            Self::Bad => "31",
            Self::Cyan => "36",
            Self::Blue => "34",
            Self::Violet => "35",
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Out {
    is_coloured: bool,
}

impl Out {
    pub(crate) fn new(when: When) -> Self {
        let word = |name: &str| {
            std::env::var(name).map_or_else(|_| String::new(), |value| value.trim().to_owned())
        };
        let is_coloured = match when {
            When::Always => true,
            When::Never => false,
            When::Auto => is_wanted(word, io::stdout().is_terminal()),
        };
        Self { is_coloured }
    }

    pub(crate) fn is_coloured(self) -> bool {
        self.is_coloured
    }

    pub(crate) fn paint(self, tone: Tone, text: &str) -> String {
        if !self.is_coloured || tone == Tone::Plain || text.is_empty() {
            return text.to_owned();
        }
        format!("\u{1b}[{}m{text}\u{1b}[0m", tone.sgr())
    }

    /// Writes a line at once: whoever follows a stream sees it when it happens.
    pub(crate) fn line(self, text: &str) -> Result<(), Failure> {
        self.text(&format!("{text}\n"))
    }

    /// Writes a text that brings its own line feeds.
    #[expect(clippy::unused_self, reason = "who may print is who was given an `Out`")]
    pub(crate) fn text(self, text: &str) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(text.as_bytes())?;
        stdout.flush()?;
        Ok(())
    }
}

/// By the variables that programs have agreed on (no-color.org, bixense.com/clicolors), as for the
/// help, which is not ours to paint.
fn is_wanted(variable: impl Fn(&str) -> String, is_terminal: bool) -> bool {
    let is_set = |name: &str| !variable(name).is_empty();
    if is_set("NO_COLOR") {
        return false;
    }
    if is_set("CLICOLOR_FORCE") && variable("CLICOLOR_FORCE") != "0" {
        return true;
    }
    is_terminal && variable("CLICOLOR") != "0" && variable("TERM") != "dumb"
}

/// A line on standard error. That it cannot be written is not an error: nowhere is left to say so.
pub(crate) fn complain(text: &str) {
    let _nowhere_left_to_say_so = io::stderr().write_all(format!("{text}\n").as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_as_the_environment_wants_them() {
        for (set, at_terminal, in_pipe) in [
            (&[][..], true, false),
            (&[("NO_COLOR", "1")], false, false),
            (&[("NO_COLOR", "")], true, false),
            (&[("CLICOLOR", "0")], false, false),
            (&[("CLICOLOR", "1")], true, false),
            (&[("CLICOLOR_FORCE", "1")], true, true),
            (&[("CLICOLOR_FORCE", "0")], true, false),
            (&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false, false),
            (&[("CLICOLOR_FORCE", "1"), ("CLICOLOR", "0")], true, true),
            (&[("TERM", "dumb")], false, false),
        ] {
            let variable = |name: &str| {
                let found = set.iter().find(|(known, _)| *known == name);
                found.map_or_else(String::new, |(_, value)| (*value).to_owned())
            };
            let wanted = [true, false].map(|is_terminal| is_wanted(variable, is_terminal));
            assert_eq!(wanted, [at_terminal, in_pipe], "{set:?}");
        }
    }
}

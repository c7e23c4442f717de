//! The options of nginx's own command line, taken apart as `ngx_get_options` does: letters may share a
//! word, and what a letter wants is the rest of its word or the next one.

/// What is asked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    pub(super) shows: Shows,
    /// `-t`
    pub(super) tests: bool,
    /// `-T`
    pub(super) dumps: bool,
    /// `-q`
    pub(super) is_quiet: bool,
    /// `-p`
    pub(super) prefix: Option<String>,
    /// `-c`
    pub(super) conf: Option<String>,
    /// `-e`
    pub(super) error_log: Option<String>,
    /// `-g`
    pub(super) globals: String,
    /// `-s`
    pub(super) signal: Option<Signal>,
}

/// What is said of the binary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shows {
    #[default]
    Nothing,
    /// `-v`
    Version,
    /// `-V`
    Build,
    /// `-?`, `-h`
    Help,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    Stop,
    Quit,
    Reopen,
    Reload,
}

impl Options {
    /// The error is nginx's own word for it.
    pub(super) fn parse(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self::default();
        let mut words = words;
        while let Some(word) = words.next() {
            let Some(letters) = word.strip_prefix('-') else {
                return Err(format!("invalid option: \"{word}\""));
            };
            let mut rest = letters;
            while let Some(letter) = rest.chars().next() {
                rest = &rest[letter.len_utf8()..];
                if let Some(wanted) = wanted(letter) {
                    let own = (!rest.is_empty()).then(|| rest.to_owned());
                    let value = own.or_else(|| words.next());
                    let value = value.filter(|value| !value.is_empty() || letter == 'g');
                    let value =
                        value.ok_or_else(|| format!("option \"-{letter}\" requires {wanted}"))?;
                    options.take(letter, value)?;
                    break;
                }
                options.flag(letter)?;
            }
        }
        Ok(options)
    }

    fn take(&mut self, letter: char, value: String) -> Result<(), String> {
        match letter {
            'p' => self.prefix = Some(value),
            'c' => self.conf = Some(value),
            'e' => self.error_log = Some(value),
            'g' => self.globals = value,
            _ => self.signal = Some(Signal::parse(&value)?),
        }
        Ok(())
    }

    fn flag(&mut self, letter: char) -> Result<(), String> {
        match letter {
            '?' | 'h' => self.shows = Shows::Help,
            'v' => self.shows = self.shows.max(Shows::Version),
            'V' => self.shows = self.shows.max(Shows::Build),
            't' => self.tests = true,
            'T' => (self.tests, self.dumps) = (true, true),
            'q' => self.is_quiet = true,
            _ => return Err(format!("invalid option: \"{letter}\"")),
        }
        Ok(())
    }
}

/// What a letter wants beside it.
fn wanted(letter: char) -> Option<&'static str> {
    match letter {
        'p' => Some("directory name"),
        'c' | 'e' => Some("file name"),
        'g' | 's' => Some("parameter"),
        _ => None,
    }
}

impl Signal {
    fn parse(word: &str) -> Result<Self, String> {
        match word {
            "stop" => Ok(Self::Stop),
            "quit" => Ok(Self::Quit),
            "reopen" => Ok(Self::Reopen),
            "reload" => Ok(Self::Reload),
            _ => Err(format!("invalid option: \"-s {word}\"")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn letters_share_a_word_and_take_the_rest_of_it() {
        let options = parse("-tq -c/etc/n.conf -p /srv -g daemon").unwrap();
        assert!(options.tests && options.is_quiet && !options.dumps);
        assert_eq!(options.conf.as_deref(), Some("/etc/n.conf"));
        assert_eq!(options.prefix.as_deref(), Some("/srv"));
        assert_eq!(options.globals, "daemon");
        assert!(parse("-qTc x").unwrap().dumps);
        assert_eq!(parse("-sreload").unwrap().signal, Some(Signal::Reload));
        assert_eq!(parse("-vV").unwrap().shows, Shows::Build);
    }

    #[test]
    fn what_is_none_is_said_as_there() {
        for (line, expected) in [
            ("-x", "invalid option: \"x\""),
            ("file", "invalid option: \"file\""),
            ("-c", "option \"-c\" requires file name"),
            ("-p", "option \"-p\" requires directory name"),
            ("-s", "option \"-s\" requires parameter"),
            ("-s restart", "invalid option: \"-s restart\""),
        ] {
            assert_eq!(parse(line).unwrap_err(), expected, "{line}");
        }
    }
}

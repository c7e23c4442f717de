//! What the terminal is told beside the picture: the title of its window, an alarm, what goes to its
//! clipboard.
//!
//! A multiplexer between the two keeps such words to itself unless they are wrapped for it. All of it
//! is one way: a terminal that does not know a word ignores it, and none is ever asked.

use crossterm::clipboard::CopyToClipboard;
use crossterm::queue;

use crate::control::text;

/// What an operator who looks elsewhere gets to notice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Alarm {
    #[default]
    None,
    Bell,
    /// A notification of the desktop: iTerm2, kitty, WezTerm, Ghostty.
    Osc9,
    /// The same in the words of urxvt, foot, VTE, WezTerm, Ghostty.
    Osc777,
}

impl Alarm {
    pub(crate) const NAMES: &str = "none, bell, osc9, osc777";

    /// As the command line calls it.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "none" => Some(Self::None),
            "bell" => Some(Self::Bell),
            "osc9" => Some(Self::Osc9),
            "osc777" => Some(Self::Osc777),
            _ => None,
        }
    }
}

/// What stands between this console and the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Between {
    Nothing,
    Tmux,
    Screen,
}

/// Longer in base64 and most terminals drop it whole.
const CLIPBOARD_MAX: usize = 74_994;
/// GNU screen drops a longer piece.
const SCREEN_PIECE_MAX: usize = 700;

pub(crate) struct Aside {
    between: Between,
    has_title: bool,
    title: String,
    alarm: Alarm,
}

impl Aside {
    pub(crate) fn new(alarm: Alarm, variable: impl Fn(&str) -> Option<String>) -> Self {
        let term = variable("TERM").unwrap_or_default();
        let is_set = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
        let between = if is_set("TMUX") {
            Between::Tmux
        } else if is_set("STY") {
            Between::Screen
        } else {
            Between::Nothing
        };
        let has_title = !matches!(term.as_str(), "" | "dumb" | "linux");
        Self { between, has_title, title: String::new(), alarm }
    }

    /// What sets the window's title; none while it is that already.
    pub(crate) fn title(&mut self, title: String) -> Option<Vec<u8>> {
        if !self.has_title || self.title == title {
            return None;
        }
        let bytes = format!("\x1b]2;{}\x07", text::plain(&title)).into_bytes();
        self.title = title;
        Some(bytes)
    }

    /// The shell has had the window: the title is told anew.
    pub(crate) fn forget_title(&mut self) {
        self.title.clear();
    }

    pub(crate) fn alarm(&self, words: &str) -> Option<Vec<u8>> {
        // A semicolon parts the fields of these.
        let words = text::plain(words).replace(';', ",");
        match self.alarm {
            Alarm::None => None,
            Alarm::Bell => Some(vec![0x07]),
            Alarm::Osc9 => Some(self.wrapped(format!("\x1b]9;pilothouse: {words}\x07").as_bytes())),
            Alarm::Osc777 => {
                let told = format!("\x1b]777;notify;pilothouse;{words}\x07");
                Some(self.wrapped(told.as_bytes()))
            }
        }
    }

    /// What puts `text` into the clipboard, also that of a machine far away; none when it is too long.
    pub(crate) fn clipboard(&self, text: &str) -> Option<Vec<u8>> {
        if text.len().div_ceil(3) * 4 > CLIPBOARD_MAX {
            return None;
        }
        let mut bytes = Vec::new();
        queue!(bytes, CopyToClipboard::to_clipboard_from(text)).ok()?;
        match self.between {
            Between::Nothing => Some(bytes),
            // It takes the plain words for its own buffer and, when set to, for the terminal.
            Between::Tmux => Some([bytes.clone(), self.wrapped(&bytes)].concat()),
            Between::Screen => Some(self.wrapped(&bytes)),
        }
    }

    /// How the clipboard was reached, and what may keep it from arriving.
    pub(crate) fn way(&self) -> &'static str {
        match self.between {
            Between::Nothing => "by OSC 52",
            Between::Tmux => {
                "by OSC 52 through tmux, if its set-clipboard or allow-passthrough is on"
            }
            Between::Screen => "by OSC 52 through screen",
        }
    }

    fn wrapped(&self, bytes: &[u8]) -> Vec<u8> {
        match self.between {
            Between::Nothing => bytes.to_vec(),
            Between::Tmux => {
                let mut wrapped = b"\x1bPtmux;".to_vec();
                for byte in bytes {
                    // Escapes inside are doubled.
                    if *byte == 0x1b {
                        wrapped.push(0x1b);
                    }
                    wrapped.push(*byte);
                }
                wrapped.extend_from_slice(b"\x1b\\");
                wrapped
            }
            Between::Screen => {
                let piece = |piece: &[u8]| [b"\x1bP", piece, b"\x1b\\"].concat();
                // The end of the words inside must not look like the end of the wrapping.
                let bytes = bytes
                    .strip_suffix(b"\x1b\\")
                    .map_or_else(|| bytes.to_vec(), |words| [words, b"\x07"].concat());
                bytes.chunks(SCREEN_PIECE_MAX).flat_map(piece).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Alarm, Aside};

    fn aside(alarm: Alarm, set: &'static [(&str, &str)]) -> Aside {
        Aside::new(alarm, |name| {
            let value = set.iter().find(|(known, _)| *known == name);
            value.map(|(_, value)| (*value).to_owned())
        })
    }

    const XTERM: &[(&str, &str)] = &[("TERM", "xterm-256color")];
    const TMUX: &[(&str, &str)] = &[("TERM", "tmux-256color"), ("TMUX", "/tmp/tmux-0/default")];

    #[test]
    fn a_title_is_told_when_it_changes_and_never_commands() {
        let mut aside = aside(Alarm::None, XTERM);
        assert_eq!(aside.title("edge".to_owned()), Some(b"\x1b]2;edge\x07".to_vec()));
        assert_eq!(aside.title("edge".to_owned()), None);
        let told = aside.title("a\x07\x1b]0;b".to_owned()).unwrap();
        assert_eq!(told.iter().filter(|byte| **byte < 0x20).count(), 2, "{told:?}");
        let mut console = super::Aside::new(Alarm::None, |_| Some("linux".to_owned()));
        assert_eq!(console.title("edge".to_owned()), None);
    }

    #[test]
    fn an_alarm_is_what_was_asked_for() {
        let told = |alarm, set| {
            let bytes = aside(alarm, set).alarm("mailer:0 FATAL; exit 1");
            bytes.map(|bytes| String::from_utf8(bytes).unwrap())
        };
        assert_eq!(told(Alarm::None, XTERM), None);
        assert_eq!(told(Alarm::Bell, XTERM).unwrap(), "\x07");
        let words = "mailer:0 FATAL, exit 1";
        assert_eq!(told(Alarm::Osc9, XTERM).unwrap(), format!("\x1b]9;pilothouse: {words}\x07"));
        let tmux = told(Alarm::Osc777, TMUX).unwrap();
        let inner = format!("\x1b\x1b]777;notify;pilothouse;{words}\x07");
        assert_eq!(tmux, format!("\x1bPtmux;{inner}\x1b\\"));
    }

    #[test]
    fn the_clipboard_is_reached_or_the_text_is_too_long() {
        let plain = aside(Alarm::None, XTERM).clipboard("api/10.0.0.1:80").unwrap();
        assert_eq!(plain, b"\x1b]52;c;YXBpLzEwLjAuMC4xOjgw\x1b\\");
        let tmux = aside(Alarm::None, TMUX).clipboard("api/10.0.0.1:80").unwrap();
        assert!(
            tmux.starts_with(&plain) && tmux[plain.len()..].starts_with(b"\x1bPtmux;\x1b\x1b]52")
        );
        let screen = aside(Alarm::None, &[("TERM", "screen"), ("STY", "1.pts")]);
        let long = screen.clipboard(&"x".repeat(5_000)).unwrap();
        let pieces = long.windows(2).filter(|bytes| *bytes == b"\x1bP").count();
        assert_eq!(pieces, 10);
        assert_eq!(screen.clipboard(&"x".repeat(60_000)), None);
    }
}

//! Takes the escape sequences of terminals out of a text, wherever it is cut into pieces.
//!
//! A line end ends every sequence, so a broken one hides no more than its line.

const ESCAPE: u8 = 0x1b;
const BELL: u8 = 0x07;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Stripper {
    #[default]
    Text,
    /// After ESC.
    Begun,
    /// ESC and an intermediate byte: one more byte ends it.
    Short,
    /// ESC `[`: a letter or the like ends it.
    Control,
    /// ESC `]` and its like: BEL or ESC `\` ends it.
    Title,
    TitleEscape,
}

impl Stripper {
    pub(super) fn strip(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut kept = Vec::with_capacity(bytes.len());
        for byte in bytes {
            if *self == Self::Text && *byte != ESCAPE || *byte == b'\n' {
                kept.push(*byte);
                *self = Self::Text;
            } else {
                *self = self.after(*byte);
            }
        }
        kept
    }

    /// After a byte of a sequence, the first of which is ESC.
    fn after(self, byte: u8) -> Self {
        match self {
            Self::Begun => match byte {
                b'[' => Self::Control,
                b']' | b'P' | b'X' | b'^' | b'_' => Self::Title,
                0x20..=0x2f => Self::Short,
                ESCAPE => Self::Begun,
                _ => Self::Text,
            },
            Self::Short => match byte {
                0x20..=0x2f => Self::Short,
                ESCAPE => Self::Begun,
                _ => Self::Text,
            },
            Self::Control => match byte {
                0x40..=0x7e => Self::Text,
                ESCAPE => Self::Begun,
                _ => Self::Control,
            },
            Self::Title => match byte {
                BELL => Self::Text,
                ESCAPE => Self::TitleEscape,
                _ => Self::Title,
            },
            Self::TitleEscape if byte == b'\\' => Self::Text,
            Self::TitleEscape => Self::Title,
            Self::Text => Self::Begun,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Stripper;

    #[test]
    fn sequences_go_and_text_stays_wherever_it_is_cut() {
        for (text, expected) in [
            ("plain\n", "plain\n"),
            ("\x1b[31mred\x1b[0m\n", "red\n"),
            ("\x1b[1;38;5;200mx\x1b[K", "x"),
            ("\x1b]0;a title\x07after", "after"),
            ("\x1b]8;;http://a\x1b\\link\x1b]8;;\x1b\\", "link"),
            ("\x1b(Bx\x1b=y\x1b7z", "xyz"),
            ("\x1b[31\nnext", "\nnext"),
            ("\x1b]never ends\nnext", "\nnext"),
            ("\x1b\x1b[1mx", "x"),
            ("nul \0 stays", "nul \0 stays"),
        ] {
            for cut in 0..=text.len() {
                let mut stripper = Stripper::default();
                let mut stripped = stripper.strip(&text.as_bytes()[..cut]);
                stripped.extend(stripper.strip(&text.as_bytes()[cut..]));
                assert_eq!(String::from_utf8_lossy(&stripped), expected, "{text:?} cut at {cut}");
            }
        }
    }
}

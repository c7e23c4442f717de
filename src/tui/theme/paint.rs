//! A colour as a theme gives it: 24 bits, or one of the terminal's own.

/// A colour of 24 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rgb(pub(crate) u8, pub(crate) u8, pub(crate) u8);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    Rgb(Rgb),
    /// What it looks like is the terminal's choice.
    Terminal(Slot),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    /// Its own text or ground.
    Default,
    /// One of the sixteen, by its number.
    Numbered(u8),
}

/// By their numbers, and what most terminals show for them.
const SIXTEEN: [(&str, Rgb); 16] = [
    ("black", Rgb(0, 0, 0)),
    ("red", Rgb(205, 49, 49)),
    ("green", Rgb(13, 188, 121)),
    ("yellow", Rgb(229, 229, 16)),
    ("blue", Rgb(36, 114, 200)),
    ("magenta", Rgb(188, 63, 188)),
    ("cyan", Rgb(17, 168, 205)),
    ("white", Rgb(229, 229, 229)),
    ("bright-black", Rgb(118, 118, 118)),
    ("bright-red", Rgb(241, 76, 76)),
    ("bright-green", Rgb(35, 209, 139)),
    ("bright-yellow", Rgb(245, 245, 67)),
    ("bright-blue", Rgb(59, 142, 234)),
    ("bright-magenta", Rgb(214, 112, 214)),
    ("bright-cyan", Rgb(41, 184, 219)),
    ("bright-white", Rgb(255, 255, 255)),
];

impl Paint {
    /// `#rrggbb`, `default`, or a name such as `bright-blue`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text == "default" {
            return Some(Self::Terminal(Slot::Default));
        }
        match SIXTEEN.iter().position(|(name, _)| *name == text) {
            Some(at) => Some(Self::Terminal(Slot::Numbered(at as u8))),
            None => Rgb::parse(text).map(Self::Rgb),
        }
    }

    /// For pictures, in which there is no terminal to choose; `default` is its own.
    pub(super) fn rgb(self, default: Rgb) -> Rgb {
        match self {
            Self::Rgb(rgb) => rgb,
            Self::Terminal(Slot::Default) => default,
            Self::Terminal(Slot::Numbered(number)) => sixteen(number),
        }
    }
}

/// What most terminals show for one of their sixteen.
pub(super) fn sixteen(number: u8) -> Rgb {
    SIXTEEN[usize::from(number) % SIXTEEN.len()].1
}

impl Rgb {
    fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#')?;
        if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).ok();
        Some(Self(byte(0)?, byte(2)?, byte(4)?))
    }

    pub(crate) fn hex(self) -> String {
        format!("#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }

    /// Relative luminance as WCAG 2 defines it, 0 to 1.
    fn luminance(self) -> f64 {
        let linear = |value: u8| {
            let value = f64::from(value) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.0) + 0.7152 * linear(self.1) + 0.0722 * linear(self.2)
    }

    /// WCAG's contrast ratio, 1 to 21.
    pub(super) fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }
}

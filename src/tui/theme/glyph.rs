//! The few signs of our own, in three tiers: braille graphs, block graphs, plain ASCII.
//!
//! Only width-1 glyphs of the basic plane. Each state has its own sign, so that no state is told by
//! colour alone.

/// Which signs the terminal's font can be trusted with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum GlyphTier {
    Braille,
    #[default]
    Block,
    Ascii,
}

impl GlyphTier {
    pub(crate) const NAMES: &str = "braille, block, ascii";

    /// As the command line calls it.
    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Braille, Self::Block, Self::Ascii].into_iter().find(|tier| tier.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Braille => "braille",
            Self::Block => "block",
            Self::Ascii => "ascii",
        }
    }

    pub(crate) fn next(self) -> Self {
        match self {
            Self::Block => Self::Braille,
            Self::Braille => Self::Ascii,
            Self::Ascii => Self::Block,
        }
    }

    /// From the environment's words: a locale without UTF-8 and the Linux console get less.
    pub(crate) fn detect(variable: impl Fn(&str) -> Option<String>) -> Self {
        let is_ascii_locale = Charset::detect(&variable) == Charset::Ascii;
        let is_console = variable("TERM").is_some_and(|term| term == "linux" || term == "dumb");
        if is_ascii_locale || is_console { Self::Ascii } else { Self::Block }
    }
}

/// Which characters the terminal can be sent at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Charset {
    Unicode,
    /// A locale without UTF-8: what programs write in other characters would come out as others.
    Ascii,
}

impl Charset {
    pub(crate) fn detect(variable: impl Fn(&str) -> Option<String>) -> Self {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
            .iter()
            .find_map(|name| variable(name).filter(|value| !value.is_empty()))
            .unwrap_or_default()
            .to_ascii_lowercase();
        let is_ascii = matches!(locale.as_str(), "c" | "posix" | "us-ascii")
            || locale.contains("iso-8859")
            || locale.contains("iso8859");
        if is_ascii { Self::Ascii } else { Self::Unicode }
    }
}

/// The signs of one tier.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Glyphs {
    pub(crate) up: &'static str,
    pub(crate) draining: &'static str,
    pub(crate) waiting: &'static str,
    pub(crate) failed: &'static str,
    pub(crate) stopped: &'static str,
    pub(crate) starting: &'static str,
    pub(crate) fits: &'static str,
    pub(crate) warning: &'static str,
    pub(crate) point: &'static str,
    pub(crate) rising: &'static str,
    pub(crate) falling: &'static str,
    pub(crate) arrow: &'static str,
    pub(crate) restarted: &'static str,
    pub(crate) unfolded: &'static str,
    pub(crate) folded: &'static str,
    pub(crate) ellipsis: &'static str,
    pub(crate) dash: &'static str,
    pub(crate) times: &'static str,
    pub(crate) separator: &'static str,
    pub(crate) enter: &'static str,
    pub(crate) rule: &'static str,
    pub(crate) focus: &'static str,
    pub(crate) mark: &'static str,
    pub(crate) swatch: &'static str,
    pub(crate) bar: &'static str,
    pub(crate) axis: &'static str,
    /// A horizontal stroke: whole, its right half, its left half.
    pub(crate) stroke: [&'static str; 3],
    /// Corner, edge: top left, top right, bottom left, bottom right, horizontal, vertical.
    pub(crate) frame: [&'static str; 6],
    /// Levels of one graph cell, empty first.
    pub(crate) levels: [&'static str; 9],
    /// What tells series apart where there is no colour.
    pub(crate) fills: [&'static str; 6],
}

const BLOCK: Glyphs = Glyphs {
    up: "●",
    draining: "◐",
    waiting: "◔",
    failed: "✖",
    stopped: "○",
    starting: "◌",
    fits: "✔",
    warning: "▲",
    point: "·",
    rising: "▲",
    falling: "▼",
    arrow: "→",
    restarted: "↻",
    unfolded: "▾",
    folded: "▸",
    ellipsis: "…",
    dash: "–",
    times: "×",
    separator: " · ",
    enter: "⏎",
    rule: "─",
    focus: "▌",
    mark: "•",
    swatch: "▐",
    bar: "▄",
    axis: "│",
    stroke: ["━", "╺", "╸"],
    frame: ["╭", "╮", "╰", "╯", "─", "│"],
    levels: [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
    fills: ["█", "▒", "▓", "░", "▚", "▞"],
};

const ASCII: Glyphs = Glyphs {
    up: "+",
    draining: "~",
    waiting: ".",
    failed: "!",
    stopped: "-",
    starting: "*",
    fits: "=",
    warning: "!",
    point: ".",
    rising: "^",
    falling: "v",
    arrow: ">",
    restarted: "@",
    unfolded: "v",
    folded: ">",
    ellipsis: "~",
    dash: "-",
    times: "x",
    separator: " - ",
    enter: "Enter",
    rule: "-",
    focus: ">",
    mark: "*",
    swatch: "|",
    bar: "=",
    axis: "|",
    stroke: ["=", "=", "="],
    frame: ["+", "+", "+", "+", "-", "|"],
    levels: [" ", ".", ".", ":", ":", "|", "|", "#", "#"],
    fills: ["#", "=", "%", ":", "o", "x"],
};

impl Glyphs {
    pub(crate) fn of(tier: GlyphTier) -> &'static Self {
        match tier {
            GlyphTier::Braille | GlyphTier::Block => &BLOCK,
            GlyphTier::Ascii => &ASCII,
        }
    }
}

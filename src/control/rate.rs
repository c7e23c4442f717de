//! How often a watcher is told what has changed.

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Rate {
    /// As often as the engine looks itself: ten times a second.
    #[default]
    Full,
    /// Every second, and when something happens: for people, who read no faster.
    Calm,
    /// Every other second, and when something happens: for a line that costs.
    Sparing,
}

const CALM: &str = "rate=calm";
const SPARING: &str = "rate=sparing";

impl Rate {
    /// From what follows the path's question mark.
    pub(super) fn parse(parameters: &str) -> Result<Self, String> {
        match parameters {
            "" => Ok(Self::Full),
            CALM => Ok(Self::Calm),
            SPARING => Ok(Self::Sparing),
            other => Err(format!("`{other}`: expected `{CALM}` or `{SPARING}`")),
        }
    }

    /// The way back, with the question mark.
    pub(super) fn parameters(self) -> String {
        match self {
            Self::Full => String::new(),
            Self::Calm => format!("?{CALM}"),
            Self::Sparing => format!("?{SPARING}"),
        }
    }

    /// For how many seconds nothing is told unless something happens.
    pub(super) fn pause_s(self) -> u8 {
        match self {
            Self::Full => 0,
            Self::Calm => 1,
            Self::Sparing => 2,
        }
    }
}

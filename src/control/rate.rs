//! How often a watcher is told what has changed.

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Rate {
    /// As often as the engine looks itself: ten times a second.
    #[default]
    Full,
    /// Every `SPARING_SECONDS`, and when something happens: for a line that costs.
    Sparing,
}

pub(super) const SPARING_SECONDS: u8 = 2;
const SPARING: &str = "rate=sparing";

impl Rate {
    /// From what follows the path's question mark.
    pub(super) fn parse(parameters: &str) -> Result<Self, String> {
        match parameters {
            "" => Ok(Self::Full),
            SPARING => Ok(Self::Sparing),
            other => Err(format!("`{other}`: expected `{SPARING}`")),
        }
    }

    /// The way back, with the question mark.
    pub(super) fn parameters(self) -> String {
        match self {
            Self::Full => String::new(),
            Self::Sparing => format!("?{SPARING}"),
        }
    }
}

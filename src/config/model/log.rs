//! How much the engine says of itself.

use serde::{Deserialize, Serialize};

use crate::sys::log::Level;

/// What is less bad than this is not said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum LogLevel {
    Alert,
    Error,
    Warn,
    #[default]
    Notice,
}

impl LogLevel {
    pub(crate) const ALL: [Self; 4] = [Self::Alert, Self::Error, Self::Warn, Self::Notice];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Notice => "notice",
        }
    }

    pub(crate) fn least(self) -> Level {
        match self {
            Self::Alert => Level::Alert,
            Self::Error => Level::Error,
            Self::Warn => Level::Warn,
            Self::Notice => Level::Notice,
        }
    }
}

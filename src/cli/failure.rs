//! Why a verb did not do what was asked, and the exit status that says so.

use std::io;
use std::process::ExitCode;

use crate::control::client::ClientError;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The thing asked for failed, or was refused.
    #[error("{0}")]
    Failed(String),
    /// A usage error that only the engine's answer could reveal.
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    NoEngine(String),
    #[error("{0}")]
    NotPermitted(String),
    /// Whoever read standard output has gone: nothing is left to do, and nothing went wrong.
    #[error("standard output was closed")]
    OutputClosed,
}

impl Failure {
    pub(crate) fn status(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::OutputClosed => 0,
            Self::Failed(_) => 1,
            Self::Usage(_) => 2,
            Self::NoEngine(_) => 3,
            Self::NotPermitted(_) => 4,
        })
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::OutputClosed
        } else {
            Self::Failed(format!("write output: {error}"))
        }
    }
}

/// For a conversation under way; the first question's failure is `place`'s to explain.
impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let text = error.to_string();
        match error {
            ClientError::NoEngine { .. } => Self::NoEngine(text),
            ClientError::NotPermitted(_) => Self::NotPermitted(text),
            ClientError::Refused(_) | ClientError::Protocol { .. } => Self::Failed(text),
        }
    }
}

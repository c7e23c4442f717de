//! Where requests are written down, and in which form.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::config::template::Template;

/// What a server or a route says about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum LogChoice {
    Off,
    To(AccessLog),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AccessLog {
    pub(crate) file: PathBuf,
    pub(crate) format: Format,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Format {
    Text {
        template: Template,
        escape: Escape,
    },
    /// One object a line, of fixed members.
    Json,
}

/// How values of variables are kept from breaking the line, as nginx does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Escape {
    /// `\xXX` for quotes, backslashes and all that is not printable ASCII; `-` for no value.
    Default,
    /// As inside a JSON string; nothing for no value.
    Json,
    None,
}

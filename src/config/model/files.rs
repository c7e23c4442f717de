//! What a route serves from a folder, and how answers are compressed on their way.

use serde::{Deserialize, Serialize};

use super::route::{Retarget, Rewrite};
use crate::config::template::Template;

/// Files of a folder, or one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Files {
    /// Absolute, without a slash at its end; empty for the root of all files.
    pub(crate) root: String,
    /// What of a request's path stands for the root itself (nginx's `alias`); empty: nothing, the
    /// whole path is below it.
    pub(crate) mount: String,
    /// Served for a folder, the first that there is.
    pub(crate) index: Vec<String>,
    /// Paths that are tried instead of the request's own, in this order; empty: its own.
    pub(crate) tries: Vec<Template>,
    /// For what no file was found.
    pub(crate) fallback: Fallback,
    /// How a folder without an index is shown; `None`: not at all.
    pub(crate) listing: Option<Listing>,
    pub(crate) types: Types,
    /// Of files that lie beside the one asked for.
    pub(crate) precompressed: Vec<Coding>,
    pub(crate) symlinks: Symlinks,
    pub(crate) dot_files: DotFiles,
    /// Parts of a file that are sent at once; 0: no parts at all.
    pub(crate) ranges_max: u32,
    pub(crate) freshness: Freshness,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Fallback {
    Status(u16),
    Upstream {
        /// Name of an upstream that exists in the same configuration.
        upstream: String,
        retarget: Option<Retarget>,
    },
    /// A route is looked for again, by this path.
    Find(Rewrite),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Listing {
    Html,
    Json,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Types {
    /// By the end of a name, in lower case; before what is built in. Sorted.
    pub(crate) own: Vec<(String, String)>,
    pub(crate) default: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Symlinks {
    Follow,
    /// Those whose owner is that of what they lead to.
    Owner,
    Deny,
}

/// Names that begin with a dot; `.well-known` (RFC 8615) is none of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum DotFiles {
    Hidden,
    Served,
}

/// What clients are told about how long a file stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Freshness {
    pub(crate) expires: Option<Expires>,
    /// In place of what `expires` says there.
    pub(crate) cache_control: Option<String>,
}

/// nginx's forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Expires {
    AfterSeconds(u64),
    /// Long ago: never to be used without asking.
    Epoch,
    /// In ten years.
    Max,
}

/// A content coding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Coding {
    Brotli,
    Zstd,
    Gzip,
}

impl Coding {
    pub(crate) const ALL: [Self; 3] = [Self::Zstd, Self::Brotli, Self::Gzip];

    /// As HTTP calls it.
    pub(crate) fn token(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
        }
    }

    /// What is added to the name of a file in that coding.
    pub(crate) fn ending(self) -> &'static str {
        match self {
            Self::Brotli => ".br",
            Self::Zstd => ".zst",
            Self::Gzip => ".gz",
        }
    }
}

/// How answers are compressed while they are sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Compress {
    /// Those that there are; among what a client wants alike, the first. Empty: none.
    pub(crate) codings: Vec<Coding>,
    /// In lower case; `text/*` for all of a kind.
    pub(crate) types: Vec<String>,
    /// Shorter answers stay as they are.
    pub(crate) bytes_min: u64,
}

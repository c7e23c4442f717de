//! What requests are searched for, and what becomes of those in which something was found.

use std::borrow::Cow;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Firewall {
    pub(crate) mode: Mode,
    /// The score from which on a request counts as an attack.
    pub(crate) threshold: u32,
    pub(crate) exceptions: Vec<Exception>,
    /// What becomes of a body that is not read to its end.
    pub(crate) on_oversize: Unread,
    pub(crate) core: Option<CoreRules>,
}

/// The OWASP core rules beside our own detectors, or in their place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CoreRules {
    pub(crate) file: PathBuf,
    /// Where the file and what it includes lie.
    pub(crate) folders: Vec<PathBuf>,
    /// How long a request waits for them.
    pub(crate) budget_ms: u64,
    /// What becomes of one that has waited in vain.
    pub(crate) on_timeout: Unread,
    /// Our own detectors are not asked.
    pub(crate) is_alone: bool,
}

/// What becomes of a request that could not be judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Unread {
    #[default]
    Pass,
    Block,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Mode {
    Off,
    /// Attacks are counted and told, and pass.
    Detect,
    /// Attacks are answered by the proxy.
    Block,
}

/// What is let pass: a rule, a place, or a rule at a place; never everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Exception {
    /// `None`: all.
    pub(crate) rule: Option<Rule>,
    /// Of one core rule.
    pub(crate) id: Option<u32>,
    /// `None`: everywhere.
    pub(crate) part: Option<Part>,
    /// Of a value in that part; `None`: all.
    pub(crate) name: Option<String>,
}

/// By number, as the scoreboard counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Rule {
    SqlInjection,
    CrossSiteScripting,
    PathTraversal,
    SensitiveFile,
    CommandInjection,
    TemplateInjection,
    CodeInjection,
    HeaderInjection,
    BadEncoding,
    OddProtocol,
    Scanner,
    /// The OWASP core rules, which have numbers of their own.
    Core,
}

/// By number, as the scoreboard tells them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Part {
    Path,
    Query,
    Header,
    Cookie,
    Form,
    Json,
    Multipart,
    Xml,
    Text,
    /// The request as a whole.
    Request,
}

impl Mode {
    pub(crate) const ALL: [Self; 3] = [Self::Off, Self::Detect, Self::Block];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Detect => "detect",
            Self::Block => "block",
        }
    }
}

impl Unread {
    pub(crate) const ALL: [Self; 2] = [Self::Pass, Self::Block];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Block => "block",
        }
    }
}

impl Rule {
    pub(crate) const ALL: [Self; 12] = [
        Self::SqlInjection,
        Self::CrossSiteScripting,
        Self::PathTraversal,
        Self::SensitiveFile,
        Self::CommandInjection,
        Self::TemplateInjection,
        Self::CodeInjection,
        Self::HeaderInjection,
        Self::BadEncoding,
        Self::OddProtocol,
        Self::Scanner,
        Self::Core,
    ];

    /// As the file, the metrics and the events spell it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::SqlInjection => "sql-injection",
            Self::CrossSiteScripting => "cross-site-scripting",
            Self::PathTraversal => "path-traversal",
            Self::SensitiveFile => "sensitive-file",
            Self::CommandInjection => "command-injection",
            Self::TemplateInjection => "template-injection",
            Self::CodeInjection => "code-injection",
            Self::HeaderInjection => "header-injection",
            Self::BadEncoding => "bad-encoding",
            Self::OddProtocol => "odd-protocol",
            Self::Scanner => "scanner",
            Self::Core => "crs",
        }
    }

    pub(crate) fn numbered(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// A rule as it is told and excepted: `sql-injection`, `crs-942100`.
    pub(crate) fn label(self, id: u32) -> Cow<'static, str> {
        match (self, id) {
            (Self::Core, 1..) => Cow::Owned(format!("{}-{id}", self.name())),
            _ => Cow::Borrowed(self.name()),
        }
    }
}

impl Part {
    pub(crate) const ALL: [Self; 10] = [
        Self::Path,
        Self::Query,
        Self::Header,
        Self::Cookie,
        Self::Form,
        Self::Json,
        Self::Multipart,
        Self::Xml,
        Self::Text,
        Self::Request,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
            Self::Cookie => "cookie",
            Self::Form => "form",
            Self::Json => "json",
            Self::Multipart => "multipart",
            Self::Xml => "xml",
            Self::Text => "text",
            Self::Request => "request",
        }
    }

    pub(crate) fn numbered(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// Whether its values have names.
    pub(crate) fn has_names(self) -> bool {
        match self {
            Self::Path | Self::Text => false,
            Self::Query
            | Self::Header
            | Self::Cookie
            | Self::Form
            | Self::Json
            | Self::Multipart
            | Self::Xml
            | Self::Request => true,
        }
    }
}

/// Numbers are places in the lists, so that a reader of the scoreboard finds them again.
const _: () = {
    let mut at = 0;
    while at < Rule::ALL.len() {
        assert!(Rule::ALL[at] as usize == at);
        at += 1;
    }
    let mut at = 0;
    while at < Part::ALL.len() {
        assert!(Part::ALL[at] as usize == at);
        at += 1;
    }
};

//! What is done with requests: routes, their actions, and how messages are changed on their way.
//!
//! What a route leaves open is its server's; who compiles a configuration puts the two together.

use serde::{Deserialize, Serialize};

use super::RequestLimits;
use super::access_log::LogChoice;
use super::files::{Compress, Fallback, Files};
use super::guard::Guards;
use super::step::{Condition, Step};
use crate::config::template::Template;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Route {
    pub(crate) path: PathMatch,
    /// Before its guards.
    pub(crate) steps: Vec<Step>,
    pub(crate) action: Action,
    /// Whether no client comes to it: rewrites, fallbacks and copies do.
    pub(crate) is_internal: bool,
    /// Those served; empty: all. GET brings HEAD.
    pub(crate) methods: Vec<String>,
    pub(crate) guards: Guards,
    /// `None`: nobody gets copies of its requests.
    pub(crate) mirror: Option<Mirror>,
    pub(crate) limits: RequestLimits,
    pub(crate) times: Times,
    pub(crate) sent: Sent,
    pub(crate) shape: Shape,
}

/// An exact match wins over all; then the longest prefix, unless it is open and an expression
/// matches: the first of those in the order of the file (nginx `location` rules).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum PathMatch {
    Prefix(String),
    /// Expressions are not asked once it is the longest (nginx `^~`).
    FirmPrefix(String),
    Exact(String),
    Regex {
        pattern: String,
        case: Case,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Case {
    Sensitive,
    Insensitive,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Action {
    Proxy {
        /// Name of an upstream that exists in the same configuration.
        upstream: String,
        /// The first whose conditions hold takes its place.
        choices: Vec<Choice>,
        /// `None`: the path goes on as it was received.
        retarget: Option<Retarget>,
    },
    Respond(Respond),
    Redirect(Redirect),
    Files(Box<Files>),
}

impl Action {
    /// The texts that it renders for its requests.
    pub(crate) fn templates(&self) -> Vec<&Template> {
        match self {
            Self::Proxy { choices, retarget, .. } => {
                let conditions = choices.iter().flat_map(|choice| &choice.when);
                let conditions = conditions.flat_map(Condition::templates);
                conditions.chain(retarget.iter().flat_map(Retarget::templates)).collect()
            }
            Self::Files(files) => {
                let of_fallback = match &files.fallback {
                    Fallback::Upstream { retarget, .. } => {
                        retarget.iter().flat_map(Retarget::templates).collect()
                    }
                    Fallback::Find(rewrite) => rewrite.templates(),
                    Fallback::Status(_) => Vec::new(),
                };
                files.tries.iter().chain(of_fallback).collect()
            }
            Self::Respond(respond) => respond.body.iter().map(|body| &body.text).collect(),
            Self::Redirect(redirect) => vec![&redirect.to],
        }
    }

    /// The upstream that it leads to, at once or at last.
    pub(crate) fn upstream(&self) -> Option<&str> {
        match self {
            Self::Proxy { upstream, .. } => Some(upstream),
            Self::Files(files) => match &files.fallback {
                Fallback::Upstream { upstream, .. } => Some(upstream),
                Fallback::Status(_) | Fallback::Find(_) => None,
            },
            Self::Respond(_) | Self::Redirect(_) => None,
        }
    }
}

/// Another upstream of a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Choice {
    pub(crate) when: Vec<Condition>,
    /// Name of an upstream that exists in the same configuration.
    pub(crate) upstream: String,
}

/// Where copies of a route's requests go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mirror {
    pub(crate) ways: Vec<MirrorWay>,
    pub(crate) bodies: Bodies,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum MirrorWay {
    /// Name of an upstream that exists in the same configuration; else as the route says.
    Upstream(String),
    /// A route is looked for by another path.
    Find(Rewrite),
}

/// Whether copies have their request's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Bodies {
    Copied,
    LeftOut,
}

impl Mirror {
    pub(crate) fn templates(&self) -> impl Iterator<Item = &Template> {
        self.ways.iter().flat_map(|way| match way {
            MirrorWay::Upstream(_) => Vec::new(),
            MirrorWay::Find(rewrite) => rewrite.templates(),
        })
    }
}

/// What of a request goes on to backends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sent {
    /// In place of the client's; never HEAD, whose answers have no body.
    pub(crate) method: Option<String>,
    pub(crate) body: Passing,
    /// Header lines of the client; those that the file makes are sent in any case.
    pub(crate) lines: Passing,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Passing {
    #[default]
    Passed,
    LeftOut,
}

/// How the path of a request is changed, in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Retarget {
    /// Taken off the front.
    pub(crate) strip: Option<String>,
    pub(crate) rewrite: Option<Rewrite>,
    /// Put before.
    pub(crate) prefix: Option<String>,
    /// In place of all of that, and of the arguments, too.
    pub(crate) target: Option<Template>,
}

impl Retarget {
    fn templates(&self) -> Vec<&Template> {
        let mut found: Vec<&Template> = self.target.iter().collect();
        found.extend(self.rewrite.iter().flat_map(Rewrite::templates));
        found
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rewrite {
    /// Without one every path is replaced, and groups are those of the route's own path.
    pub(crate) pattern: Option<String>,
    pub(crate) path: Template,
    pub(crate) query: Query,
}

impl Rewrite {
    pub(crate) fn templates(&self) -> Vec<&Template> {
        match &self.query {
            Query::Received => vec![&self.path],
            Query::Replaced(query) | Query::Extended(query) => vec![&self.path, query],
        }
    }
}

/// What becomes of the arguments of a rewritten request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Query {
    Received,
    Replaced(Template),
    /// The received ones follow.
    Extended(Template),
}

/// An answer of the proxy's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Respond {
    pub(crate) status: u16,
    /// `None`: the page that goes with the status.
    pub(crate) body: Option<Body>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Body {
    pub(crate) text: Template,
    pub(crate) content_type: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Redirect {
    pub(crate) status: u16,
    pub(crate) to: Template,
}

/// The time limits towards backends that a route has in place of its upstream's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Times {
    pub(crate) connect_timeout_ms: Option<u64>,
    pub(crate) first_byte_timeout_ms: Option<u64>,
    pub(crate) between_bytes_timeout_ms: Option<u64>,
}

/// How messages are changed, of a server or of a route.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shape {
    pub(crate) request_headers: Vec<HeaderRule>,
    pub(crate) response_headers: Vec<HeaderRule>,
    pub(crate) error_pages: Vec<ErrorPage>,
    /// Whether backends' answers are replaced by error pages, too.
    pub(crate) intercept: Option<bool>,
    /// The header that carries the request's id.
    pub(crate) request_id: Option<String>,
    pub(crate) access_log: Option<LogChoice>,
    pub(crate) compress: Option<Compress>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HeaderRule {
    /// As it is written towards the receiver.
    pub(crate) name: String,
    pub(crate) change: Change,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Change {
    /// One line in place of all that there are; none when it comes out empty.
    Set(Template),
    /// One more line, unless it comes out empty.
    Add(Template),
    Hide,
    /// The same values by another name.
    Rename(String),
    /// What of a value the first of these matches becomes another text.
    Replace(Vec<Replacement>),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Replacement {
    pub(crate) pattern: String,
    pub(crate) to: Template,
}

impl Change {
    pub(crate) fn templates(&self) -> impl Iterator<Item = &Template> {
        let (one, several) = match self {
            Self::Set(template) | Self::Add(template) => (Some(template), &[][..]),
            Self::Replace(replacements) => (None, replacements.as_slice()),
            Self::Hide | Self::Rename(_) => (None, &[][..]),
        };
        one.into_iter().chain(several.iter().map(|replacement| &replacement.to))
    }
}

/// What is answered in place of the page that goes with a status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ErrorPage {
    pub(crate) statuses: Vec<u16>,
    pub(crate) answer: Substitute,
}

impl ErrorPage {
    pub(crate) fn template(&self) -> &Template {
        match &self.answer {
            Substitute::Page { body, .. } => &body.text,
            Substitute::Redirect(redirect) => &redirect.to,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Substitute {
    Page {
        /// `None`: the status that it stands for.
        status: Option<u16>,
        body: Body,
    },
    Redirect(Redirect),
}

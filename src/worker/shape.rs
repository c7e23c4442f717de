//! How a route's messages are changed, compiled: its server's rules and its own in one list, and
//! what must be kept of a request for texts that are rendered late.
//!
//! A line that a rule is about is marked as one that does not pass; what comes in its place is
//! rendered into lines of its own. A route without rules pays two looks at empty lists.

use std::rc::Rc;

use super::files::search::Quest;
use super::forward::Rendered;
use super::log::Log;
use super::replace::Replacements;
use super::routes::Spans;
use super::tables::Tables;
use super::variables::{self, Facts, Manner};
use super::way::Way;
use crate::config::model::files::Compress;
use crate::config::model::route::{self, Change, ErrorPage, HeaderRule};
use crate::config::template::{Template, Variable};
use crate::http::head::{Header, Kind};
use crate::http::ranges::Part;

/// Where a request's id comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    /// Nothing asks for it.
    None,
    /// Only variables do.
    Drawn,
    /// It travels in the header of that name.
    Carried(String),
}

pub(crate) struct Shape {
    pub(crate) request: Rules,
    pub(crate) response: Rules,
    /// The route's before its server's.
    pages: [Rc<[ErrorPage]>; 2],
    /// Backends' answers are replaced by error pages, too.
    pub(crate) intercepts: bool,
    pub(crate) identity: Identity,
    pub(crate) keeps: Keeps,
    /// Where its requests are written down.
    pub(crate) log: Option<Rc<Log>>,
    pub(crate) compress: Option<Compress>,
}

/// What is kept of a request for texts that are rendered late, and where they are rendered; filled
/// in as its route asks for it, and reused.
#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) head: Vec<u8>,
    /// The path in normal form.
    pub(crate) uri: Vec<u8>,
    /// Of the route's expression, in `uri`.
    pub(crate) spans: Spans,
    /// What steps have made of it.
    pub(crate) way: Way,
    pub(crate) request_id: Vec<u8>,
    /// What its upstream hashes it by; empty without anything.
    pub(crate) hash_key: Vec<u8>,
    /// Of its page, if that may read the answer.
    pub(crate) cors_origin: Vec<u8>,
    /// What a limit counts it by.
    pub(crate) limit_key: Vec<u8>,
    /// Lines for its backend that somebody vouches for who was asked about it.
    pub(crate) vouched: Vec<u8>,
    /// Lines for the client, by the same.
    pub(crate) told: Vec<u8>,
    pub(crate) rendered: Rendered,
    /// What a sticky client is known by; empty when it brought nothing.
    pub(crate) token: Vec<u8>,
    /// Header lines towards the client.
    pub(crate) lines: Vec<u8>,
    pub(crate) body: Vec<u8>,
    /// Lines that go along with an answer of ours, whatever page it has.
    pub(crate) beside: Vec<u8>,
    /// Which file it means, where its route serves some.
    pub(crate) quest: Quest,
    /// The path of what was found.
    pub(crate) file_name: Vec<u8>,
    /// Parts of a file that it asks for.
    pub(crate) parts: Vec<Part>,
}

impl Kept {
    /// What `spans` are parts of.
    pub(crate) fn subject(&self) -> &[u8] {
        if self.way.is_matched_apart { &self.way.matched } else { &self.uri }
    }

    /// Begins the lines of an answer.
    pub(crate) fn begin_lines(&mut self) {
        self.lines.clear();
        self.lines.extend_from_slice(&self.told);
    }

    /// Of a request that cannot be read nothing is known: what is here is an earlier one's.
    pub(crate) fn forget(&mut self) {
        self.head.clear();
        self.uri.clear();
        self.spans = Spans::default();
        self.way.begin();
        self.request_id.clear();
    }
}

/// What of a request is kept beyond its being sent on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Keeps {
    /// The head, for variables of answers.
    pub(crate) head: bool,
    /// The path in normal form.
    pub(crate) path: bool,
}

impl Shape {
    /// `own` before `server`, rule by rule; `texts` are the other templates of the same requests.
    pub(crate) fn compile(
        (server, servers_pages): (&route::Shape, &Rc<[ErrorPage]>),
        (own, own_pages): (&route::Shape, &Rc<[ErrorPage]>),
        texts: &[&Template],
        tables: &Tables,
    ) -> Self {
        let pages = [own_pages, servers_pages].map(Rc::clone);
        let request = Rules::merge(&server.request_headers, &own.request_headers);
        let response = Rules::merge(&server.response_headers, &own.response_headers);
        let of_pages = pages.iter().flat_map(|pages| pages.iter().map(ErrorPage::template));
        let leaves = |variable| tables.leaves(variable);
        let late = response.templates().chain(of_pages).flat_map(Template::variables);
        let late: Vec<&Variable> = late.flat_map(leaves).collect();
        let early: Vec<&Variable> = request
            .templates()
            .chain(texts.iter().copied())
            .flat_map(Template::variables)
            .flat_map(leaves)
            .collect();
        let all = || early.iter().chain(&late);
        let keeps = Keeps {
            head: late.iter().any(|variable| variable.reads_request_head()),
            path: all().any(|variable| matches!(variable, Variable::Uri | Variable::Capture(_))),
        };
        let carried = own.request_id.as_ref().or(server.request_id.as_ref());
        let identity = match carried {
            Some(header) => Identity::Carried(header.clone()),
            None if all().any(|variable| **variable == Variable::RequestId) => Identity::Drawn,
            None => Identity::None,
        };
        let intercepts = own.intercept.or(server.intercept).unwrap_or(false);
        let compress = own.compress.as_ref().or(server.compress.as_ref());
        let compress = compress.filter(|it| !it.codings.is_empty()).cloned();
        Self { keeps, identity, intercepts, request, response, pages, log: None, compress }
    }

    /// The same, with its requests written down; a line is of the request as it came.
    pub(crate) fn logged(mut self, log: Option<Rc<Log>>, tables: &Tables) -> Self {
        if let Some(log) = &log {
            let names = |is_it: &dyn Fn(&Variable) -> bool| {
                log.names(|variable| tables.leaves(variable).iter().any(is_it))
            };
            self.keeps.head = true;
            self.keeps.path |= names(&|it| matches!(it, Variable::Uri | Variable::Capture(_)));
            if self.identity == Identity::None && names(&|it| *it == Variable::RequestId) {
                self.identity = Identity::Drawn;
            }
        }
        self.log = log;
        self
    }

    pub(crate) fn page(&self, status: u16) -> Option<&ErrorPage> {
        let pages = self.pages.iter().flat_map(|pages| pages.iter());
        pages.into_iter().find(|page| page.statuses.contains(&status))
    }
}

/// The rules of one direction.
#[derive(Default)]
pub(crate) struct Rules {
    rules: Vec<HeaderRule>,
    replacements: Vec<Replacements>,
}

impl Rules {
    /// A server's rule gives way to a route's of the same name.
    fn merge(server: &[HeaderRule], own: &[HeaderRule]) -> Self {
        let is_free = |rule: &&HeaderRule| {
            !own.iter().any(|other| other.name.eq_ignore_ascii_case(&rule.name))
        };
        let rules: Vec<HeaderRule> = server.iter().filter(is_free).chain(own).cloned().collect();
        Self { replacements: Replacements::compile(&rules), rules }
    }

    /// What comes by that name is not passed, whoever sent it.
    pub(crate) fn hide(&mut self, name: &str) {
        self.rules.push(HeaderRule { name: name.to_owned(), change: Change::Hide });
    }

    fn templates(&self) -> impl Iterator<Item = &Template> {
        self.rules.iter().flat_map(|rule| rule.change.templates())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether the proxy is not to write that line of its own accord.
    pub(crate) fn decide(&self, name: &str) -> bool {
        self.rules.iter().any(|rule| {
            matches!(rule.change, Change::Set(_) | Change::Hide)
                && rule.name.eq_ignore_ascii_case(name)
        })
    }

    /// What a line is set to, for the few that do not stand among the others.
    pub(crate) fn set_to(&self, name: &str) -> Option<&Template> {
        self.rules.iter().find_map(|rule| match &rule.change {
            Change::Set(template) if rule.name.eq_ignore_ascii_case(name) => Some(template),
            Change::Set(_)
            | Change::Add(_)
            | Change::Hide
            | Change::Rename(_)
            | Change::Replace(_) => None,
        })
    }

    /// Appends the lines that come in place of, or besides, those of `headers`; not that of
    /// `apart`, which stands elsewhere.
    pub(crate) fn render(
        &self,
        out: &mut Vec<u8>,
        (headers, bytes): (&[Header], &[u8]),
        facts: &Facts<'_>,
        apart: &str,
    ) {
        for rule in self.rules.iter().filter(|rule| !rule.name.eq_ignore_ascii_case(apart)) {
            match &rule.change {
                Change::Set(template) | Change::Add(template) => {
                    line(out, &rule.name, |out| {
                        variables::render(out, template, facts, Manner::Line);
                    });
                }
                Change::Hide | Change::Replace(_) => {}
                Change::Rename(name) => {
                    let passing = |header: &&Header| {
                        header.kind != Kind::HopByHop && is_named(header, bytes, &rule.name)
                    };
                    for header in headers.iter().filter(passing) {
                        line(out, name, |out| {
                            out.extend_from_slice(header.value.in_bytes(bytes));
                        });
                    }
                }
            }
        }
        for replacements in &self.replacements {
            replacements.render(out, (headers, bytes), facts);
        }
    }

    /// Marks the lines that do not pass.
    pub(crate) fn mark(&self, headers: &mut [Header], bytes: &[u8]) {
        for rule in &self.rules {
            match rule.change {
                Change::Add(_) => {}
                Change::Set(_) | Change::Hide | Change::Rename(_) | Change::Replace(_) => {
                    mark(headers, bytes, &rule.name);
                }
            }
        }
    }
}

fn is_named(header: &Header, bytes: &[u8], name: &str) -> bool {
    header.name.in_bytes(bytes).eq_ignore_ascii_case(name.as_bytes())
}

/// The same to a backend that makes variables of names, for which `-` and `_` are one.
pub(crate) fn passes_for(header: &Header, bytes: &[u8], name: &str) -> bool {
    let plain = |byte: &u8| if *byte == b'_' { b'-' } else { byte.to_ascii_lowercase() };
    let own = header.name.in_bytes(bytes);
    own.len() == name.len() && own.iter().map(plain).eq(name.as_bytes().iter().map(plain))
}

/// Marks the lines of that name, and those that pass for it, as ones that do not pass.
pub(crate) fn mark(headers: &mut [Header], bytes: &[u8], name: &str) {
    for header in headers.iter_mut().filter(|header| passes_for(header, bytes, name)) {
        header.kind = Kind::HopByHop;
    }
}

/// Appends a line, unless its value comes out empty.
pub(crate) fn line(out: &mut Vec<u8>, name: &str, value: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    let value_start = out.len();
    value(out);
    if out.len() == value_start {
        out.truncate(start);
    } else {
        out.extend_from_slice(b"\r\n");
    }
}

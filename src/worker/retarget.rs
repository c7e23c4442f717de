//! The target that a backend gets when a route changes the path.
//!
//! As nginx does it: what is changed is the path's normal form, which is escaped again; the
//! arguments stay as they were received. A path that comes out unchanged goes on as it was
//! received, byte for byte.

use super::routes::{Pattern, Spans};
use super::variables::{self, Facts, Groups, Manner};
use crate::config::model::route::{self, Case, Query};
use crate::config::pattern;
use crate::config::template::{Part, Template, Variable};
use crate::http::escape::{self, Place};
use crate::http::target;

pub(crate) struct Retarget {
    strip: Option<String>,
    rewrite: Option<Rewrite>,
    prefix: Option<String>,
    target: Option<Template>,
}

/// Another path in the place of one that an expression matches.
pub(crate) struct Rewrite {
    /// Without one, every path is replaced and the groups are the route's.
    pattern: Option<Pattern>,
    path: Template,
    query: Query,
}

impl Retarget {
    pub(crate) fn compile(retarget: &route::Retarget) -> Self {
        let rewrite = retarget.rewrite.as_ref().map(Rewrite::compile);
        let (strip, prefix) = (retarget.strip.clone(), retarget.prefix.clone());
        Self { strip, rewrite, prefix, target: retarget.target.clone() }
    }

    /// Writes the new target to `out`, which is empty.
    pub(crate) fn write(&self, out: &mut Vec<u8>, facts: &Facts<'_>) -> Written {
        if let Some(template) = &self.target {
            return write_whole(out, template, facts);
        }
        let received = facts.exchange.kept.uri.as_slice();
        let path = self.strip.as_ref().map_or(received, |strip| without_prefix(received, strip));
        let mut spans = Spans::default();
        let rewrite = self.rewrite.as_ref().and_then(|rewrite| {
            let Some(pattern) = &rewrite.pattern else { return Some((rewrite, facts.groups)) };
            pattern.matches(path, &mut spans)?;
            Some((rewrite, Groups { subject: path, spans: &spans }))
        });
        let is_as_received = path == received && !facts.exchange.kept.way.is_rewritten;
        if rewrite.is_none() && self.prefix.is_none() && is_as_received {
            return Written::Same;
        }
        let prefix = self.prefix.as_deref().unwrap_or_default();
        out.extend_from_slice(prefix.trim_end_matches('/').as_bytes());
        let start = out.len();
        let facts = Facts { groups: rewrite.map_or(facts.groups, |(_, groups)| groups), ..*facts };
        match rewrite {
            Some((rewrite, _)) => variables::render(out, &rewrite.path, &facts, Manner::Plain),
            None => out.extend_from_slice(path),
        }
        if out.get(start) != Some(&b'/') {
            out.insert(start, b'/');
        }
        // A group may begin in the middle of a segment, so `..` can come about where there was none.
        if target::has_dot_segments(out) {
            return Written::Refused;
        }
        escape::tail(out, 0, Place::Path);
        let received = facts.args();
        match rewrite.map(|(rewrite, _)| &rewrite.query) {
            None | Some(Query::Received) => write_query(out, None, received, &facts),
            Some(Query::Replaced(own)) => write_query(out, Some(own), None, &facts),
            Some(Query::Extended(own)) => write_query(out, Some(own), received, &facts),
        }
        Written::Changed
    }
}

impl Rewrite {
    pub(crate) fn compile(rewrite: &route::Rewrite) -> Self {
        let compiled = |text: &String| {
            let regex = pattern::compile(text, Case::Sensitive);
            Pattern::new(regex.expect("the configuration's check compiles every expression"))
        };
        Self {
            pattern: rewrite.pattern.as_ref().map(compiled),
            path: rewrite.path.clone(),
            query: rewrite.query.clone(),
        }
    }

    /// Writes the path and the arguments that stand in place of `received`, if it is meant; an error:
    /// what comes out is no path.
    pub(crate) fn apply(
        &self,
        (path, args): (&mut Vec<u8>, &mut Vec<u8>),
        received: &[u8],
        facts: &Facts<'_>,
    ) -> Option<Result<(), ()>> {
        let mut spans = Spans::default();
        let groups = match &self.pattern {
            None => facts.groups,
            Some(pattern) => {
                pattern.matches(received, &mut spans)?;
                Groups { subject: received, spans: &spans }
            }
        };
        let facts = Facts { groups, ..*facts };
        variables::render(path, &self.path, &facts, Manner::Plain);
        if !path.starts_with(b"/") {
            path.insert(0, b'/');
        }
        if target::has_dot_segments(path) || path.contains(&0) {
            return Some(Err(()));
        }
        let (own, received) = match &self.query {
            Query::Received => (None, facts.args()),
            Query::Replaced(own) => (Some(own), None),
            Query::Extended(own) => (Some(own), facts.args()),
        };
        write_args(args, own, received, &facts);
        Some(Ok(()))
    }
}

/// A target that the configuration makes, with what it has of the request's own as it came.
fn write_whole(out: &mut Vec<u8>, template: &Template, facts: &Facts<'_>) -> Written {
    variables::render(out, template, facts, Manner::Location);
    if !out.starts_with(b"/") {
        out.insert(0, b'/');
    }
    // Of what came it may be any part, unless it is all of it.
    let is_as_received = template.parts == [Part::Variable(Variable::RequestUri)];
    if !is_as_received && target::has_dot_segments(target::path(out)) {
        return Written::Refused;
    }
    escape::tail(out, 0, Place::Target);
    Written::Changed
}

/// The target of a path that steps have made, where nothing else changes it.
pub(crate) fn write_rewritten(out: &mut Vec<u8>, facts: &Facts<'_>) {
    out.extend_from_slice(&facts.exchange.kept.uri);
    escape::tail(out, 0, Place::Path);
    write_query(out, None, facts.args(), facts);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    Changed,
    /// The target stays as it was received.
    Same,
    /// What comes out would climb out of the path it was to be in.
    Refused,
}

/// What is left of a path behind whole segments; all of it when they are not its beginning.
fn without_prefix<'p>(path: &'p [u8], prefix: &str) -> &'p [u8] {
    match path.strip_prefix(prefix.trim_end_matches('/').as_bytes()) {
        Some([]) => b"/",
        Some(rest @ [b'/', ..]) => rest,
        Some(_) | None => path,
    }
}

fn write_query(
    out: &mut Vec<u8>,
    own: Option<&Template>,
    received: Option<&[u8]>,
    facts: &Facts<'_>,
) {
    let mark = out.len();
    out.push(b'?');
    write_args(out, own, received, facts);
    if out.len() == mark + 1 {
        out.pop();
    }
}

fn write_args(
    out: &mut Vec<u8>,
    own: Option<&Template>,
    received: Option<&[u8]>,
    facts: &Facts<'_>,
) {
    let mark = out.len();
    if let Some(own) = own {
        variables::render(out, own, facts, Manner::Query);
        escape::tail(out, mark, Place::Target);
    }
    if let Some(received) = received.filter(|received| !received.is_empty()) {
        if out.len() > mark {
            out.push(b'&');
        }
        out.extend_from_slice(received);
    }
}

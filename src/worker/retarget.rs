//! The target that a backend gets when a route changes the path.
//!
//! As nginx does it: what is changed is the path's normal form, which is escaped again; the
//! arguments stay as they were received. A path that comes out unchanged goes on as it was
//! received, byte for byte.

use super::routes::{Pattern, Spans};
use super::variables::{self, Facts, Groups, Manner};
use crate::config::model::route::{self, Case, Query};
use crate::config::pattern;
use crate::config::template::Template;
use crate::http::escape::{self, Place};
use crate::http::target;

pub(crate) struct Retarget {
    strip: Option<String>,
    rewrite: Option<Rewrite>,
    prefix: Option<String>,
}

struct Rewrite {
    /// Without one, every path is replaced and the groups are the route's.
    pattern: Option<Pattern>,
    path: Template,
    query: Query,
}

impl Retarget {
    pub(crate) fn compile(retarget: &route::Retarget) -> Self {
        let rewrite = retarget.rewrite.as_ref().map(|rewrite| Rewrite {
            pattern: rewrite.pattern.as_ref().map(|text| {
                let regex = pattern::compile(text, Case::Sensitive);
                Pattern::new(regex.expect("the configuration's check compiles every expression"))
            }),
            path: rewrite.path.clone(),
            query: rewrite.query.clone(),
        });
        Self { strip: retarget.strip.clone(), rewrite, prefix: retarget.prefix.clone() }
    }

    /// Writes the new target to `out`, which is empty.
    pub(crate) fn write(&self, out: &mut Vec<u8>, facts: &Facts<'_>) -> Written {
        let received = facts.exchange.kept.uri.as_slice();
        let path = self.strip.as_ref().map_or(received, |strip| without_prefix(received, strip));
        let mut spans = Spans::default();
        let rewrite = self.rewrite.as_ref().and_then(|rewrite| {
            let Some(pattern) = &rewrite.pattern else { return Some((rewrite, facts.groups)) };
            pattern.matches(path, &mut spans)?;
            Some((rewrite, Groups { subject: path, spans: &spans }))
        });
        if rewrite.is_none() && self.prefix.is_none() && path == received {
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
    if let Some(own) = own {
        variables::render(out, own, facts, Manner::Query);
        escape::tail(out, mark + 1, Place::Target);
    }
    if let Some(received) = received.filter(|received| !received.is_empty()) {
        if out.len() > mark + 1 {
            out.push(b'&');
        }
        out.extend_from_slice(received);
    }
    if out.len() == mark + 1 {
        out.pop();
    }
}

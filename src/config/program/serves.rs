//! `serves`: the upstream that instances join, and as what.

use super::super::model::program::Serves;
use super::super::report::{Located, Span};
use super::super::section::Section;
use super::super::{capacity, limits, upstream};

/// `serves` as far as it could be read.
#[derive(Default)]
pub(super) struct Joining {
    pub(super) joins: Option<Located<String>>,
    pub(super) port: Span,
    pub(super) serves: Option<Serves>,
}

pub(super) fn read(mut section: Section<'_>) -> Joining {
    let joins = section.text("upstream");
    if section.key_span("upstream").is_none() {
        section.missing("upstream", "the upstream that instances join");
    }
    let number = section.integer("port", 1..=u32::from(u16::MAX));
    let port = section.value("port").map_or_else(Span::default, toml::Spanned::span);
    if section.key_span("port").is_none() {
        section.missing("port", "the port of the first instance");
    }
    let weight = section.integer("weight", 1..=limits::WEIGHT_MAX).unwrap_or(upstream::WEIGHT);
    let max_fails = upstream::max_fails(&mut section);
    let fail_timeout_s = upstream::fail_timeout(&mut section);
    let max_conns = capacity::max_conns(&mut section);
    let priority = capacity::priority(&mut section);
    section.finish(&[("maxconn", "max_conns")]);
    let known = joins.clone().zip(number.and_then(|number| u16::try_from(number).ok()));
    let serves = known.map(|(upstream, port)| Serves {
        upstream: upstream.value,
        port,
        weight,
        max_fails,
        fail_timeout_s,
        max_conns,
        priority,
    });
    Joining { joins, port, serves }
}

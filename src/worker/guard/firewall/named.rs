//! The firewall's rules and parts as the configuration names them, and back.

use crate::config::model::firewall as model;
use crate::firewall::finding::{Exception, Part};
use crate::firewall::rule::Rule;

pub(super) fn exception(exception: &model::Exception) -> Exception {
    Exception {
        rule: exception.rule.and_then(|rule| match (rule, exception.id) {
            (model::Rule::Core, Some(id)) => Some(Rule::Core(id)),
            (model::Rule::Core, None) => Some(Rule::ALL_CORE),
            _ => Rule::ALL.into_iter().find(|it| self::rule(*it) == rule),
        }),
        part: exception.part.map(part),
        name: exception.name.as_ref().map(|name| name.as_bytes().into()),
    }
}

pub(super) fn rule(rule: Rule) -> model::Rule {
    match rule {
        Rule::SqlInjection => model::Rule::SqlInjection,
        Rule::CrossSiteScripting => model::Rule::CrossSiteScripting,
        Rule::PathTraversal => model::Rule::PathTraversal,
        Rule::SensitiveFile => model::Rule::SensitiveFile,
        Rule::CommandInjection => model::Rule::CommandInjection,
        Rule::TemplateInjection => model::Rule::TemplateInjection,
        Rule::CodeInjection => model::Rule::CodeInjection,
        Rule::HeaderInjection => model::Rule::HeaderInjection,
        Rule::BadEncoding => model::Rule::BadEncoding,
        Rule::OddProtocol => model::Rule::OddProtocol,
        Rule::Scanner => model::Rule::Scanner,
        Rule::Core(_) => model::Rule::Core,
    }
}

/// The number that a rule has beside its name; 0 where it has none.
pub(super) fn id(rule: Rule) -> u32 {
    if let Rule::Core(id) = rule { id } else { 0 }
}

fn part(part: model::Part) -> Part {
    match part {
        model::Part::Path => Part::Path,
        model::Part::Query => Part::Query,
        model::Part::Header => Part::Header,
        model::Part::Cookie => Part::Cookie,
        model::Part::Form => Part::Form,
        model::Part::Json => Part::Json,
        model::Part::Multipart => Part::Multipart,
        model::Part::Xml => Part::Xml,
        model::Part::Text => Part::Text,
        model::Part::Request => Part::Head,
    }
}

pub(super) fn number_of(part: Part) -> u8 {
    let is_it = |it: &model::Part| self::part(*it) == part;
    model::Part::ALL.into_iter().position(|it| is_it(&it)).unwrap_or_default() as u8
}

//! `mirror`: where copies of a route's requests go, beside the requests themselves.

use super::limits::mirror::WAYS_MAX;
use super::model::route::{Bodies, Mirror, MirrorWay};
use super::report::Located;
use super::section::Section;
use super::served::is_path;
use super::template::{Groups, Scope, Stage};
use super::{action, headers};

/// `mirror = "UPSTREAM"`, or a path by which a route is looked for; or a list of them.
pub(super) fn read(
    section: &mut Section<'_>,
    leads_to: &mut Vec<Located<String>>,
    groups: &Groups,
) -> Option<Mirror> {
    let report = section.report;
    let targets = section.raw_texts("mirror");
    let has_bodies = section.flag("mirror_body");
    if let Some(first) = targets.get(WAYS_MAX) {
        let message = format!("{} copies of a request, more than {WAYS_MAX}", targets.len());
        report.error(&first.span, message, "");
    }
    if let (Some(span), None) = (section.key_span("mirror_body"), section.key_span("mirror")) {
        report.error(&span, "`mirror_body` without `mirror`", "nobody gets copies");
    }
    let scope = Scope { stage: Stage::Request, groups: Some(groups) };
    let way = |target: Located<String>| {
        if is_path(&target.value) {
            let to = headers::line(report, &target, scope);
            return MirrorWay::Find(action::onward(to));
        }
        leads_to.push(target.clone());
        MirrorWay::Upstream(target.value)
    };
    let ways: Vec<MirrorWay> = targets.into_iter().map(way).collect();
    let bodies = if has_bodies.unwrap_or(true) { Bodies::Copied } else { Bodies::LeftOut };
    (!ways.is_empty()).then_some(Mirror { ways, bodies })
}

//! `[group.NAME]`: which programs belong together.
//!
//! A member is named by the group or names the group itself; `settle` brings both together and
//! reports what does not fit.

use super::model::group::{Group, GroupStrategy};
use super::report::{Located, Report, Span};
use super::section::{Section, unknown_word};
use super::{limits, names, nearest, program};

const STRATEGIES: [(&str, GroupStrategy); 3] = [
    ("one_for_one", GroupStrategy::OneForOne),
    ("one_for_all", GroupStrategy::OneForAll),
    ("rest_for_one", GroupStrategy::RestForOne),
];

/// A group, and where in the file its parts stand.
pub(super) struct Draft {
    pub(super) group: Group,
    name: Span,
    members: Vec<Located<String>>,
}

pub(super) fn read(name: Located<String>, mut section: Section<'_>) -> Draft {
    names::check(section.report, "a group", &name);
    let members = section.texts("programs");
    let priority = priority(&mut section);
    let strategy = section.text("strategy").and_then(|word| {
        let known = STRATEGIES.iter().find(|(text, _)| *text == word.value);
        if known.is_none() {
            let words = STRATEGIES.map(|(text, _)| text);
            unknown_word(section.report, "strategy of a group", &word, &words);
        }
        known.map(|(_, strategy)| *strategy)
    });
    section.finish(&[("members", "programs"), ("restart", "strategy")]);
    let group = Group {
        name: name.value,
        programs: Vec::new(),
        priority,
        strategy: strategy.unwrap_or_default(),
    };
    Draft { group, name: name.span, members }
}

/// Of a program among those of its group, or of a group among all.
pub(super) fn priority(section: &mut Section<'_>) -> i32 {
    const MAX: i32 = limits::PROGRAM_PRIORITY_MAX;
    section.signed("priority", -MAX..=MAX).unwrap_or(limits::PROGRAM_PRIORITY)
}

/// Every program learns its group, every group its programs.
pub(super) fn settle(report: &Report<'_>, programs: &mut [program::Draft], groups: &mut [Draft]) {
    known_names(report, programs, groups);
    let named: Vec<(Located<String>, String)> = groups
        .iter()
        .flat_map(|draft| draft.members.iter().map(|member| (member, &draft.group.name)))
        .map(|(member, group)| (member.clone(), group.clone()))
        .collect();
    for draft in programs.iter_mut() {
        let name = draft.program.name.as_str();
        let of_groups = named.iter().filter(|(member, _)| member.value == name);
        let of_groups = of_groups.map(|(member, group)| (group.clone(), member.span.clone()));
        let own = draft.group.iter().map(|group| (group.value.clone(), group.span.clone()));
        let mut all = of_groups.chain(own);
        let Some((group, first)) = all.next() else { continue };
        if let Some((other, span)) = all.find(|(other, _)| *other != group) {
            let message = format!("program `{name}` is in two groups, `{group}` and `{other}`");
            let hint = format!("first on line {}", report.line_of(first.start) + 1);
            report.error(&span, message, hint);
        }
        if let Some(home) = groups.iter_mut().find(|draft| draft.group.name == group) {
            home.group.programs.push(name.to_owned());
        }
        draft.program.group = Some(group);
    }
    for draft in groups.iter().filter(|draft| draft.group.programs.is_empty()) {
        if draft.members.is_empty() {
            let message = format!("group `{}` has no program", draft.group.name);
            let hint =
                format!("name some in `programs`, or `group = \"{}\"` in one", draft.group.name);
            report.error(&draft.name, message, hint);
        }
    }
}

/// Members exist, groups that programs name exist, and a group's name can not be taken for that of
/// a program elsewhere.
fn known_names(report: &Report<'_>, programs: &[program::Draft], groups: &[Draft]) {
    let of_programs: Vec<&str> = programs.iter().map(|it| it.program.name.as_str()).collect();
    let of_groups: Vec<&str> = groups.iter().map(|it| it.group.name.as_str()).collect();
    for member in groups.iter().flat_map(|draft| &draft.members) {
        known(report, "program", &of_programs, member);
        let is_listener = |it: &&program::Draft| it.program.listener.is_some();
        let listener = programs.iter().find(|it| it.program.name == member.value);
        if let Some(listener) = listener.filter(is_listener) {
            let message =
                format!("`{}` is a listener, which is in no group", listener.program.name);
            let hint = "with its instances it is a group of its own";
            report.error(&member.span, message, hint);
        }
    }
    for group in programs.iter().filter_map(|draft| draft.group.as_ref()) {
        known(report, "group", &of_groups, group);
    }
    for draft in groups {
        let name = &draft.group.name;
        let Some(like) = programs.iter().find(|it| it.program.name == *name) else { continue };
        let is_member = draft.members.iter().any(|member| member.value == *name)
            || like.group.as_ref().is_some_and(|group| group.value == *name);
        if !is_member {
            let message = format!("group `{name}` is named like a program that is not in it");
            report.error(&draft.name, message, "a name must mean one of them");
        }
    }
}

fn known(report: &Report<'_>, what: &str, names: &[&str], name: &Located<String>) {
    let text = name.value.as_str();
    if names.contains(&text) {
        return;
    }
    let hint = match nearest::nearest(text, names) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("add [{what}.{text}]"),
    };
    report.error(&name.span, format!("no {what} `{text}`"), hint);
}

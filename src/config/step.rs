//! `steps` of a server or a route: conditions, variables that are set, rewrites and early answers
//! (nginx's rewrite module: `set`, `if`, `rewrite`, `return`, `break`).

use toml::de::{DeTable, DeValue};

use super::limits::tables::{OWN_MAX, STEPS_DEPTH_MAX, STEPS_MAX};
use super::model::route::Case;
use super::model::step::{Condition, Effect, Step, Test, Then, Wanted};
use super::report::{Located, Report};
use super::section::{Section, Value, unknown_word};
use super::template::{self, Groups, Scope, Stage, Variable};
use super::{action, pattern};

const EFFECTS: [&str; 6] = ["set", "rewrite", "respond", "redirect", "stop", "steps"];

/// `groups`: of the route's own expression.
pub(super) fn read(section: &mut Section<'_>, groups: Option<&Groups>) -> Vec<Step> {
    within(section, groups, STEPS_DEPTH_MAX)
}

fn within(section: &mut Section<'_>, groups: Option<&Groups>, depth: usize) -> Vec<Step> {
    let items = section.items("steps");
    if let Some(first) = items.get(STEPS_MAX) {
        let message = format!("{} steps, more than {STEPS_MAX}", items.len());
        section.report.error(&first.span(), message, "");
    }
    let step = |item| step(section.item("steps", item)?, groups, depth);
    items.into_iter().filter_map(step).collect()
}

fn step(mut table: Section<'_>, groups: Option<&Groups>, depth: usize) -> Option<Step> {
    let (when, own) = conditions(&mut table, groups);
    let groups = own.as_ref().or(groups);
    let scope = Scope { stage: Stage::Request, groups };
    let set = set(&mut table, scope);
    let rewrite = table.section("rewrite").map(|table| rewrite(table, groups));
    let respond = action::respond(&mut table, scope).map(Effect::Respond);
    let redirect = action::redirect(&mut table, scope).map(Effect::Redirect);
    let stop = table.flag("stop").and_then(|is_stop| is_stop.then_some(Effect::Stop));
    let steps = if depth > 1 {
        Some(within(&mut table, groups, depth - 1)).filter(|steps| !steps.is_empty())
    } else {
        if let Some(span) = table.key_span("steps") {
            let _told = table.items("steps");
            table.report.error(&span, "steps within steps of a step", "they can be set beside it");
        }
        None
    };
    let given: Vec<&str> =
        EFFECTS.into_iter().filter(|key| table.key_span(key).is_some()).collect();
    match given.as_slice() {
        [] => table.missing("set", "or `rewrite`, `respond`, `redirect`, `stop` or `steps`"),
        [first, rest @ ..] => {
            for key in rest {
                let span = table.key_span(key).unwrap_or_default();
                let message = format!("`{key}` beside `{first}`");
                table.report.error(&span, message, "a step does one thing; the next one another");
            }
        }
    }
    table.finish(&[("if", "when"), ("return", "respond"), ("break", "stop"), ("last", "rewrite")]);
    let effect = set.or(rewrite.flatten()).or(respond).or(redirect).or(stop);
    let effect = effect.or(steps.map(Effect::Steps))?;
    Some(Step { when, effect })
}

/// The conditions of a step, and the groups of the last expression among them.
pub(super) fn conditions(
    table: &mut Section<'_>,
    groups: Option<&Groups>,
) -> (Vec<Condition>, Option<Groups>) {
    let mut own = None;
    let mut conditions = Vec::new();
    for item in table.items("when") {
        let Some(section) = table.item("when", item) else { continue };
        let read = condition(section, own.as_ref().or(groups));
        conditions.extend(read.map(|(condition, found)| {
            own = found.or(own.take());
            condition
        }));
    }
    (conditions, own)
}

fn condition(
    mut table: Section<'_>,
    groups: Option<&Groups>,
) -> Option<(Condition, Option<Groups>)> {
    let scope = Scope { stage: Stage::Request, groups };
    let report = table.report;
    let source = table.raw_text("source");
    if table.key_span("source").is_none() {
        table.missing("source", "such as `source = \"$request_method\"`");
    }
    let source = source.map(|text| template::parse(report, &text, scope));
    let words = [
        (table.raw_text("is"), true, false),
        (table.raw_text("is_not"), false, false),
        (table.raw_text("matches"), true, true),
        (table.raw_text("matches_not"), false, true),
    ];
    let exists = exists(&mut table);
    let mut tests = words
        .into_iter()
        .filter_map(|(text, expected, is_expression)| Some((text?, expected, is_expression)));
    let test = tests.next();
    let second = tests.next().map(|(second, ..)| second.span);
    let beside = exists.as_ref().filter(|_| test.is_some()).map(|exists| exists.span.clone());
    if let Some(second) = second.or(beside) {
        report.error(&second, "a second test in one condition", "`when` may be a list");
    }
    table.finish(&[
        ("of", "source"),
        ("equals", "is"),
        ("not", "is_not"),
        ("regex", "matches"),
        ("match", "matches"),
        ("is_file", "exists"),
    ]);
    let (test, expected, own) = match test {
        None => match exists {
            Some(Located { value: (wanted, expected), .. }) => {
                (Test::Exists(wanted), expected, None)
            }
            None => (Test::Something, true, None),
        },
        Some((text, expected, false)) => {
            (Test::Is(template::parse(report, &text, scope)), expected, None)
        }
        Some((text, expected, true)) => {
            let groups = pattern::check(report, &text, Case::Sensitive)?;
            // What did not match has no groups.
            (Test::Matches(text.value), expected, expected.then_some(groups))
        }
    };
    Some((Condition { source: source?, test, expected }, own))
}

/// `exists = "file"`, or `exists_not`.
fn exists(table: &mut Section<'_>) -> Option<Located<(Wanted, bool)>> {
    let words = [(table.text("exists"), true), (table.text("exists_not"), false)];
    let mut given = words.into_iter().filter_map(|(word, expected)| Some((word?, expected)));
    let (word, expected) = given.next()?;
    if let Some((second, _)) = given.next() {
        let hint = "`when` may be a list";
        table.report.error(&second.span, "a second test in one condition", hint);
    }
    let found = Wanted::ALL.iter().find(|(known, _)| *known == word.value);
    if found.is_none() {
        unknown_word(table.report, "kind of file", &word, &Wanted::ALL.map(|(known, _)| known));
    }
    Some(Located { value: (found?.1, expected), span: word.span })
}

fn set(table: &mut Section<'_>, scope: Scope<'_>) -> Option<Effect> {
    table.key_span("set")?;
    let report = table.report;
    let mut pairs = Vec::new();
    for (name, text) in table.pairs("set") {
        let text = template::parse(report, &text, scope);
        match report.named.variable(&name.value) {
            _ if Variable::parse(&name.value).is_some() => {
                let message = format!("there is a variable `${}` already", name.value);
                report.error(&name.span, message, "what a request says of itself stays as it is");
            }
            Some(Variable::Own(at)) => pairs.push((at, text)),
            Some(_) => {
                let message = format!("`${}` is a table's", name.value);
                report.error(&name.span, message, "a name must mean one of them");
            }
            None => {
                let message = format!("`{}` is no name of a variable", name.value.escape_debug());
                report.error(&name.span, message, "letters, digits and `_`, and no digit first");
            }
        }
    }
    Some(Effect::Set(pairs))
}

fn rewrite(mut table: Section<'_>, groups: Option<&Groups>) -> Option<Effect> {
    const WORDS: [(&str, Then); 3] =
        [("next", Then::Next), ("find", Then::Find), ("stay", Then::Stay)];
    let then = table.text("then").map(|word| {
        let found = WORDS.iter().find(|(known, _)| *known == word.value);
        if found.is_none() {
            unknown_word(table.report, "way on", &word, &WORDS.map(|(known, _)| known));
        }
        found.map_or(Then::default(), |(_, then)| *then)
    });
    let none = Groups::default();
    let rewrite = action::rewrite(table, groups.unwrap_or(&none))?;
    Some(Effect::Rewrite { rewrite, then: then.unwrap_or_default() })
}

/// Makes the names of all variables known that steps of the file set.
pub(super) fn name_all(report: &Report<'_>, document: &DeTable<'_>) {
    let servers = document.get("server");
    for server in tables(servers) {
        name(report, server.get("steps"), STEPS_DEPTH_MAX);
        for route in tables(server.get("route")) {
            name(report, route.get("steps"), STEPS_DEPTH_MAX);
        }
    }
}

fn name(report: &Report<'_>, steps: Option<&Value<'_>>, depth: usize) {
    for step in tables(steps) {
        let set = step.get("set").and_then(|set| set.get_ref().as_table());
        for (key, _) in set.into_iter().flatten() {
            let text = key.get_ref().as_ref();
            if super::table::is_variable(text) && !report.named.add_own(text, OWN_MAX) {
                let message = format!("more than {OWN_MAX} variables are set");
                return report.error(&key.span(), message, "");
            }
        }
        if depth > 1 {
            name(report, step.get("steps"), depth - 1);
        }
    }
}

/// A table, or those of a list.
fn tables<'d>(value: Option<&'d Value<'d>>) -> Vec<&'d DeTable<'d>> {
    match value.map(toml::Spanned::get_ref) {
        Some(DeValue::Table(table)) => vec![table],
        Some(DeValue::Array(items)) => {
            items.iter().filter_map(|item| item.get_ref().as_table()).collect()
        }
        _ => Vec::new(),
    }
}

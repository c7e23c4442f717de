//! Texts with variables: what they come apart to, and what is said of those that can not.

use proptest::prelude::*;

use super::super::report::{Located, Report, Surroundings};
use super::super::template::{self, Groups, Part, Scope, Stage, Template, Variable};

fn groups() -> Groups {
    Groups { names: ["", "", "rest"].map(str::to_owned).to_vec() }
}

fn parse(text: &str, stage: Stage) -> (Template, Vec<String>) {
    let surroundings = Surroundings {
        now_s: None,
        variable: &|name| (name == "HOME").then(|| "/root/$1".to_owned()),
        base: None,
        is_folder: &|_| true,
        is_served: &|_| Ok(()),
        is_user: &|_| true,
        is_program: &|_| Ok(()),
        env_file: &|_| Ok(None),
        is_zone: &|_| true,
        page: &|_| Ok(String::new()),
        token: &|_| Ok(()),
        password: &|_| Ok(()),
        users: &|_| Ok(()),
        rules: &|_| Ok(Vec::new()),
        staple: &|_| Ok(Vec::new()),
    };
    let source = format!("\"{text}\"");
    let report = Report::new("test.toml", &source, surroundings);
    let located = Located { value: text.to_owned(), span: 0..source.len() };
    let groups = groups();
    let template = template::parse(&report, &located, Scope { stage, groups: Some(&groups) });
    let (_, _, found) = report.into_parts();
    let errors = found.into_iter().map(|error| {
        format!("{}..{} {} ({})", error.span.start, error.span.end, error.message, error.hint)
    });
    (template, errors.collect())
}

fn text(text: &str) -> Part {
    Part::Text(text.to_owned())
}

#[test]
fn a_text_comes_apart() {
    use Part::Variable as Var;
    for (written, expected) in [
        ("", vec![]),
        ("plain", vec![text("plain")]),
        ("$uri", vec![Var(Variable::Uri)]),
        ("a${uri}b", vec![text("a"), Var(Variable::Uri), text("b")]),
        ("$$uri $${uri}", vec![text("$uri ${uri}")]),
        ("$uri$args", vec![Var(Variable::Uri), Var(Variable::Args)]),
        ("$uri-$1", vec![Var(Variable::Uri), text("-"), Var(Variable::Capture(1))]),
        ("$10", vec![Var(Variable::Capture(1)), text("0")]),
        ("$0${2}", vec![Var(Variable::Capture(0)), Var(Variable::Capture(2))]),
        ("$rest", vec![Var(Variable::Capture(2))]),
        ("${HOME}/", vec![text("/root/$1/")]),
        ("$http_X_y.", vec![Var(Variable::RequestHeader("X_y".to_owned())), text(".")]),
        ("$upstream_http_a", vec![Var(Variable::UpstreamHeader("a".to_owned()))]),
        ("$query_string", vec![Var(Variable::Args)]),
    ] {
        assert_eq!(parse(written, Stage::End), (Template { parts: expected }, vec![]), "{written}");
    }
}

#[test]
fn a_text_that_can_not() {
    for (written, stage, error) in [
        ("$ur", Stage::End, "1..4 unknown variable `ur` (did you mean `$uri`?)"),
        ("$uri/$ur", Stage::End, "6..9 unknown variable `ur` (did you mean `$uri`?)"),
        (
            "$HOME",
            Stage::End,
            "1..6 unknown variable `HOME` (the environment's variables are written `${HOME}`)",
        ),
        (
            "${NOPE}",
            Stage::End,
            "1..8 unknown variable `NOPE` (neither a variable nor in the environment)",
        ),
        ("$zzzzzzz", Stage::End, "1..9 unknown variable `zzzzzzz` (write `$$` for a dollar)"),
        ("$http_", Stage::End, "1..7 unknown variable `http_` (did you mean `$http_NAME`?)"),
        ("${uri", Stage::End, "1..6 `${` without `}` (close it with `}`)"),
        ("a $", Stage::End, "3..4 `$` without a name (write `$$` for a dollar)"),
        ("5$ ", Stage::End, "2..3 `$` without a name (write `$$` for a dollar)"),
        (
            "$3",
            Stage::End,
            "1..3 no group `$3` in the regular expression (groups are counted by their opening parentheses, up to `$9`)",
        ),
        ("$status", Stage::Request, "1..8 `$status` is not known here yet (it is of the response)"),
        (
            "$bytes_sent",
            Stage::Response,
            "1..12 `$bytes_sent` is not known here yet (only a log can have it)",
        ),
    ] {
        assert_eq!(parse(written, stage).1, [error], "{written}");
    }
}

#[test]
fn every_plain_variable_is_parsed_by_its_name() {
    for name in Variable::names() {
        assert!(Variable::parse(name).is_some(), "{name}");
        assert_eq!(parse(&format!("${name}"), Stage::End).1, Vec::<String>::new());
    }
}

proptest! {
    /// Any text is judged, and errors stand on it.
    #[test]
    fn any_text_is_taken_apart(text in "[$a-z{}0-9é ]{0,24}") {
        let (template, errors) = parse(&text, Stage::Request);
        prop_assert!(template.parts.len() <= text.len());
        for error in errors {
            let end: usize = error.split("..").nth(1).and_then(|rest| rest.split(' ').next())
                .and_then(|number| number.parse().ok()).unwrap();
            prop_assert!(end <= text.len() + 2);
        }
    }
}

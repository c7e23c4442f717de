//! Groups: who is in which, and what does not fit.

use super::super::model::group::GroupStrategy;
use super::super::model::program::Program;
use super::errors::check_short;
use super::good;

#[test]
fn members_are_named_on_either_side() {
    let config = good(
        r#"
        [program.web]
        command = "a"
        group = "site"
        [program.api]
        command = "a"
        priority = -5
        [program.cron]
        command = "a"
        [group.site]
        programs = ["api", "web"]
        priority = 10
        strategy = "rest_for_one"
        "#,
    );
    let groups: Vec<&str> = config.programs.iter().map(Program::group_name).collect();
    assert_eq!(groups, ["site", "site", "cron"]);
    let priorities: Vec<i32> = config.programs.iter().map(|it| it.priority).collect();
    assert_eq!(priorities, [999, -5, 999]);
    let site = &config.groups[0];
    assert_eq!((site.priority, site.strategy), (10, GroupStrategy::RestForOne));
    assert_eq!(site.programs, ["web", "api"]);
}

#[test]
fn what_does_not_fit() {
    let programs = "program = { p = { command = \"a\" }, q = { command = \"a\" } }\n";
    for (lines, error) in [
        ("[group.g]\nprograms = [\"pp\"]", "3:13 no program `pp` (did you mean `p`?)"),
        (
            "[group.g]\nprograms = [\"p\"]\n[group.h]\nprograms = \"p\"",
            "5:12 program `p` is in two groups, `g` and `h` (first on line 3)",
        ),
        (
            "[group.g]\n",
            "2:8 group `g` has no program (name some in `programs`, or `group = \"g\"` in one)",
        ),
        (
            "[group.q]\nprograms = [\"p\"]",
            "2:8 group `q` is named like a program that is not in it (a name must mean one of them)",
        ),
        (
            "[group.g]\nprograms = \"p\"\nstrategy = \"one_for_al\"",
            "4:12 unknown strategy of a group `one_for_al` (did you mean `one_for_all`?)",
        ),
        (
            "[group.g]\nprograms = \"p\"\npriority = -1000001",
            "4:12 expected a number from -1000000 to 1000000, found integer -1000001",
        ),
        (
            "[group.g]\nprograms = [\"p\", \"l\"]\n[listener.l]\ncommand = \"a\"\nevents = [\"TICK\"]",
            "3:18 `l` is a listener, which is in no group (with its instances it is a group of its own)",
        ),
        (
            "[program.r]\ncommand = \"a\"\ngroup = \"site\"\n[program.q]\ncommand = \"a\"\ngroup = \"sit\"\n[group.sit]",
            "4:9 no group `site` (did you mean `sit`?)",
        ),
    ] {
        let programs = if lines.starts_with("[program") { "\n" } else { programs };
        check_short(&format!("{programs}{lines}"), &[error]);
    }
}

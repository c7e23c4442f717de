//! The firewall's settings, and what is said of those that mean nothing.

use super::super::model::firewall::{Exception, Mode, Part, Rule, Unread};
use super::good;

fn server(lines: &str) -> String {
    format!(
        "[[server]]\nlisten = \"[::]:1\"\n{lines}\n[[server.route]]\npath = \"/\"\nrespond = 204\n"
    )
}

#[track_caller]
fn check(lines: &str, expected: &[&str]) {
    super::errors::check_short(&server(lines), expected);
}

#[test]
fn a_firewall_becomes_its_final_types() {
    let config = good(&server(
        r#"firewall = { mode = "block", except = [
            { rule = "sql-injection", where = "query:q" }, { where = "cookie" }, { rule = "scanner" } ] }"#,
    ));
    let firewall = config.servers[0].routes[0].guards.firewall.as_ref().expect("its server's");
    assert_eq!((firewall.mode, firewall.threshold), (Mode::Block, 5));
    let exception = |rule, part, name: Option<&str>| Exception {
        rule,
        id: None,
        part,
        name: name.map(str::to_owned),
    };
    assert_eq!(
        firewall.exceptions,
        [
            exception(Some(Rule::SqlInjection), Some(Part::Query), Some("q")),
            exception(None, Some(Part::Cookie), None),
            exception(Some(Rule::Scanner), None, None),
        ]
    );
}

#[test]
fn what_means_nothing_is_told_where_it_stands() {
    check(r#"firewall = { mode = "blok" }"#, &["3:21 unknown mode `blok` (did you mean `block`?)"]);
    check(
        r#"firewall = { mode = "block", threshold = 0 }"#,
        &["3:42 `threshold` is 0, out of range (expected 1 to 1000)"],
    );
    check(
        r#"firewall = { mode = "block", except = [{ rule = "sql-injektion" }] }"#,
        &["3:49 unknown rule `sql-injektion` (did you mean `sql-injection`?)"],
    );
    check(
        r#"firewall = { mode = "block", except = [{ where = "path:a" }, { where = "query:" }] }"#,
        &[
            "3:50 values in `path` have no names",
            "3:72 a name is missing behind the colon (expected `query`, or `query:NAME`)",
        ],
    );
    check(
        r#"firewall = { mode = "block", except = [{}] }"#,
        &[
            "3:40 an exception for everything (name a `rule`, or `where`; mode \"off\" lets everything pass)",
        ],
    );
    check(
        "firewall = { threshold = 5 }",
        &["3:12 [server.firewall] has no `mode` (expected \"off\", \"detect\" or \"block\")"],
    );
    check(
        r#"firewall = { mode = "off", enabled = true }"#,
        &["3:28 unknown key `enabled` in [server.firewall] (did you mean `mode`?)"],
    );
}

#[test]
fn core_rules_are_a_table_of_their_own() {
    let config = good(&server(
        r#"firewall = { mode = "block", on_oversize = "block",
            crs = { rules = "a.conf", budget = "1s", on_timeout = "block", alone = true },
            except = [{ rule = "crs-942100", where = "query:q" }, { rule = "crs" }] }"#,
    ));
    let firewall = config.servers[0].routes[0].guards.firewall.as_ref().expect("its server's");
    let core = firewall.core.as_ref().expect("core rules");
    assert_eq!((core.budget_ms, core.on_timeout, core.is_alone), (1_000, Unread::Block, true));
    assert_eq!(firewall.on_oversize, Unread::Block);
    let ids = firewall.exceptions.iter().map(|exception| (exception.rule, exception.id));
    let core = Some(Rule::Core);
    assert_eq!(ids.collect::<Vec<_>>(), [(core, Some(942_100)), (core, None)]);
}

#[test]
fn core_rules_that_mean_nothing_are_told_where_they_stand() {
    check(
        r#"firewall = { mode = "block", crs = { budget = "11s" } }"#,
        &[
            "3:36 [server.firewall.crs] has no `rules` (expected a file in ModSecurity's language that includes the rules)",
            "3:38 `budget` is longer than requests should wait (at most 10 s)",
        ],
    );
    check(
        r#"firewall = { mode = "block", crs = { rules = "a", on_timeout = "drop" } }"#,
        &["3:64 unknown word `drop` (expected `pass` or `block`)"],
    );
    check(
        r#"firewall = { mode = "block", except = [{ rule = "crs-0" }] }"#,
        &[
            "3:49 unknown rule `crs-0` (expected `sql-injection`, `cross-site-scripting`, `path-traversal`, \
             `sensitive-file`, `command-injection`, `template-injection`, `code-injection`, \
             `header-injection`, `bad-encoding`, `odd-protocol`, `scanner` or `crs`)",
        ],
    );
}

/// A build without the engine says so where the file asks for it.
#[test]
#[cfg(not(feature = "crs"))]
fn core_rules_need_a_build_that_has_them() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.toml");
    let lines = r#"firewall = { mode = "block", crs = { rules = "a.conf" } }"#;
    std::fs::write(&file, server(lines)).unwrap();
    let source = crate::config::source::Source::File(file);
    let errors = source.load(crate::config::Dates::Judged).unwrap_err().to_string();
    assert!(errors.contains("a.toml:3:46"), "{errors}");
    assert!(errors.contains("`crs` needs a build with the cargo feature `crs`"), "{errors}");
}

//! The firewall's settings, and what is said of those that mean nothing.

use super::super::model::firewall::{Exception, Mode, Part, Rule};
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
    let exception =
        |rule, part, name: Option<&str>| Exception { rule, part, name: name.map(str::to_owned) };
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

//! Differences are told in the file's words, and secrets are not told.

use crate::config::compare::{Detail, Section, Sign, sections_between, unchanged};
use crate::config::lines::{Line, between};

const OLD: &str = r#"
[engine]
workers = 2
[[server]]
listen = ["127.0.0.1:80"]
hosts = ["shop"]
[[server.route]]
path = "/"
upstream = "api"
[upstream.api]
strategy = "least_conn"
[[upstream.api.backend]]
address = "10.0.0.1:80"
[[upstream.api.backend]]
address = "10.0.0.2:80"
weight = 1
[upstream.old]
[program.mailer]
command = "mailer --now"
environment = { PASS = "one", HOST = "a" }
"#;

fn detail(sign: Sign, key: &str, from: &str, to: &str) -> Detail {
    Detail { sign, key: key.to_owned(), from: from.to_owned(), to: to.to_owned() }
}

fn section(sign: Sign, kind: &str, name: &str, details: Vec<Detail>) -> Section {
    Section { sign, kind: kind.to_owned(), name: name.to_owned(), details }
}

#[test]
fn sections_and_keys_are_told_and_order_is_no_difference() {
    assert_eq!(sections_between(OLD, OLD), []);
    assert_eq!(unchanged(OLD, OLD), 5);
    let new = OLD
        .replace("least_conn", "round_robin")
        .replace("10.0.0.1:80", "10.0.0.9:80")
        .replace("weight = 1", "weight = 3")
        .replace("[upstream.old]", "[program.cron]\ncommand = \"cron\"")
        .replace("PASS = \"one\"", "PASS = \"two\"");
    let api = vec![
        detail(Sign::Removed, "backend 10.0.0.1:80", "address=10.0.0.1:80", ""),
        detail(Sign::Changed, "backend 10.0.0.2:80.weight", "1", "3"),
        detail(Sign::Added, "backend 10.0.0.9:80", "", "address=10.0.0.9:80"),
        detail(Sign::Changed, "strategy", "least_conn", "round_robin"),
    ];
    let mailer = vec![detail(Sign::Changed, "environment.PASS", "***", "***")];
    let mut found = sections_between(OLD, &new);
    for section in &mut found {
        section.details.sort_by(|one, other| one.key.cmp(&other.key));
    }
    assert_eq!(
        found,
        [
            section(Sign::Changed, "upstream", "api", api),
            section(Sign::Removed, "upstream", "old", Vec::new()),
            section(Sign::Added, "program", "cron", Vec::new()),
            section(Sign::Changed, "program", "mailer", mailer),
        ]
    );
    assert_eq!(unchanged(OLD, &new), 2, "the engine and the server");
    assert_eq!(sections_between(OLD, "no [toml").len(), 5, "all of it is gone");
}

#[test]
fn lines_are_told_with_those_around_them() {
    assert_eq!(between("a\nb\nc", "a\nb\nc"), []);
    let old = "1\n2\n3\n4\n5\n6\n7\n8\n9";
    let new = "1\n2\n3\n4\nfive\n6\n7\n8\n9\n10";
    assert_eq!(
        between(old, new),
        [
            Line::Gap(2),
            Line::Same("3"),
            Line::Same("4"),
            Line::Gone("5"),
            Line::New("five"),
            Line::Same("6"),
            Line::Same("7"),
            Line::Same("8"),
            Line::Same("9"),
            Line::New("10"),
        ]
    );
    // Too much for the table: still every line of both.
    let many = |word: &str| vec![word; 3_000].join("\n");
    assert_eq!(between(&many("a"), &many("b")).len(), 6_000);
}

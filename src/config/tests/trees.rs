//! Which process of a program is the main one, and how much they all may use.

use crate::config::model::tree::{Bounds, LeftOvers, Main};
use crate::config::parse;

fn tree(text: &str) -> crate::config::model::tree::Tree {
    let text = format!("[program.p]\ncommand = \"true\"\n{text}");
    let mut config = parse(&text, "test.toml").unwrap_or_else(|errors| panic!("{errors}"));
    config.programs.remove(0).tree
}

fn error(text: &str) -> String {
    let text = format!("[program.p]\ncommand = \"true\"\n{text}");
    parse(&text, "test.toml").unwrap_err().to_string()
}

#[test]
fn a_program_is_its_own_main_process_unless_it_is_a_daemon() {
    let plain = tree("");
    assert_eq!((&plain.main, plain.left_overs), (&Main::Started, LeftOvers::Ended));
    let none = Bounds { memory_bytes: None, cpu_percent: None, tasks: None, checks: 3 };
    assert_eq!(plain.bounds, none);
    let daemon = tree("kind = \"daemon\"\npidfile = \"/run/p.pid\"\nreap_leftovers = false");
    assert_eq!(daemon.main, Main::Forked { pidfile: Some("/run/p.pid".into()) });
    assert_eq!(daemon.left_overs, LeftOvers::Kept);
    assert_eq!(tree("kill_group = false").left_overs, LeftOvers::Kept);
    assert_eq!(tree("kill_group = false\nreap_leftovers = true").left_overs, LeftOvers::Ended);
    let bounds =
        tree("memory_max = \"512MB\"\ncpu_max = \"150%\"\ntasks_max = 9\nlimit_checks = 1");
    let expected =
        Bounds { memory_bytes: Some(512 << 20), cpu_percent: Some(150), tasks: Some(9), checks: 1 };
    assert_eq!(bounds.bounds, expected);
}

#[test]
fn what_is_no_bound_and_no_kind_is_told() {
    for (text, expected) in [
        ("kind = \"demon\"", "daemon"),
        ("pidfile = \"/run/p.pid\"", "without `kind = \"daemon\"`"),
        ("cpu_max = \"fast\"", "150%"),
        ("cpu_max = \"0%\"", "from 1%"),
        ("memory_max = \"1KB\"", "memory_max"),
        ("tasks_max = 0", "tasks_max"),
        ("max_memory_restart = \"1GB\"", "memory_max"),
    ] {
        let error = error(text);
        assert!(error.contains(expected), "{text}: {error}");
    }
}

//! Readiness, liveness and needs: what the keys become, and what is said of bad ones.

use super::super::model::vitals::{Asked, Need, Ready, Until};
use super::errors::check_short;
use super::good;

fn program(lines: &str) -> super::super::model::program::Program {
    let config = good(&format!(
        "[program.db]\ncommand = \"true\"\n[program.p]\ncommand = \"true\"\n{lines}"
    ));
    config.programs.into_iter().find(|program| program.name == "p").expect("it is there")
}

#[test]
fn each_way_to_be_ready() {
    let cases = [
        ("ready = { notify = true }", Ready::Notify),
        ("ready = { descriptor = 3 }", Ready::Descriptor(3)),
        ("ready = { log = \"^up$\" }", Ready::Log("^up$".to_owned())),
        (
            "ready = { listening = \"unix:/run/${PROGRAM}.sock\" }",
            Ready::Listening("unix:/run/${PROGRAM}.sock".to_owned()),
        ),
    ];
    for (line, ready) in cases {
        assert_eq!(program(line).vitals.ready, Some(ready), "{line}");
    }
    assert_eq!(program("").vitals.ready, None);
}

#[test]
fn a_check_takes_its_pace_from_beside_it_then_from_itself_then_from_its_purpose() {
    let cases = [
        ("ready", "", "", (2_000, 1_000, 3, 1)),
        ("live", "", "", (10_000, 1_000, 3, 1)),
        ("live", "interval = \"5s\", fall = 2", "", (5_000, 1_000, 2, 1)),
        ("live", "", "timeout = \"2s\", rise = 4, kind = \"tcp\"", (10_000, 2_000, 3, 4)),
        ("live", "timeout = \"3s\"", "timeout = \"2s\"", (10_000, 3_000, 3, 1)),
    ];
    for (key, beside, inside, (interval_ms, timeout_ms, fall, rise)) in cases {
        let comma = if beside.is_empty() { "" } else { ", " };
        let line = format!(
            "{key} = {{ check = {{ {inside} }}, address = \"127.0.0.1:9\"{comma}{beside} }}"
        );
        let vitals = program(&line).vitals;
        let asking = match (vitals.ready, vitals.live) {
            (Some(Ready::Asked(asking)), None) | (None, Some(asking)) => asking,
            other => panic!("{other:?}"),
        };
        let found = (asking.interval_ms, asking.timeout_ms, asking.fall, asking.rise);
        assert_eq!(found, (interval_ms, timeout_ms, fall, rise), "{line}");
        let Asked::Check { check, address } = asking.asked else { panic!("{line}") };
        assert_eq!((check.timeout_ms, address.as_deref()), (timeout_ms, Some("127.0.0.1:9")));
    }
}

#[test]
fn a_command_is_asked_like_a_check() {
    let vitals = program("live = { command = \"test -e 'a b'\", interval = \"3s\" }").vitals;
    let live = vitals.live.expect("it is given");
    assert_eq!(live.asked, Asked::Command(["test", "-e", "a b"].map(str::to_owned).to_vec()));
    assert_eq!((live.interval_ms, live.timeout_ms, live.fall), (3_000, 1_000, 3));
}

#[test]
fn needs_are_names_tables_and_addresses() {
    let db = |until| Need::Program { name: "db".to_owned(), until };
    let cases = [
        ("needs = [\"db\"]", vec![db(Until::Ready)]),
        ("needs = \"db\"", vec![db(Until::Ready)]),
        ("needs = [{ program = \"db\" }]", vec![db(Until::Ready)]),
        ("needs = [{ program = \"db\", until = \"succeeded\" }]", vec![db(Until::Succeeded)]),
        (
            "needs = [{ program = \"db\", log = \"up\" }, { listening = \"127.0.0.1:5432\" }]",
            vec![
                Need::Line { program: "db".to_owned(), expression: "up".to_owned() },
                Need::Listening("127.0.0.1:5432".to_owned()),
            ],
        ),
    ];
    for (line, needs) in cases {
        assert_eq!(program(line).needs, needs, "{line}");
    }
}

#[test]
fn bad_readiness_is_said_where_it_stands() {
    let cases = [
        (
            "ready = {}",
            "3:9 `ready` does not say what makes it ready (one of notify = true, descriptor = 3, \
             log = \"regex\", listening = \"127.0.0.1:9000\", check = { ... }, command = \"...\")",
        ),
        ("ready = { notify = false }", "3:20 expected true, found boolean false"),
        (
            "ready = { notify = true, log = \"a\" }",
            "3:26 `ready` has `notify` and `log` (keep one of them)",
        ),
        ("ready = { descriptor = 2 }", "3:24 `descriptor` is 2, out of range (expected 3 to 15)"),
        ("ready = { log = \"(\" }", "3:17 `(` is no regular expression (unclosed group)"),
        (
            "ready = { listening = \"9000\" }",
            "3:23 `9000` is no address (a port needs an address: \"127.0.0.1:9000\" or \"0.0.0.0:9000\")",
        ),
        (
            "ready = { listening = \"127.0.0.1:${PORT}\" }",
            "3:34 unknown variable `PORT` (PORT is for programs with `serves`)",
        ),
        (
            "ready = { check = {} }",
            "3:9 [program.p.ready] has no `address` (where it is asked, such as \"127.0.0.1:9000\")",
        ),
        (
            "start_timeout = \"5s\"",
            "3:1 `start_timeout` without `ready` (say what it waits for: ready = { listening = \
             \"127.0.0.1:9000\" })",
        ),
        (
            "live = {}",
            "3:8 [program.p.live] has no `check` (such as `check = { path = \"/healthz\" }`, or a `command`)",
        ),
        (
            "startup = { check = {}, address = \"127.0.0.1:9\" }",
            "3:1 `startup` without `live` (it is what `live` waits for; add `live`)",
        ),
        ("watchdog = \"0s\"", "3:12 `watchdog` is zero (expected more than zero)"),
        (
            "liveness_probe = {}",
            "3:1 unknown key `liveness_probe` in [program.p] (did you mean `live`?)",
        ),
    ];
    for (line, error) in cases {
        let text = format!("[program.p]\ncommand = \"true\"\n{line}");
        check_short(&text, &[error]);
    }
}

#[test]
fn needs_name_programs_and_never_lead_back() {
    let text = |needs: [&str; 3]| {
        let [a, b, c] = needs;
        format!(
            "[program.a]\ncommand = \"true\"\nneeds = {a}\n[program.b]\ncommand = \"true\"\n\
             needs = {b}\n[program.c]\ncommand = \"true\"\nneeds = {c}\n"
        )
    };
    check_short(&text(["[\"b\"]", "[\"c\"]", "[]"]), &[]);
    check_short(
        &text(["[\"bb\"]", "[]", "[{ program = \"zzzzz\" }]"]),
        &[
            "3:10 no program `bb` (did you mean `b`?)",
            "9:22 no program `zzzzz` (add [program.zzzzz])",
        ],
    );
    check_short(
        &text(["[\"a\"]", "[]", "[]"]),
        &["3:10 `a` needs itself (a needs a: none of them could start)"],
    );
    check_short(
        &text(["[\"b\"]", "[\"c\"]", "[{ program = \"a\", until = \"started\" }]"]),
        &[
            "9:22 programs need each other in a circle (a needs b needs c needs a: none of them could start)",
        ],
    );
    check_short(
        &text(["[{ until = \"ready\" }]", "[{ program = \"a\", until = \"up\" }]", "[]"]),
        &[
            "3:10 `needs` does not say what is needed (one of { program = \"db\", until = \"ready\" }, \
             { program = \"db\", log = \"regex\" }, { listening = \"127.0.0.1:5432\" })",
            "3:12 `until` without `program`, or beside `log` (remove it)",
            "6:35 unknown condition `up` (expected `started`, `ready`, `healthy`, `completed` or `succeeded`)",
        ],
    );
}

//! Event listeners: what they are told of, and what they may not have.

use super::super::model::listener::{Subject, Subjects};
use super::super::model::process::Stdin;
use super::errors::check_short;
use super::good;

#[test]
fn a_listener_is_a_program_with_events() {
    let config = good(
        r#"
        [listener.watch]
        command = "watch"
        instances = 2
        events = ["PROCESS_STATE", "TICK_60"]
        buffer = 50
        timeout = "5s"
        "#,
    );
    let program = &config.programs[0];
    let listener = program.listener.unwrap();
    assert_eq!((program.name.as_str(), program.instances), ("watch", 2));
    assert_eq!(program.priority, -1, "it starts first");
    assert_eq!(program.process.stdin, Stdin::Open);
    assert_eq!((listener.buffer, listener.timeout_ms), (50, 5_000));
    assert!(listener.events.contains(Subject::ProcessStateFatal));
    assert!(listener.events.contains(Subject::Tick60));
    assert!(!listener.events.contains(Subject::Tick5));
    assert!(!listener.events.contains(Subject::ProcessLogStdout));
}

#[test]
fn every_name_of_supervisor_means_something() {
    let count = |name| {
        let subjects = Subjects::named(name);
        Subject::ALL.iter().filter(|subject| subjects.contains(**subject)).count()
    };
    let families = ["EVENT", "PROCESS_STATE", "TICK", "PROCESS_LOG", "SUPERVISOR_STATE_CHANGE"];
    assert_eq!(families.map(count), [20, 8, 3, 2, 2]);
    assert_eq!(["PROCESS_GROUP", "PROCESS_COMMUNICATION", "TICK_5"].map(count), [2, 2, 1]);
    assert_eq!(["PROCESS", "TICK_", "", "TICK_6", "REMOTE"].map(count), [0; 5]);
    assert_eq!(Subjects::names().count(), 27);
    assert!(Subjects::names().all(|name| count(name) > 0));
}

#[test]
fn what_a_listener_may_not_have() {
    let listener = "[listener.l]\ncommand = \"a\"\n";
    for (lines, error) in [
        ("", "1:1 [listener.l] has no `events` (such as `events = [\"PROCESS_STATE\"]`)"),
        ("events = []", "3:1 `events` is empty (nothing would ever be told to it)"),
        (
            "events = [\"PROCESS_STATE_EXITTED\"]",
            "3:11 unknown event `PROCESS_STATE_EXITTED` (did you mean `PROCESS_STATE_EXITED`?)",
        ),
        (
            "events = [\"TICK\"]\nredirect_stderr = true",
            "4:1 `redirect_stderr` has no meaning for a listener (what it writes to stdout is the \
             protocol, and nothing else may be there)",
        ),
        (
            "events = [\"TICK\"]\nbuffer_size = 5",
            "4:1 unknown key `buffer_size` of a listener (did you mean `buffer`?)",
        ),
        (
            "events = [\"TICK\"]\n[program.l]\ncommand = \"a\"",
            "1:11 listener `l` is named like a program (a name must mean one of them)",
        ),
    ] {
        check_short(&format!("{listener}{lines}"), &[error]);
    }
}

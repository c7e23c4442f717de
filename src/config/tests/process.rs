//! What a program's process is started with: names, numbers and what is refused of them.

use super::errors::check_short;
use super::good;

#[test]
fn an_instance_is_called_as_supervisor_calls_it() {
    for (lines, names) in [
        ("", ["p", "p"]),
        ("instances = 2", ["p_00", "p_01"]),
        ("instances = 2\nfirst_instance = 9", ["p_09", "p_10"]),
        ("instances = 2\nprocess_name = \"x-${INSTANCE}.${PROGRAM}\"", ["x-0.p", "x-1.p"]),
        ("process_name = \"x\"", ["x", "x"]),
    ] {
        let config = good(&format!("[program.p]\ncommand = \"a\"\n{lines}"));
        let program = &config.programs[0];
        let last = program.instances - 1;
        assert_eq!([program.supervisor_name(0), program.supervisor_name(last)], names, "{lines}");
    }
}

#[test]
fn names_that_the_protocol_could_not_carry() {
    for (lines, error) in [
        (
            "process_name = \"\"",
            "3:16 `process_name` is empty (such as \"${PROGRAM}_${INSTANCE}\")",
        ),
        (
            "process_name = \"a:b\"",
            "3:16 `a:b` is no name for a process (no colon, slash or blank)",
        ),
        (
            "process_name = \"${HOME}\"",
            "3:16 another variable in `process_name` (it may name `${PROGRAM}` and `${INSTANCE}`)",
        ),
        (
            "process_name = \"x\"\ninstances = 2",
            "3:16 every instance would have the same `process_name` (with several instances it needs `${INSTANCE}`)",
        ),
        (
            "numprocs_start = 1",
            "3:1 unknown key `numprocs_start` in [program.p] (did you mean `first_instance`?)",
        ),
    ] {
        check_short(&format!("[program.p]\ncommand = \"a\"\n{lines}"), &[error]);
    }
}

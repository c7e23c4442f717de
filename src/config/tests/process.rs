//! What a program's process is started with: names, numbers and what is refused of them.

use std::fs;
use std::path::Path;

use super::errors::check_short;
use super::good;
use crate::config::model::process::Rlimit;
use crate::sys::capability;

#[test]
fn an_instance_is_called_as_supervisor_calls_it() {
    for (lines, names) in [
        ("", ["p", "p"]),
        ("instances = 2", ["p_00", "p_01"]),
        ("instances = 2\nfirst_instance = 9", ["p_09", "p_10"]),
        ("instances = 2\nprocess_name = \"x-${INSTANCE}.${PROGRAM}\"", ["x-0.p", "x-1.p"]),
        ("instances = 2\nprocess_name = \"x_${INSTANCE:02}\"", ["x_00", "x_01"]),
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
            "3:16 another variable in `process_name` (it may name `${PROGRAM}` and `${INSTANCE}`, or `${INSTANCE:02}`)",
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

#[test]
fn attributes_become_numbers() {
    let text = r#"
        [program.p]
        command = "a"
        umask = "027"
        nice = -5
        oom_score_adj = 100
        no_new_privileges = true
        capabilities = ["NET_BIND_SERVICE", "cap_chown"]
        limits = { open_files = 4096, core = "unlimited", cpu = "2m", stack = { soft = "8MB" } }
        "#;
    let config = good(text);
    let process = &config.programs[0].process;
    assert_eq!(
        (process.umask, process.nice, process.oom_score_adj),
        (Some(0o27), Some(-5), Some(100))
    );
    let bits = ["NET_BIND_SERVICE", "CHOWN"].map(|name| 1 << capability::parse(name).unwrap());
    assert_eq!((process.no_new_privileges, process.capabilities), (true, Some(bits[0] | bits[1])));
    let pairs: Vec<_> =
        process.limits.iter().map(|Rlimit { soft, hard, .. }| (*soft, *hard)).collect();
    let both = |amount| (Some(amount), Some(amount));
    assert_eq!(pairs, [both(4096), both(u64::MAX), (Some(8 << 20), None), both(120)]);
}

#[test]
fn attributes_that_are_none() {
    for (lines, error) in [
        (
            "umask = \"888\"",
            "3:9 expected octal digits such as \"022\", up to \"777\", found string \"888\"",
        ),
        (
            "umask = 22",
            "3:9 expected octal digits such as \"022\", up to \"777\", found integer 22",
        ),
        ("nice = 20", "3:8 expected a number from -20 to 19, found integer 20"),
        ("oom_score_adj = -1001", "3:17 expected a number from -1000 to 1000, found integer -1001"),
        (
            "capabilities = [\"NET_BIND_SERVCE\"]",
            "3:17 unknown capability `NET_BIND_SERVCE` (did you mean `NET_BIND_SERVICE`?)",
        ),
        (
            "limits = { nofile = 1 }",
            "3:12 unknown key `nofile` in [program.p.limits] (did you mean `open_files`?)",
        ),
        (
            "limits = { core = \"1 elephant\" }",
            "3:19 expected a size such as \"64MB\", a number of bytes or \"unlimited\", found string \"1 elephant\"",
        ),
        (
            "limits = { cpu = { soft = 2, hard = 1 } }",
            "3:18 the soft limit of `cpu` is above its hard one (the soft one is in force, the hard one its bound)",
        ),
    ] {
        check_short(&format!("[program.p]\ncommand = \"a\"\n{lines}"), &[error]);
    }
}

/// The errors of a file in a folder that holds what `furnish` puts there.
fn errors_of(lines: &str, furnish: impl FnOnce(&Path)) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    furnish(folder.path());
    let path = folder.path().join("test.toml");
    fs::write(&path, format!("[program.p]\n{lines}\n")).unwrap();
    let errors = crate::config::source::Source::File(path.clone())
        .load(crate::config::Dates::Judged)
        .err()
        .map_or_else(Vec::new, |errors| errors.list);
    let place = folder.path().display().to_string();
    errors
        .iter()
        .map(|error| {
            let at = error.place.as_ref().map_or(0, |place| place.column);
            let hint = error.hint.split(" in ").next().unwrap_or_default();
            format!("{at} {} ({hint})", error.message).replace(&place, "HERE")
        })
        .collect()
}

#[test]
fn what_this_machine_does_not_have_is_told_before_anything_starts() {
    let furnish = |folder: &Path| {
        fs::write(folder.join("plain"), "#!/bin/sh\n").unwrap();
        fs::write(folder.join("good.env"), "WORD=1\n").unwrap();
        fs::write(folder.join("bad.env"), "\nWORD\n").unwrap();
    };
    for (lines, expected) in [
        (
            "command = \"no-such-program-here -x\"",
            Some("12 no program `no-such-program-here` on this machine (looked for)"),
        ),
        ("command = \"/no/such/file\"", Some("12 run /no/such/file: no such file or directory ()")),
        ("command = \"/etc/passwd\"", Some("12 run /etc/passwd: not executable (mode 644) ()")),
        (
            "command = \"./plain\"\ndirectory = \".\"",
            Some("12 run HERE/././plain: not executable (mode 644) ()"),
        ),
        ("command = \"./plain\"", None),
        ("command = \"${PROGRAM}/plain\"", None),
        (
            "command = \"true\"\nenvironment = { PATH = \"/no/such/folder\" }",
            Some("12 no program `true` on this machine (looked for)"),
        ),
        (
            "command = \"true\"\nstop_command = \"no-such-stop\"",
            Some("17 no program `no-such-stop` on this machine (looked for)"),
        ),
        (
            "command = \"true\"\nhooks = { pre_stop = \"true\", post_stop = { command = \"/no/hook\" } }",
            Some("55 run /no/hook: no such file or directory ()"),
        ),
        (
            "command = \"true\"\nready = { command = \"no-such-probe\" }",
            Some("22 no program `no-such-probe` on this machine (looked for)"),
        ),
        (
            "command = \"true\"\nreload = { command = \"/etc/passwd\" }",
            Some("23 run /etc/passwd: not executable (mode 644) ()"),
        ),
        ("command = \"true\"\nreload = \"HUP\"\non_fatal = \"shutdown\"", None),
        (
            "command = \"true\"\ndirectory = \"nowhere\"",
            Some("13 no folder HERE/nowhere on this machine ()"),
        ),
        ("command = \"true\"\ndirectory = \"/srv/${INSTANCE}\"", None),
        (
            "command = \"true\"\nuser = \"nobody-by-this-name\"",
            Some("8 no user `nobody-by-this-name` on this machine ()"),
        ),
        ("command = \"echo ${WORD}\"\nenv_files = \"good.env\"", None),
        ("command = \"true\"\nenv_files = [\"-nothing.env\"]", None),
        ("command = \"true\"\nenv_files = [\"${PROGRAM}.env\"]", None),
        (
            "command = \"true\"\nenv_files = [\"nothing.env\"]",
            Some(
                "14 no file HERE/nothing.env on this machine (\"-FILE\" for one that need not be there)",
            ),
        ),
        (
            "command = \"true\"\nenv_files = [\"bad.env\"]",
            Some("14 HERE/bad.env, line 2: not NAME=value ()"),
        ),
    ] {
        let expected: Vec<&str> = expected.into_iter().collect();
        assert_eq!(errors_of(lines, furnish), expected, "{lines}");
    }
}

#[test]
fn nobody_is_called_as_everybody_is() {
    let expected =
        "1:10 `all` is no name for a program (`pilothouse program stop all` means every program)";
    super::errors::check_short("[program.all]\ncommand = \"a\"", &[expected]);
}

#[test]
fn sockets_have_an_address_and_one_owner() {
    let config = good(
        r#"
        [program.p]
        command = "a"
        stdin = "socket"
        sockets = [
            "127.0.0.1:9000",
            { address = "unix:/run/p.sock", name = "api", mode = "660", owner = "root:root", backlog = 7 },
        ]
        "#,
    );
    let sockets = &config.programs[0].process.sockets;
    assert_eq!(sockets[0].address.to_string(), "127.0.0.1:9000");
    assert_eq!(
        (sockets[1].mode, sockets[1].backlog, sockets[1].name.as_deref()),
        (0o660, 7, Some("api"))
    );
    for (lines, error) in [
        (
            "sockets = [\"9000\"]",
            "3:12 `9000` is not an address to listen on (a port needs an address: \"127.0.0.1:9000\" or \"0.0.0.0:9000\")",
        ),
        (
            "sockets = [\"127.0.0.1:0\"]",
            "3:12 `127.0.0.1:0` is not an address to listen on (a port from 1 to 65535: nobody would know another)",
        ),
        (
            "sockets = [\"unix:run\"]",
            "3:12 `unix:run` is not an address to listen on (a socket's path starts with a slash: \"unix:/run/app.sock\")",
        ),
        ("sockets = [\"unix:/a\", \"unix:/a\"]", "3:23 unix:/a is listed twice"),
        (
            "sockets = [{ address = \"127.0.0.1:9\", mode = \"600\" }]",
            "3:39 `mode` is for sockets in the file system",
        ),
        (
            "sockets = [{ address = \"127.0.0.1:9\", name = \"a:b\" }]",
            "3:46 `a:b` is no name for a socket (plain characters without a colon)",
        ),
        (
            "sockets = [{ name = \"a\" }]",
            "3:12 [[program.p.sockets]] has no `address` (such as \"127.0.0.1:9000\" or \"unix:/run/app.sock\")",
        ),
        (
            "stdin = \"socket\"",
            "3:9 no socket for `stdin` (add `sockets`, the first of which it is)",
        ),
        (
            "sockets = \"127.0.0.1:9\"\nready = { descriptor = 3 }",
            "4:1 descriptor 3 is one of the `sockets` (4 is the first free one)",
        ),
        (
            "stdin = \"pipe\"",
            "3:9 unknown standard input `pipe` (expected `null`, `open` or `socket`)",
        ),
        (
            "sockets = \"127.0.0.1:9\"\n[program.q]\ncommand = \"a\"\nsockets = \"0.0.0.0:9\"",
            "6:11 0.0.0.0:9 belongs to program `p`",
        ),
    ] {
        check_short(&format!("[program.p]\ncommand = \"a\"\n{lines}"), &[error]);
    }
}

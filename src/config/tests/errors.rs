//! What a bad file is told: a case is a text and its errors.

/// The errors as the reader sees them.
#[track_caller]
fn check(text: &str, expected: &str) {
    let shown = super::super::parse(text, "test.toml").map_err(|errors| errors.to_string());
    assert_eq!(shown.unwrap_err(), expected, "of:\n{text}");
}

/// The errors in short: `line:column message (hint)`, one a line.
#[track_caller]
pub(super) fn check_short(text: &str, expected: &[&str]) {
    let errors = super::super::parse(text, "test.toml").err();
    let short: Vec<String> = errors
        .iter()
        .flat_map(|errors| &errors.list)
        .map(|error| {
            let place = error.place.as_ref().expect("every error of a text has a place");
            let hint =
                if error.hint.is_empty() { String::new() } else { format!(" ({})", error.hint) };
            format!("{}:{} {}{hint}", place.line, place.column, error.message)
        })
        .collect();
    assert_eq!(short, expected, "of:\n{text}");
}

#[test]
fn an_error_reads_like_the_compilers() {
    check(
        "[upstream.api]\nstrateggy = \"least_conn\"\nbackend = [{ address = \"127.0.0.1:1\" }]\n",
        "\
error: unknown key `strateggy` in [upstream.api]
 --> test.toml:2:1
  |
2 | strateggy = \"least_conn\"
  | ^^^^^^^^^ did you mean `strategy`?",
    );
    check(
        "\n\n\n\n\n\n\n\n\n[engine]\n\tworkers\t= \"é\"\nshutdown_timeout = 30",
        "\
error: expected \"auto\" or a number from 1 to 64, found string \"é\"
  --> test.toml:11:12
   |
11 |  workers = \"é\"
   |            ^^^

error: expected a duration such as \"30s\", found integer 30
  --> test.toml:12:20
   |
12 | shutdown_timeout = 30
   |                    ^^",
    );
}

#[test]
fn a_long_line_is_shown_around_its_error() {
    let text = format!("[engine]\nname = \"{}\" # \u{1b}[2J", "x".repeat(5_000));
    let errors = super::super::parse(&text, "test.toml").unwrap_err().to_string();
    assert!(errors.lines().all(|line| line.chars().count() < 200));
    assert!(!errors.contains('\u{1b}'), "the terminal is not the file's to steer");
}

#[test]
fn errors_are_counted_beyond_those_shown() {
    let lines: Vec<String> = (0..100).map(|number| format!("k{number} = 1")).collect();
    let text = lines.join("\n");
    let errors = super::super::parse(&text, "test.toml").unwrap_err();
    assert_eq!((errors.list.len(), errors.more), (64, 36));
    assert!(errors.to_string().ends_with("\n\nand 36 more errors"));
}

#[test]
fn syntax() {
    check_short(
        "a = \n[engine]\nnmae = 1\n",
        &[
            "1:5 string values must be quoted, expected literal string",
            "3:1 unknown key `nmae` in [engine] (did you mean `name`?)",
        ],
    );
    check_short("[engine\nname = 3\n", &["1:8 unclosed table, expected `]`"]);
    check_short("[engine]\nworkers = 1\nworkers = 2\n", &["3:1 duplicate key"]);
    check_short(
        "[engine]\nname = \"abc\nworkres = 1",
        &[
            "2:12 invalid basic string, expected `\"`",
            "3:1 unknown key `workres` in [engine] (did you mean `workers`?)",
        ],
    );
}

#[test]
fn engine_and_control() {
    for (text, error) in [
        ("engine = 3", "1:10 expected a table, found integer 3"),
        ("[[engine]]", "1:1 expected a table, found array"),
        (
            "[engine]\nname = \"a b\"",
            "2:8 `a b` is no name for engine (letters, digits, `_`, `-` and `.`, starting with a letter or digit)",
        ),
        (
            "[engine]\nworkers = 65",
            "2:11 expected \"auto\" or a number from 1 to 64, found integer 65",
        ),
        (
            "[engine]\nname = \"${NO_SUCH_VARIABLE}\"",
            "2:9 unknown variable `NO_SUCH_VARIABLE` (no such variable in the environment)",
        ),
        (
            "[engine]\nshutdown_timeout = \"30\"",
            "2:20 `30` is not a duration (a whole number and a unit: \"500ms\", \"30s\", \"2m\", \"1h30m\")",
        ),
        ("[engine]\nshutdown_timeout = \"400d\"", "2:20 `shutdown_timeout` is longer than a year"),
        (
            "[progam.x]\ncommand = \"x\"",
            "1:2 unknown key `progam` in the file (did you mean `program`?)",
        ),
    ] {
        check_short(text, &[error]);
    }
}

#[test]
fn servers() {
    let upstream = "\n[upstream.a]\nbackend = [{ address = \"127.0.0.1:1\" }]\n";
    let route = "route = [{ path = \"/\", upstream = \"a\" }]";
    for (lines, error) in [
        ("", "1:1 [[server]] has no `listen` (such as `listen = [\"127.0.0.1:8080\"]`)"),
        ("listen = []", "2:1 `listen` is empty (such as [\"127.0.0.1:8080\"])"),
        ("listen = 80", "2:10 expected an address such as \"127.0.0.1:8080\", found integer 80"),
        (
            "listen = \"80\"",
            "2:10 `80` is not an address to listen on (a port needs an address: \"127.0.0.1:80\" or \"0.0.0.0:80\")",
        ),
        (
            "listen = \"*:80\"",
            "2:10 `*:80` is not an address to listen on (for every address, write \"0.0.0.0:80\" or \"[::]:80\")",
        ),
        (
            "listen = \"web.example:80\"",
            "2:10 `web.example:80` is not an address to listen on (a server listens on an address, not on a name)",
        ),
        (
            "listen = \"unix:x\"",
            "2:10 `unix:x` is not an address to listen on (a socket's path starts with a slash: \"unix:/run/app.sock\")",
        ),
        (
            "listen = { address = \"[::]:1\", mode = \"600\" }",
            "2:32 `mode` is for sockets in the file system",
        ),
        (
            "listen = { address = \"[::]:1\", tls = true }",
            "2:22 [::]:1 speaks TLS, and this server has no certificate (add `tls = { certificate = \"site.pem\", key = \"site.key\" }`)",
        ),
        (
            "listen = \"[::]:1\"\nserver_name = \"x\"",
            "3:1 unknown key `server_name` in [[server]] (did you mean `hosts`?)",
        ),
        (
            "listen = \"[::]:1\"\nhosts = [\"a:80\"]",
            "3:10 `a:80` is not a host (hosts are without a port: it is in `listen`)",
        ),
        (
            "listen = \"[::]:1\"\nhosts = [\"a b\"]",
            "3:10 `a b` is not a host (expected \"example.com\", \"*.example.com\", \"www.example.*\" or \"~expression\")",
        ),
        (
            "listen = \"[::]:1\"\nbody_max = 10",
            "3:12 expected a size such as \"50MB\", found integer 10",
        ),
        (
            "listen = \"[::]:1\"\nheader_timeout = \"0s\"",
            "3:18 `header_timeout` is zero (expected more than zero)",
        ),
        (
            "listen = \"[::]:1\"\nreal_ip = { from = \"10.0.0.1/8\" }",
            "3:20 `10.0.0.1/8` is not a network (an address inside its network; did you mean `10.0.0.0/8`?)",
        ),
        (
            "listen = [\"[::]:1\", \"[::]:1\"]",
            "2:21 two servers without hosts listen on [::]:1 (first on line 2; `hosts` tells them apart)",
        ),
    ] {
        check_short(&format!("[[server]]\n{lines}\n{route}{upstream}"), &[error]);
    }
}

#[test]
fn streams() {
    let upstream = "\n[upstream.a]\nbackend = [{ address = \"127.0.0.1:1\" }]\n";
    let listen = "listen = \"[::]:1\"\n";
    for (lines, error) in [
        (
            "upstream = \"a\"",
            "1:1 [[stream]] has no `listen` (such as `listen = [\"127.0.0.1:8080\"]`)",
        ),
        ("LISTEN", "1:1 [[stream]] has no `upstream` (add `upstream = \"NAME\"`)"),
        ("LISTENupstream = \"b\"", "3:12 no upstream `b` (did you mean `a`?)"),
        ("LISTENupstream = 1", "3:12 expected a string, found integer 1"),
        (
            "listen = \"unix:x\"\nupstream = \"a\"",
            "2:10 `unix:x` is not an address to listen on (a socket's path starts with a slash: \"unix:/run/app.sock\")",
        ),
        (
            "LISTENupstream = \"a\"\nidle_timeout = \"0s\"",
            "4:16 `idle_timeout` is zero (expected more than zero)",
        ),
        (
            "LISTENupstream = \"a\"\nconnect_timeout = 5",
            "4:19 expected a duration such as \"30s\", found integer 5",
        ),
        (
            "LISTENupstream = \"a\"\nproxy_timeout = \"1h\"",
            "4:1 unknown key `proxy_timeout` in [[stream]] (did you mean `idle_timeout`?)",
        ),
        (
            "LISTENupstream = \"a\"\nhosts = [\"x\"]",
            "4:1 unknown key `hosts` in [[stream]] (did you mean `sni`?)",
        ),
        (
            "listen = [\"[::]:1\", \"[::]:1\"]\nupstream = \"a\"",
            "2:21 a TCP route listens on [::]:1 already (on line 2; a TCP route needs its own)",
        ),
    ] {
        check_short(
            &format!("[[stream]]\n{}{upstream}", lines.replace("LISTEN", listen)),
            &[error],
        );
    }
    let server = "[[server]]\nlisten = \"[::]:1\"\nroute = [{ path = \"/\", upstream = \"a\" }]\n";
    check_short(
        &format!("[[stream]]\n{listen}upstream = \"a\"\n{server}{upstream}"),
        &["2:10 a server listens on [::]:1 already (on line 5; a TCP route needs its own)"],
    );
    check_short(
        &format!("[[streams]]\n{listen}{upstream}"),
        &["1:3 unknown key `streams` in the file (did you mean `stream`?)"],
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn routes() {
    let upstream = "\n[upstream.api]\nbackend = [{ address = \"127.0.0.1:1\" }]\n";
    for (routes, errors) in [
        (
            "",
            &["1:1 [[server]] has no `route` (add [[server.route]] with `path` and `upstream`)"][..],
        ),
        (
            "[server.route]\npath = \"/\"",
            &["3:9 expected a list of tables, found one table (write `[[server.route]]`)"],
        ),
        (
            "route = [{ path = \"/\" }]",
            &[
                "3:10 [[server.route]] has no `upstream` (a route without an action: add `upstream = \"NAME\"`, `root`, `respond` or `redirect`)",
            ],
        ),
        (
            "route = [{ upstream = \"api\" }]",
            &["3:10 [[server.route]] has no `path` (such as `path = \"/\"`)"],
        ),
        (
            "route = [{ path = \"/\", tunnel = \"api\" }]",
            &[
                "3:24 `tunnel` is not supported by this version (expected `upstream`, `root`, `respond` or `redirect`)",
            ],
        ),
        (
            "route = [{ path = \"/\", root = \"/srv\", upstream = \"api\" }]",
            &[
                "3:24 `root` beside `upstream` (a route has one action; `fallback = \"NAME\"` is the upstream for what is no file)",
            ],
        ),
        (
            "route = [{ path = \"~ (x\", upstream = \"api\" }]",
            &["3:19 `(x` is no regular expression (unclosed group)"],
        ),
        (
            "route = [{ path = \"~ a(?!b)\", upstream = \"api\" }]",
            &[
                "3:19 `a(?!b)` is no regular expression (look-around, including look-ahead and look-behind, is not supported)",
            ],
        ),
        (
            "route = [{ path = \"api\", upstream = \"apii\" }]",
            &[
                "3:19 path `api` does not start with a slash (expected a prefix \"/api/\", \"= /exact\", \"^~ /firm/\" or \"~ expression\")",
                "3:37 no upstream `apii` (did you mean `api`?)",
            ],
        ),
        (
            "route = [{ path = \"/\", upstream = \"other\" }]",
            &["3:35 no upstream `other` (add [upstream.other])"],
        ),
        (
            "route = [{ path = \"/\", proxy_pass = \"api\" }]",
            &[
                "3:10 [[server.route]] has no `upstream` (a route without an action: add `upstream = \"NAME\"`, `root`, `respond` or `redirect`)",
                "3:24 unknown key `proxy_pass` in [[server.route]] (did you mean `upstream`?)",
            ],
        ),
        (
            "route = [{ path = \"/\", upstream = \"api\" }, { path = \"/\", upstream = \"api\" }]",
            &["3:53 two routes of one server have this path (first on line 3)"],
        ),
    ] {
        check_short(&format!("[[server]]\nlisten = \"[::]:1\"\n{routes}{upstream}"), errors);
    }
    let twice = "[[server]]\nlisten = \"[::]:1\"\nhosts = [\"x\"]\nroute = [{ path = \"/\", upstream = \"api\" }]\n";
    check_short(
        &format!("{twice}{twice}{upstream}"),
        &["7:10 host `x` is served twice on [::]:1 (first on line 3)"],
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn upstreams() {
    let backend = "backend = [{ address = \"127.0.0.1:1\" }]";
    for (lines, error) in [
        (
            "",
            "1:11 upstream `a` has no backend and no program serves it (add [[upstream.a.backend]], or `serves` to a program)",
        ),
        (
            "backend = [{ address = \"127.0.0.1:1\", backup = true }]",
            "1:11 upstream `a` has only backups and no program serves it (add [[upstream.a.backend]], or `serves` to a program)",
        ),
        (
            "backend = [{ weight = 1 }]",
            "2:12 [[upstream.a.backend]] has no `address` (such as `address = \"10.0.3.1:8080\"`)",
        ),
        (
            "backend = [{ address = \"::1\" }]",
            "2:24 `::1` is not a backend's address (an IPv6 address needs brackets and a port: \"[::1]:8080\")",
        ),
        (
            "backend = [{ address = \"unix:x\" }]",
            "2:24 `unix:x` is not a backend's address (a socket's path starts with a slash: \"unix:/run/app.sock\")",
        ),
        (
            "backend = [{ address = \"127.0.0.1:1\", weight = 1001 }]",
            "2:48 `weight` is 1001, out of range (expected 1 to 1000)",
        ),
        (
            "backend = [{ address = \"127.0.0.1:1\", down = \"no\" }]",
            "2:46 expected true or false, found string \"no\"",
        ),
        (
            "backend = [{ address = \"127.0.0.1:1\", fail_timeout = \"500ms\" }]",
            "2:54 `fail_timeout` is not in whole seconds (expected \"10s\" or the like)",
        ),
        (
            "backend = [{ address = \"127.0.0.1:1\" }, { address = \"localhost:1\" }]",
            "2:53 127.0.0.1:1 is in this upstream already (first on line 2; `weight` gives it more)",
        ),
        (
            "strategy = \"least_con\"\nBACKEND",
            "2:12 unknown strategy `least_con` (did you mean `least_conn`?)",
        ),
        (
            "strategy = \"best\"\nBACKEND",
            "2:12 unknown strategy `best` (expected `round_robin`, `least_conn`, `ip_hash`, `random`, `random_two`, `hash`, `hash_consistent` or `least_time`)",
        ),
        (
            "check = { path = \"x\" }\nBACKEND",
            "2:18 path `x` is no request's target (it starts with a slash: \"/healthz\")",
        ),
        (
            "check = { kind = \"tpc\" }\nBACKEND",
            "2:18 unknown kind of check `tpc` (did you mean `tcp`?)",
        ),
        (
            "check = { kind = \"tcp\", path = \"/\" }\nBACKEND",
            "2:32 a check by \"tcp\" has no path (a connection is all that is asked for; remove `path`, or check by \"http\")",
        ),
        (
            "check = { interval = \"0s\" }\nBACKEND",
            "2:22 `interval` is zero (expected more than zero)",
        ),
        ("check = { fall = 0 }\nBACKEND", "2:18 `fall` is 0, out of range (expected 1 to 1000000)"),
        ("retries = 1.5\nBACKEND", "2:11 expected a whole number, found float 1.5"),
        (
            "strategy = \"ip_hash\"\nbackend = [{ address = \"127.0.0.1:1\" }, { address = \"127.0.0.1:2\", backup = true }]",
            "3:68 `ip_hash` has no use for a backup (a client's backend is given by its address alone)",
        ),
    ] {
        check_short(&format!("[upstream.a]\n{}", lines.replace("BACKEND", backend)), &[error]);
    }
    check_short(
        "[upstream.\"a/b\"]\nbackend = [{ address = \"127.0.0.1:1\" }]",
        &[
            "1:11 `a/b` is no name for an upstream (letters, digits, `_`, `-` and `.`, starting with a letter or digit)",
        ],
    );
    check_short(
        "upstream = \"api\"",
        &["1:12 expected named tables, found string \"api\" (write `[upstream.NAME]`)"],
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn programs() {
    let upstream = "\n[upstream.a]\nbackend = [{ address = \"127.0.0.1:9000\" }]\n";
    for (lines, error) in [
        ("", "1:1 [program.p] has no `command` (such as `command = \"python3 app.py\"`)"),
        ("command = \"\"", "2:11 `command` is empty (name a program to run)"),
        ("command = \"a 'b\"", "2:11 `command` does not split into words (a quote is not closed)"),
        ("command = [\"a\"]", "2:11 expected a string, found array"),
        (
            "command = \"a ${PORT}\"",
            "2:14 unknown variable `PORT` (PORT is for programs with `serves`)",
        ),
        (
            "command = \"a ${MOED}\"\nenvironment = { MODE = \"x\" }",
            "2:14 unknown variable `MOED` (in neither the environment nor this program's `environment`)",
        ),
        ("command = \"a ${\"", "2:14 `${` without `}` (close it with `}`)"),
        (
            "command = \"a\"\ninstances = 0",
            "3:13 `instances` is 0, out of range (expected 1 to 64)",
        ),
        (
            "command = \"a\"\nnumprocs = 2",
            "3:1 unknown key `numprocs` in [program.p] (did you mean `instances`?)",
        ),
        (
            "command = \"a\"\nstop_signal = \"TREM\"",
            "3:16 unknown signal `TREM` (did you mean `TERM`?)",
        ),
        (
            "command = \"a\"\nstop_signal = 99",
            "3:15 unknown signal `99` (expected `TERM`, `INT`, `QUIT`, `HUP`, `KILL`, `USR1` or `USR2`)",
        ),
        (
            "command = \"a\"\nautorestart = 1",
            "3:15 expected true, false or a word such as \"unexpected\", found integer 1",
        ),
        (
            "command = \"a\"\nexit_codes = [0, 256]",
            "3:18 expected an exit code from 0 to 255, or a signal such as \"TERM\", found integer 256",
        ),
        (
            "command = \"a\"\nstart_seconds = -1",
            "3:17 expected a number of seconds up to a year, found integer -1",
        ),
        (
            "command = \"a\"\nenvironment = { \"A=B\" = \"x\" }",
            "3:17 `A=B` is not a variable's name (letters, digits and `_`)",
        ),
        ("command = \"a\"\nenvironment = { A = 1 }", "3:21 expected a string, found integer 1"),
        (
            "command = \"a\"\nredirect_stderr = true\nstderr = {}",
            "4:1 `stderr` has no meaning with `redirect_stderr` (it goes where `stdout` does)",
        ),
        (
            "command = \"a\"\nstdout = { overflow = \"blok\" }",
            "3:23 unknown overflow `blok` (did you mean `block`?)",
        ),
        ("command = \"a\"\nstdout = \"x.log\"", "3:10 expected a table, found string \"x.log\""),
        (
            "command = \"a\"\nserves = { port = 1 }",
            "3:10 [program.p.serves] has no `upstream` (the upstream that instances join)",
        ),
        (
            "command = \"a\"\nserves = { upstream = \"b\", port = 1 }",
            "3:23 no upstream `b` (did you mean `a`?)",
        ),
        (
            "command = \"a\"\ninstances = 2\nserves = { upstream = \"a\", port = 65535 }",
            "4:35 the last instance would get port 65536, beyond 65535",
        ),
        (
            "command = \"a\"\nserves = { upstream = \"a\", port = 9000 }",
            "3:35 127.0.0.1:9000 is a backend of `a` already (an instance joins by itself; remove the backend)",
        ),
        (
            "command = \"a\"\nserves = { upstream = \"a\", port = 8080 }\n[[server]]\nlisten = \"0.0.0.0:8080\"\nroute = [{ path = \"/\", upstream = \"a\" }]",
            "3:35 port 8080 belongs to a server on 0.0.0.0:8080",
        ),
        (
            "command = \"a\"\nserves = { upstream = \"a\", port = 8080 }\n[[stream]]\nlisten = \"127.0.0.1:8080\"\nupstream = \"a\"",
            "3:35 port 8080 belongs to a TCP route on 127.0.0.1:8080",
        ),
        (
            "command = \"a\"\nserves = { upstream = \"a\", port = 7001 }\n[program.q]\ncommand = \"a\"\ninstances = 2\nserves = { upstream = \"a\", port = 7000 }",
            "7:35 port 7001 belongs to program `p`",
        ),
    ] {
        check_short(&format!("[program.p]\n{lines}{upstream}"), &[error]);
    }
}

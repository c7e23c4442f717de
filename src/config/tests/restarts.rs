//! When programs are started again: what the keys mean, and what bad ones are told.

use super::super::model::restart::{
    AutoRestart, Backoff, Beyond, CrashLimit, Growth, OnFatal, Restart,
};
use super::errors::check_short;
use super::good;

fn restart(lines: &str) -> Restart {
    let config = good(&format!("[program.p]\ncommand = \"a\"\n{lines}"));
    config.programs[0].restart.clone()
}

#[test]
fn the_defaults_are_supervisors() {
    let restart = restart("");
    assert_eq!((restart.when, restart.retries), (AutoRestart::Unexpected, Some(3)));
    assert_eq!((restart.exit_codes, restart.exit_signals), (vec![0], vec![]));
    let backoff =
        Backoff { initial_ms: 1_000, max_ms: 60_000, growth: Growth::Linear, jitter_percent: 0 };
    assert_eq!((restart.backoff, restart.delay_ms), (backoff, 0));
    let limit = CrashLimit { restarts: 5, within_ms: 10_000, then: Beyond::Pause };
    assert_eq!(restart.crash_limit, limit);
}

#[test]
fn systemds_words_are_known_too() {
    for (word, when) in [
        ("true", AutoRestart::Always),
        ("false", AutoRestart::Never),
        ("\"no\"", AutoRestart::Never),
        ("\"always\"", AutoRestart::Always),
        ("\"unexpected\"", AutoRestart::Unexpected),
        ("\"on-failure\"", AutoRestart::Unexpected),
        ("\"on-success\"", AutoRestart::OnSuccess),
        ("\"on-abnormal\"", AutoRestart::OnAbnormal),
        ("\"on-abort\"", AutoRestart::OnAbort),
    ] {
        assert_eq!(restart(&format!("autorestart = {word}")).when, when, "{word}");
    }
}

#[test]
fn exits_are_codes_and_signals() {
    let restart = restart("exit_codes = [0, \"SIGTERM\", 3, \"int\"]");
    assert_eq!((restart.exit_codes, restart.exit_signals), (vec![0, 3], vec![15, 2]));
}

#[test]
fn pauses_are_what_the_file_says() {
    let restart = restart(
        "start_retries = -1\nrestart_delay = \"500ms\"\n\
         backoff = { initial = \"100ms\", growth = \"exponential\", factor = 1.5, jitter = \"10%\" }\n\
         crash_limit = { restarts = 0, within = \"1m\", then = \"fail\" }",
    );
    assert_eq!((restart.retries, restart.delay_ms), (None, 500));
    let growth = Growth::Exponential { factor_hundredths: 150 };
    let backoff = Backoff { initial_ms: 100, max_ms: 60_000, growth, jitter_percent: 10 };
    assert_eq!(restart.backoff, backoff);
    let limit = CrashLimit { restarts: 0, within_ms: 60_000, then: Beyond::Fail };
    assert_eq!(restart.crash_limit, limit);
    let growth = self::restart("backoff = { initial = \"2m\", factor = 2 }").backoff;
    assert_eq!(
        (growth.max_ms, growth.growth),
        (120_000, Growth::Exponential { factor_hundredths: 200 })
    );
}

#[test]
fn what_is_wrong_is_told() {
    for (line, error) in [
        (
            "autorestart = \"on-failur\"",
            "3:15 unknown restart rule `on-failur` (did you mean `on-failure`?)",
        ),
        (
            "exit_codes = [\"SIGTREM\"]",
            "3:15 unknown signal `SIGTREM` (expected `TERM`, `INT`, `HUP`, `QUIT`, `KILL` or `PIPE`)",
        ),
        (
            "exit_codes = \"9\"",
            "3:14 unknown signal `9` (expected `TERM`, `INT`, `HUP`, `QUIT`, `KILL` or `PIPE`)",
        ),
        (
            "start_retries = -2",
            "3:17 `start_retries` is -2, out of range (expected 0 to 1000000, or -1 for no end)",
        ),
        (
            "start_retries = true",
            "3:17 expected a whole number, or -1 for no end, found boolean true",
        ),
        ("restart_delay = 1", "3:17 expected a duration such as \"30s\", found integer 1"),
        ("backoff = \"1s\"", "3:11 expected a table, found string \"1s\""),
        ("backoff = { initial = \"0s\" }", "3:23 `initial` is zero (expected more than zero)"),
        (
            "backoff = { initial = \"2s\", max = \"1s\" }",
            "3:29 `max` is less than `initial` (the pauses only grow)",
        ),
        (
            "backoff = { growth = \"quadratic\" }",
            "3:22 unknown growth `quadratic` (expected `linear` or `exponential`)",
        ),
        (
            "backoff = { growth = \"linear\", factor = 2 }",
            "3:32 linear pauses have no factor (write `growth = \"exponential\"`)",
        ),
        ("backoff = { factor = 0.5 }", "3:22 `factor` is 0.5, out of range (expected 1 to 100)"),
        (
            "backoff = { factor = \"2\" }",
            "3:22 expected a number such as 2 or 1.5, found string \"2\"",
        ),
        (
            "backoff = { jitter = \"101%\" }",
            "3:22 `101%` is not a share of the pause (expected \"0%\" to \"100%\")",
        ),
        (
            "backoff = { min = \"1s\" }",
            "3:13 unknown key `min` in [program.p.backoff] (did you mean `initial`?)",
        ),
        (
            "crash_limit = { restarts = 1001 }",
            "3:28 `restarts` is 1001, out of range (expected 0 to 1000)",
        ),
        ("crash_limit = { within = \"0s\" }", "3:26 `within` is zero (expected more than zero)"),
        (
            "crash_limit = { then = \"die\" }",
            "3:24 unknown consequence `die` (expected `pause` or `fail`)",
        ),
        (
            "crash_limit = { burst = 3 }",
            "3:17 unknown key `burst` in [program.p.crash_limit] (did you mean `restarts`?)",
        ),
    ] {
        check_short(&format!("[program.p]\ncommand = \"a\"\n{line}"), &[error]);
    }
}

#[test]
fn what_follows_from_giving_up_is_a_word_or_a_command() {
    let on_fatal = |value: &str| {
        let lines = format!("command = \"a\"\ninstances = 2\non_fatal = {value}");
        good(&format!("[program.p]\n{lines}")).programs[0].on_fatal.clone()
    };
    assert_eq!(good("[program.p]\ncommand = \"a\"").programs[0].on_fatal, OnFatal::Ignore);
    assert_eq!(on_fatal("\"ignore\""), OnFatal::Ignore);
    assert_eq!(on_fatal("\"stop_group\""), OnFatal::StopGroup);
    assert_eq!(on_fatal("\"restart_group\""), OnFatal::RestartGroup);
    assert_eq!(on_fatal("\"shutdown\""), OnFatal::Shutdown);
    let words = ["tell", "${PROGRAM}:${INSTANCE}", "${GROUP}", "${REASON}"].map(str::to_owned);
    let command = "{ command = \"tell ${PROGRAM}:${INSTANCE} '${GROUP}' '${REASON}'\" }";
    assert_eq!(on_fatal(command), OnFatal::Command(words.to_vec()));
}

#[test]
fn what_follows_from_giving_up_is_checked() {
    for (value, error) in [
        ("\"shutdwon\"", "3:12 unknown `on_fatal` `shutdwon` (did you mean `shutdown`?)"),
        (
            "true",
            "3:12 expected a word such as \"shutdown\", or { command = \"...\" }, found boolean true",
        ),
        (
            "{ run = \"a\" }",
            "3:12 [program.p.on_fatal] has no `command` (what is run once the program is FATAL)\n\
             3:14 unknown key `run` in [program.p.on_fatal] (did you mean `command`?)",
        ),
        ("{ command = \"\" }", "3:24 `command` is empty (name a program to run)"),
        (
            "{ command = \"tell ${RAESON}\" }",
            "3:30 unknown variable `RAESON` (in neither the environment nor this program's `environment`)",
        ),
        (
            "\"stop_group\"",
            "3:12 `stop_group` of `p`, which is alone in its group (put it into a group; a program \
             alone is tried for ever with `start_retries = -1`)",
        ),
    ] {
        let errors: Vec<&str> = error.split('\n').map(str::trim_start).collect();
        check_short(&format!("[program.p]\ncommand = \"a\"\non_fatal = {value}"), &errors);
    }
}

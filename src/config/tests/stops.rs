//! How programs are stopped, and the side commands around it.

use super::super::model::stop::{Reach, Reload, Rung};
use super::errors::check_short;
use super::good;

#[test]
fn a_ladder_is_read_step_by_step() {
    let config = good(
        r#"
        [program.p]
        command = "a"
        stop_signal = "TERM:10 INT KILL"
        stop_seconds = 3
        stop_group = true
        reload = "HUP"
        hooks = { pre_start = "b 'c d'" }
        [program.q]
        command = "a"
        stop_signal = "KILL"
        "#,
    );
    let (p, q) = (&config.programs[0], &config.programs[1]);
    let rungs = [Rung { signal: 15, wait_ms: 10_000 }, Rung { signal: 2, wait_ms: 3_000 }];
    assert_eq!(p.stop.rungs, rungs);
    assert_eq!((p.stop.signalled, p.stop.killed), (Reach::Group, Reach::Group));
    assert_eq!(p.reload, Some(Reload::Signal(1)));
    assert_eq!(p.hooks.pre_start, Some(vec!["b".to_owned(), "c d".to_owned()]));
    assert_eq!(q.stop.rungs, []);
}

#[test]
fn a_hook_may_have_a_time_of_its_own() {
    let config = good(
        r#"
        [program.p]
        command = "a"
        hook_timeout = "5s"
        hooks = { pre_start = { command = "b c", timeout = "10m" }, pre_stop = "d" }
        "#,
    );
    let hooks = &config.programs[0].hooks;
    assert_eq!(hooks.pre_start, Some(vec!["b".to_owned(), "c".to_owned()]));
    assert_eq!((hooks.own.pre_start_ms, hooks.own.pre_stop_ms), (Some(600_000), None));
    assert_eq!(hooks.timeout_ms, 5_000);
}

#[test]
fn what_does_not_fit() {
    for (lines, error) in [
        (
            "command = \"a\"\nstop_signal = \"TERM:x KILL\"",
            "3:16 `TERM:x` is no step of a ladder (a signal and up to 86400 seconds, such as `TERM:10`)",
        ),
        (
            "command = \"a\"\nstop_signal = \"TERM KILL INT\"",
            "3:21 nothing can follow KILL (SIGKILL is the last step of every ladder)",
        ),
        (
            "command = \"a\"\nstop_group = true\nkill_group = false",
            "4:1 `stop_group` is true and `kill_group` is false (who is told to stop can be killed, too)",
        ),
        (
            "command = \"a\"\nhooks = { pre_strat = \"b\" }",
            "3:11 unknown key `pre_strat` in [program.p.hooks] (did you mean `pre_start`?)",
        ),
        (
            "command = \"a\"\nhooks = { pre_stop = \"b '\" }",
            "3:22 `pre_stop` does not split into words (a quote is not closed)",
        ),
        (
            "command = \"a\"\nhooks = { pre_stop = { timeout = \"1s\" } }",
            "3:22 [program.p.hooks.pre_stop] has no `command` (what is run)",
        ),
        ("command = \"a\"\nreload = \"HPU\"", "3:10 unknown signal `HPU` (did you mean `HUP`?)"),
    ] {
        check_short(&format!("[program.p]\n{lines}"), &[error]);
    }
}

//! `[program.NAME] roll`: what a rolling restart is told.

use super::errors::check_short;
use super::good;
use crate::config::model::program::Roll;

fn roll(lines: &str) -> Roll {
    good(&format!("[program.a]\ncommand = \"true\"\n{lines}\n")).programs[0].roll
}

#[test]
fn how_a_roll_goes() {
    let one = Roll { max_unavailable: 1, max_surge: 0, min_ready_ms: 0, stops_on_failure: true };
    assert_eq!(roll(""), one);
    let surge = Roll { max_unavailable: 0, max_surge: 2, ..one };
    assert_eq!(roll("roll = { max_surge = 2 }"), surge, "nobody is missing, unless asked for");
    assert_eq!(
        roll("roll = { max_unavailable = 3, min_ready = \"5s\", stop_on_failure = false }"),
        Roll { max_unavailable: 3, min_ready_ms: 5_000, stops_on_failure: false, ..one }
    );
}

#[test]
fn errors_about_rolls() {
    for (line, error) in [
        (
            "roll = { max_unavailable = 0 }",
            "3:10 `max_unavailable` and `max_surge` are both 0, so nothing could be restarted \
             (at least one of them must be more)",
        ),
        ("roll = { max_surge = 65 }", "3:22 `max_surge` is 65, out of range (expected 0 to 64)"),
        ("roll = true", "3:8 expected a table, found boolean true"),
    ] {
        check_short(&format!("[program.a]\ncommand = \"true\"\n{line}\n"), &[error]);
    }
}

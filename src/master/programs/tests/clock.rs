//! A clock on the wall that is set changes nothing but what is shown of times (fault 18, invariant 9).

use super::*;
use crate::sys::clock::tests::SET_AHEAD_MS;

const DECADE_MS: i64 = 10 * 366 * 86_400_000;

/// One that fails to start, and one that does not mind being told to stop.
const TEXT: &str = "[program.fails]\ncommand = \"false\"\nstart_retries = 2\nbackoff = { initial = \"20ms\" }\n\
                    [program.deaf]\ncommand = \"sh -c 'trap : TERM; echo up; while :; do sleep 0.01; done'\"\n\
                    stop_seconds = \"100ms\"\nstart_seconds = \"10ms\"\n";

/// Each state that the instances were seen in, while the clock is set again and again.
async fn course(jumps_ms: &[i64]) -> Vec<(String, ProgramState, u32)> {
    let mut jumps_ms = jumps_ms.iter().cycle();
    let mut stage = Stage::new(TEXT);
    let mut seen = Vec::new();
    let mut look = |stage: &mut Stage| {
        SET_AHEAD_MS.set(*jumps_ms.next().expect("they come again and again"));
        for row in stage.programs.rows() {
            let state = (row.program.name, row.program.state, row.incarnation);
            if !seen.contains(&state) {
                seen.push(state);
            }
            assert!(row.program.uptime_ms < 600_000, "{} ms up", row.program.uptime_ms);
        }
    };
    let is_up = |stage: &Stage, id: &str| stage.row(id).program.state == ProgramState::Running;
    stage
        .until("one has given up, one is up", |stage| {
            look(stage);
            let is_over = stage.row("fails:0").program.state == ProgramState::Fatal;
            is_over && is_up(stage, "deaf:0") && stage.log("deaf:0").contains(&"up".to_owned())
        })
        .await;
    let mut answer = stage.command("deaf", &ProgramVerb::Stop);
    stage
        .until("it is stopped", |stage| {
            look(stage);
            answer.try_recv().is_ok()
        })
        .await;
    assert_eq!(stage.row("deaf:0").program.exit_signal, Some(9));
    SET_AHEAD_MS.set(0);
    seen.sort_by(|one, other| one.0.cmp(&other.0));
    seen
}

#[test]
fn a_clock_that_is_set_changes_no_course() {
    on_stage(async {
        let quiet = course(&[0]).await;
        assert!(quiet.contains(&("fails".to_owned(), ProgramState::Fatal, 3)), "{quiet:?}");
        for jumps_ms in [&[3_600_000, -3_600_000][..], &[DECADE_MS, -DECADE_MS, 0, -5 * DECADE_MS]]
        {
            assert_eq!(course(jumps_ms).await, quiet);
        }
    });
}

//! The tape gives back what was, takes no room where nothing happens, and stays within its bounds.

use super::wire::snapshot;
use crate::control::tape::{KEPT_MS, Tape, still};
use crate::control::wire::{BackendState, Snapshot};

fn changed(change: impl Fn(&mut Snapshot)) -> Snapshot {
    let mut snapshot = snapshot();
    change(&mut snapshot);
    snapshot
}

#[test]
fn every_moment_comes_back_as_it_was() {
    let failed = changed(|snapshot| snapshot.backends[0].backend.state = BackendState::Failed);
    let gone = changed(|snapshot| snapshot.backends.clear());
    let mut tape = Tape::default();
    assert_eq!(tape.since_ms(), None);
    for (wall_ms, snapshot) in [(1_000, &snapshot()), (5_000, &failed), (9_000, &gone)] {
        tape.record(wall_ms, snapshot);
    }
    let sent = serde_json::to_string(&tape).expect("a tape is plain data");
    let mut received: Tape = serde_json::from_str(&sent).expect("as it was written");
    for (wall_ms, expected) in [
        (0, still(&snapshot())),
        (1_000, still(&snapshot())),
        (4_999, still(&snapshot())),
        (5_000, still(&failed)),
        (8_999, still(&failed)),
        (9_000, still(&gone)),
        (u64::MAX, still(&gone)),
    ] {
        assert_eq!(tape.at(wall_ms), expected, "{wall_ms}");
        assert_eq!(received.at(wall_ms), expected, "{wall_ms}, as received");
    }
    // The one who received it goes on with it.
    received.record(12_000, &snapshot());
    assert_eq!(received.at(11_999), still(&gone));
    assert_eq!(received.at(12_000), still(&snapshot()));
}

#[test]
fn figures_alone_take_no_room() {
    let mut tape = Tape::default();
    tape.record(1_000, &snapshot());
    let before = serde_json::to_string(&tape).expect("plain data").len();
    for second in 2..200 {
        let busy = changed(|snapshot| {
            snapshot.head.uptime_ms = second;
            snapshot.head.wall_ms = second;
            for row in &mut snapshot.backends {
                row.backend.requests += second;
                row.backend.active = second as u32;
                row.backend.actual_share = second as f64;
            }
            for row in &mut snapshot.programs {
                row.program.uptime_ms = second;
                row.program.rss_bytes = second;
                row.last_line = format!("line {second}");
            }
            snapshot.workers.iter_mut().for_each(|row| row.requests = second);
            snapshot.upstreams.iter_mut().for_each(|row| row.requests = second);
        });
        tape.record(second * 1_000, &busy);
    }
    assert_eq!(serde_json::to_string(&tape).expect("plain data").len(), before);
}

#[test]
fn what_is_old_or_too_much_goes_and_the_rest_stays_right() {
    let mut tape = Tape::default();
    let at = |second: u64| changed(|snapshot| snapshot.programs[0].incarnation = second as u32);
    // A change every second for an hour: only the last quarter is told apart.
    for second in 1..=3_600 {
        tape.record(second * 1_000, &at(second));
    }
    let since_ms = tape.since_ms().expect("something was recorded");
    assert_eq!(since_ms, 3_600_000 - KEPT_MS);
    for second in [since_ms / 1_000, 3_000, 3_599, 3_600] {
        assert_eq!(tape.at(second * 1_000), still(&at(second)), "{second}");
    }
    // Many rows that change every second shorten it instead of growing it.
    let crowd = |second: u64| {
        changed(|snapshot| {
            let row = snapshot.programs[0].clone();
            snapshot.programs = vec![row; 1_000];
            for (instance, row) in (0..).zip(&mut snapshot.programs) {
                row.program.instance = instance;
                row.incarnation = second as u32;
            }
        })
    };
    for second in 3_601..=3_640 {
        tape.record(second * 1_000, &crowd(second));
    }
    let since_ms = tape.since_ms().expect("something was recorded");
    assert!((3_625_000..3_640_000).contains(&since_ms), "{since_ms}");
    assert_eq!(tape.at(3_640_000), still(&crowd(3_640)));
    assert_eq!(tape.at(since_ms), still(&crowd(since_ms / 1_000)));
}

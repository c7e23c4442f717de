//! The output of several instances as one, by time. Each instance's own lines stay in their order,
//! whatever the clock did between them.
//!
//! Only what is kept: who follows hears the rest from the hub.

use std::cell::RefCell;
use std::collections::BinaryHeap;
use std::rc::Rc;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::follow::{self, Hub, Wanted};
use super::{Follow, Output};
use crate::config::limits::PROGRAM_MERGED_BYTES_MAX;
use crate::control::wire::LogLine;

/// An instance's output, and what its lines are named after.
pub(in crate::master::programs) type Named<'a> = (String, &'a Rc<RefCell<Output>>);

/// The kept lines, of those the last `tail`, then the coming ones when the reader follows; nothing
/// when too many follow already.
pub(in crate::master::programs) fn read(
    outputs: &[Named<'_>],
    hub: &Hub,
    (wanted, tail): (Wanted, Option<u32>),
    follow: Follow,
) -> Option<mpsc::Receiver<Bytes>> {
    let kept = newest(outputs, &wanted, tail.map_or(usize::MAX, |tail| tail as usize));
    hub.borrow_mut().add(wanted, follow::encode(&kept), follow)
}

/// From the newest back, as far as the bounds go; then turned round.
fn newest(outputs: &[Named<'_>], wanted: &Wanted, lines_max: usize) -> Vec<LogLine> {
    let borrowed: Vec<_> = outputs.iter().map(|(name, output)| (name, output.borrow())).collect();
    // A ring's own lines bear no name.
    let wanted = Wanted { stream: wanted.stream, program: None };
    let is_wanted = |line: &LogLine| wanted.is_met_by(line);
    let mut rings: Vec<_> = borrowed
        .iter()
        .map(|(_, output)| output.ring.lines().rev().filter(is_wanted).peekable())
        .collect();
    let mut ends = BinaryHeap::with_capacity(rings.len());
    for (at, ring) in rings.iter_mut().enumerate() {
        ends.extend(ring.peek().map(|line| (line.wall_ms, at)));
    }
    let (mut lines, mut bytes) = (Vec::new(), 0);
    while let Some((_, at)) = ends.pop() {
        let Some(line) = rings[at].next() else { continue };
        bytes += line.text.len() + size_of::<LogLine>();
        if lines.len() >= lines_max || bytes > PROGRAM_MERGED_BYTES_MAX {
            break;
        }
        lines.push(LogLine { program: borrowed[at].0.clone(), ..line });
        ends.extend(rings[at].peek().map(|next| (next.wall_ms, at)));
    }
    lines.reverse();
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::wire::Stream;

    fn output(lines: &[(u64, &str)]) -> Rc<RefCell<Output>> {
        let output: Rc<RefCell<Output>> = Rc::default();
        for (wall_ms, text) in lines {
            let stream = if text.starts_with('!') { Stream::Stderr } else { Stream::Stdout };
            output.borrow_mut().ring.push((*wall_ms, stream), text.as_bytes());
        }
        output
    }

    #[test]
    fn lines_merge_by_time_and_each_ones_own_stay_in_order() {
        // The clock of the second was set back between its lines.
        let (web, mail) = (output(&[(1, "a"), (4, "!d")]), output(&[(3, "c"), (2, "b")]));
        let outputs = [("web:0".to_owned(), &web), ("mail:0".to_owned(), &mail)];
        let check = |stream, lines_max, expected: &[(&str, &str)]| {
            let lines = newest(&outputs, &Wanted { stream, program: None }, lines_max);
            let said: Vec<_> = lines.iter().map(|it| (it.program.as_str(), &*it.text)).collect();
            assert_eq!(said, expected);
        };
        let all = [("web:0", "a"), ("mail:0", "c"), ("mail:0", "b"), ("web:0", "!d")];
        check(None, 9, &all);
        check(None, 2, &all[2..]);
        check(None, 0, &[]);
        check(Some(Stream::Stderr), 9, &all[3..]);
    }

    #[test]
    fn what_is_merged_is_bounded() {
        let long = "x".repeat(100_000);
        let lines: Vec<(u64, &str)> = (0..2).map(|at| (at, long.as_str())).collect();
        let several: Vec<_> = (0..40).map(|_| output(&lines)).collect();
        let named = |at: usize| format!("p:{at}");
        let outputs: Vec<Named> =
            several.iter().enumerate().map(|(at, output)| (named(at), output)).collect();
        let bytes = |lines: Vec<LogLine>| lines.iter().map(|line| line.text.len()).sum::<usize>();
        let kept = bytes(newest(&outputs, &Wanted::default(), usize::MAX));
        assert!(kept <= PROGRAM_MERGED_BYTES_MAX && kept > PROGRAM_MERGED_BYTES_MAX / 2, "{kept}");
    }

    #[tokio::test]
    async fn a_reader_of_several_hears_those_it_asked_for() {
        let hub = Hub::default();
        let read = |program: Option<&str>| {
            let wanted = Wanted { stream: None, program: program.map(str::to_owned) };
            read(&[], &hub, (wanted, None), Follow::Yes).expect("few read")
        };
        let (mut all, mut web) = (read(None), read(Some("web")));
        let said = |name: &str, text: &str| {
            Output::new(Rc::clone(&hub), name.to_owned()).mark(text.to_owned());
        };
        said("mail:0", "one");
        said("web:1", "two");
        let next = |lines: &mut mpsc::Receiver<Bytes>| {
            let mut kept = lines.try_recv().expect("is there at once");
            if kept.is_empty() {
                kept = lines.try_recv().expect("is there at once");
            }
            let line: LogLine = serde_json::from_slice(&kept).expect("one line");
            (line.program, line.text)
        };
        let of = |program: &str, text: &str| (program.to_owned(), text.to_owned());
        assert_eq!(next(&mut all), of("mail:0", "one"));
        assert_eq!(next(&mut all), of("web:1", "two"));
        assert_eq!(next(&mut web), of("web:1", "two"));
    }
}

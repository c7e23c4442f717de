//! Lines, the ring, followers, rotating files.

use std::fs;
use std::os::fd::AsFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use proptest::prelude::*;

use super::file::Limits;
use super::file::lend::{Ahead, Head};
use super::form::Speaker;
use super::lines::GOES_ON;
use super::*;
use crate::config::limits::{
    PROGRAM_FILE_WAITING_BYTES_MAX, PROGRAM_FOLLOW_BYTES_MAX, PROGRAM_FOLLOW_QUEUE_MAX,
    PROGRAM_FOLLOWERS_MAX, PROGRAM_LINE_BYTES_MAX, PROGRAM_LOG_RING_BYTES,
};
use crate::config::model::output::{Compress, Format, LogTarget, Overflow, Rotate};
use crate::sys::blocking::Pool;

fn lines_of(pieces: &[&[u8]]) -> Vec<String> {
    let mut lines = Lines::default();
    let mut seen = Vec::new();
    for piece in pieces {
        lines.take(piece, |line| seen.push(line));
    }
    seen.extend(lines.end());
    seen
}

#[test]
fn lines_end_at_line_ends_and_at_the_bound() {
    assert_eq!(lines_of(&[b"a\nb", b"c\r\n", b"\n", b"end"]), ["a", "bc", "", "end"]);
    assert_eq!(lines_of(&[b"\xff\xfe\n"]), ["\u{fffd}\u{fffd}"]);
    let endless = vec![b'x'; PROGRAM_LINE_BYTES_MAX * 2 + 5];
    let cut = lines_of(&[&endless, b"\n"]);
    let whole = "x".repeat(PROGRAM_LINE_BYTES_MAX);
    assert_eq!(cut, [format!("{whole}{GOES_ON}"), format!("{whole}{GOES_ON}"), "xxxxx".to_owned()]);
    assert_eq!(lines_of(&[whole.as_bytes(), b"\n"]), [whole]);
}

proptest! {
    #[test]
    fn how_bytes_are_cut_does_not_matter(
        text in prop::collection::vec(prop_oneof![3 => Just(b'a'), 1 => Just(b'\n')], 0..200),
        cut in 0..200usize,
    ) {
        let cut = cut.min(text.len());
        prop_assert_eq!(lines_of(&[&text]), lines_of(&[&text[..cut], &text[cut..]]));
    }
}

/// A message, whole or in pieces, is in none of the places that text goes to.
#[test]
fn messages_are_no_text() {
    let begin = "<!--XSUPERVISOR:BEGIN-->";
    let end = "<!--XSUPERVISOR:END-->";
    let folder = tempfile::tempdir().unwrap();
    for (name, format) in [("plain", Format::Plain), ("prefix", Format::Prefix)] {
        let path = folder.path().join(name);
        let mut output = Output::default();
        let (reader, writer) = sys::pipe::pair().unwrap();
        let mut sinks = Sinks::new(&target(format), Speaker::default());
        sinks.file = Some(Rc::new(RefCell::new(rotating(&path, 0, 0))));
        output.set_sinks(Source::Stdout, sinks, Told { capture_bytes: 100, events: false });
        let glass = sys::peek::Glass::new(4096).unwrap();
        let mut buffer = [0; 4096];
        let ahead = Ahead::default();
        let head = Head { pipe: reader.as_fd(), ahead: &ahead };
        let mut look = |output: &mut Output, text: &str, tail| {
            write_to(&writer, text);
            let mut all = Vec::new();
            while let Ok(count) = glass.look(&reader, &mut buffer) {
                let taken = output.pour(Source::Stdout, head, &buffer[..count], tail);
                all.push(taken);
                if !matches!(taken, Taken::Bytes(_)) {
                    break;
                }
            }
            all
        };
        let taken = look(&mut output, &format!("one\n{begin}m1{end}\ntwo\n{begin}m2"), Tail::Leave);
        assert_eq!(taken.last(), Some(&Taken::Begun), "a message that has no end stays: {taken:?}");
        assert!(!output.stdout.capture.as_ref().unwrap().is_within());
        let taken = look(&mut output, "", Tail::Take);
        assert_eq!(taken.last(), Some(&Taken::Bytes(26)), "{taken:?}");
        assert!(output.stdout.capture.as_ref().unwrap().is_within());
        look(&mut output, &end[..5], Tail::Take);
        look(&mut output, &format!("{}\n<!--", &end[5..]), Tail::Take);
        look(&mut output, " html -->\nlast\n", Tail::Leave);
        let lines: Vec<String> = output.ring.lines().map(|line| line.text).collect();
        assert_eq!(lines, ["one", "", "two", "", "<!-- html -->", "last"], "{name}");
        let text = read(&path);
        let words: Vec<&str> =
            text.lines().map(|line| line.rsplit("| ").next().unwrap_or(line)).collect();
        assert_eq!(words, lines, "{name}");
        output.take(Source::Stdout, format!("{begin}never ended").as_bytes());
        output.end(Source::Stdout);
        let lost = "a message to listeners was not ended: its 11 bytes are lost";
        assert_eq!(output.ring.lines().last().unwrap().text, lost);
    }
}

fn write_to(pipe: &impl std::os::fd::AsFd, text: &str) {
    if !text.is_empty() {
        assert_eq!(sys::pipe::write(pipe.as_fd(), text.as_bytes()).unwrap(), text.len());
    }
}

fn target(format: Format) -> LogTarget {
    LogTarget {
        file: None,
        max_bytes: 0,
        backups: 0,
        rotate: Rotate::Size,
        compress: Compress::No,
        overflow: Overflow::Drop,
        format,
        strip_ansi: false,
        engine: false,
        syslog: false,
        told: Told::default(),
    }
}

#[test]
fn the_ring_keeps_the_last_lines_within_its_bytes() {
    let mut output = Output::default();
    let line = [&[b'x'; 1000][..], b"\n"].concat();
    for _ in 0..1000 {
        output.take(Source::Stdout, &line);
    }
    output.take(Source::Stderr, b"the last\n");
    let kept: usize = output.ring.lines().map(|line| line.text.len()).sum();
    assert!(kept <= PROGRAM_LOG_RING_BYTES && kept > PROGRAM_LOG_RING_BYTES / 2, "{kept}");
    output.mark("exit 0".into());
    assert_eq!(output.last_line(), "the last");
    let mut only_stderr = output.read(Some(Stream::Stderr), None, Follow::No).unwrap();
    let text = String::from_utf8(only_stderr.try_recv().unwrap().to_vec()).unwrap();
    assert_eq!(text.lines().count(), 2, "the line and the mark: {text}");
    assert!(only_stderr.try_recv().is_err());
    let mut last = output.read(None, Some(1), Follow::No).unwrap();
    let last: LogLine = serde_json::from_slice(&last.try_recv().unwrap()).unwrap();
    assert_eq!(last.text, "exit 0");
}

#[test]
fn a_slow_follower_is_told_what_it_lost_and_a_gone_one_is_forgotten() {
    let mut output = Output::default();
    let mut slow = output.read(None, None, Follow::Yes).unwrap();
    drop(output.read(None, None, Follow::Yes));
    for number in 0..PROGRAM_FOLLOW_QUEUE_MAX + 9 {
        output.take(Source::Stdout, format!("{number}\n").as_bytes());
    }
    // The first entry is what was kept: nothing. So one line less fitted.
    for _ in 0..PROGRAM_FOLLOW_QUEUE_MAX {
        slow.try_recv().unwrap();
    }
    output.take(Source::Stdout, b"again\n");
    let mark: LogLine = serde_json::from_slice(&slow.try_recv().unwrap()).unwrap();
    assert_eq!(
        (mark.stream, mark.text.as_str()),
        (Stream::Mark, "10 lines lost: the reader was too slow")
    );
    let line: LogLine = serde_json::from_slice(&slow.try_recv().unwrap()).unwrap();
    assert_eq!(line.text, "again");
}

#[test]
fn a_follower_too_many_is_told_so_and_may_still_read() {
    let mut output = Output::default();
    let several: Vec<_> =
        (0..PROGRAM_FOLLOWERS_MAX).map(|_| output.read(None, None, Follow::Yes)).collect();
    assert!(several.iter().all(Option::is_some));
    assert!(output.read(None, None, Follow::Yes).is_none());
    assert!(output.read(None, None, Follow::No).is_some());
    drop(several);
    assert!(output.read(None, None, Follow::Yes).is_some());
}

#[test]
fn followers_that_stand_still_cost_bounded_memory() {
    let mut output = Output::default();
    let mut still = output.read(None, None, Follow::Yes).unwrap();
    let line = [vec![b'x'; 60_000], b"\n".to_vec()].concat();
    for _ in 0..200 {
        output.take(Source::Stdout, &line);
    }
    let mut waiting = 0;
    while let Ok(piece) = still.try_recv() {
        waiting += piece.len();
    }
    assert!(waiting <= PROGRAM_FOLLOW_BYTES_MAX && waiting > PROGRAM_FOLLOW_BYTES_MAX / 2);
}

const SECOND_US: u64 = 1_000_000;

fn rotating(path: &Path, max_bytes: u64, backups: u32) -> RotatingFile {
    let (rotate, compress) = (Rotate::Size, Compress::No);
    let limits = Limits { max_bytes, backups, rotate, compress };
    RotatingFile::new(path.to_owned(), limits, Pool::default())
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// Everything that was written, oldest backup first.
fn read_all(path: &Path, backups: u32) -> String {
    let backup = |number| path.with_extension(format!("log.{number}"));
    let older: String = (1..=backups).rev().map(|number| read(&backup(number))).collect();
    older + &read(path)
}

#[test]
fn files_rotate_at_line_ends_and_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.log");
    let mut file = rotating(&path, 100, 50);
    let mut written = String::new();
    for number in 0..300 {
        let text = format!("line {number} {}\n", "x".repeat(number % 17));
        written += &text;
        // Cut anywhere, as pipes do.
        let (first, rest) = text.split_at(number % text.len());
        file.write(first.as_bytes(), 0);
        file.write(rest.as_bytes(), 0);
    }
    file.write("several\nlines\nat once\n".repeat(40).as_bytes(), 0);
    written += &"several\nlines\nat once\n".repeat(40);
    let all = read_all(&path, 50);
    assert!(written.ends_with(&all), "a continuous end of what was written");
    assert!(all.len() > 4000);
    for number in 1..=50 {
        let backup = read(&path.with_extension(format!("log.{number}")));
        assert!(backup.ends_with('\n') && (100..140).contains(&backup.len()), "{number}: {backup}");
    }
    assert!(!path.with_extension("log.51").exists());
}

#[test]
fn what_waits_goes_to_whoever_writes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.log");
    fs::create_dir(&path).unwrap();
    let mut file = rotating(&path, 0, 0);
    file.write(&vec![b'x'; PROGRAM_FILE_WAITING_BYTES_MAX + 9], 0);
    let (waiting, lost_bytes) = file.leave();
    assert_eq!((waiting.len(), lost_bytes), (PROGRAM_FILE_WAITING_BYTES_MAX, 9));
    assert_eq!(file.deadline_us(), None);
    fs::remove_dir(&path).unwrap();
    let mut next = rotating(&path, 0, 0);
    next.take_up(&waiting, lost_bytes);
    next.write(b"next", 0);
    assert_eq!(read(&path), "x".repeat(waiting.len()) + "next");
    assert_eq!(next.lost_bytes(), 9);
}

#[test]
fn output_without_line_ends_rotates_too_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.log");
    let mut file = rotating(&path, 10_000, 3);
    let bound = 10_000 + PROGRAM_LINE_BYTES_MAX;
    let mut written = String::new();
    for number in 0..40_000 {
        let text = format!("{number} %\r");
        file.write(text.as_bytes(), 0);
        written += &text;
    }
    file.write(&vec![b'x'; 3 * bound], 0);
    written += &"x".repeat(3 * bound);
    for number in 1..=3 {
        assert_eq!(read(&path.with_extension(format!("log.{number}"))).len(), bound, "{number}");
    }
    assert!(read(&path).len() < bound && written.ends_with(&read_all(&path, 3)));

    // What an earlier engine let grow is put aside before anything is added.
    fs::write(&path, "x".repeat(2 * bound)).unwrap();
    file.reopen();
    file.write(b"next", 0);
    assert_eq!(read(&path), "next");
}

#[test]
fn without_backups_the_file_begins_again_and_without_a_bound_it_grows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.log");
    let mut file = rotating(&path, 4, 0);
    file.write(b"one\ntwo\nth", 0);
    assert_eq!(read(&path), "th");
    let path = folder.path().join("b.log");
    let mut file = rotating(&path, 0, 3);
    file.write(b"one\ntwo\n", 0);
    assert_eq!(read(&path), "one\ntwo\n");
}

#[test]
fn a_file_taken_away_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/p.log");
    let mut file = rotating(&path, 0, 0);
    file.write(b"one\n", 0);
    fs::remove_dir_all(folder.path().join("deep")).unwrap();
    file.write(b"two\n", 2 * SECOND_US);
    assert_eq!(read(&path), "two\n");
    fs::rename(&path, folder.path().join("moved")).unwrap();
    file.reopen();
    file.write(b"three\n", 2 * SECOND_US);
    assert_eq!(read(&path), "three\n");
}

#[test]
fn what_can_not_be_written_waits_up_to_a_bound() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.log");
    // A folder in the file's place fails for root as well.
    fs::create_dir(&path).unwrap();
    let mut file = rotating(&path, 0, 0);
    file.write(b"one\n", 0);
    file.write(b"two\n", 1);
    assert_eq!(file.deadline_us(), Some(SECOND_US));
    fs::remove_dir(&path).unwrap();
    file.tick(SECOND_US - 1);
    assert!(!path.exists());
    file.tick(SECOND_US);
    assert_eq!((read(&path).as_str(), file.deadline_us()), ("one\ntwo\n", None));

    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    file.reopen();
    file.write(&vec![b'x'; PROGRAM_FILE_WAITING_BYTES_MAX + 100], 2 * SECOND_US);
    fs::remove_dir(&path).unwrap();
    file.write(b"tail\n", 9 * SECOND_US);
    assert_eq!(read(&path).len(), PROGRAM_FILE_WAITING_BYTES_MAX + 5);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o111, 0);
}

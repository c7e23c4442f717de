//! Rotation by time, what kills in the middle of one leave behind, and packing.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use super::pack::Next;
use super::rotate::period;
use super::*;

const DAY: Duration = Duration::from_hours(24);

fn limits(rotate: Rotate, compress: Compress) -> Limits {
    Limits { max_bytes: 10, backups: 3, rotate, compress }
}

fn log(folder: &tempfile::TempDir, limits: Limits) -> (PathBuf, RotatingFile) {
    let path = folder.path().join("p.log");
    (path.clone(), RotatingFile::new(path, limits, Pool::default()))
}

fn read(path: &Path, ending: &str) -> String {
    fs::read_to_string(pack::with(path, ending)).unwrap_or_default()
}

fn age(path: &Path, by: Duration) {
    let now = Duration::from_millis(sys::clock::wall_ms());
    let then = std::time::UNIX_EPOCH + now.saturating_sub(by);
    File::options().write(true).open(path).unwrap().set_modified(then).unwrap();
}

#[test]
fn periods_change_at_full_hours_midnights_and_before_mondays() {
    const HOUR_MS: u64 = 3_600_000;
    // Sunday 29 November 2026, 23:59:59.999, and the Monday after it.
    let sunday_ms = 20_787 * 24 * HOUR_MS - 1;
    for rotate in [Rotate::Hourly, Rotate::Daily, Rotate::Weekly] {
        assert_eq!(period(rotate, sunday_ms) + 1, period(rotate, sunday_ms + 1), "{rotate:?}");
        assert_eq!(period(rotate, sunday_ms), period(rotate, sunday_ms - 1000), "{rotate:?}");
    }
    assert_eq!(
        period(Rotate::Weekly, sunday_ms - 150 * HOUR_MS),
        period(Rotate::Weekly, sunday_ms)
    );
    assert_eq!(period(Rotate::Size, sunday_ms), period(Rotate::Size, sunday_ms + 1));
}

#[test]
fn yesterdays_file_is_rotated_with_the_first_line_of_today() {
    let folder = tempfile::tempdir().unwrap();
    let (path, mut file) = log(&folder, limits(Rotate::Daily, Compress::No));
    fs::write(&path, "old\n").unwrap();
    age(&path, DAY);
    file.write(b"new\n", 0);
    assert_eq!((read(&path, ".1").as_str(), read(&path, "").as_str()), ("old\n", "new\n"));
    file.write(b"er\n", 0);
    assert_eq!(read(&path, ""), "new\ner\n", "today's goes on");

    fs::write(&path, "be").unwrap();
    age(&path, DAY);
    file.reopen();
    file.write(b"gun\nnew\n", 0);
    assert_eq!((read(&path, ".1").as_str(), read(&path, "").as_str()), ("begun\n", "new\n"));
    assert_eq!(read(&path, ".2"), "old\n");
}

#[test]
fn an_old_file_that_was_emptied_begins_anew_and_is_not_rotated_after_its_first_line() {
    let folder = tempfile::tempdir().unwrap();
    let (path, mut file) = log(&folder, limits(Rotate::Daily, Compress::No));
    fs::write(&path, "old\n").unwrap();
    age(&path, DAY);
    // Open since yesterday, and cut short by who copied it.
    file.disk.look(0).unwrap();
    File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
    file.write(b"one\n", 0);
    file.write(b"two\n", 0);
    assert_eq!((read(&path, "").as_str(), read(&path, ".1").as_str()), ("one\ntwo\n", ""));
}

#[test]
fn a_full_file_that_a_killed_master_left_gets_no_further_line() {
    let folder = tempfile::tempdir().unwrap();
    let (path, mut file) = log(&folder, limits(Rotate::Size, Compress::No));
    fs::write(&path, "0123456789\n").unwrap();
    file.write(b"next\n", 0);
    assert_eq!((read(&path, ".1").as_str(), read(&path, "").as_str()), ("0123456789\n", "next\n"));
}

#[test]
fn a_gap_that_a_kill_left_is_filled_and_pushes_nothing_out() {
    let folder = tempfile::tempdir().unwrap();
    let (path, mut file) = log(&folder, limits(Rotate::Size, Compress::No));
    for (ending, text) in [("", "0123456789\n"), (".2", "two\n"), (".3", "three\n")] {
        fs::write(pack::with(&path, ending), text).unwrap();
    }
    file.write(b"next\n", 0);
    let texts = ["", ".1", ".2", ".3"].map(|ending| read(&path, ending));
    assert_eq!(texts, ["next\n", "0123456789\n", "two\n", "three\n"]);
}

fn pack_all(file: &mut RotatingFile) {
    assert!(file.begin_packing());
    while let Next::Job(job) = file.next_job(0) {
        let result = job.run();
        file.packed(job, result, 0);
    }
    assert!(!file.begin_packing(), "nothing is left to do until the next rotation");
}

fn unpacked(path: &Path, ending: &str) -> String {
    let packed = File::open(pack::with(path, ending)).unwrap();
    let mut text = String::new();
    if ending.strip_suffix(".gz").is_some() {
        flate2::read::GzDecoder::new(packed).read_to_string(&mut text).unwrap();
    } else {
        zstd::Decoder::new(packed).unwrap().read_to_string(&mut text).unwrap();
    }
    text
}

#[test]
fn rotated_files_are_packed_and_move_on_as_such() {
    for (how, ending) in [(Compress::Gzip, ".gz"), (Compress::Zstd, ".zst")] {
        let folder = tempfile::tempdir().unwrap();
        let (path, mut file) = log(&folder, limits(Rotate::Size, how));
        file.write(b"line one is long\nline two is long\n", 0);
        pack_all(&mut file);
        for (number, text) in [(1, "line two is long\n"), (2, "line one is long\n")] {
            assert_eq!(unpacked(&path, &format!(".{number}{ending}")), text);
            assert!(!pack::with(&path, &format!(".{number}")).exists());
        }
        file.write(b"line three is long\n", 0);
        assert_eq!(unpacked(&path, &format!(".3{ending}")), "line one is long\n");
        assert_eq!(read(&path, ".1"), "line three is long\n");
        file.write(b"line four is long\n", 0);
        pack_all(&mut file);
        let names = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(names, 3, "three backups, the oldest was pushed out, and no file yet");
    }
}

#[test]
fn what_could_not_be_packed_is_tried_again_with_the_next_rotation() {
    let folder = tempfile::tempdir().unwrap();
    let (path, mut file) = log(&folder, limits(Rotate::Size, Compress::Gzip));
    file.write(b"line one is long\n", 0);
    // A folder where the packed file is to be made fails for root as well.
    let obstacle = pack::with(&path, ".packing");
    fs::create_dir(&obstacle).unwrap();
    pack_all(&mut file);
    assert_eq!(read(&path, ".1"), "line one is long\n");
    fs::remove_dir(&obstacle).unwrap();
    assert!(!file.begin_packing(), "not before there is a reason");
    file.write(b"line two is long\n", 0);
    pack_all(&mut file);
    assert_eq!(unpacked(&path, ".2.gz"), "line one is long\n");

    file.write(b"line three is long\n", 0);
    assert!(file.begin_packing());
    file.fails_to_pack("rotated files: start a thread: out of memory", 0);
    assert_eq!(file.next_job(0), Next::Nothing);
    file.set_limits(limits(Rotate::Size, Compress::Gzip));
    pack_all(&mut file);
    assert_eq!(unpacked(&path, ".1.gz"), "line three is long\n");
}

#[test]
fn a_file_that_moves_on_before_it_is_packed_is_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let (path, mut file) = log(&folder, limits(Rotate::Size, Compress::Gzip));
    file.write(b"line one is long\n", 0);
    assert!(file.begin_packing());
    let Next::Job(job) = file.next_job(0) else { panic!() };
    file.write(b"line two is long\n", 0);
    let result = job.run();
    file.packed(job, result, 0);
    while let Next::Job(job) = file.next_job(0) {
        let result = job.run();
        file.packed(job, result, 0);
    }
    for (number, text) in [(1, "line two is long\n"), (2, "line one is long\n")] {
        assert_eq!(unpacked(&path, &format!(".{number}.gz")), text);
    }
}

#[test]
fn what_a_kill_left_half_packed_is_begun_anew_and_what_was_packed_is_kept_once() {
    let folder = tempfile::tempdir().unwrap();
    let (path, mut file) = log(&folder, limits(Rotate::Size, Compress::Gzip));
    for (ending, text) in [(".1", "one\n"), (".2", "two\n"), (".packing", "half")] {
        fs::write(pack::with(&path, ending), text).unwrap();
    }
    // Packed, and killed before the original was taken away.
    fs::write(pack::with(&path, ".2.gz"), "all of two").unwrap();
    pack_all(&mut file);
    assert_eq!(unpacked(&path, ".1.gz"), "one\n");
    assert_eq!(read(&path, ".2.gz"), "all of two");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn a_file_that_moves_on_while_it_is_packed_keeps_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let (path, mut file) = log(&folder, limits(Rotate::Size, Compress::Gzip));
    file.write(b"line one is long\n", 0);
    assert!(file.begin_packing());
    let Next::Job(job) = file.next_job(0) else { panic!() };
    let result = job.run();
    file.write(b"line two is long\n", 0);
    file.packed(job, result, 0);
    assert_eq!(unpacked(&path, ".2.gz"), "line one is long\n");
    assert_eq!(read(&path, ".1"), "line two is long\n");
}

//! One line per happening on standard error, in one format for every process of the engine.
//!
//! Deliberately small: one level for all, no filters by module, no files (the foreground engine's
//! stderr is whoever started it; the background one's is its log file). A line is one `write`, so
//! lines of several processes never mix.
//!
//! Nobody who logs waits for whoever reads: what a full pipe does not take is lost, and the next line
//! that it does take is preceded by how many were.
//!
//! The same lines go, as messages, to whoever keeps them for consoles ([`copy_to`]): to one socket that
//! all processes of the engine write to, by the same rule. No process waits for another, and the locks
//! here are each process's own.

pub(crate) mod record;

use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError};

use super::seqpacket::{self, Wait};
use super::{clock, standard};
use record::Record;

/// How bad it is. `Alert` means a bug of ours or a broken invariant: tests fail on one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Alert,
    Error,
    Warn,
    Notice,
}

/// What is less bad than this is not said. Set when a configuration is taken, by each process that
/// takes one; not read together with anything else.
static LEAST: AtomicU8 = AtomicU8::new(Level::Notice as u8);

pub(crate) fn set_least(level: Level) {
    LEAST.store(level as u8, Ordering::Relaxed);
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Notice => "notice",
        }
    }
}

/// Writes `2026-11-22T12:04:31.123Z [notice] 4121 who: text`; failure to write is not an error, since
/// there is nowhere left to say so.
pub(crate) fn line(level: Level, who: &str, text: fmt::Arguments<'_>) {
    if level as u8 > LEAST.load(Ordering::Relaxed) {
        return;
    }
    let wall_ms = clock::wall_ms();
    let own = std::process::id();
    let record = |level: Level, who: &str, text: fmt::Arguments<'_>| Record {
        wall_ms,
        level,
        text: format!("[{}] {own} {who}: {text}", level.name()),
    };
    let about_lost = |lost: u64| {
        record(Level::Warn, "log", format_args!("{lost} lines lost: nobody read them in time"))
    };
    let said = record(level, who, text);
    let line = |record: &Record| format!("{} {}\n", utc(wall_ms), record.text);
    // What another thread was saying when it panicked is a line like others.
    let mut mouth = MOUTH.lock().unwrap_or_else(PoisonError::into_inner);
    mouth.say(
        &line(&said),
        |lost| line(&about_lost(lost)),
        |bytes| standard::write(rustix::stdio::stderr(), bytes),
    );
    drop(mouth);
    if let Some(copy) = &mut *COPY.lock().unwrap_or_else(PoisonError::into_inner) {
        copy.send(&said, about_lost);
    }
}

static MOUTH: Mutex<Mouth> = Mutex::new(Mouth { rest: Vec::new(), lost: 0 });
static COPY: Mutex<Option<Copy>> = Mutex::new(None);

/// From here on lines go there, too, each as a message that is a [`Record`].
pub(crate) fn copy_to(socket: OwnedFd) {
    *COPY.lock().unwrap_or_else(PoisonError::into_inner) = Some(Copy { socket, lost: 0 });
}

struct Copy {
    socket: OwnedFd,
    /// Records since the last that was taken.
    lost: u64,
}

impl Copy {
    fn send(&mut self, said: &Record, about_lost: impl FnOnce(u64) -> Record) {
        let is_taken = |record: &Record| {
            seqpacket::send(&self.socket, &record.encode(), &[], Wait::Never).is_ok()
        };
        if (self.lost == 0 || is_taken(&about_lost(self.lost))) && is_taken(said) {
            self.lost = 0;
        } else {
            self.lost += 1;
        }
    }
}

/// What is yet to be said.
struct Mouth {
    /// The end of a line that was taken in part.
    rest: Vec<u8>,
    /// Lines since the last that was taken.
    lost: u64,
}

impl Mouth {
    fn say(
        &mut self,
        line: &str,
        about_lost: impl FnOnce(u64) -> String,
        mut write: impl FnMut(&[u8]) -> io::Result<usize>,
    ) {
        let written = write_up_to(&self.rest, &mut write);
        self.rest.drain(..written);
        if !self.rest.is_empty() {
            self.lost += 1;
            return;
        }
        let text = if self.lost > 0 { about_lost(self.lost) + line } else { line.to_owned() };
        match write_up_to(text.as_bytes(), &mut write) {
            0 => self.lost += 1,
            written => {
                self.lost = 0;
                self.rest.extend_from_slice(&text.as_bytes()[written..]);
            }
        }
    }
}

/// How much was written before an error, if there was one.
fn write_up_to(bytes: &[u8], write: &mut impl FnMut(&[u8]) -> io::Result<usize>) -> usize {
    let mut written = 0;
    while written < bytes.len() {
        match write(&bytes[written..]) {
            Ok(count) => written += count,
            Err(_nowhere_left_to_say_so) => break,
        }
    }
    written
}

/// RFC 3339 in UTC with milliseconds. Days to date after Howard Hinnant's `civil_from_days`.
pub(crate) fn utc(wall_ms: u64) -> String {
    let seconds = wall_ms / 1000;
    let (year, month, day) = civil(seconds / 86_400);
    let second = seconds % 86_400;
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}Z",
        second / 3600,
        second / 60 % 60,
        second % 60,
        wall_ms % 1000
    )
}

fn civil(days_since_epoch: u64) -> (u64, u64, u64) {
    let days = days_since_epoch + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

macro_rules! alert { ($who:expr, $($text:tt)*) => { $crate::sys::log::line($crate::sys::log::Level::Alert, $who, format_args!($($text)*)) } }
macro_rules! error { ($who:expr, $($text:tt)*) => { $crate::sys::log::line($crate::sys::log::Level::Error, $who, format_args!($($text)*)) } }
macro_rules! warning { ($who:expr, $($text:tt)*) => { $crate::sys::log::line($crate::sys::log::Level::Warn, $who, format_args!($($text)*)) } }
macro_rules! notice { ($who:expr, $($text:tt)*) => { $crate::sys::log::line($crate::sys::log::Level::Notice, $who, format_args!($($text)*)) } }
#[allow(unused_imports, reason = "each level is used by some role")]
pub(crate) use {alert, error, notice, warning};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_nobody_reads_are_lost_whole_and_counted() {
        let mut mouth = Mouth { rest: Vec::new(), lost: 0 };
        let mut read = String::new();
        // How much there is room for each time.
        for (line, mut room) in [
            ("one\n", 9),
            ("two\n", 0),
            ("three\n", 0),
            ("four\n", 6),
            ("five\n", 3),
            ("six\n", 99),
        ] {
            mouth.say(
                line,
                |lost| format!("({lost} lost)\n"),
                |bytes| {
                    let count = bytes.len().min(room);
                    room -= count;
                    read.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
                    if count == 0 { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(count) }
                },
            );
        }
        assert_eq!(read, "one\n(2 lost)\nfour\n(1 lost)\nsix\n");
    }

    #[test]
    fn a_copy_never_waits_and_tells_what_was_lost() {
        let (socket, keeper) = seqpacket::pair().unwrap();
        let mut copy = Copy { socket, lost: 0 };
        let record = |text: String| Record { wall_ms: 7, level: Level::Notice, text };
        let about_lost = |lost: u64| record(format!("({lost} lost)"));
        let read = || {
            let mut bytes = [0; record::RECORD_BYTES_MAX];
            let count = seqpacket::receive(&keeper, &mut bytes, drop, Wait::Never).ok()?;
            Record::decode(&bytes[..count]).map(|record| record.text)
        };
        let mut sent: u64 = 0;
        while copy.lost == 0 {
            copy.send(&record(sent.to_string()), about_lost);
            sent += 1;
            assert!(sent < 1_000_000, "the socket takes without end");
        }
        copy.send(&record("lost, too".to_owned()), about_lost);
        let taken: Vec<String> = std::iter::from_fn(read).collect();
        assert_eq!(taken.len() as u64, sent - 1);
        copy.send(&record("again".to_owned()), about_lost);
        assert_eq!(std::iter::from_fn(read).collect::<Vec<_>>(), ["(2 lost)", "again"]);
    }

    #[test]
    fn utc_matches_known_instants() {
        assert_eq!(utc(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(utc(951_782_400_123), "2000-02-29T00:00:00.123Z");
        assert_eq!(utc(1_795_349_071_999), "2026-11-22T12:04:31.999Z");
    }
}

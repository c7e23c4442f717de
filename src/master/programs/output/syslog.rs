//! Lines to the machine's system log, as its local socket takes them (RFC 3164 without a host).
//!
//! Never waits: a daemon that is missing or does not keep up loses lines, which are counted and said
//! once a minute.

use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;

use crate::config::limits::PROGRAM_SYSLOG_BYTES_MAX;
use crate::control::wire::Stream;
use crate::sys;

const RETRY_US: u64 = 1_000_000;
const WARN_US: u64 = 60_000_000;
/// Facility "user" with the severities of what is said and of what went wrong.
const USER_INFO: u8 = 8 + 6;
const USER_ERROR: u8 = 8 + 3;

pub(in crate::master::programs) struct Syslog {
    path: PathBuf,
    socket: Option<UnixDatagram>,
    retry_at_us: u64,
    warned_at_us: Option<u64>,
    lost_lines: u64,
}

impl Syslog {
    pub(in crate::master::programs) fn new(path: PathBuf) -> Self {
        Self { path, socket: None, retry_at_us: 0, warned_at_us: None, lost_lines: 0 }
    }

    pub(super) fn send(&mut self, name: &str, (wall_ms, stream): (u64, Stream), text: &str) {
        let now_us = sys::clock::monotonic_us();
        let line = line(name, (sys::local_time::shifted_ms(wall_ms), stream), text);
        if let Err(error) = self.try_send(&line, now_us) {
            self.lost_lines += 1;
            if self.warned_at_us.is_none_or(|warned_us| now_us >= warned_us + WARN_US) {
                self.warned_at_us = Some(now_us);
                let (path, lost) = (self.path.display(), self.lost_lines);
                sys::log::warning!("programs", "send to {path}: {error}; {lost} lines lost so far");
            }
        }
    }

    fn try_send(&mut self, line: &[u8], now_us: u64) -> std::io::Result<()> {
        if self.socket.is_none() {
            if now_us < self.retry_at_us {
                return Err(std::io::ErrorKind::NotConnected.into());
            }
            self.retry_at_us = now_us + RETRY_US;
            let socket = UnixDatagram::unbound()?;
            socket.set_nonblocking(true)?;
            socket.connect(&self.path)?;
            self.socket = Some(socket);
        }
        let Some(socket) = &self.socket else { return Ok(()) };
        match socket.send(line) {
            Ok(_) => Ok(()),
            Err(error) => {
                // One that does not keep up stays the one to talk to.
                if error.kind() != std::io::ErrorKind::WouldBlock {
                    self.socket = None;
                }
                Err(error)
            }
        }
    }
}

/// `<14>Nov 27 01:02:03 web_00: text`, with the machine's own time of day.
fn line(name: &str, (local_ms, stream): (u64, Stream), text: &str) -> Vec<u8> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let priority = match stream {
        Stream::Stdout | Stream::Mark => USER_INFO,
        Stream::Stderr => USER_ERROR,
    };
    // 2026-11-27T01:02:03.000Z
    let time = sys::log::utc(local_ms);
    let number = |from: usize| time[from..from + 2].parse::<usize>().unwrap_or(1);
    let month = MONTHS[(number(5) - 1) % MONTHS.len()];
    let day = number(8);
    let tag: String =
        name.chars().map(|c| if c.is_alphanumeric() || c == '-' { c } else { '_' }).collect();
    let mut line = format!("<{priority}>{month} {day:2} {} {tag}: ", &time[11..19]).into_bytes();
    // A NUL would end the line in most daemons.
    line.extend(text.bytes().map(|byte| if byte == 0 { b' ' } else { byte }));
    line.truncate(PROGRAM_SYSLOG_BYTES_MAX);
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_priority_time_and_tag() {
        let text =
            |stream, text| String::from_utf8(line("web:0", (1_795_741_323_000, stream), text));
        assert_eq!(text(Stream::Stdout, "a\0b").unwrap(), "<14>Nov 27 01:02:03 web_0: a b");
        assert_eq!(text(Stream::Stderr, "x").unwrap(), "<11>Nov 27 01:02:03 web_0: x");
        let long = line("web", (0, Stream::Stdout), &"x".repeat(PROGRAM_SYSLOG_BYTES_MAX * 2));
        assert_eq!(long.len(), PROGRAM_SYSLOG_BYTES_MAX);
        assert!(long.starts_with(b"<14>Jan  1 00:00:00 web: x"));
    }

    #[test]
    fn a_missing_daemon_costs_lines_and_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut syslog = Syslog::new(path.clone());
        syslog.send("web", (0, Stream::Stdout), "nobody hears it");
        assert_eq!(syslog.lost_lines, 1);
        let daemon = UnixDatagram::bind(&path).unwrap();
        syslog.retry_at_us = 0;
        syslog.send("web", (0, Stream::Stdout), "heard");
        let mut buffer = [0; 100];
        let count = daemon.recv(&mut buffer).unwrap();
        assert!(buffer[..count].ends_with(b"web: heard"), "{:?}", &buffer[..count]);
        assert_eq!(syslog.lost_lines, 1);
    }
}

//! Lines to the machine's system log, as its local socket takes them (RFC 3164 without a host).
//!
//! Never waits. A daemon that is missing or full takes nothing; what becomes of the line then is
//! [`super::outlet`]'s matter.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;

use crate::config::limits::PROGRAM_SYSLOG_BYTES_MAX;
use crate::control::wire::Stream;
use crate::sys;

/// Facility "user" with the severities of what is said and of what went wrong.
const USER_INFO: u8 = 8 + 6;
const USER_ERROR: u8 = 8 + 3;

pub(super) struct Syslog {
    path: PathBuf,
    socket: Option<UnixDatagram>,
}

impl Syslog {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, socket: None }
    }

    pub(super) fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// `WouldBlock`: the daemon is there and has no room.
    pub(super) fn send(&mut self, line: &[u8]) -> io::Result<()> {
        if self.socket.is_none() {
            let socket = UnixDatagram::unbound()?;
            socket.set_nonblocking(true)?;
            socket.connect(&self.path)?;
            self.socket = Some(socket);
        }
        let Some(socket) = &self.socket else { return Ok(()) };
        let sent = socket.send(line);
        if let Err(error) = &sent
            && error.kind() != io::ErrorKind::WouldBlock
        {
            // One that does not keep up stays the one to talk to.
            self.socket = None;
        }
        sent.map(drop)
    }

    /// What tells when there is room.
    pub(super) fn duplicate(&self) -> io::Result<OwnedFd> {
        let socket = self.socket.as_ref().ok_or(io::ErrorKind::NotConnected)?;
        socket.as_fd().try_clone_to_owned()
    }
}

/// A line as it is sent, said now by the instance called so.
pub(super) fn message(name: &str, (wall_ms, stream): (u64, Stream), text: &str) -> Vec<u8> {
    line(name, (sys::local_time::shifted_ms(wall_ms), stream), text)
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
    if line.len() > PROGRAM_SYSLOG_BYTES_MAX {
        // No half of a character: a daemon may take the whole line for no text.
        let is_inner = |byte: u8| byte & 0xc0 == 0x80;
        let end = (0..=PROGRAM_SYSLOG_BYTES_MAX).rev().find(|at| !is_inner(line[*at]));
        line.truncate(end.unwrap_or(0));
    }
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
        for pad in 0..3 {
            let wide = "x".repeat(pad) + &"\u{20ac}".repeat(PROGRAM_SYSLOG_BYTES_MAX);
            let cut = line("web", (0, Stream::Stdout), &wide);
            assert!(cut.len() > PROGRAM_SYSLOG_BYTES_MAX - 3 && String::from_utf8(cut).is_ok());
        }
    }

    #[test]
    fn a_missing_daemon_is_found_once_it_is_there_and_a_full_one_is_no_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut syslog = Syslog::new(path.clone());
        assert_eq!(syslog.send(b"unheard").unwrap_err().kind(), io::ErrorKind::NotFound);
        let daemon = UnixDatagram::bind(&path).unwrap();
        syslog.send(b"heard").unwrap();
        let mut buffer = [0; 100];
        let count = daemon.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..count], b"heard");
        let full = (0..10_000).find_map(|_| syslog.send(b"more").err()).unwrap();
        assert_eq!(full.kind(), io::ErrorKind::WouldBlock);
        daemon.recv(&mut buffer).unwrap();
        syslog.send(b"there is room again").unwrap();
    }
}

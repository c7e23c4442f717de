//! Signals as data: blocked, then read from a descriptor, so that no handler ever runs.
#![allow(unsafe_code, reason = "signal masks and signalfd have no safe wrapper")]

use std::io;
use std::os::fd::{AsFd, FromRawFd as _, OwnedFd};

pub(crate) const HUP: i32 = libc::SIGHUP;
pub(crate) const INT: i32 = libc::SIGINT;
pub(crate) const QUIT: i32 = libc::SIGQUIT;
pub(crate) const ABRT: i32 = libc::SIGABRT;
pub(crate) const KILL: i32 = libc::SIGKILL;
pub(crate) const USR1: i32 = libc::SIGUSR1;
pub(crate) const USR2: i32 = libc::SIGUSR2;
pub(crate) const TERM: i32 = libc::SIGTERM;
pub(crate) const CHLD: i32 = libc::SIGCHLD;
pub(crate) const CONT: i32 = libc::SIGCONT;
pub(crate) const STOP: i32 = libc::SIGSTOP;

/// Every name a configuration, a command line or a screen may use, without `SIG`.
const NAMES: [(&str, i32); 31] = [
    ("HUP", libc::SIGHUP),
    ("INT", libc::SIGINT),
    ("QUIT", libc::SIGQUIT),
    ("ILL", libc::SIGILL),
    ("TRAP", libc::SIGTRAP),
    ("ABRT", libc::SIGABRT),
    ("BUS", libc::SIGBUS),
    ("FPE", libc::SIGFPE),
    ("KILL", libc::SIGKILL),
    ("USR1", libc::SIGUSR1),
    ("SEGV", libc::SIGSEGV),
    ("USR2", libc::SIGUSR2),
    ("PIPE", libc::SIGPIPE),
    ("ALRM", libc::SIGALRM),
    ("TERM", libc::SIGTERM),
    ("STKFLT", libc::SIGSTKFLT),
    ("CHLD", libc::SIGCHLD),
    ("CONT", libc::SIGCONT),
    ("STOP", libc::SIGSTOP),
    ("TSTP", libc::SIGTSTP),
    ("TTIN", libc::SIGTTIN),
    ("TTOU", libc::SIGTTOU),
    ("URG", libc::SIGURG),
    ("XCPU", libc::SIGXCPU),
    ("XFSZ", libc::SIGXFSZ),
    ("VTALRM", libc::SIGVTALRM),
    ("PROF", libc::SIGPROF),
    ("WINCH", libc::SIGWINCH),
    ("IO", libc::SIGIO),
    ("PWR", libc::SIGPWR),
    ("SYS", libc::SIGSYS),
];

/// Other names of some, as kill(1) and Python know them.
const OTHER_NAMES: [(&str, i32); 3] =
    [("IOT", libc::SIGABRT), ("CLD", libc::SIGCHLD), ("POLL", libc::SIGIO)];

/// What people mean most, for who names one that there is not.
pub(crate) const USUAL: &str = "HUP, INT, QUIT, TERM, KILL, USR1, USR2, STOP, CONT, WINCH";

/// `HUP`, `SIGHUP`, `hup`, `RTMIN+3`, or a number from 1 to 64.
pub(crate) fn parse(text: &str) -> Option<i32> {
    if let Ok(number) = text.parse::<i32>() {
        return (1..=64).contains(&number).then_some(number);
    }
    let upper = text.to_ascii_uppercase();
    let bare = bare(&upper);
    let mut known = NAMES.iter().chain(&OTHER_NAMES);
    let named = known.find(|(name, _)| *name == bare).map(|(_, number)| *number);
    named.or_else(|| real_time(bare))
}

/// `RTMIN`, `RTMIN+N`, `RTMAX-N`, `RTMAX`: which numbers these are the C library decides.
fn real_time(bare: &str) -> Option<i32> {
    let (first, last) = (libc::SIGRTMIN(), libc::SIGRTMAX());
    let count = |rest: &str, sign: char| match rest.strip_prefix(sign) {
        Some(count) => count.parse::<u8>().ok().map(i32::from),
        None => rest.is_empty().then_some(0),
    };
    let number = match (bare.strip_prefix("RTMIN"), bare.strip_prefix("RTMAX")) {
        (Some(rest), _) => first + count(rest, '+')?,
        (None, Some(rest)) => last - count(rest, '-')?,
        (None, None) => return None,
    };
    (first..=last).contains(&number).then_some(number)
}

fn bare(upper: &str) -> &str {
    upper.strip_prefix("SIG").unwrap_or(upper)
}

/// The names, without `SIG`.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    NAMES.iter().map(|(name, _)| *name)
}

/// `SIGTERM`, or `signal 34` for one without a name.
pub(crate) fn name(number: i32) -> String {
    NAMES
        .iter()
        .find(|(_, known)| *known == number)
        .map_or_else(|| format!("signal {number}"), |(name, _)| format!("SIG{name}"))
}

/// A file that may grow no further is then an error of the write, not this process's end.
pub(crate) fn ignore_file_size() {
    // SAFETY: ignoring a signal installs no handler.
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
    }
}

/// Blocks these signals for the process (call it before any thread starts) and returns the
/// descriptor they are read from: close on exec, non-blocking.
pub(crate) fn descriptor(numbers: &[i32]) -> io::Result<OwnedFd> {
    // SAFETY: the set is initialised by `sigemptyset` before any other use and outlives the calls;
    // the descriptor is fresh and owned by nobody else.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        for &number in numbers {
            libc::sigaddset(&raw mut set, number);
        }
        if libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) != 0 {
            return Err(io::Error::last_os_error());
        }
        let raw = libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK);
        if raw < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(OwnedFd::from_raw_fd(raw))
    }
}

/// The next signal that has come, if any. Signals of one number may have merged.
pub(crate) fn next(descriptor: impl AsFd) -> io::Result<Option<i32>> {
    let mut info = [0u8; size_of::<libc::signalfd_siginfo>()];
    match rustix::io::retry_on_intr(|| rustix::io::read(descriptor.as_fd(), &mut info)) {
        // `ssi_signo` is the first field of the record.
        Ok(_) => Ok(i32::try_from(u32::from_ne_bytes([info[0], info[1], info[2], info[3]])).ok()),
        Err(rustix::io::Errno::AGAIN) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_time_signals_are_counted_from_either_end() {
        let (first, last) = (libc::SIGRTMIN(), libc::SIGRTMAX());
        for (text, number) in [
            ("RTMIN", Some(first)),
            ("sigrtmin+3", Some(first + 3)),
            ("SIGRTMAX-2", Some(last - 2)),
            ("RTMAX", Some(last)),
            ("RTMIN-1", None),
            ("RTMIN+200", None),
            ("RTMAX+1", None),
            ("RTMID", None),
            ("CLD", Some(CHLD)),
        ] {
            assert_eq!(parse(text), number, "{text}");
        }
    }

    #[test]
    fn names_and_numbers_agree() {
        for (text, number) in [("HUP", Some(1)), ("sigterm", Some(15)), ("9", Some(9))] {
            assert_eq!(parse(text), number, "{text}");
        }
        for text in ["", "0", "65", "SIG", "NOPE"] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(name(15), "SIGTERM");
        assert_eq!(name(40), "signal 40");
    }
}

//! What `/proc` tells about a process: who it is, and whether it is still the same one.

use std::ffi::{CStr, OsString};
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;
use std::{fs, io};

/// What the kernel says of a process at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stat {
    pub(crate) pid: u32,
    pub(crate) parent: u32,
    pub(crate) group: u32,
    pub(crate) session: u32,
    /// It has ended; only its status is left.
    pub(crate) is_ended: bool,
    /// Clock ticks it has computed for.
    pub(crate) cpu_ticks: u64,
    /// Clock ticks after boot at which it started: with the pid, its identity.
    pub(crate) start_time: u64,
    pub(crate) resident_pages: u64,
    pub(crate) threads: u64,
}

impl Stat {
    pub(crate) fn cpu_us(&self) -> u64 {
        self.cpu_ticks * (1_000_000 / rustix::param::clock_ticks_per_second().max(1))
    }

    pub(crate) fn resident_bytes(&self) -> u64 {
        self.resident_pages * rustix::param::page_size() as u64
    }
}

/// `None`: gone.
pub(crate) fn stat(pid: u32) -> Option<Stat> {
    parse_stat(pid, &fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The name in parentheses may hold anything, so fields are counted from behind it.
fn parse_stat(pid: u32, text: &str) -> Option<Stat> {
    let mut fields = text.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = fields.next()?;
    let numbers: Vec<u64> = fields.map(|field| field.parse().unwrap_or(0)).collect();
    // As `man proc` counts them.
    let field = |number: usize| numbers.get(number - 4).copied();
    let id = |number: usize| field(number).and_then(|id| u32::try_from(id).ok());
    Some(Stat {
        pid,
        parent: id(4)?,
        group: id(5)?,
        session: id(6)?,
        is_ended: matches!(state, "Z" | "X"),
        cpu_ticks: field(14)? + field(15)?,
        start_time: field(22)?,
        resident_pages: field(24)?,
        threads: field(20)?,
    })
}

/// Clock ticks after boot at which the process started: with the pid, its identity. `None`: gone.
pub(crate) fn start_time(pid: u32) -> Option<u64> {
    Some(stat(pid)?.start_time)
}

/// Everybody at about this instant whom we may see; a process that starts or ends meanwhile may be
/// missing. For want of descriptors or memory it is an error, which is no news of anybody's end.
pub(crate) fn census() -> io::Result<Vec<Stat>> {
    let mut stats = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
        match fs::read_to_string(format!("/proc/{pid}/stat")) {
            Ok(text) => stats.extend(parse_stat(pid, &text)),
            Err(error) if is_gone_or_hidden(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(stats)
}

/// A mount of `/proc` may show nobody but the user's own.
fn is_gone_or_hidden(error: &io::Error) -> bool {
    let kind = error.kind();
    [io::ErrorKind::NotFound, io::ErrorKind::PermissionDenied].contains(&kind)
        || error.raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error())
}

/// The living and the unreaped children of a process.
pub(crate) fn children_of(parent: u32) -> io::Result<Vec<u32>> {
    let stats = census()?.into_iter();
    Ok(stats.filter(|stat| stat.parent == parent).map(|stat| stat.pid).collect())
}

/// The wait status of a process that has ended and was not reaped. `None`: it runs or is gone, or it
/// is another user's, of whom the kernel shows nothing but zeroes.
pub(crate) fn zombie_status(pid: u32) -> Option<i32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let row = |name| status.lines().find_map(|line| line.strip_prefix(name));
    let own = super::user::own_uid().to_string();
    let is_own = row("Uid:")?.split_whitespace().all(|uid| uid == own);
    let is_zombie = row("State:")?.trim_start().starts_with('Z');
    if !is_own || !is_zombie {
        return None;
    }
    // `exit_code` is field 52.
    stat_field(pid, 49)?.try_into().ok()
}

/// Whom a process belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kin {
    pub(crate) parent: u32,
    pub(crate) group: u32,
    pub(crate) session: u32,
}

/// `None`: gone.
pub(crate) fn kin(pid: u32) -> Option<Kin> {
    // `ppid`, `pgrp` and `session` are fields 4 to 6.
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(1);
    let mut next = || fields.next()?.parse().ok();
    Some(Kin { parent: next()?, group: next()?, session: next()? })
}

/// A number from `/proc/PID/stat`. The name in parentheses may hold anything, so fields are counted
/// from behind it: field 3 is 0.
fn stat_field(pid: u32, place: usize) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(place)?.parse().ok()
}

/// Whose rights it has. `None`: gone.
pub(crate) fn effective_user(pid: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let uids = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    // Real, effective, saved, of the file system.
    uids.split_whitespace().nth(1)?.parse().ok()
}

/// The short name of the process. `None`: gone.
pub(crate) fn name(pid: u32) -> Option<String> {
    Some(fs::read_to_string(format!("/proc/{pid}/comm")).ok()?.trim_end().to_owned())
}

/// Where this program's file is, or was: the kernel marks a file that is gone, and a new one may
/// have taken its place.
pub(crate) fn own_path() -> io::Result<PathBuf> {
    const GONE: &[u8] = b" (deleted)";
    let path = std::env::current_exe()?.into_os_string().into_vec();
    let path = path.strip_suffix(GONE).map(<[u8]>::to_vec).unwrap_or(path);
    Ok(PathBuf::from(OsString::from_vec(path)))
}

/// What process lists show, whatever path the program was started by. Cosmetic, so a failure is
/// nobody's concern.
pub(crate) fn name_this(name: &CStr) {
    let _cosmetic = rustix::thread::set_name(name);
}

/// The command line of the process; empty when it is gone or a zombie.
pub(crate) fn arguments(pid: u32) -> Vec<String> {
    texts(&format!("/proc/{pid}/cmdline")).unwrap_or_default()
}

/// The environment the process was started with, `NAME=value` each; empty also for want of descriptors
/// or memory.
pub(crate) fn environment(pid: u32) -> Vec<String> {
    try_environment(pid).unwrap_or_default()
}

/// The same; empty only of one that is gone, or that we may not look at.
pub(crate) fn try_environment(pid: u32) -> io::Result<Vec<String>> {
    texts(&format!("/proc/{pid}/environ"))
}

fn texts(path: &str) -> io::Result<Vec<String>> {
    let bytes = match fs::read(path) {
        Err(error) if is_gone_or_hidden(&error) => Vec::new(),
        read => read?,
    };
    let texts = bytes.split(|byte| *byte == 0).filter(|text| !text.is_empty());
    Ok(texts.map(|text| String::from_utf8_lossy(text).into_owned()).collect())
}

/// The parent of this process.
pub(crate) fn parent() -> u32 {
    std::os::unix::process::parent_id()
}

/// All processes at this instant. The error is no news of anybody.
pub(crate) fn pids() -> io::Result<Vec<u32>> {
    let mut pids = Vec::new();
    for entry in fs::read_dir("/proc")? {
        pids.extend(entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()));
    }
    if pids.is_empty() {
        // Whoever asks is a process, so this is not the kernel's table.
        return Err(io::Error::other("/proc is not mounted"));
    }
    Ok(pids)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_there_and_pid_zero_is_not() {
        let pid = std::process::id();
        assert_eq!(start_time(pid), start_time(pid));
        assert!(start_time(pid).is_some() && name(pid).is_some());
        assert!(pids().unwrap().contains(&pid));
        assert_eq!((start_time(0), name(0)), (None, None));
        assert_eq!(kin(pid).map(|kin| kin.parent), Some(parent()));
    }

    #[test]
    fn not_to_know_is_told_from_nobody() {
        let own = try_environment(std::process::id()).unwrap();
        assert!(own.iter().any(|entry| entry.starts_with("PATH=")));
        assert_eq!(try_environment(0).unwrap(), Vec::<String>::new(), "nobody");
        assert!(texts("/proc/self").is_err(), "a folder has no text");
    }

    #[test]
    fn a_name_may_look_like_the_fields_behind_it() {
        let text = "7 (a) Z 1 (b) S 3 4 5 0 -1 0 0 0 0 0 60 40 0 0 20 0 1 0 777 999 12 18\n";
        let stat = parse_stat(7, text).unwrap();
        let expected = Stat {
            pid: 7,
            parent: 3,
            group: 4,
            session: 5,
            is_ended: false,
            cpu_ticks: 100,
            start_time: 777,
            resident_pages: 12,
            threads: 1,
        };
        assert_eq!(stat, expected);
        assert_eq!(parse_stat(7, "7 (a) S 1"), None);
    }
}

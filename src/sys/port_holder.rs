//! Who listens on a port: for error messages, so best effort and never an error itself.

use std::fmt;
use std::fs;

use super::proc;
use super::tcp_table::{self, Row, State};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) pid: u32,
    pub(crate) name: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (pid {})", self.name, self.pid)
    }
}

/// A process that has a listening TCP socket on the port; `None` when it belongs to somebody whose
/// descriptors we may not see.
pub(crate) fn of(port: u16) -> Option<Holder> {
    let is_listening = |row: &Row| row.state == State::Listening && row.local_port == port;
    let listening = tcp_table::rows().filter(is_listening);
    let inodes: Vec<String> = listening.map(|row| format!("socket:[{}]", row.inode)).collect();
    let pid = proc::pids().ok()?.into_iter().find(|pid| holds_one_of(*pid, &inodes))?;
    Some(Holder { pid, name: proc::name(pid)? })
}

fn holds_one_of(pid: u32, sockets: &[String]) -> bool {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    entries
        .flatten()
        .filter_map(|entry| fs::read_link(entry.path()).ok())
        .any(|target| sockets.iter().any(|socket| target.as_os_str() == socket.as_str()))
}

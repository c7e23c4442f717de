//! What this kernel, and whatever filters our calls to it, lets an engine do. Each ability is tried,
//! never guessed from a version: a sandbox may hide what the kernel has.
#![allow(unsafe_code, reason = "whether a call is there is seen by making it")]

use std::io;
use std::process::{Command, Stdio};

use super::{memfd, pidfd};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ability {
    /// Exits are heard of, and signals sent, by descriptor (Linux 5.3).
    Pidfd,
    /// How a process ended that another one reaped (Linux 6.15).
    ExitByPidfd,
    /// A child's descriptors are closed in one call (Linux 5.11).
    CloseRange,
    /// A child is born in its control group (Linux 5.7).
    CloneIntoGroup,
    /// Memory that a successor takes over.
    SharedMemory,
    /// Whatever programs leave behind becomes a child of the keeper's.
    Subreaper,
}

pub(crate) const ALL: [Ability; 6] = [
    Ability::Pidfd,
    Ability::ExitByPidfd,
    Ability::CloseRange,
    Ability::CloneIntoGroup,
    Ability::SharedMemory,
    Ability::Subreaper,
];

impl Ability {
    /// Tries it on this process, which is the same afterwards.
    pub(crate) fn test(self) -> io::Result<()> {
        match self {
            Self::Pidfd => pidfd::open(std::process::id()).map(drop),
            Self::ExitByPidfd => keeps_exits(),
            // A range beyond every descriptor: nothing is closed.
            Self::CloseRange => {
                call(libc::SYS_close_range, [u64::from(u32::MAX), u64::from(u32::MAX), 4])
            }
            // Without its record: a kernel that has the call says that the size is wrong.
            Self::CloneIntoGroup => match call(libc::SYS_clone3, [0, 0, 0]) {
                Err(error) if error.raw_os_error() == Some(libc::EINVAL) => Ok(()),
                other => other,
            },
            Self::SharedMemory => memfd::sized("ability", 1).map(drop),
            Self::Subreaper => rustix::process::child_subreaper().map(drop).map_err(Into::into),
        }
    }
}

/// Asks for a child's exit after it was reaped.
fn keeps_exits() -> io::Result<()> {
    let mut brief = Command::new("/proc/self/exe");
    brief.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = brief.spawn()?;
    let opened = pidfd::open(child.id());
    child.wait()?;
    match pidfd::exit_info(opened?) {
        Some(_) => Ok(()),
        None => Err(io::ErrorKind::Unsupported.into()),
    }
}

fn call(number: libc::c_long, [first, second, third]: [u64; 3]) -> io::Result<()> {
    // SAFETY: the two calls made here take numbers, or refuse a record of no bytes.
    match unsafe { libc::syscall(number, first, second, third) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Whether a seccomp filter looks at this process's calls; `None` where /proc does not say.
pub(crate) fn is_filtered() -> Option<bool> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let mode = status.lines().find_map(|line| line.strip_prefix("Seccomp:"))?;
    Some(mode.trim() == "2")
}

/// A number that the kernel is set to, such as `net/core/somaxconn`.
pub(crate) fn setting(name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/sys/{name}")).ok()?;
    text.trim().parse().ok()
}

/// The kernel's name and release.
pub(crate) fn kernel() -> String {
    let known = rustix::system::uname();
    format!("{} {}", known.sysname().to_string_lossy(), known.release().to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_changes_nothing_for_the_next_one() {
        let tried = || ALL.map(|ability| ability.test().map_err(|error| error.raw_os_error()));
        assert_eq!(tried(), tried());
        Ability::Pidfd.test().unwrap();
        assert!(setting("net/core/somaxconn").is_some_and(|most| most > 0));
        assert_eq!(setting("no/such/setting"), None);
    }
}

//! The parts of root's power by name, and how a process keeps some of them and nothing else.
#![allow(unsafe_code, reason = "capabilities have only raw system calls")]

/// In the kernel's order, which is their numbers', without `CAP_`.
const NAMES: [&str; 41] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
];
/// The kernel's sets have room for so many; those beyond the last it knows are refused by it.
const NUMBERS: u32 = 64;
/// `_LINUX_CAPABILITY_VERSION_3`: two words of 32.
const VERSION: u32 = 0x2008_0522;

/// A set of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Capabilities(pub(crate) u64);

/// `NET_BIND_SERVICE`, `cap_net_bind_service`: its number.
pub(crate) fn parse(text: &str) -> Option<u32> {
    let upper = text.to_ascii_uppercase();
    let bare = upper.strip_prefix("CAP_").unwrap_or(&upper);
    NAMES.iter().position(|name| *name == bare).map(|at| at as u32)
}

pub(crate) fn names() -> &'static [&'static str] {
    &NAMES
}

impl Capabilities {
    fn has(self, number: u32) -> bool {
        self.0 & (1 << number) != 0
    }

    /// While still root: no program that is run from here on can have another one, and those of the
    /// set outlive the change of user. Only system calls; the error is an errno.
    pub(crate) fn bound(self) -> Result<(), i32> {
        for number in 0..NUMBERS {
            if !self.has(number) && prctl(libc::PR_CAPBSET_READ, number).is_ok_and(|is| is == 1) {
                prctl(libc::PR_CAPBSET_DROP, number)?;
            }
        }
        prctl(libc::PR_SET_KEEPCAPS, 1).map(|_| ())
    }

    /// After the change of user: has exactly these, and hands them to the program it becomes. Only
    /// system calls; the error is an errno.
    pub(crate) fn take(self) -> Result<(), i32> {
        #[repr(C)]
        struct Header {
            version: u32,
            pid: i32,
        }
        #[repr(C)]
        #[derive(Clone, Copy)]
        struct Words {
            effective: u32,
            permitted: u32,
            inheritable: u32,
        }
        let header = Header { version: VERSION, pid: 0 };
        let words = [self.0 as u32, (self.0 >> 32) as u32].map(|word| Words {
            effective: word,
            permitted: word,
            inheritable: word,
        });
        // SAFETY: both point to structures of the layout that this version has, for the call.
        if unsafe { libc::syscall(libc::SYS_capset, &raw const header, words.as_ptr()) } != 0 {
            return Err(errno());
        }
        // A user other than root only keeps through exec what is ambient; root loses nothing by it.
        for number in (0..NUMBERS).filter(|number| self.has(*number)) {
            // SAFETY: a system call on numbers only.
            let raised = unsafe {
                libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_RAISE, number, 0, 0)
            };
            if raised != 0 {
                return Err(errno());
            }
        }
        Ok(())
    }
}

fn prctl(option: i32, argument: u32) -> Result<i32, i32> {
    // SAFETY: a system call on numbers only.
    let result = unsafe { libc::prctl(option, libc::c_ulong::from(argument), 0, 0, 0) };
    if result < 0 { Err(errno()) } else { Ok(result) }
}

fn errno() -> i32 {
    // SAFETY: the location of this thread's errno is always valid.
    unsafe { *libc::__errno_location() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_agree() {
        assert_eq!(parse("chown"), Some(0));
        assert_eq!(parse("CAP_NET_BIND_SERVICE"), Some(10));
        assert_eq!(parse("checkpoint_restore"), Some(40));
        assert_eq!(parse("CAP_"), None);
    }
}

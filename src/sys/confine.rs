//! What a process that talks to strangers gives up for good: system calls and files it never needs.
//!
//! Whoever takes such a process over finds no program to start, nobody to trace and, where files are
//! confined, nothing to read but what was to be served. Kernels without it leave more open; that is
//! said, never fatal. Only threads that begin afterwards are bound, too, so it is done first of all.
#![cfg_attr(test, allow(unsafe_code, reason = "tests make calls that have no other name"))]

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use landlock::{
    ABI, Access as _, AccessFs, BitFlags, PathFd, Ruleset, RulesetAttr as _, RulesetCreated,
    RulesetCreatedAttr as _, RulesetStatus, path_beneath_rules,
};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch};

/// The rights that are asked for; an older kernel keeps what it knows of them.
const RIGHTS: ABI = ABI::V5;

/// Calls that no server makes: other programs, other processes, mounts, the kernel itself, keys, and
/// rings that carry calls past such a list.
const FORBIDDEN: &[libc::c_long] = &[
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_kcmp,
    libc::SYS_pidfd_getfd,
    libc::SYS_process_madvise,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_open_by_handle_at,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_setns,
    libc::SYS_unshare,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_bpf,
    libc::SYS_syslog,
    libc::SYS_vhangup,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_personality,
];

/// The same calls by the numbers that programs of 32-bit pointers have for them on this machine: a bit
/// that is set, and some numbers of their own. Most kernels have none of these.
#[cfg(target_arch = "x86_64")]
mod x32 {
    pub(super) const BIT: libc::c_long = 0x4000_0000;
    /// execve, ptrace, kexec_load, process_vm_readv, process_vm_writev, execveat.
    pub(super) const OTHERS: &[libc::c_long] = &[520, 521, 528, 539, 540, 545];
}
#[cfg(not(target_arch = "x86_64"))]
mod x32 {
    pub(super) const BIT: libc::c_long = 0;
    pub(super) const OTHERS: &[libc::c_long] = &[];
}

/// Where files may be opened; a folder means all below it, whatever links lead there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reach {
    pub(crate) read: Vec<PathBuf>,
    /// Files there may be read, written, made and removed, too.
    pub(crate) write: Vec<PathBuf>,
}

/// The forbidden calls fail with EPERM from here on. The process can gain no rights any more, by
/// whatever it may start.
pub(crate) fn forbid_calls() -> io::Result<()> {
    let others = FORBIDDEN.iter().chain(x32::OTHERS).map(|call| call | x32::BIT);
    let calls = FORBIDDEN.iter().copied().chain(others);
    let rules: BTreeMap<i64, _> = calls.map(|call| (call, Vec::new())).collect();
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(io::Error::other)?;
    let denied = SeccompAction::Errno(libc::EPERM as u32);
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, denied, arch);
    let program: BpfProgram = filter.and_then(TryInto::try_into).map_err(io::Error::other)?;
    seccompiler::apply_filter(&program).map_err(io::Error::other)
}

/// No file may be executed, and nothing but files made: no folder, device, pipe, socket or link.
pub(crate) fn forbid_makings() -> io::Result<()> {
    use AccessFs::{Execute, MakeBlock, MakeChar, MakeDir, MakeFifo, MakeSock, MakeSym, RemoveDir};
    let rights =
        Execute | MakeBlock | MakeChar | MakeDir | MakeFifo | MakeSock | MakeSym | RemoveDir;
    restrict(ruleset(rights)?)
}

/// Files are opened there and nowhere else. What is open already stays so. Folders that are not there
/// stay closed when they come: they are what is returned.
pub(crate) fn keep_to(reach: &Reach) -> io::Result<Vec<PathBuf>> {
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let write = AccessFs::WriteFile | AccessFs::Truncate | AccessFs::MakeReg | AccessFs::RemoveFile;
    let rules = ruleset(read | write)?
        .add_rules(path_beneath_rules(&reach.read, read))
        .and_then(|rules| rules.add_rules(path_beneath_rules(&reach.write, read | write)))
        .map_err(io::Error::other)?;
    let all = reach.read.iter().chain(&reach.write);
    let absent = all.filter(|path| PathFd::new(path).is_err()).cloned().collect();
    restrict(rules)?;
    Ok(absent)
}

fn ruleset(rights: BitFlags<AccessFs>) -> io::Result<RulesetCreated> {
    let known = AccessFs::from_all(RIGHTS) & rights;
    let rules = Ruleset::default().handle_access(known).and_then(Ruleset::create);
    rules.map_err(io::Error::other)
}

fn restrict(rules: RulesetCreated) -> io::Result<()> {
    let status = rules.restrict_self().map_err(io::Error::other)?;
    match status.ruleset {
        RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced => Ok(()),
        RulesetStatus::NotEnforced => Err(io::Error::other("this kernel has no Landlock")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bad arguments, so that a call that is let through fails, too, but otherwise.
    fn error_of(call: libc::c_long) -> Option<i32> {
        // SAFETY: none of the calls below does anything with such descriptors, addresses and flags.
        let result = unsafe { libc::syscall(call, -1, -1, -1, -1, -1, -1) };
        (result == -1).then(|| io::Error::last_os_error().raw_os_error().unwrap_or(0))
    }

    #[test]
    fn what_would_carry_calls_past_the_list_is_forbidden() {
        let calls = [
            libc::SYS_io_uring_enter,
            libc::SYS_pidfd_getfd,
            libc::SYS_process_vm_readv,
            libc::SYS_open_by_handle_at,
        ];
        let thread = std::thread::spawn(move || {
            forbid_calls().expect("the kernel has seccomp");
            let errors = calls.map(error_of);
            let by_other_numbers = calls.map(|call| error_of(call | x32::BIT));
            (errors, by_other_numbers, error_of(libc::SYS_dup))
        });
        let (errors, by_other_numbers, other) = thread.join().expect("a thread");
        assert_eq!(errors, [Some(libc::EPERM); 4]);
        assert_eq!(by_other_numbers, [Some(libc::EPERM); 4]);
        assert_eq!(other, Some(libc::EBADF), "what is not forbidden is as before");
    }
}

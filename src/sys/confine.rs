//! What a process that talks to strangers gives up for good: system calls and files it never needs.
//!
//! Whoever takes such a process over finds no program to start, nobody to trace and, where files are
//! confined, nothing to read but what was to be served. Kernels without it leave more open; that is
//! said, never fatal. Only threads that begin afterwards are bound, too, so it is done first of all.

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

/// Calls that no server makes: other programs, other processes, mounts, the kernel itself, keys.
const FORBIDDEN: &[libc::c_long] = &[
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_kcmp,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsmount,
    libc::SYS_setns,
    libc::SYS_unshare,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_bpf,
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
    libc::SYS_adjtimex,
    libc::SYS_personality,
];

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
    let rules: BTreeMap<i64, _> = FORBIDDEN.iter().map(|call| (*call, Vec::new())).collect();
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

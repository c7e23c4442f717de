//! What a child does between fork and exec.
//!
//! Only system calls on memory prepared before the fork: no allocation, no lock, no panic, and
//! nothing written that the parent would miss, since the memory may be the parent's own. Every failure
//! is a step and an errno, sent through the report pipe.

use std::convert::Infallible;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};

use super::{DESCRIPTORS_MAX, LIFTED, Recipe, Step, closing, fork};
use crate::sys::cgroup::Entrance;
use crate::sys::rlimit;

/// One byte for the step, four for the errno.
pub(super) const REPORT_BYTES: usize = 5;

pub(super) type Failure = (Step, i32);

/// All that a child needs to become a program.
pub(super) struct Newborn<'a> {
    pub(super) recipe: &'a Recipe,
    /// Its 0, 1, 2 and so on.
    pub(super) descriptors: &'a [BorrowedFd<'a>],
    /// Where it says what went wrong.
    pub(super) reporter: &'a OwnedFd,
}

impl Newborn<'_> {
    /// Becomes the recipe's program, or reports and exits. `must_enter`: a control group that it was
    /// not born in.
    pub(super) fn live(&self, must_enter: Option<&Entrance>) -> ! {
        let mut reporter = self.reporter.as_raw_fd();
        let entered = must_enter.map_or(Ok(()), |cgroup| at(Step::Cgroup, fork::enter(cgroup)));
        let mut become_it = || {
            at(Step::Descriptors, self.own_descriptors())?;
            try_become(self.recipe, self.descriptors, &mut reporter)
        };
        let (step, errno) = match entered.and_then(|()| become_it()) {
            Ok(never) => match never {},
            Err(failure) => failure,
        };
        let report = encode_report(step, errno);
        // SAFETY: writes bytes of our stack to a descriptor we hold, then ends the process without
        // running any of the parent's exit handlers.
        unsafe {
            libc::write(reporter, report.as_ptr().cast(), report.len());
            libc::_exit(127)
        }
    }

    /// Parts from the parent's table of descriptors, where that was shared, with what is needed; where
    /// it was not, the others are closed.
    fn own_descriptors(&self) -> Result<(), i32> {
        let given = self.descriptors.iter().map(AsRawFd::as_raw_fd);
        let last = given.chain(self.recipe.image).fold(self.reporter.as_raw_fd(), RawFd::max);
        closing::part(last + 1)
    }
}

fn try_become(
    recipe: &Recipe,
    descriptors: &[BorrowedFd<'_>],
    reporter: &mut RawFd,
) -> Result<Infallible, Failure> {
    // SAFETY: a system call without pointers; a fork is never a group leader, so it can not fail.
    unsafe { libc::setsid() };
    reset_signals();
    let target = at(Step::Descriptors, place_descriptors(descriptors))?;
    at(Step::Descriptors, part_with_others(recipe, target, reporter))?;
    at(Step::Limits, reset_open_files())?;
    recipe.attributes.raise()?;
    if let Some(identity) = &recipe.identity {
        at(Step::Identity, identity.take())?;
    }
    recipe.attributes.lower()?;
    if let Some(directory) = &recipe.directory {
        // SAFETY: a C string that the recipe owns.
        at(Step::Directory, check(unsafe { libc::chdir(directory.as_ptr()) }))?;
    }
    if let Some(own_pid) = &recipe.own_pid {
        own_pid.fill();
    }
    // SAFETY: the arrays end in a null pointer and the recipe owns every string in them.
    unsafe {
        libc::execve(
            recipe.program.as_ptr(),
            recipe.arguments.pointers.as_ptr(),
            recipe.environment.pointers.as_ptr(),
        );
    }
    Err((Step::Exec, errno()))
}

/// Ignored signals and the mask would otherwise pass through exec: Rust ignores SIGPIPE, the keeper
/// blocks what it reads from a descriptor, and no program expects either.
fn reset_signals() {
    const SIGNALS_MAX: i32 = 64;
    // Larger than any architecture's kernel `sigaction`; zeroes are SIG_DFL, no flags, no mask.
    const DEFAULT: [u64; 8] = [0; 8];
    const KERNEL_SET_BYTES: usize = 8;
    // SAFETY: the structures are long enough and zeroed. The plain system call, because libc's
    // wrapper refuses its two own signals, which may be inherited ignored too; KILL and STOP fail
    // without harm.
    unsafe {
        for number in 1..=SIGNALS_MAX {
            libc::syscall(
                libc::SYS_rt_sigaction,
                number,
                DEFAULT.as_ptr(),
                std::ptr::null_mut::<u64>(),
                KERNEL_SET_BYTES,
            );
        }
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
    }
}

/// Puts `descriptors[n]` at number `n`; the first number behind them. Sources are lifted above every
/// target first, since one may itself sit at another's target.
fn place_descriptors(descriptors: &[BorrowedFd<'_>]) -> Result<RawFd, i32> {
    let mut lifted: [RawFd; DESCRIPTORS_MAX] = [-1; DESCRIPTORS_MAX];
    for (place, descriptor) in lifted.iter_mut().zip(descriptors) {
        // SAFETY: a system call on numbers only.
        *place =
            check(unsafe { libc::fcntl(descriptor.as_raw_fd(), libc::F_DUPFD_CLOEXEC, LIFTED) })?;
    }
    let mut target = 0;
    for source in lifted.iter().take_while(|source| **source >= 0) {
        // SAFETY: a system call on numbers only, in a process that nobody else shares; the report
        // pipe is lifted too, so no target replaces it.
        check(unsafe { libc::dup2(*source, target) })?;
        target += 1;
    }
    Ok(target)
}

/// Closes everything from that number on but the report pipe, which ends at exec: who is held up before
/// that keeps nothing of the parent's open, and no peer of the parent's waiting.
fn part_with_others(recipe: &Recipe, target: RawFd, reporter: &mut RawFd) -> Result<(), i32> {
    if recipe.image.is_some() {
        return closing::from(target);
    }
    // SAFETY: a system call on numbers only, in a process that nobody else shares; the pipe is lifted, so
    // it is not at that number.
    *reporter = check(unsafe { libc::dup3(*reporter, target, libc::O_CLOEXEC) })?;
    closing::beyond(target + 1)
}

fn reset_open_files() -> Result<(), i32> {
    let Some(soft) = rlimit::original_open_files() else { return Ok(()) };
    // SAFETY: `limit` outlives both calls.
    unsafe {
        let mut limit: libc::rlimit = std::mem::zeroed();
        check(libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit))?;
        limit.rlim_cur = soft.min(limit.rlim_max);
        check(libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit))?;
    }
    Ok(())
}

pub(super) fn check(result: i32) -> Result<i32, i32> {
    if result < 0 { Err(errno()) } else { Ok(result) }
}

pub(super) fn at<T>(step: Step, result: Result<T, i32>) -> Result<T, Failure> {
    result.map_err(|errno| (step, errno))
}

pub(super) fn errno() -> i32 {
    // SAFETY: the location of this thread's errno is always valid.
    unsafe { *libc::__errno_location() }
}

fn encode_report(step: Step, errno: i32) -> [u8; REPORT_BYTES] {
    let [a, b, c, d] = errno.to_ne_bytes();
    [step as u8, a, b, c, d]
}

pub(super) fn decode_report(report: [u8; REPORT_BYTES]) -> (Step, i32) {
    let [step, a, b, c, d] = report;
    let step = Step::ALL.into_iter().find(|known| *known as u8 == step).unwrap_or(Step::Fork);
    (step, i32::from_ne_bytes([a, b, c, d]))
}

//! A child that shares this process's memory until exec, while the thread that started it waits, and
//! its table of descriptors until it cuts off its own.
//!
//! Nothing is copied, so a start costs the same however large this process has grown; a fork copies
//! every page table, and then faults on each page that either side writes. Descriptors are copied,
//! and closed again at exec, as far as their numbers are low. What makes it safe: the
//! child has a stack of its own, the thread whose errno it shares does not run meanwhile, and no
//! signal handler of ours can run in it, since all signals are blocked until it has reset them. Other
//! threads go on: what they do with memory or descriptors of their own is no matter of the child's.

use std::io;
use std::mem::MaybeUninit;

use super::child::Newborn;
use super::fork::CloneArguments;

/// Far more than the system calls of a `Newborn` need, in any build.
const STACK_BYTES: usize = 64 << 10;
const _: () = assert!(STACK_BYTES.is_multiple_of(ALIGN_BYTES));
/// Of a stack, on every architecture that has a way here.
const ALIGN_BYTES: usize = 16;

const CLONE_VM: u64 = 0x100;
const CLONE_FILES: u64 = 0x400;
const CLONE_VFORK: u64 = 0x4000;

#[repr(C, align(16))]
struct Stack([MaybeUninit<u8>; STACK_BYTES]);

/// What the kernel answers: a pid, or an error such as `Unsupported`. Comes back once the child has
/// become another program or has ended.
///
/// # Safety
///
/// The newborn's life until exec or `_exit` is made of system calls on memory that is there already.
pub(super) unsafe fn clone(arguments: CloneArguments, newborn: &Newborn<'_>) -> io::Result<u32> {
    let mut stack = Box::<Stack>::new_uninit();
    let arguments = CloneArguments {
        flags: arguments.flags | CLONE_VM | CLONE_FILES | CLONE_VFORK,
        stack: stack.as_mut_ptr() as u64,
        stack_size: STACK_BYTES as u64,
        ..arguments
    };
    let quiet = Quiet::begin();
    // SAFETY: the stack and the newborn outlive the call, since this thread goes on only when the
    // child does not use them any more; the caller's promise is about what the child does.
    let cloned = unsafe { begin_life(&arguments, newborn) };
    drop(quiet);
    // A raw system call tells its error as a negative number.
    u32::try_from(cloned).map_err(|_| io::Error::from_raw_os_error(-cloned as i32))
}

/// Where the child begins.
extern "C" fn live(newborn: *const Newborn<'_>) -> ! {
    // SAFETY: `clone` passed a newborn that lives until the child is somebody else.
    unsafe { &*newborn }.live(None)
}

/// # Safety
///
/// As for [`clone`]; the arguments name a stack that nobody else uses.
#[cfg(target_arch = "x86_64")]
unsafe fn begin_life(arguments: &CloneArguments, newborn: &Newborn<'_>) -> i64 {
    let cloned;
    // SAFETY: the kernel keeps all registers but the three named as changed. The parent goes straight
    // on; the child, on its own stack, calls what never returns.
    unsafe {
        std::arch::asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "mov rdi, r9",
            "call r8",
            "ud2",
            "2:",
            inlateout("rax") libc::SYS_clone3 => cloned,
            in("rdi") std::ptr::from_ref(arguments),
            in("rsi") size_of::<CloneArguments>(),
            in("r8") live as extern "C" fn(*const Newborn<'_>) -> !,
            in("r9") std::ptr::from_ref(newborn),
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    cloned
}

/// # Safety
///
/// As for [`clone`]; the arguments name a stack that nobody else uses.
#[cfg(target_arch = "aarch64")]
unsafe fn begin_life(arguments: &CloneArguments, newborn: &Newborn<'_>) -> i64 {
    let cloned;
    // SAFETY: the kernel keeps all registers but the result's. The parent goes straight on; the
    // child, on its own stack, calls what never returns.
    unsafe {
        std::arch::asm!(
            "svc #0",
            "cbnz x0, 2f",
            "mov x29, xzr",
            "mov x0, x10",
            "blr x9",
            "brk #1",
            "2:",
            in("x8") libc::SYS_clone3,
            inlateout("x0") std::ptr::from_ref(arguments) => cloned,
            in("x1") size_of::<CloneArguments>(),
            in("x9") live as extern "C" fn(*const Newborn<'_>) -> !,
            in("x10") std::ptr::from_ref(newborn),
            options(nostack),
        );
    }
    cloned
}

/// No way here: the caller forks.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
unsafe fn begin_life(_: &CloneArguments, _: &Newborn<'_>) -> i64 {
    -i64::from(libc::ENOSYS)
}

/// While it lives, no signal reaches this thread, nor what it starts.
struct Quiet {
    before: u64,
}

/// Of the kernel's signal sets.
const SET_BYTES: usize = size_of::<u64>();

impl Quiet {
    /// The plain system call, because libc's wrapper leaves its own two signals out.
    fn begin() -> Self {
        let (all, mut before) = (u64::MAX, 0_u64);
        // SAFETY: both sets outlive the call and have the size that goes with them.
        unsafe {
            libc::syscall(
                libc::SYS_rt_sigprocmask,
                libc::SIG_BLOCK,
                &raw const all,
                &raw mut before,
                SET_BYTES,
            );
        }
        Self { before }
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // SAFETY: the set outlives the call and has the size that goes with it.
        unsafe {
            libc::syscall(
                libc::SYS_rt_sigprocmask,
                libc::SIG_SETMASK,
                &raw const self.before,
                std::ptr::null_mut::<u64>(),
                SET_BYTES,
            );
        }
    }
}

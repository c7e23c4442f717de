//! A program that runs beside this process, on the same terminal, and never longer than it.
//!
//! Unlike what `spawn` starts, it stays in this process's session and group: what it asks on the
//! terminal can be answered there, and Ctrl-Z stops both.
#![allow(unsafe_code, reason = "what a child does between fork and exec has no safe wrapper")]

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};

#[derive(Debug)]
pub(crate) struct Companion(Child);

impl Companion {
    /// Starts it with nothing to read; what it says goes to `said`, its errors to `complained`.
    pub(crate) fn start(
        program: &OsStr,
        arguments: &[OsString],
        said: File,
        complained: File,
    ) -> io::Result<Self> {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(said).stderr(complained);
        // SAFETY: prctl is one system call and touches no memory of this process.
        unsafe {
            command.pre_exec(|| {
                match libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM, 0, 0, 0) {
                    -1 => Err(io::Error::last_os_error()),
                    _ => Ok(()),
                }
            });
        }
        command.spawn().map(Self)
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.0.try_wait()
    }
}

impl Drop for Companion {
    fn drop(&mut self) {
        // It may have ended already; either way nothing of it is left behind.
        let _it_may_be_over = self.0.kill();
        let _it_is_ours_to_wait_for = self.0.wait();
    }
}

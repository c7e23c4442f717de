//! A terminal as a descriptor: noticing that it is gone, writing to it, stopping for the shell.
#![allow(unsafe_code, reason = "signal dispositions and raise have no safe wrapper")]

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

/// Standard output, where a console's picture goes.
pub(crate) fn stdout() -> BorrowedFd<'static> {
    rustix::stdio::stdout()
}

pub(crate) fn stdin() -> BorrowedFd<'static> {
    rustix::stdio::stdin()
}

/// Columns and rows; a terminal may say that it has none.
pub(crate) fn size(terminal: impl AsFd) -> io::Result<(u16, u16)> {
    let size = rustix::termios::tcgetwinsize(terminal)?;
    Ok((size.ws_col, size.ws_row))
}

/// Waits for bytes; none are the end.
pub(crate) fn read(terminal: impl AsFd, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        let mut waited = [PollFd::new(&terminal, PollFlags::IN)];
        match poll(&mut waited, None) {
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        }
        match rustix::io::read(&terminal, &mut *buffer) {
            Err(Errno::INTR | Errno::AGAIN) => {}
            Ok(count) => return Ok(count),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Characters of a line; `None` when it is no terminal, or one that does not say.
pub(crate) fn columns(terminal: impl AsFd) -> Option<u16> {
    let size = rustix::termios::tcgetwinsize(terminal).ok()?;
    Some(size.ws_col).filter(|columns| *columns > 0)
}

/// Returns when the other end of the terminal is gone, and not before: polling for no event wakes
/// on hang-up alone, whatever input is waiting.
pub(crate) fn wait_hangup(terminal: impl AsFd) {
    loop {
        let mut waited = [PollFd::new(&terminal, PollFlags::empty())];
        match poll(&mut waited, None) {
            Ok(_) if waited[0].revents().is_empty() => {}
            Err(Errno::INTR) => {}
            Ok(_) | Err(_) => return,
        }
    }
}

/// Writes everything, unbuffered; blocks while the terminal takes nothing.
pub(crate) fn write_all(terminal: impl AsFd, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(&terminal, bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Ends the process without running anything else: for a process whose terminal is gone, where
/// every further step could block on it.
pub(crate) fn exit_now(status: u8) -> ! {
    // SAFETY: _exit takes any status and returns to nobody.
    unsafe { libc::_exit(i32::from(status)) }
}

/// Stops this process and its group as Ctrl-Z does, and returns when the shell continues them.
/// Returns at once where nobody could continue them (the kernel then ignores the signal).
pub(crate) fn suspend() {
    // The others of the group (a `cargo run` in front of us) are stopped while this process
    // ignores the signal; then this very thread is, so that no line below runs before the stop.
    // SAFETY: SIG_IGN and SIG_DFL are valid dispositions, and this process installs no handler
    // for SIGTSTP that they could displace.
    unsafe {
        libc::signal(libc::SIGTSTP, libc::SIG_IGN);
        libc::kill(0, libc::SIGTSTP);
        libc::signal(libc::SIGTSTP, libc::SIG_DFL);
        libc::raise(libc::SIGTSTP);
    }
}

//! A file that several processes append whole records to.
//!
//! Opening never waits: a pipe that nobody reads is an error. Writing to a full pipe is one too; a
//! disk is waited for, as the kernel has no other way.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::OFlags;

/// Opens the file, or makes it.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o644)
        .custom_flags(OFlags::NONBLOCK.bits() as i32)
        .open(path)
}

/// Waits until a full pipe takes bytes again, or the time is up.
pub(crate) fn wait(file: &File, timeout_ms: u32) -> io::Result<()> {
    let timeout = Timespec {
        tv_sec: i64::from(timeout_ms / 1000),
        tv_nsec: i64::from(timeout_ms % 1000) * 1_000_000,
    };
    let mut polled = [PollFd::new(file, PollFlags::OUT)];
    match rustix::event::poll(&mut polled, Some(&timeout)) {
        Ok(0) => Err(io::ErrorKind::WouldBlock.into()),
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// For `custom_flags`: opening or writing a pipe never waits, and no terminal becomes ours.
pub(crate) const NEVER_WAIT: i32 = OFlags::NONBLOCK.union(OFlags::NOCTTY).bits() as i32;

/// Appends to a regular file that was not opened for it; `end` is where a kernel that can not do
/// that writes instead.
pub(crate) fn write_at_end(file: impl AsFd, end: u64, bytes: &[u8]) -> io::Result<usize> {
    use rustix::io::{Errno, ReadWriteFlags, pwritev2, retry_on_intr};
    let pieces = [io::IoSlice::new(bytes)];
    match retry_on_intr(|| pwritev2(&file, &pieces, 0, ReadWriteFlags::APPEND)) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => {
            Ok(retry_on_intr(|| rustix::io::pwrite(&file, bytes, end))?)
        }
        written => Ok(written?),
    }
}

/// Standard output or error by their usual paths, where those can not be opened: they are a socket,
/// such as the system journal's. `None`: the path means something else.
pub(crate) fn own_socket(path: &Path) -> Option<io::Result<File>> {
    use std::os::fd::AsFd as _;
    let [_, stdout, stderr] = super::inherited::standard();
    let own = match path.to_str()? {
        "/dev/stdout" => stdout,
        "/dev/stderr" => stderr,
        _ => return None,
    };
    let is_socket = rustix::fs::fstat(own)
        .is_ok_and(|stat| rustix::fs::FileType::from_raw_mode(stat.st_mode).is_socket());
    is_socket.then(|| own.as_fd().try_clone_to_owned().map(File::from))
}

/// To a socket whose other end may not read: `WouldBlock` in place of waiting.
pub(crate) fn send(socket: &File, bytes: &[u8]) -> io::Result<usize> {
    use rustix::net::SendFlags;
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    Ok(rustix::io::retry_on_intr(|| rustix::net::send(socket, bytes, flags))?)
}

/// To a file that has no length: a terminal, a pipe, a device.
pub(crate) fn write(file: &File, bytes: &[u8]) -> io::Result<usize> {
    Ok(rustix::io::retry_on_intr(|| rustix::io::write(file, bytes))?)
}

//! Pipes between an event loop and a child, either way.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::OFlags;

/// The read end (non-blocking) and the write end (blocking, as programs expect), both close on exec.
pub(crate) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    // Each end is an open file description of its own, so this leaves the child's end alone.
    rustix::fs::fcntl_setfl(&reader, OFlags::NONBLOCK)?;
    Ok((reader, writer))
}

/// The other way round: the read end (blocking, as programs expect) for a child, and the write end
/// (non-blocking), both close on exec.
pub(crate) fn input() -> io::Result<(OwnedFd, OwnedFd)> {
    let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    rustix::fs::fcntl_setfl(&writer, OFlags::NONBLOCK)?;
    Ok((reader, writer))
}

/// As much as there is room for; `WouldBlock` when there is none, `BrokenPipe` when nobody can read.
pub(crate) fn write(descriptor: impl AsFd, bytes: &[u8]) -> io::Result<usize> {
    Ok(rustix::io::retry_on_intr(|| rustix::io::write(descriptor.as_fd(), bytes))?)
}

/// What is there, up to the buffer; 0 at the end, `WouldBlock` when nothing is there.
pub(crate) fn read(descriptor: impl AsFd, buffer: &mut [u8]) -> io::Result<usize> {
    Ok(rustix::io::retry_on_intr(|| rustix::io::read(descriptor.as_fd(), &mut *buffer))?)
}

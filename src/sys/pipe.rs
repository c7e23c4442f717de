//! Pipes between an event loop and a child, either way.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::OFlags;

/// The read end (non-blocking) and the write end (blocking, as programs expect), both close on exec.
pub(crate) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    // Each end is an open file description of its own, so this leaves the child's end alone.
    rustix::fs::fcntl_setfl(&reader, OFlags::NONBLOCK)?;
    Ok((super::lifted::lift(reader), writer))
}

/// What a pipe holds unless it is told otherwise.
pub(crate) const USUAL_BYTES: usize = 64 * 1024;

/// Lets the pipe hold so many bytes, whichever end this is.
pub(crate) fn grow(pipe: impl AsFd, bytes: usize) -> io::Result<usize> {
    Ok(rustix::pipe::fcntl_setpipe_size(pipe, bytes)?)
}

/// The other way round: the read end (blocking, as programs expect) for a child, and the write end
/// (non-blocking), both close on exec.
pub(crate) fn input() -> io::Result<(OwnedFd, OwnedFd)> {
    let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    rustix::fs::fcntl_setfl(&writer, OFlags::NONBLOCK)?;
    Ok((reader, super::lifted::lift(writer)))
}

/// Whether nobody can write to it any more, whatever is still in it.
pub(crate) fn is_abandoned(reader: impl AsFd) -> bool {
    let mut polled = [PollFd::new(&reader, PollFlags::IN)];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    let looked = rustix::io::retry_on_intr(|| rustix::event::poll(&mut polled, Some(&at_once)));
    looked.is_ok() && polled[0].revents().contains(PollFlags::HUP)
}

/// As much as there is room for; `WouldBlock` when there is none, `BrokenPipe` when nobody can read.
pub(crate) fn write(descriptor: impl AsFd, bytes: &[u8]) -> io::Result<usize> {
    Ok(rustix::io::retry_on_intr(|| rustix::io::write(descriptor.as_fd(), bytes))?)
}

/// What is there, up to the buffer; 0 at the end, `WouldBlock` when nothing is there.
pub(crate) fn read(descriptor: impl AsFd, buffer: &mut [u8]) -> io::Result<usize> {
    Ok(rustix::io::retry_on_intr(|| rustix::io::read(descriptor.as_fd(), &mut *buffer))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_is_abandoned_when_its_last_writer_is_gone_though_bytes_are_left() {
        let (reader, writer) = pair().unwrap();
        let other = writer.try_clone().unwrap();
        write(&writer, b"left").unwrap();
        drop(writer);
        assert!(!is_abandoned(&reader));
        drop(other);
        assert!(is_abandoned(&reader));
        assert_eq!(read(&reader, &mut [0; 9]).unwrap(), 4);
    }
}

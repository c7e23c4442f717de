//! Standard output and error as whoever started us left them: a pipe, a socket, a terminal, a file.
//! Bytes go there without ever waiting for whoever reads them.
//!
//! The open file is shared with others (a shell, the rest of the engine), so nothing about it is
//! changed; and opening it anew may be impossible: a socket never can be, nor what is another user's.
//! That a write must not wait is said with each one. A disk is waited for, as the kernel has no other
//! way.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::{Errno, ReadWriteFlags, retry_on_intr};
use rustix::net::SendFlags;

/// What a pipe that has room takes whole, without anybody else's bytes between.
pub(crate) const PIECE_BYTES: usize = 4096;
/// What any other that says it has room should take at once.
const READY_BYTES: usize = 256;
/// For `pwritev2`: wherever the file stands.
const AS_IT_STANDS: u64 = u64::MAX;

/// How many of the bytes it took, at least one; `WouldBlock` when it takes none at present.
pub(crate) fn write(descriptor: impl AsFd, bytes: &[u8]) -> io::Result<usize> {
    let descriptor = descriptor.as_fd();
    let status = rustix::fs::fstat(descriptor)?;
    let count = match FileType::from_raw_mode(status.st_mode) {
        FileType::RegularFile => {
            let length = u64::try_from(status.st_size).unwrap_or(0);
            super::append::write_at_end(descriptor, length, bytes)?
        }
        FileType::Socket => {
            let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
            retry_on_intr(|| rustix::net::send(descriptor, bytes, flags))?
        }
        kind => match write_now(descriptor, bytes) {
            // An older kernel, or a terminal on any.
            Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL | Errno::SPIPE) => {
                write_to_own(descriptor, bytes).unwrap_or_else(|_not_to_be_opened| {
                    let piece = if kind == FileType::Fifo { PIECE_BYTES } else { READY_BYTES };
                    write_if_ready(descriptor, &bytes[..bytes.len().min(piece)])
                })?
            }
            written => written?,
        },
    };
    if count == 0 { Err(io::ErrorKind::WriteZero.into()) } else { Ok(count) }
}

fn write_now(descriptor: BorrowedFd<'_>, bytes: &[u8]) -> rustix::io::Result<usize> {
    let pieces = [IoSlice::new(bytes)];
    let flags = ReadWriteFlags::NOWAIT;
    retry_on_intr(|| rustix::io::pwritev2(descriptor, &pieces, AS_IT_STANDS, flags))
}

/// Through an open file of ours, where one is to be had.
fn write_to_own(descriptor: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<io::Result<usize>> {
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let path = format!("/proc/self/fd/{}", descriptor.as_raw_fd());
    let own = rustix::fs::open(path, flags, Mode::empty())?;
    Ok(retry_on_intr(|| rustix::io::write(&own, bytes)).map_err(io::Error::from))
}

fn write_if_ready(descriptor: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
    let mut polled = [PollFd::new(&descriptor, PollFlags::OUT)];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    match retry_on_intr(|| rustix::event::poll(&mut polled, Some(&at_once)))? {
        0 => Err(io::ErrorKind::WouldBlock.into()),
        _ => Ok(retry_on_intr(|| rustix::io::write(descriptor, bytes))?),
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;

    use super::*;

    /// Writes until nothing more is taken; how much was.
    fn fill(descriptor: impl AsFd, write: impl Fn(BorrowedFd<'_>) -> io::Result<usize>) -> usize {
        let mut taken = 0;
        loop {
            match write(descriptor.as_fd()) {
                Ok(count) => taken += count,
                Err(error) => {
                    assert_eq!(error.kind(), io::ErrorKind::WouldBlock, "{error}");
                    return taken;
                }
            }
        }
    }

    #[test]
    fn what_is_full_never_waits_though_it_is_open_to_wait() {
        let bytes = [b'x'; PIECE_BYTES];
        let (_reader, writer) = rustix::pipe::pipe().unwrap();
        assert!(fill(&writer, |descriptor| write(descriptor, &bytes)) >= PIECE_BYTES);
        let (_reader, writer) = rustix::pipe::pipe().unwrap();
        assert!(fill(&writer, |descriptor| write_if_ready(descriptor, &bytes)) >= PIECE_BYTES);
        let (_reader, writer) = rustix::pipe::pipe().unwrap();
        let to_own = |descriptor: BorrowedFd<'_>| write_to_own(descriptor, &bytes).unwrap();
        assert!(fill(&writer, to_own) >= PIECE_BYTES);
        let (_theirs, ours) = UnixStream::pair().unwrap();
        assert!(fill(&ours, |descriptor| write(descriptor, &bytes)) >= PIECE_BYTES);
        let (_master, terminal) = terminal();
        assert!(fill(&terminal, |descriptor| write(descriptor, &bytes)) >= READY_BYTES);
    }

    #[test]
    fn a_pipe_takes_a_piece_whole_or_not_at_all() {
        let flags = rustix::pipe::PipeFlags::CLOEXEC;
        let (reader, writer) = rustix::pipe::pipe_with(flags).unwrap();
        let bytes = [b'x'; PIECE_BYTES - 100];
        let taken = fill(&writer, |descriptor| write(descriptor, &bytes));
        assert_eq!(taken % bytes.len(), 0, "{taken}");
        drop(reader);
        // A child that another test starts in this moment holds the reader until its own exec.
        let patience = std::time::Duration::from_millis(1);
        let mut refused = std::iter::repeat_with(|| {
            std::thread::park_timeout(patience);
            write(&writer, &bytes).unwrap_err().kind()
        });
        let refused = refused.by_ref().take(10_000).find(|kind| *kind != io::ErrorKind::WouldBlock);
        assert_eq!(refused, Some(io::ErrorKind::BrokenPipe));
    }

    #[test]
    fn a_file_is_written_at_its_end_whoever_else_made_it_longer() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let file = std::fs::File::create(&path).unwrap();
        write(&file, b"one\n").unwrap();
        std::fs::write(&path, "cut\n").unwrap();
        write(&file, b"two\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "cut\ntwo\n");
    }

    /// A terminal's two sides.
    fn terminal() -> (OwnedFd, std::fs::File) {
        use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let terminal = std::fs::File::options().read(true).write(true).open(name).unwrap();
        (master, terminal)
    }
}

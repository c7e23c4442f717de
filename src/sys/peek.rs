//! Looking into a pipe without taking anything out, and moving exactly what was seen into a file.
//!
//! Read and write are two steps, and a process killed between them has lost what it read. Here the
//! kernel takes bytes out of the pipe as it writes them: killed at any point, each byte is in the
//! one or in the other, never in both.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::pipe::{PipeFlags, SpliceFlags};

/// Where copies of a pipe's bytes pass through on their way to a buffer.
pub(crate) struct Glass {
    reader: OwnedFd,
    writer: OwnedFd,
}

impl Glass {
    /// Takes up to `bytes_max` at a look.
    pub(crate) fn new(bytes_max: usize) -> io::Result<Self> {
        let (reader, writer) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        // A smaller one shows less at a look, no more.
        let _as_large_as_may_be = rustix::pipe::fcntl_setpipe_size(&writer, bytes_max);
        Ok(Self { reader, writer })
    }

    /// A copy of what the pipe holds, up to the buffer: 0 when all writers have closed an empty pipe,
    /// `WouldBlock` when it is empty so far. After any other error the glass is not clear: make a new
    /// one.
    pub(crate) fn look(&self, pipe: impl AsFd, buffer: &mut [u8]) -> io::Result<usize> {
        let seen = rustix::io::retry_on_intr(|| {
            rustix::pipe::tee(pipe.as_fd(), &self.writer, buffer.len(), SpliceFlags::NONBLOCK)
        })?;
        let mut read = 0;
        while read < seen {
            match rustix::io::retry_on_intr(|| {
                rustix::io::read(&self.reader, &mut buffer[read..seen])
            })? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => read += count,
            }
        }
        Ok(read)
    }
}

/// Moves up to `count` bytes from the pipe to the file's `offset`. `InvalidInput` when this kind of
/// file has no way for it.
pub(crate) fn pour(
    pipe: impl AsFd,
    file: impl AsFd,
    mut offset: u64,
    count: usize,
) -> io::Result<usize> {
    Ok(rustix::io::retry_on_intr(|| {
        let flags = SpliceFlags::NONBLOCK;
        rustix::pipe::splice(pipe.as_fd(), None, file.as_fd(), Some(&mut offset), count, flags)
    })?)
}

/// Takes out what was seen, for what has found another way.
pub(crate) fn discard(pipe: impl AsFd, mut count: usize) -> io::Result<()> {
    let mut gone = [0; 4096];
    while count > 0 {
        let piece = count.min(gone.len());
        match super::pipe::read(pipe.as_fd(), &mut gone[..piece])? {
            0 => return Ok(()),
            read => count -= read,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::sys::{clock, pipe};

    #[test]
    fn what_is_seen_stays_until_it_is_poured() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let file = fs::File::create(&path).unwrap();
        let glass = Glass::new(4096).unwrap();
        let (reader, writer) = pipe::pair().unwrap();
        let mut buffer = [0; 64];
        let empty = glass.look(&reader, &mut buffer).unwrap_err();
        assert_eq!(empty.kind(), io::ErrorKind::WouldBlock);
        rustix::io::write(&writer, b"one two three").unwrap();
        for _ in 0..2 {
            assert_eq!(glass.look(&reader, &mut buffer).unwrap(), 13);
            assert_eq!(&buffer[..13], b"one two three");
        }
        assert_eq!(pour(&reader, &file, 0, 4).unwrap(), 4);
        // What was written since the look is not moved with it.
        rustix::io::write(&writer, b" four").unwrap();
        discard(&reader, 4).unwrap();
        assert_eq!(pour(&reader, &file, 4, 5).unwrap(), 5);
        assert_eq!(fs::read(&path).unwrap(), b"one three");
        drop(writer);
        assert_eq!(glass.look(&reader, &mut buffer).unwrap(), 5);
        discard(&reader, 5).unwrap();
        // The child of a test beside this one holds the writer, too, until it has become its program.
        let deadline_us = clock::monotonic_us() + 20_000_000;
        let is_held = |look: &io::Result<usize>| {
            let is_empty = |error: &io::Error| error.kind() == io::ErrorKind::WouldBlock;
            look.as_ref().is_err_and(is_empty) && clock::monotonic_us() < deadline_us
        };
        let mut looks = std::iter::repeat_with(|| glass.look(&reader, &mut buffer));
        assert_eq!(looks.find(|look| !is_held(look)).unwrap().unwrap(), 0);
    }

    #[test]
    fn what_has_no_way_says_so() {
        let (reader, writer) = pipe::pair().unwrap();
        rustix::io::write(&writer, b"x").unwrap();
        let appending = tempfile::tempfile().unwrap();
        rustix::fs::fcntl_setfl(&appending, rustix::fs::OFlags::APPEND).unwrap();
        let refused = pour(&reader, &appending, 0, 1).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        assert!(pour(&reader, &full, 0, 1).is_err());
    }
}

//! A file for what of a request's body outgrows memory. It has no name, so nothing is left of it
//! whatever ends first.
//!
//! Written and read by the runtime's few helper threads: a slow disk holds up its request, not the
//! worker.

use std::io::{self, SeekFrom};
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::fs::File;
use tokio::io::{AsyncRead as _, AsyncSeek as _, AsyncWrite as _, ReadBuf};

use crate::sys;

/// Where the next read begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Elsewhere,
    Seeking,
    Here,
}

pub(crate) struct Spool {
    file: File,
    bytes: u64,
    place: Place,
}

impl Spool {
    pub(crate) fn create(folder: &Path) -> io::Result<Self> {
        let file = File::from_std(sys::unnamed_file::create(folder)?);
        Ok(Self { file, bytes: 0, place: Place::Elsewhere })
    }

    /// How much was written.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.file).poll_write(cx, bytes))?;
        self.bytes += written as u64;
        Poll::Ready(Ok(written))
    }

    /// Ends writing: what went wrong behind our back is heard of here.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.file).poll_flush(cx)
    }

    /// Makes the next read begin at the front.
    pub(crate) fn rewind(&mut self) {
        self.place = Place::Elsewhere;
    }

    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        space: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut file = Pin::new(&mut self.file);
        if self.place == Place::Elsewhere {
            // A read that was given up may be under way.
            ready!(file.as_mut().poll_complete(cx))?;
            file.as_mut().start_seek(SeekFrom::Start(0))?;
            self.place = Place::Seeking;
        }
        if self.place == Place::Seeking {
            ready!(file.as_mut().poll_complete(cx))?;
            self.place = Place::Here;
        }
        let mut buffer = ReadBuf::new(space);
        ready!(file.poll_read(cx, &mut buffer))?;
        Poll::Ready(Ok(buffer.filled().len()))
    }
}

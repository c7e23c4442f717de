//! The bytes of a file on their way: all of them, a part, or several parts with their heads between.
//!
//! What is not in memory is brought there by a helper thread, piece by piece, before it is read or
//! handed to the kernel: a slow disk holds up its request, not the worker.

use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::task::JoinHandle;

use super::super::stream::Stream;
use crate::config::limits;
use crate::http::multipart::Multipart;
use crate::http::ranges::Part;
use crate::sys;
use crate::sys::file::Patience;

pub(crate) struct Body {
    source: Source,
    /// Where it goes on, and where the part ends.
    at: u64,
    end: u64,
    /// Further parts.
    more: Option<Box<Multipart>>,
}

enum Source {
    Kept(Arc<[u8]>),
    Disk { file: Arc<OwnedFd>, warm: Warm },
}

/// What of the file is in memory from `at` on.
enum Warm {
    UpTo(u64),
    /// A helper thread is reading up to there.
    Reading(u64, JoinHandle<io::Result<()>>),
}

/// A helper thread's buffer.
const WARMING_BYTES: usize = 128 * 1024;

impl Body {
    pub(crate) fn kept(bytes: Arc<[u8]>, part: Part) -> Self {
        Self { source: Source::Kept(bytes), at: part.start, end: part.end, more: None }
    }

    pub(crate) fn disk(file: OwnedFd, part: Part) -> Self {
        let source = Source::Disk { file: Arc::new(file), warm: Warm::UpTo(0) };
        Self { source, at: part.start, end: part.end, more: None }
    }

    /// The same, in parts; the first head is written with `next_part`.
    pub(crate) fn in_parts(self, parts: Multipart) -> Self {
        Self { at: 0, end: 0, more: Some(Box::new(parts)), ..self }
    }

    /// What is left of the part, where that needs no reading.
    pub(crate) fn in_memory(&self) -> &[u8] {
        match &self.source {
            Source::Kept(bytes) => {
                bytes.get(self.at as usize..self.end as usize).unwrap_or_default()
            }
            Source::Disk { .. } => b"",
        }
    }

    pub(crate) fn advance(&mut self, bytes: usize) {
        self.at += bytes as u64;
    }

    pub(crate) fn is_part_over(&self) -> bool {
        self.at >= self.end
    }

    /// Goes on to the next part and appends what stands before it; false: there is none.
    pub(crate) fn next_part(&mut self, text: &mut Vec<u8>) -> bool {
        let Some(more) = &mut self.more else { return false };
        let Some(part) = more.next(text) else { return false };
        (self.at, self.end) = (part.start, part.end);
        if let Source::Disk { warm, .. } = &mut self.source {
            *warm = Warm::UpTo(0);
        }
        true
    }

    /// Reads on into `space`; `Ok(0)`: the file is shorter than it was.
    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        space: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let (at, left) = (self.at, self.end - self.at);
        let count = match &self.source {
            Source::Kept(_) => {
                let bytes = self.in_memory();
                let count = bytes.len().min(space.len());
                space[..count].copy_from_slice(&bytes[..count]);
                count
            }
            Source::Disk { .. } => {
                let (file, warm) = ready!(self.poll_warm(cx))?;
                let bytes = left.min(warm).min(space.len() as u64) as usize;
                sys::file::read(file, &mut space[..bytes], at, Patience::Disk)?
            }
        };
        self.advance(count);
        Poll::Ready(Ok(count))
    }

    /// Lets the kernel send on, `bytes_max` at the most; how much. `Ok(0)`: the file is shorter than it was.
    pub(crate) fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        sink: &mut Stream,
        bytes_max: usize,
    ) -> Poll<io::Result<usize>> {
        let at = self.at;
        let left = self.end - at;
        let (file, warm) = ready!(self.poll_warm(cx))?;
        let bytes = usize::try_from(left.min(warm)).unwrap_or(usize::MAX).min(bytes_max);
        let sent = ready!(sink.poll_send_file(cx, file, at, bytes))?;
        self.advance(sent);
        Poll::Ready(Ok(sent))
    }

    /// The file, and for how many bytes from `at` on nobody has to wait for the disk.
    fn poll_warm(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(&OwnedFd, u64)>> {
        let Source::Disk { file, warm } = &mut self.source else {
            return Poll::Ready(Err(io::ErrorKind::Unsupported.into()));
        };
        loop {
            match warm {
                Warm::UpTo(end) if *end > self.at => {
                    return Poll::Ready(Ok((&*file, *end - self.at)));
                }
                Warm::UpTo(_) => {
                    let bytes = (self.end - self.at).min(limits::FILE_PIECE_BYTES);
                    let end = self.at + bytes;
                    if sys::file::is_in_memory(&**file, self.at, bytes) {
                        *warm = Warm::UpTo(end);
                    } else {
                        let (file, at) = (Arc::clone(file), self.at);
                        let job = tokio::task::spawn_blocking(move || bring(&file, at, end));
                        *warm = Warm::Reading(end, job);
                    }
                }
                Warm::Reading(end, job) => {
                    let ended = ready!(Pin::new(job).poll(cx));
                    ended.map_err(io::Error::other)??;
                    *warm = Warm::UpTo(*end);
                }
            }
        }
    }
}

/// Reads for the sake of the kernel's memory alone.
fn bring(file: &OwnedFd, mut at: u64, end: u64) -> io::Result<()> {
    let mut room = vec![0; WARMING_BYTES];
    while at < end {
        let bytes = (end - at).min(room.len() as u64) as usize;
        match sys::file::read(file, &mut room[..bytes], at, Patience::Disk)? {
            0 => break,
            read => at += read as u64,
        }
    }
    Ok(())
}

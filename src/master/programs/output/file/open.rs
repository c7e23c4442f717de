//! The file as it is open: that the path still names it, how long it is, and how bytes get into it.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use super::{Origin, rotate};
use crate::config::model::output::Rotate;
use crate::sys;

pub(super) struct Open {
    file: File,
    kind: Kind,
    /// What the path must still name.
    inode: u64,
    pub(super) device: u64,
    pub(super) looked_us: u64,
    pub(super) is_at_line_end: bool,
    /// When it was last written before it was opened; see [`rotate::period`].
    pub(super) period: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Regular,
    /// A file system without a way from a pipe into a file: written first, then taken out, so a kill
    /// between the two repeats the last piece.
    Unpourable,
    /// A terminal, a pipe, a device: has no length and does not rotate.
    Endless,
    /// The same, and can not be opened: our own output is what the system journal reads.
    Socket,
}

impl Open {
    /// Asked anew before each write, since others may write to the file or cut it short.
    pub(super) fn bytes(&self) -> io::Result<u64> {
        match self.kind {
            Kind::Regular | Kind::Unpourable => Ok(self.file.metadata()?.len()),
            Kind::Endless | Kind::Socket => Ok(0),
        }
    }

    pub(super) fn is_rotatable(&self) -> bool {
        match self.kind {
            Kind::Regular | Kind::Unpourable => true,
            Kind::Endless | Kind::Socket => false,
        }
    }

    /// How many of the bytes are in the file (and no longer in the pipe), at least one.
    pub(super) fn put(
        &mut self,
        piece: &[u8],
        file_bytes: u64,
        origin: Origin<'_>,
    ) -> io::Result<usize> {
        let count = match (self.kind, origin) {
            (Kind::Regular, Origin::Pipe(head)) => {
                match sys::peek::pour(head.pipe, &self.file, file_bytes, piece.len()) {
                    Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                        self.kind = Kind::Unpourable;
                        return self.put(piece, file_bytes, origin);
                    }
                    poured => poured?,
                }
            }
            (Kind::Unpourable | Kind::Endless | Kind::Socket, Origin::Pipe(head)) => {
                let count = self.write(piece, file_bytes)?;
                sys::peek::discard(head.pipe, count)?;
                count
            }
            (Kind::Regular | Kind::Unpourable | Kind::Endless | Kind::Socket, Origin::Memory) => {
                self.write(piece, file_bytes)?
            }
        };
        if count == 0 { Err(io::ErrorKind::WriteZero.into()) } else { Ok(count) }
    }

    fn write(&self, piece: &[u8], file_bytes: u64) -> io::Result<usize> {
        match self.kind {
            Kind::Regular | Kind::Unpourable => {
                sys::append::write_at_end(&self.file, file_bytes, piece)
            }
            Kind::Endless => sys::append::write(&self.file, piece),
            Kind::Socket => sys::append::send(&self.file, piece),
        }
    }

    /// Whether the path still leads here.
    pub(super) fn is_at(&self, path: &Path) -> bool {
        fs::metadata(path).is_ok_and(|metadata| metadata.ino() == self.inode)
    }
}

pub(super) fn open(path: &Path, rotate: Rotate) -> io::Result<Open> {
    let mut options = OpenOptions::new();
    // Not to append: the kernel pours only to an offset. Opening a pipe never waits for a reader.
    options.write(true).create(true).custom_flags(sys::append::NEVER_WAIT);
    let own_socket = sys::append::own_socket(path);
    let is_socket = own_socket.is_some();
    let file = match own_socket.unwrap_or_else(|| options.open(path)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            options.open(path)?
        }
        opened => opened?,
    };
    let metadata = file.metadata()?;
    let kind = match (metadata.is_file(), is_socket) {
        (true, _) => Kind::Regular,
        (false, true) => Kind::Socket,
        (false, false) => Kind::Endless,
    };
    let is_at_line_end = ends_with_a_line(path, metadata.len());
    let written_ms = if metadata.len() == 0 {
        sys::clock::wall_ms()
    } else {
        u64::try_from(metadata.mtime()).unwrap_or(0) * 1000
    };
    let period = rotate::period(rotate, sys::local_time::shifted_ms(written_ms));
    let (inode, device) = (metadata.ino(), metadata.dev());
    Ok(Open { file, kind, inode, device, looked_us: 0, is_at_line_end, period })
}

fn ends_with_a_line(path: &Path, bytes: u64) -> bool {
    let mut last = [0];
    // What has no length has no end, and what can not be read is not cut.
    let mut read = || File::open(path)?.read_exact_at(&mut last, bytes - 1);
    bytes == 0 || (read().is_ok() && last == *b"\n")
}

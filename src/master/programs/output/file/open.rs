//! The file as it is open: that the path still names it, how long it is, and how bytes get into it.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use super::{LOOK_US, Origin, RotatingFile, SILENT, rotate};
use crate::config::model::output::Rotate;
use crate::sys;
use crate::sys::blocking::{Begun, Late};

pub(super) struct Open {
    file: File,
    kind: Kind,
    /// What the path must still name.
    inode: u64,
    looked_us: u64,
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
            (Kind::Regular, Origin::Pipe(pipe)) => {
                match sys::peek::pour(pipe, &self.file, file_bytes, piece.len()) {
                    Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                        self.kind = Kind::Unpourable;
                        return self.put(piece, file_bytes, origin);
                    }
                    poured => poured?,
                }
            }
            (Kind::Unpourable | Kind::Endless | Kind::Socket, Origin::Pipe(pipe)) => {
                let count = self.write(piece, file_bytes)?;
                sys::peek::discard(pipe, count)?;
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
}

/// What a look at the path has found.
pub(super) enum Looked {
    /// It still names the file that is open.
    Same,
    Anew(Open),
}

impl RotatingFile {
    pub(super) fn opened(&mut self, now_us: u64) -> io::Result<&mut Open> {
        let is_known = |open: &Open| now_us < open.looked_us + LOOK_US;
        if self.looking.is_some() || !self.open.as_ref().is_some_and(is_known) {
            self.look(now_us)?;
        }
        Ok(self.open.as_mut().expect("opened just above"))
    }

    /// Opens the path, unless it is what is open. Its file system may not answer: then nobody waits, and
    /// the next look takes the answer.
    fn look(&mut self, now_us: u64) -> io::Result<()> {
        loop {
            let looked = if let Some(late) = self.looking.take() {
                match late.answer() {
                    Some(looked) => looked?,
                    None => return self.is_silent(late),
                }
            } else {
                let (path, rotate) = (self.path.clone(), self.limits.rotate);
                let inode = self.open.as_ref().map(|open| open.inode);
                match self.pool.call(move || look(&path, rotate, inode))? {
                    Begun::Done(looked) => looked?,
                    Begun::Late(late) => return self.is_silent(late),
                }
            };
            match (looked, &mut self.open) {
                (Looked::Anew(open), _) => {
                    self.open = Some(Open { looked_us: now_us, ..open });
                    return Ok(());
                }
                (Looked::Same, Some(open)) => {
                    open.looked_us = now_us;
                    return Ok(());
                }
                // Closed since: it has to be opened.
                (Looked::Same, None) => {}
            }
        }
    }

    fn is_silent(&mut self, late: Late<io::Result<Looked>>) -> io::Result<()> {
        self.looking = Some(late);
        Err(io::Error::new(SILENT, "its file system does not answer"))
    }
}

/// `inode`: of what is open.
fn look(path: &Path, rotate: Rotate, inode: Option<u64>) -> io::Result<Looked> {
    let is_it = |inode| fs::metadata(path).is_ok_and(|metadata| metadata.ino() == inode);
    if inode.is_some_and(is_it) { Ok(Looked::Same) } else { open(path, rotate).map(Looked::Anew) }
}

fn open(path: &Path, rotate: Rotate) -> io::Result<Open> {
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
    Ok(Open { file, kind, inode: metadata.ino(), looked_us: 0, is_at_line_end, period })
}

fn ends_with_a_line(path: &Path, bytes: u64) -> bool {
    let mut last = [0];
    // What has no length has no end, and what can not be read is not cut.
    let mut read = || File::open(path)?.read_exact_at(&mut last, bytes - 1);
    bytes == 0 || (read().is_ok() && last == *b"\n")
}

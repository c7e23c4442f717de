//! Files of a folder tree, opened without being led astray and read without being held up.
//!
//! Whoever must not wait asks with `Patience::Memory`: names and bytes that are not in the kernel's
//! memory are answered with `WouldBlock`, and are somebody else's to wait for. Nothing that is no
//! file holds an opener up: a pipe without a writer, a device.

use std::ffi::CStr;
use std::io::{self, IoSliceMut};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::{Errno, ReadWriteFlags};

/// What a file's state is told by: it is the same file, unchanged, if all of it is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) kind: Kind,
    pub(crate) bytes: u64,
    /// Seconds since the Unix epoch, and nanoseconds.
    pub(crate) modified: (i64, u32),
    /// The same of the last change of anything about the file, which nobody can set.
    changed: (i64, u32),
    device: u64,
    inode: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Folder,
    Other,
}

/// Which symbolic links below a root are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Links {
    All,
    /// Those that belong to the owner of what they lead to.
    Owners,
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// What is not in memory is not waited for.
    Memory,
    Disk,
}

/// Whether the kernel has `openat2` and lets us use it.
static HAS_OPENAT2: AtomicBool = AtomicBool::new(true);

const READ: OFlags =
    OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);
const STEP: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

impl Stamp {
    /// Whatever has become of its content.
    pub(crate) fn is_same_file(&self, other: &Self) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }

    pub(super) fn of(stat: &Stat) -> Self {
        let nanos = |nanos: i64| u32::try_from(nanos).unwrap_or(0);
        Self {
            kind: match FileType::from_raw_mode(stat.st_mode) {
                FileType::RegularFile => Kind::File,
                FileType::Directory => Kind::Folder,
                _ => Kind::Other,
            },
            bytes: u64::try_from(stat.st_size).unwrap_or(0),
            modified: (stat.st_mtime, nanos(stat.st_mtime_nsec)),
            changed: (stat.st_ctime, nanos(stat.st_ctime_nsec)),
            device: stat.st_dev,
            inode: stat.st_ino,
        }
    }

    /// When something about the file changed last, in microseconds since the Unix epoch. A second
    /// change soon after it may have left no other trace than the contents.
    pub(crate) fn changed_us(&self) -> u64 {
        let (seconds, nanos) = self.changed;
        u64::try_from(seconds).unwrap_or(0) * 1_000_000 + u64::from(nanos / 1000)
    }
}

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) kind: Kind,
    /// By its owner; of a folder, that names in it can be reached.
    pub(crate) is_executable: bool,
}

/// Looks where a path leads by whichever links, and opens nothing for reading.
pub(crate) fn look(path: &CStr, patience: Patience) -> io::Result<Seen> {
    let stat = match (patience, HAS_OPENAT2.load(Ordering::Relaxed)) {
        (Patience::Memory, true) => {
            let place = OFlags::PATH | OFlags::CLOEXEC;
            match rustix::fs::openat2(CWD, path, place, Mode::empty(), ResolveFlags::CACHED) {
                Err(Errno::NOSYS | Errno::PERM | Errno::INVAL) => {
                    HAS_OPENAT2.store(false, Ordering::Relaxed);
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                opened => rustix::fs::fstat(opened?)?,
            }
        }
        // Before Linux 5.12 nobody can ask what is in memory.
        (Patience::Memory, false) => return Err(io::ErrorKind::WouldBlock.into()),
        (Patience::Disk, _) => rustix::fs::stat(path)?,
    };
    Ok(Seen {
        kind: Stamp::of(&stat).kind,
        is_executable: Mode::from_raw_mode(stat.st_mode).contains(Mode::XUSR),
    })
}

/// The state of what a path leads to, by whichever links.
pub(crate) fn stamp(path: &CStr) -> io::Result<Stamp> {
    Ok(Stamp::of(&rustix::fs::stat(path)?))
}

pub(crate) fn stamp_of_path(path: &Path) -> io::Result<Stamp> {
    Ok(Stamp::of(&rustix::fs::stat(path)?))
}

pub(crate) fn stamp_of(file: impl AsFd) -> io::Result<Stamp> {
    Ok(Stamp::of(&rustix::fs::fstat(file)?))
}

/// Opens a file for reading, and never waits: one that is a pipe has no text.
pub(crate) fn open_for_reading(path: &Path) -> io::Result<std::fs::File> {
    Ok(rustix::fs::open(path, READ, Mode::empty())?.into())
}

/// What an open file holds, from its beginning and up to so many bytes; where others have read to in it
/// does not matter.
pub(crate) fn text(file: &std::fs::File, bytes_max: u64) -> io::Result<String> {
    const PIECE_BYTES: usize = 16 * 1024;
    let mut bytes = Vec::new();
    while (bytes.len() as u64) < bytes_max {
        let at = bytes.len();
        bytes.resize(at + PIECE_BYTES, 0);
        let count = std::os::unix::fs::FileExt::read_at(file, &mut bytes[at..], at as u64)?;
        bytes.truncate(at + count);
        if count == 0 {
            break;
        }
    }
    bytes.truncate(usize::try_from(bytes_max).unwrap_or(usize::MAX));
    String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "not UTF-8"))
}

/// Opens what `path` leads to, for reading. Its first `root_bytes` name the root, and may lead there
/// by any links; `links` is about the rest.
pub(crate) fn open(
    path: &CStr,
    root_bytes: usize,
    links: Links,
    patience: Patience,
) -> io::Result<OwnedFd> {
    if links == Links::All {
        return open_anywhere(path, patience);
    }
    let (root, below) = path.to_bytes().split_at(root_bytes);
    let below = below.iter().position(|&byte| byte != b'/').map_or(&b""[..], |at| &below[at..]);
    let step = OFlags::PATH | OFlags::CLOEXEC;
    let top = rustix::fs::open(if root.is_empty() { b"/" } else { root }, step, Mode::empty())?;
    if below.is_empty() {
        return Ok(rustix::fs::openat(&top, c".", READ, Mode::empty())?);
    }
    if links == Links::None && HAS_OPENAT2.load(Ordering::Relaxed) {
        let within = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        match rustix::fs::openat2(&top, below, READ, Mode::empty(), within | cached(patience)) {
            Err(Errno::NOSYS | Errno::PERM) => HAS_OPENAT2.store(false, Ordering::Relaxed),
            // Before Linux 5.12 nobody can ask what is in memory.
            Err(Errno::INVAL) if patience == Patience::Memory => {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            opened => return Ok(opened?),
        }
    }
    match patience {
        Patience::Memory => Err(io::ErrorKind::WouldBlock.into()),
        Patience::Disk => walk(top, below, links),
    }
}

fn open_anywhere(path: &CStr, patience: Patience) -> io::Result<OwnedFd> {
    if patience == Patience::Memory && HAS_OPENAT2.load(Ordering::Relaxed) {
        match rustix::fs::openat2(CWD, path, READ, Mode::empty(), ResolveFlags::CACHED) {
            Err(Errno::NOSYS | Errno::PERM | Errno::INVAL) => {
                HAS_OPENAT2.store(false, Ordering::Relaxed);
            }
            opened => return Ok(opened?),
        }
    }
    Ok(rustix::fs::open(path, READ, Mode::empty())?)
}

fn cached(patience: Patience) -> ResolveFlags {
    match patience {
        Patience::Memory => ResolveFlags::CACHED,
        Patience::Disk => ResolveFlags::empty(),
    }
}

/// One name after another, each looked at before it is followed.
fn walk(mut folder: OwnedFd, below: &[u8], links: Links) -> io::Result<OwnedFd> {
    let mut names = below.split(|&byte| byte == b'/').filter(|name| !name.is_empty()).peekable();
    while let Some(name) = names.next() {
        let (flags, is_last) = match names.peek() {
            Some(_) => (OFlags::PATH | OFlags::CLOEXEC, false),
            None => (READ, true),
        };
        let found = rustix::fs::openat(&folder, name, STEP, Mode::empty())?;
        let link = rustix::fs::fstat(&found)?;
        if FileType::from_raw_mode(link.st_mode) != FileType::Symlink {
            folder = if is_last {
                rustix::fs::openat(&folder, name, flags | OFlags::NOFOLLOW, Mode::empty())?
            } else {
                found
            };
            continue;
        }
        if links == Links::None {
            return Err(Errno::LOOP.into());
        }
        let target = rustix::fs::openat(&folder, name, flags, Mode::empty())?;
        if rustix::fs::fstat(&target)?.st_uid != link.st_uid {
            return Err(Errno::LOOP.into());
        }
        folder = target;
    }
    Ok(folder)
}

/// Reads at `offset` into `space`; less than it has room for only at the file's end, or before what
/// is not in memory.
pub(crate) fn read(
    file: impl AsFd,
    space: &mut [u8],
    offset: u64,
    patience: Patience,
) -> io::Result<usize> {
    let flags = match patience {
        Patience::Memory => ReadWriteFlags::NOWAIT,
        Patience::Disk => ReadWriteFlags::empty(),
    };
    let mut filled = 0;
    while filled < space.len() {
        let room = &mut [IoSliceMut::new(&mut space[filled..])];
        match rustix::io::preadv2(&file, room, offset + filled as u64, flags) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(Errno::INTR) => {}
            // Not every file system can say; then it is read as everybody does.
            Err(Errno::OPNOTSUPP | Errno::NOSYS) if patience == Patience::Memory => {
                return read(file, space, offset, Patience::Disk);
            }
            Err(_) if filled > 0 => break,
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(filled)
}

/// Whether the first and the last of `bytes` from `offset` on are in memory, as far as can be told.
pub(crate) fn is_in_memory(file: impl AsFd, offset: u64, bytes: u64) -> bool {
    let is_there = |at| {
        let room = &mut [0];
        let room = &mut [IoSliceMut::new(room)];
        let read = rustix::io::preadv2(&file, room, at, ReadWriteFlags::NOWAIT);
        read != Err(Errno::AGAIN)
    };
    is_there(offset) && is_there(offset + bytes.saturating_sub(1))
}

/// Gives the kernel up to `bytes` from `offset` on to send on a socket; how much it took. `Ok(0)` is
/// the file's end.
pub(crate) fn send(
    socket: impl AsFd,
    file: impl AsFd,
    mut offset: u64,
    bytes: usize,
) -> io::Result<usize> {
    Ok(rustix::fs::sendfile(socket, file, Some(&mut offset), bytes)?)
}

/// Whether a file is at least as long as that.
pub(crate) fn reaches(file: impl AsFd, bytes: u64) -> bool {
    stamp_of(file).is_ok_and(|stamp| stamp.bytes >= bytes)
}

/// Whether a path led through a link that is not followed, or through too many.
pub(crate) fn is_loop(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::LOOP.raw_os_error())
}

/// Whether there is nothing to read behind a name: a socket, or a device that does not exist.
pub(crate) fn is_no_file(error: &io::Error) -> bool {
    [Errno::NXIO, Errno::NODEV].map(|it| Some(it.raw_os_error())).contains(&error.raw_os_error())
}

/// Whether a folder's files can be reached by this process, or a file be read.
pub(crate) fn is_accessible(path: &Path) -> bool {
    let access =
        if path.is_dir() { rustix::fs::Access::EXEC_OK } else { rustix::fs::Access::READ_OK };
    rustix::fs::access(path, access).is_ok()
}

/// Whether this thread may make files in a folder.
pub(crate) fn is_writable(folder: &Path) -> bool {
    let access = rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK;
    rustix::fs::access(folder, access).is_ok()
}

#[cfg(test)]
pub(super) mod tests {
    use std::ffi::CString;
    use std::fs;
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::symlink;

    use rustix::fs::AtFlags;

    use super::*;

    fn path(path: &Path) -> CString {
        CString::new(path.as_os_str().as_bytes()).unwrap()
    }

    fn kind(root: &Path, below: &str, links: Links) -> Result<Kind, Option<i32>> {
        let whole = path(&root.join(below));
        let opened = open(&whole, root.as_os_str().len(), links, Patience::Disk);
        let file = opened.map_err(|error| error.raw_os_error())?;
        Ok(stamp_of(&file).unwrap().kind)
    }

    /// A root with a file, a folder, links inside and outside, and a pipe.
    pub(in super::super) fn tree() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        fs::create_dir_all(root.join("sub")).unwrap();
        fs::write(root.join("sub/file"), "text").unwrap();
        fs::write(folder.path().join("secret"), "secret").unwrap();
        symlink("sub/file", root.join("inside")).unwrap();
        symlink("sub", root.join("folder")).unwrap();
        symlink("../secret", root.join("outside")).unwrap();
        symlink("nowhere", root.join("dangling")).unwrap();
        rustix::fs::mknodat(CWD, root.join("pipe"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)
            .unwrap();
        folder
    }

    #[test]
    fn links_are_followed_as_asked() {
        let folder = tree();
        let root = folder.path().join("root");
        let refused = Err(Some(Errno::LOOP.raw_os_error()));
        let missing = Err(Some(Errno::NOENT.raw_os_error()));
        for has_openat2 in [true, false] {
            HAS_OPENAT2.store(has_openat2, Ordering::Relaxed);
            for (below, links, expected) in [
                ("", Links::None, Ok(Kind::Folder)),
                ("sub/file", Links::All, Ok(Kind::File)),
                ("sub/file", Links::Owners, Ok(Kind::File)),
                ("sub/file", Links::None, Ok(Kind::File)),
                ("sub/", Links::None, Ok(Kind::Folder)),
                ("inside", Links::All, Ok(Kind::File)),
                ("inside", Links::Owners, Ok(Kind::File)),
                ("inside", Links::None, refused),
                ("folder/file", Links::Owners, Ok(Kind::File)),
                ("folder/file", Links::None, refused),
                ("outside", Links::All, Ok(Kind::File)),
                ("outside", Links::None, refused),
                ("dangling", Links::All, missing),
                ("nothing", Links::Owners, missing),
                ("pipe", Links::All, Ok(Kind::Other)),
                ("pipe", Links::None, Ok(Kind::Other)),
            ] {
                assert_eq!(kind(&root, below, links), expected, "{below} {links:?} {has_openat2}");
            }
        }
        HAS_OPENAT2.store(true, Ordering::Relaxed);
    }

    #[test]
    fn a_link_that_is_somebody_elses_leads_nowhere() {
        let folder = tree();
        let root = folder.path().join("root");
        let foreign = root.join("inside");
        let owner = Some(rustix::fs::Uid::from_raw(12_345));
        if rustix::fs::chownat(CWD, &foreign, owner, None, AtFlags::SYMLINK_NOFOLLOW).is_err() {
            // Only root can give a link away.
            return;
        }
        assert_eq!(kind(&root, "inside", Links::All), Ok(Kind::File));
        let refused = Err(Some(Errno::LOOP.raw_os_error()));
        assert_eq!(kind(&root, "inside", Links::Owners), refused);
    }

    #[test]
    fn a_change_of_the_contents_changes_the_stamp() {
        let folder = tree();
        let file = folder.path().join("root/sub/file");
        let before = stamp(&path(&file)).unwrap();
        assert_eq!(before, stamp(&path(&file)).unwrap());
        assert_eq!((before.kind, before.bytes), (Kind::File, 4));
        fs::write(&file, "longer text").unwrap();
        assert_ne!(before, stamp(&path(&file)).unwrap());
    }

    #[test]
    fn what_is_in_memory_is_read_without_waiting() {
        let folder = tree();
        let name = path(&folder.path().join("root/sub/file"));
        let file = open(&name, 0, Links::All, Patience::Memory);
        let file = file.or_else(|_| open(&name, 0, Links::All, Patience::Disk)).unwrap();
        let mut space = [0; 10];
        assert_eq!(read(&file, &mut space, 0, Patience::Disk).unwrap(), 4);
        assert_eq!(read(&file, &mut space, 1, Patience::Memory).unwrap(), 3);
        assert_eq!(&space[..4], b"extt");
        assert!(is_in_memory(&file, 0, 4));
    }
}

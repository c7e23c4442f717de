//! A file without a name: gone with its last descriptor, however the process ends.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

/// An empty file on `folder`'s file system, to be written and read by this process alone.
pub(crate) fn create(folder: &Path) -> io::Result<File> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    match rustix::fs::open(folder, flags, Mode::RUSR | Mode::WUSR) {
        Ok(file) => Ok(file.into()),
        // Not every file system has files without names.
        Err(Errno::OPNOTSUPP | Errno::ISDIR) => create_and_unlink(folder),
        Err(errno) => Err(errno.into()),
    }
}

fn create_and_unlink(folder: &Path) -> io::Result<File> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let path = folder.join(format!(".pilothouse-{}-{number}", std::process::id()));
    // Never through a name that somebody else has laid there.
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::RDWR | OFlags::CLOEXEC;
    let file = rustix::fs::open(&path, flags, Mode::RUSR | Mode::WUSR)?;
    std::fs::remove_file(&path)?;
    Ok(file.into())
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Seek as _, Write as _};

    use super::*;

    #[test]
    fn it_holds_bytes_and_no_name() {
        let folder = tempfile::tempdir().unwrap();
        for create in [create, create_and_unlink] {
            let mut file = create(folder.path()).unwrap();
            file.write_all(b"kept").unwrap();
            file.rewind().unwrap();
            let mut text = String::new();
            file.read_to_string(&mut text).unwrap();
            assert_eq!(text, "kept");
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        }
        assert!(create(&folder.path().join("missing")).is_err());
    }
}

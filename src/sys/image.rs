//! Becoming another program in this very process: the pid, the children and what is kept open stay,
//! everything else ends.
#![allow(unsafe_code, reason = "exec by descriptor has no safe wrapper")]

use std::convert::Infallible;
use std::ffi::{CString, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::{Mode, OFlags};

use super::{oom, rlimit};

/// Which file this program runs from, whatever its path leads to meanwhile.
pub(crate) fn own_id() -> io::Result<String> {
    id_of(&File::from(own()?))
}

/// Which file the descriptor means: no two that exist at one time have the same.
pub(crate) fn id(image: &OwnedFd) -> io::Result<String> {
    id_of(&File::from(image.try_clone()?))
}

fn id_of(file: &File) -> io::Result<String> {
    let found = file.metadata()?;
    Ok(format!("{}:{}:{}.{}", found.dev(), found.ino(), found.mtime(), found.mtime_nsec()))
}

/// The file that this program runs from, even when its path leads elsewhere by now.
pub(crate) fn own() -> io::Result<OwnedFd> {
    open(Path::new("/proc/self/exe"))
}

/// A program by descriptor: what is tried and what is run then is one file.
pub(crate) fn open(path: &Path) -> io::Result<OwnedFd> {
    Ok(rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?)
}

/// Becomes that program, with these words and this process's environment; of the descriptors, the
/// standard ones and those `kept` stay open. Comes back only with the reason why it could not.
pub(crate) fn become_it(image: BorrowedFd<'_>, words: &[OsString], kept: &[RawFd]) -> io::Error {
    match try_become(image, words, kept) {
        Ok(never) => match never {},
        Err(error) => {
            set_descriptor_flags(kept, libc::FD_CLOEXEC);
            rlimit::raise_open_files();
            oom::protect();
            error
        }
    }
}

fn try_become(image: BorrowedFd<'_>, words: &[OsString], kept: &[RawFd]) -> io::Result<Infallible> {
    let c_string = |text: OsString| CString::new(text.into_vec()).map_err(io::Error::other);
    let words = words.iter().cloned().map(c_string).collect::<io::Result<Vec<_>>>()?;
    let environment = std::env::vars_os().map(|(mut entry, value)| {
        entry.push("=");
        entry.push(value);
        c_string(entry)
    });
    let environment = environment.collect::<io::Result<Vec<_>>>()?;
    let pointers = |texts: &[CString]| -> Vec<*const libc::c_char> {
        texts.iter().map(|text| text.as_ptr()).chain([std::ptr::null()]).collect()
    };
    let (arguments, variables) = (pointers(&words), pointers(&environment));
    // The image that comes next raises it again, and must know what it was for its children.
    rlimit::restore_open_files();
    oom::restore();
    set_descriptor_flags(kept, 0);
    // SAFETY: both arrays end in a null pointer, and the strings they point to outlive the call; the
    // empty path together with the flag means the descriptor itself.
    unsafe {
        libc::syscall(
            libc::SYS_execveat,
            image.as_raw_fd(),
            c"".as_ptr(),
            arguments.as_ptr(),
            variables.as_ptr(),
            libc::AT_EMPTY_PATH,
        );
    }
    Err(io::Error::last_os_error())
}

fn set_descriptor_flags(numbers: &[RawFd], flags: i32) {
    for number in numbers {
        // SAFETY: a system call on numbers only; one that is not open is an error without effect.
        unsafe { libc::fcntl(*number, libc::F_SETFD, flags) };
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd as _;

    use super::*;

    #[test]
    fn what_is_no_program_is_refused_and_nothing_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("text");
        std::fs::write(&path, "not a program").unwrap();
        let image = open(&path).unwrap();
        let kept = File::open("/dev/null").unwrap();
        let error = become_it(image.as_fd(), &["x".into()], &[kept.as_raw_fd()]);
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        let flags = rustix::io::fcntl_getfd(&kept).unwrap();
        assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
        assert!(open(Path::new("/no/such/program")).is_err());
    }

    #[test]
    fn a_file_is_told_from_its_copy() {
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join("copy");
        std::fs::copy("/proc/self/exe", &copy).unwrap();
        assert_ne!(id(&open(&copy).unwrap()).unwrap(), own_id().unwrap());
        assert_eq!(id(&own().unwrap()).unwrap(), own_id().unwrap());
    }
}

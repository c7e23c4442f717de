//! Finding descriptors of one's own again by what they mean, not by their numbers: whoever
//! remembers one does not keep it open.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd, RawFd};

use rustix::fs::{FileType, OFlags};

/// What an open descriptor means: its file, and whether it reads, writes or both, which is what tells
/// the ends of a pipe apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Meaning {
    device: u64,
    inode: u64,
    access: u32,
}

#[derive(Debug)]
pub(crate) struct Remembered(Kind);

#[derive(Debug)]
enum Kind {
    /// Another descriptor of this process means the same for as long as it matters.
    Elsewhere(Meaning),
    /// The kernel's nameless files (an eventfd) all look alike, so that one is kept.
    Here(OwnedFd),
}

impl Remembered {
    pub(crate) fn new(descriptor: BorrowedFd<'_>) -> io::Result<Self> {
        Ok(Self(match meaning(descriptor)? {
            Some(meaning) => Kind::Elsewhere(meaning),
            None => Kind::Here(descriptor.try_clone_to_owned()?),
        }))
    }
}

/// Everything this process has open, by meaning.
#[derive(Debug)]
pub(crate) struct Open(BTreeMap<Meaning, RawFd>);

impl Open {
    pub(crate) fn look() -> io::Result<Self> {
        let mut open = BTreeMap::new();
        for entry in fs::read_dir("/proc/self/fd")? {
            let number = entry?.file_name().to_str().and_then(|name| name.parse::<RawFd>().ok());
            // The standard descriptors are everybody's.
            if let Some(number) = number.filter(|number| *number > 2)
                && let Ok(Some(meaning)) = super::inherited::look(number, meaning)
            {
                open.insert(meaning, number);
            }
        }
        Ok(Self(open))
    }

    /// `None`: it is not open any more.
    pub(crate) fn find(&self, remembered: &Remembered) -> Option<RawFd> {
        match &remembered.0 {
            Kind::Elsewhere(meaning) => self.0.get(meaning).copied(),
            Kind::Here(descriptor) => Some(descriptor.as_raw_fd()),
        }
    }
}

/// `None`: nothing that could be told from others of its kind.
fn meaning(descriptor: BorrowedFd<'_>) -> io::Result<Option<Meaning>> {
    let stat = rustix::fs::fstat(descriptor)?;
    let access = rustix::fs::fcntl_getfl(descriptor.as_fd())? & OFlags::RWMODE;
    let meaning = Meaning { device: stat.st_dev, inode: stat.st_ino, access: access.bits() };
    let is_nameless = FileType::from_raw_mode(stat.st_mode) == FileType::Unknown;
    Ok((!is_nameless).then_some(meaning))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_descriptor_of_the_same_meaning_is_found_and_no_other() {
        let (read, write) = rustix::pipe::pipe().unwrap();
        let duplicate = read.try_clone().unwrap();
        let (of_read, of_write) =
            (Remembered::new(read.as_fd()).unwrap(), Remembered::new(write.as_fd()).unwrap());
        drop(read);
        let open = Open::look().unwrap();
        assert_eq!(open.find(&of_read), Some(duplicate.as_raw_fd()));
        assert_eq!(open.find(&of_write), Some(write.as_raw_fd()));
        drop(write);
        assert_eq!(Open::look().unwrap().find(&of_write), None);
    }

    #[test]
    fn a_nameless_file_is_kept() {
        let eventfd = rustix::event::eventfd(0, rustix::event::EventfdFlags::CLOEXEC).unwrap();
        let remembered = Remembered::new(eventfd.as_fd()).unwrap();
        drop(eventfd);
        assert!(Open::look().unwrap().find(&remembered).is_some());
    }
}

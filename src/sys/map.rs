//! A shared mapping of a descriptor's bytes: memory that several processes see.
//!
//! Gives out only the raw place; what lies there, and who may write which word of it, is for the
//! layout that is put over it.
#![allow(unsafe_code, reason = "mmap and munmap are unsafe by nature")]

use std::io;
use std::os::fd::AsFd;
use std::ptr::NonNull;

use rustix::mm::{MapFlags, ProtFlags};

#[derive(Debug)]
pub(crate) struct Mapping {
    start: NonNull<u8>,
    bytes: usize,
}

// SAFETY: the mapping is plain memory that belongs to no thread; whoever reads or writes through
// `start` argues its own access (the scoreboard uses atomics only).
unsafe impl Send for Mapping {}
// SAFETY: as above; a shared reference gives out only the address and the length.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps the first `bytes` of the file, shared and writable. The file must be at least as long:
    /// touching a page past its end would be a SIGBUS, so a shorter file is refused here.
    pub(crate) fn shared(file: impl AsFd, bytes: usize) -> io::Result<Self> {
        let held = rustix::fs::fstat(file.as_fd())?.st_size;
        if u64::try_from(held).unwrap_or(0) < bytes as u64 {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("{held} bytes where {bytes} are expected"),
            ));
        }
        // SAFETY: a fresh mapping at an address the kernel chooses overlaps nothing of ours.
        let start = unsafe {
            rustix::mm::mmap(
                std::ptr::null_mut(),
                bytes,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::SHARED,
                file.as_fd(),
                0,
            )
        }?;
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::InvalidData)?;
        Ok(Self { start, bytes })
    }

    /// Page-aligned; valid for as many bytes as were mapped, for as long as the mapping lives.
    pub(crate) fn start(&self) -> NonNull<u8> {
        self.start
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: exactly the range that `shared` mapped, unmapped once.
        let unmapped = unsafe { rustix::mm::munmap(self.start.as_ptr().cast(), self.bytes) };
        debug_assert!(unmapped.is_ok(), "a whole mapping can always be unmapped");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_mappings_of_one_file_see_the_same_byte() {
        let file = crate::sys::memfd::sized("test", 4096).unwrap();
        let (one, other) =
            (Mapping::shared(&file, 4096).unwrap(), Mapping::shared(&file, 4096).unwrap());
        // SAFETY: both mappings are 4096 bytes and only this thread touches them.
        unsafe {
            one.start().add(17).write_volatile(42);
            assert_eq!(other.start().add(17).read_volatile(), 42);
        }
        assert!(Mapping::shared(&file, 8192).is_err());
    }
}

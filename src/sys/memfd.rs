//! Anonymous files in memory: bytes handed to another process as a descriptor.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt as _;

use rustix::fs::{MemfdFlags, SealFlags};

/// A file of zeroes of a fixed size, for shared mappings. Its pages exist once they are touched.
pub(crate) fn sized(name: &str, bytes: u64) -> io::Result<OwnedFd> {
    let file = create(name)?;
    rustix::fs::ftruncate(&file, bytes)?;
    rustix::fs::fcntl_add_seals(&file, SealFlags::GROW | SealFlags::SHRINK)?;
    Ok(file)
}

/// A file that holds exactly these bytes for ever: nobody it is handed to can change it.
pub(crate) fn sealed(name: &str, bytes: &[u8]) -> io::Result<OwnedFd> {
    let file = File::from(create(name)?);
    file.write_all_at(bytes, 0)?;
    let all = SealFlags::GROW | SealFlags::SHRINK | SealFlags::WRITE | SealFlags::SEAL;
    rustix::fs::fcntl_add_seals(&file, all)?;
    Ok(file.into())
}

/// All of its bytes, from the beginning, wherever its shared offset stands.
pub(crate) fn read_all(file: impl AsFd, bytes_max: u64) -> io::Result<Vec<u8>> {
    let file = File::from(file.as_fd().try_clone_to_owned()?);
    let bytes = file.metadata()?.len();
    if bytes > bytes_max {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("{bytes} bytes is too much"),
        ));
    }
    let mut content = vec![0; usize::try_from(bytes).map_err(io::Error::other)?];
    file.read_exact_at(&mut content, 0)?;
    Ok(content)
}

fn create(name: &str) -> io::Result<OwnedFd> {
    Ok(rustix::fs::memfd_create(name, MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealed_bytes_read_back_and_refuse_change() {
        let file = sealed("test", b"settled").unwrap();
        assert_eq!(read_all(&file, 100).unwrap(), b"settled");
        assert!(rustix::io::pwrite(&file, b"x", 0).is_err());
        assert_eq!(read_all(&file, 3).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}

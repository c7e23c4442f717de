//! Which file systems answer by themselves.

use std::path::Path;

/// Whether a file that is there, or would be made, is on a disk or in the memory of this machine, as its
/// kernel knows them; any other file system may be a network's or a process's, which may not answer.
/// What is no file has no such place. Nothing is opened.
pub(crate) fn is_on_this_machine(path: &Path) -> bool {
    let there = match std::fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() => return true,
        Ok(_) => Some(path),
        Err(_) => path.ancestors().skip(1).find(|folder| folder.exists()),
    };
    there.is_none_or(is_own)
}

fn is_own(path: &Path) -> bool {
    /// See `statfs(2)`: ext2 to ext4, XFS, Btrfs, ZFS, F2FS, bcachefs, JFS, NILFS, ReiserFS, FAT,
    /// exFAT, tmpfs, ramfs, overlayfs.
    const OWN: [u32; 14] = [
        0xef53,
        0x5846_5342,
        0x9123_683e,
        0x2fc1_2fc1,
        0xf2f5_2010,
        0xca45_1a4e,
        0x3153_464a,
        0x3434,
        0x5265_4973,
        0x4d44,
        0x2011_bab0,
        0x0102_1994,
        0x8584_58f6,
        0x794c_7630,
    ];
    // Some kernels extend the sign of the word, and C libraries differ in whether it has one.
    rustix::fs::statfs(path).is_ok_and(|found| OWN.contains(&(found.f_type as u32)))
}

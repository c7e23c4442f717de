//! Users of the machine: names to numbers and back.
#![allow(unsafe_code, reason = "the name service has only C interfaces")]

use std::ffi::{CStr, CString};
use std::mem::MaybeUninit;

/// What a process needs to run as somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// Supplementary groups, `gid` included.
    pub(crate) groups: Vec<u32>,
}

/// Supplementary groups looked up for one user; Linux allows more, nobody has them.
const GROUPS_MAX: usize = 256;
/// Room for the strings of one entry.
const ENTRY_BYTES: usize = 16 * 1024;

/// The identity of a user by name; `None` when there is no such user.
pub(crate) fn identity(name: &str) -> Option<Identity> {
    let name = CString::new(name).ok()?;
    entry(|entry, room, found| {
        // SAFETY: every pointer is valid for the call; the strings land in `room`.
        unsafe {
            libc::getpwnam_r(
                name.as_ptr(),
                entry.as_mut_ptr(),
                room.as_mut_ptr().cast(),
                room.len(),
                found,
            )
        }
    })
    .map(|(uid, gid, _)| Identity { uid, gid, groups: groups(&name, gid) })
}

/// `alice`, or the number when it has no name.
pub(crate) fn name(uid: u32) -> String {
    entry(|entry, room, found| {
        // SAFETY: every pointer is valid for the call; the strings land in `room`.
        unsafe {
            libc::getpwuid_r(uid, entry.as_mut_ptr(), room.as_mut_ptr().cast(), room.len(), found)
        }
    })
    .map_or_else(|| uid.to_string(), |(_, _, name)| name)
}

/// The effective user of this process.
pub(crate) fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn entry(
    look_up: impl FnOnce(&mut MaybeUninit<libc::passwd>, &mut [u8], &mut *mut libc::passwd) -> i32,
) -> Option<(u32, u32, String)> {
    let mut entry = MaybeUninit::uninit();
    let mut room = vec![0u8; ENTRY_BYTES];
    let mut found = std::ptr::null_mut();
    let status = look_up(&mut entry, &mut room, &mut found);
    if status != 0 || found.is_null() {
        return None;
    }
    // SAFETY: the call succeeded and set `found` to the entry it filled, whose strings are in
    // `room`; both live until the end of this function.
    unsafe {
        let name = CStr::from_ptr((*found).pw_name).to_string_lossy().into_owned();
        Some(((*found).pw_uid, (*found).pw_gid, name))
    }
}

fn groups(name: &CStr, gid: u32) -> Vec<u32> {
    let mut groups = vec![0; GROUPS_MAX];
    let mut count = GROUPS_MAX as libc::c_int;
    // SAFETY: `groups` has room for `count` entries and the call writes at most that many.
    let status =
        unsafe { libc::getgrouplist(name.as_ptr(), gid, groups.as_mut_ptr(), &raw mut count) };
    if status < 0 {
        return vec![gid];
    }
    groups.truncate(usize::try_from(count).unwrap_or(0));
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_known_and_nonsense_is_not() {
        assert_eq!(identity("root").map(|root| root.uid), Some(0));
        assert_eq!(identity("no such user here"), None);
        assert_eq!(name(0), "root");
        assert_eq!(name(4_000_000_001), "4000000001");
    }
}

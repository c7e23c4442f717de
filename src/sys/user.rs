//! Users of the machine: names to numbers and back, and what it takes to be one of them.
#![allow(unsafe_code, reason = "the name service has only C interfaces")]

use std::ffi::{CStr, CString};
use std::io;
use std::mem::MaybeUninit;

/// What a process needs to run as somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// Supplementary groups, `gid` included.
    pub(crate) groups: Vec<u32>,
    pub(crate) name: String,
    pub(crate) home: String,
}

/// Supplementary groups looked up for one user at first, and what Linux allows.
const GROUPS_USUAL: usize = 256;
const GROUPS_MAX: usize = 65_536;
/// Room for the strings of one entry.
const ENTRY_BYTES: usize = 16 * 1024;

/// The number of the user that owns nothing, where the machine has no name for it.
const NOBODY: u32 = 65_534;

impl Identity {
    /// The user that owns nothing.
    pub(crate) fn nobody() -> Self {
        identity("nobody").unwrap_or_else(|| Self {
            uid: NOBODY,
            gid: NOBODY,
            groups: vec![NOBODY],
            name: "nobody".to_owned(),
            home: "/".to_owned(),
        })
    }

    /// The calling thread is this user from here on. Groups first, user last: afterwards there is no
    /// right left to change the others. The plain system calls, because libc's wrappers signal other
    /// threads. The error is an errno.
    pub(super) fn take(&self) -> Result<(), i32> {
        // SAFETY: `groups` is valid for its length; the other calls take numbers only. The location
        // of this thread's errno is always valid.
        unsafe {
            let groups =
                libc::syscall(libc::SYS_setgroups, self.groups.len(), self.groups.as_ptr());
            let steps = [
                groups,
                libc::syscall(libc::SYS_setresgid, self.gid, self.gid, self.gid),
                libc::syscall(libc::SYS_setresuid, self.uid, self.uid, self.uid),
            ];
            if steps == [0; 3] { Ok(()) } else { Err(*libc::__errno_location()) }
        }
    }
}

/// What `look` sees with that user's rights, on a thread that has nothing else. The error says why
/// this process can not give it those.
pub(crate) fn as_user<T: Send>(
    identity: &Identity,
    look: impl FnOnce() -> T + Send,
) -> io::Result<T> {
    let seen = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().spawn_scoped(scope, || {
            identity.take().map_err(io::Error::from_raw_os_error)?;
            Ok(look())
        })?;
        thread.join().map_err(|_| io::Error::other("the thread that looks has died"))?
    });
    // The kernel forbids dumps to a process of which a thread has changed its user.
    // SAFETY: a system call on numbers only.
    unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 1, 0, 0, 0) };
    seen
}

/// The identity of a user by name or number; `None` when there is no such user.
pub(crate) fn identity(name: &str) -> Option<Identity> {
    let found = by_name(name).or_else(|| by_uid(name.parse().ok()?))?;
    let groups = groups(&CString::new(found.name.as_str()).ok()?, found.gid);
    let Entry { uid, gid, name, home } = found;
    Some(Identity { uid, gid, groups, name, home })
}

/// `alice`, or the number when it has no name.
pub(crate) fn name(uid: u32) -> String {
    by_uid(uid).map_or_else(|| uid.to_string(), |entry| entry.name)
}

/// The number of a group by name or number; `None` when there is no such group.
pub(crate) fn group(name: &str) -> Option<u32> {
    let text = CString::new(name).ok()?;
    let mut entry = MaybeUninit::<libc::group>::uninit();
    let mut room = vec![0u8; ENTRY_BYTES];
    let mut found = std::ptr::null_mut();
    // SAFETY: every pointer is valid for the call; the strings land in `room`.
    let status = unsafe {
        libc::getgrnam_r(
            text.as_ptr(),
            entry.as_mut_ptr(),
            room.as_mut_ptr().cast(),
            room.len(),
            &raw mut found,
        )
    };
    if status != 0 || found.is_null() {
        return name.parse().ok();
    }
    // SAFETY: the call succeeded and set `found` to the entry it filled.
    Some(unsafe { (*found).gr_gid })
}

/// The effective user of this process.
pub(crate) fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// What the machine says of a user.
struct Entry {
    uid: u32,
    gid: u32,
    name: String,
    home: String,
}

fn by_name(name: &str) -> Option<Entry> {
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
}

fn by_uid(uid: u32) -> Option<Entry> {
    entry(|entry, room, found| {
        // SAFETY: every pointer is valid for the call; the strings land in `room`.
        unsafe {
            libc::getpwuid_r(uid, entry.as_mut_ptr(), room.as_mut_ptr().cast(), room.len(), found)
        }
    })
}

fn entry(
    look_up: impl FnOnce(&mut MaybeUninit<libc::passwd>, &mut [u8], &mut *mut libc::passwd) -> i32,
) -> Option<Entry> {
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
        let text = |text: *const libc::c_char| CStr::from_ptr(text).to_string_lossy().into_owned();
        let (name, home) = (text((*found).pw_name), text((*found).pw_dir));
        Some(Entry { uid: (*found).pw_uid, gid: (*found).pw_gid, name, home })
    }
}

fn groups(name: &CStr, gid: u32) -> Vec<u32> {
    let mut groups = vec![0; GROUPS_USUAL];
    loop {
        let mut count = groups.len() as libc::c_int;
        // SAFETY: `groups` has room for `count` entries and the call writes at most that many.
        let status =
            unsafe { libc::getgrouplist(name.as_ptr(), gid, groups.as_mut_ptr(), &raw mut count) };
        let count = usize::try_from(count).unwrap_or(0);
        if status >= 0 {
            groups.truncate(count);
            return groups;
        }
        // It says how many there are, where it does not fail for another reason.
        if count <= groups.len() || count > GROUPS_MAX {
            return vec![gid];
        }
        groups.resize(count, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_known_and_nonsense_is_not() {
        let root = identity("root").unwrap();
        assert_eq!((root.uid, root.name.as_str(), root.home.as_str()), (0, "root", "/root"));
        assert_eq!(identity("0"), Some(root));
        assert_eq!(identity("no such user here"), None);
        assert_eq!([group("root"), group("77"), group("no such group")], [Some(0), Some(77), None]);
        assert_eq!(name(0), "root");
        assert_eq!(name(4_000_000_001), "4000000001");
    }

    #[test]
    fn another_user_sees_what_it_may_and_we_stay_who_we_are() {
        let nobody = Identity::nobody();
        let folder = tempfile::tempdir().unwrap();
        let closed = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(folder.path(), closed).unwrap();
        let look = || (own_uid(), std::fs::read_dir(folder.path()).is_ok());
        match as_user(&nobody, look) {
            Ok(seen) => assert_eq!(seen, (nobody.uid, false), "the folder is ours alone"),
            Err(_) => assert_ne!(own_uid(), 0, "only root can be others"),
        }
        assert!(look().1);
    }
}

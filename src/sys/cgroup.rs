//! Control groups, version 2: a folder of the kernel's that holds processes and all they start.
//!
//! Only what is needed to keep a tree of processes together, to end it and to bound it. Knows
//! nothing of what the processes are for, and nothing of version 1.

use std::io::Write as _;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};
use std::{fs, io};

use rustix::fs::{Access, Mode, OFlags};

/// Folders below folders that are looked into; programs may make groups of their own.
const DEPTH_MAX: usize = 16;

/// One group, by its folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cgroup {
    folder: PathBuf,
}

/// A group that a child can be started in.
#[derive(Debug)]
pub(crate) struct Entrance(OwnedFd);

impl AsFd for Entrance {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Cgroup {
    /// The group of this process, in the hierarchy of version 2.
    pub(crate) fn own() -> io::Result<Self> {
        let missing = |what| io::Error::new(io::ErrorKind::NotFound, what);
        let mounts = fs::read_to_string("/proc/self/mountinfo")?;
        let mut mounts = mounts.lines().filter_map(mounted).peekable();
        if mounts.peek().is_none() {
            return Err(missing("control groups of version 2 are not mounted"));
        }
        let groups = fs::read_to_string("/proc/self/cgroup")?;
        let path = groups
            .lines()
            .find_map(|line| line.strip_prefix("0::"))
            .ok_or_else(|| missing("this process is in no control group of version 2"))?;
        // There may be several mounts, each of another part of the hierarchy.
        let folder = mounts
            .find_map(|(root, mount)| folder_of(path, root, mount))
            .ok_or_else(|| missing("this process's control group is not mounted here"))?;
        Ok(Self { folder })
    }

    /// Whether processes of this group may be moved to groups below it.
    pub(crate) fn check_delegated(&self) -> io::Result<()> {
        for name in ["", "cgroup.procs"] {
            rustix::fs::access(self.folder.join(name), Access::WRITE_OK)?;
        }
        Ok(())
    }

    pub(crate) fn name(&self) -> &str {
        self.folder.file_name().and_then(|name| name.to_str()).unwrap_or_default()
    }

    pub(crate) fn parent(&self) -> Option<Self> {
        Some(Self { folder: self.folder.parent()?.to_owned() })
    }

    pub(crate) fn child(&self, name: &str) -> Self {
        Self { folder: self.folder.join(name) }
    }

    /// How many there are in it, without a look at each: the kernel counts them as links.
    pub(crate) fn children_count(&self) -> Option<u64> {
        const OWN_LINKS: u64 = 2;
        fs::metadata(&self.folder).ok()?.nlink().checked_sub(OWN_LINKS)
    }

    pub(crate) fn children(&self) -> Vec<Self> {
        let Ok(entries) = fs::read_dir(&self.folder) else { return Vec::new() };
        entries
            .flatten()
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
            .map(|entry| Self { folder: entry.path() })
            .collect()
    }

    /// One that is there already is taken.
    pub(crate) fn make(&self) -> io::Result<()> {
        match fs::create_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            done => done,
        }
    }

    /// Close on exec.
    pub(crate) fn entrance(&self) -> io::Result<Entrance> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Entrance(rustix::fs::open(&self.folder, flags, Mode::empty())?))
    }

    /// Moves a process here; what it has started already stays where it is.
    pub(crate) fn take(&self, pid: u32) -> io::Result<()> {
        self.write("cgroup.procs", &pid.to_string())
    }

    /// Lets the groups below be bounded in what the controller controls. Refused while processes are
    /// in this one itself.
    pub(crate) fn control(&self, controller: &str) -> io::Result<()> {
        self.write("cgroup.subtree_control", &format!("+{controller}"))
    }

    pub(crate) fn controllers(&self) -> Vec<String> {
        let text = self.read("cgroup.controllers").unwrap_or_default();
        text.split_whitespace().map(str::to_owned).collect()
    }

    /// Whether somebody alive is here or below; ended ones that nobody has reaped do not count. A group
    /// that is gone has nobody; the error is why that can not be seen.
    pub(crate) fn is_populated(&self) -> io::Result<bool> {
        match fs::read_to_string(self.folder.join("cgroup.events")) {
            Ok(text) => Ok(text.lines().any(|line| line == "populated 1")),
            Err(error) if is_gone(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Everybody here and below.
    pub(crate) fn processes(&self) -> io::Result<Vec<u32>> {
        let mut found = Vec::new();
        let mut result = Ok(());
        self.each(DEPTH_MAX, &mut |group| match fs::read_to_string(
            group.folder.join("cgroup.procs"),
        ) {
            Ok(text) => found.extend(text.lines().filter_map(|line| line.parse::<u32>().ok())),
            Err(error) if is_gone(&error) || is_threaded(&error) => {}
            Err(error) => result = Err(error),
        });
        result.map(|()| found)
    }

    /// SIGKILL to everybody here and below, atomically. An error before Linux 5.14.
    pub(crate) fn kill(&self) -> io::Result<()> {
        self.write("cgroup.kill", "1")
    }

    /// Removes an empty group with what is below it.
    pub(crate) fn remove(&self) -> io::Result<()> {
        let mut result = Ok(());
        self.each(DEPTH_MAX, &mut |group| {
            result = match fs::remove_dir(&group.folder) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                done => done,
            };
        });
        result
    }

    pub(crate) fn read(&self, file: &str) -> Option<String> {
        fs::read_to_string(self.folder.join(file)).ok()
    }

    /// The number behind a name in a file of such lines.
    pub(crate) fn number(&self, file: &str, name: &str) -> Option<u64> {
        let text = self.read(file)?;
        let mut pairs = text.lines().filter_map(|line| line.split_once(' '));
        pairs.find(|(known, _)| *known == name)?.1.parse().ok()
    }

    /// In one piece and without making the file: what the kernel does not have is an error.
    pub(crate) fn write(&self, file: &str, text: &str) -> io::Result<()> {
        fs::OpenOptions::new().write(true).open(self.folder.join(file))?.write_all(text.as_bytes())
    }

    /// The groups below first.
    fn each(&self, depth: usize, visit: &mut dyn FnMut(&Self)) {
        if depth > 0 {
            for child in self.children() {
                child.each(depth - 1, visit);
            }
        }
        visit(self);
    }
}

/// A group that is removed while its file is open has no device any more.
fn is_gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
        || error.raw_os_error() == Some(rustix::io::Errno::NODEV.raw_os_error())
}

/// A group of threads, whose processes are told by the group above.
fn is_threaded(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::OPNOTSUPP.raw_os_error())
}

/// Where a group is, in a mount that begins at `root`.
fn folder_of(group: &str, root: &str, mount: &str) -> Option<PathBuf> {
    let below = Path::new(group).strip_prefix(root).ok()?;
    // A namespace's own root is above what it shows: that way nothing is found.
    let is_below = below.components().all(|part| matches!(part, Component::Normal(_)));
    is_below.then(|| Path::new(mount).join(below))
}

/// The root and the place of a mount of version 2, from a line of `mountinfo`.
fn mounted(line: &str) -> Option<(&str, &str)> {
    let (left, right) = line.split_once(" - ")?;
    let mut fields = left.split(' ').skip(3);
    right.starts_with("cgroup2 ").then_some((fields.next()?, fields.next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_can_not_be_seen_is_not_taken_for_gone() {
        let folder = tempfile::tempdir().unwrap();
        let group = Cgroup { folder: folder.path().join("group") };
        assert!(!group.is_populated().unwrap(), "nobody is in a group that is not there");
        // Any other failure to read says nothing: a folder in place of the file.
        fs::create_dir_all(group.folder.join("cgroup.events")).unwrap();
        assert!(group.is_populated().is_err());
    }

    #[test]
    fn a_group_is_looked_for_where_its_part_of_the_hierarchy_is_mounted() {
        for (group, root, expected) in [
            ("/a/b", "/", Some("/mnt/a/b")),
            ("/a/b", "/a", Some("/mnt/b")),
            ("/a", "/a", Some("/mnt")),
            ("/ab/c", "/a", None),
            ("/../other", "/", None),
        ] {
            let folder = folder_of(group, root, "/mnt");
            assert_eq!(folder.as_deref(), expected.map(Path::new), "{group} in {root}");
        }
    }

    #[test]
    fn a_mount_is_found_by_its_kind_whatever_options_stand_before() {
        for (line, expected) in [
            ("41 31 0:38 / /sys/fs/cgroup/unified rw shared:9 - cgroup2 cgroup2 rw", Some("/")),
            ("41 31 0:38 /a/b /sys/fs/cgroup rw - cgroup2 none rw", Some("/a/b")),
            ("36 31 0:33 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory", None),
        ] {
            assert_eq!(mounted(line).map(|(root, _)| root), expected, "{line}");
        }
    }
}

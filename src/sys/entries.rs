//! What a folder holds, for those who may open it: names, and the state of what they lead to.

use std::ffi::CStr;
use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, Dir, FileType, Stat};
use rustix::io::Errno;

use super::file::{Links, Stamp};

/// What an open folder holds, up to `entries_max` entries: each name with the state of what it leads
/// to, or of the link itself when that leads nowhere. Names that begin with a dot are left out, and
/// links that are not followed: what nobody may open, nobody is told the size of.
pub(crate) fn entries(
    folder: OwnedFd,
    links: Links,
    entries_max: usize,
) -> io::Result<Vec<(Vec<u8>, Stamp)>> {
    let place = folder.try_clone()?;
    let mut found = Vec::new();
    for entry in Dir::new(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_bytes().starts_with(b".") {
            continue;
        }
        if found.len() == entries_max {
            break;
        }
        match state(&place, name, links) {
            Ok(Some(stat)) => found.push((name.to_bytes().to_vec(), Stamp::of(&stat))),
            // Removed meanwhile.
            Ok(None) | Err(Errno::NOENT) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(found)
}

/// Of what a name in an open folder leads to; `None` behind a link that is not followed.
fn state(place: &OwnedFd, name: &CStr, links: Links) -> Result<Option<Stat>, Errno> {
    let itself = || rustix::fs::statat(place, name, AtFlags::SYMLINK_NOFOLLOW);
    let target = || rustix::fs::statat(place, name, AtFlags::empty());
    if links == Links::All {
        return target().or_else(|_| itself()).map(Some);
    }
    let stat = itself()?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::Symlink {
        return Ok(Some(stat));
    }
    Ok(match links {
        Links::Owners => target().ok().filter(|target| target.st_uid == stat.st_uid),
        Links::All | Links::None => None,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rustix::fs::{CWD, Mode, OFlags};

    use super::super::file::Kind;
    use super::super::file::tests::tree;
    use super::*;

    #[test]
    fn a_folder_tells_what_it_holds() {
        let folder = tree();
        let root = folder.path().join("root");
        fs::write(root.join(".hidden"), "").unwrap();
        let list = |links, entries_max| {
            let opened = rustix::fs::open(&root, OFlags::RDONLY, Mode::empty()).unwrap();
            let mut entries = entries(opened, links, entries_max).unwrap();
            entries.sort_by(|one, other| one.0.cmp(&other.0));
            let kinds = entries
                .iter()
                .map(|(name, stamp)| (String::from_utf8_lossy(name).into_owned(), stamp.kind));
            kinds.collect::<Vec<_>>()
        };
        let expected = [
            ("dangling", Kind::Other),
            ("folder", Kind::Folder),
            ("inside", Kind::File),
            ("outside", Kind::File),
            ("pipe", Kind::Other),
            ("sub", Kind::Folder),
        ];
        let expected = expected.map(|(name, kind)| (name.to_owned(), kind));
        assert_eq!(list(Links::All, 100), expected);
        assert_eq!(list(Links::All, 2).len(), 2);
        assert_eq!(list(Links::Owners, 100), expected[1..]);
        assert_eq!(list(Links::None, 100), expected[4..]);

        let owner = Some(rustix::fs::Uid::from_raw(12_345));
        let foreign = root.join("inside");
        // Only root can give a link away.
        if rustix::fs::chownat(CWD, &foreign, owner, None, AtFlags::SYMLINK_NOFOLLOW).is_ok() {
            let names: Vec<_> = list(Links::Owners, 100).into_iter().map(|it| it.0).collect();
            assert_eq!(names, ["folder", "outside", "pipe", "sub"]);
        }
    }
}

//! What steps have found out about files. What is in the kernel's memory is answered at once; for the
//! rest the request stops where it is, a helper thread looks, and its steps are done once more with
//! what is known then.

use std::cell::RefCell;
use std::ffi::CString;

use super::exchange::Exchange;
use crate::config::limits::tables::LOOKS_MAX;
use crate::config::model::step::Wanted;
use crate::sys::file::{self, Kind, Patience, Seen};

/// Of one request.
#[derive(Clone, Default)]
pub(crate) struct Looks {
    /// By path; nothing is there for `None`.
    known: Vec<(Vec<u8>, Option<Seen>)>,
    /// The path that is to be looked for.
    asked: RefCell<Vec<u8>>,
}

/// More is asked for than a request may.
pub(crate) struct TooMany;

impl Looks {
    pub(crate) fn clear(&mut self) {
        self.known.clear();
        self.asked.get_mut().clear();
    }

    /// Whether a path leads to that; `None`: that has to be found out first.
    pub(crate) fn judge(&self, path: &[u8], wanted: Wanted) -> Option<bool> {
        let known = self.known.iter().find(|(known, _)| known == path);
        let seen = if let Some((_, seen)) = known {
            *seen
        } else if let Ok(seen) = look(path, Patience::Memory) {
            seen
        } else {
            path.clone_into(&mut self.asked.borrow_mut());
            return None;
        };
        Some(seen.is_some_and(|seen| is(seen, wanted)))
    }
}

impl Exchange {
    /// Finds out what steps have asked for, however long that takes.
    pub(crate) async fn look(&mut self) -> Result<(), TooMany> {
        let looks = &mut self.kept.way.looks;
        if looks.known.len() == LOOKS_MAX {
            return Err(TooMany);
        }
        let path = std::mem::take(looks.asked.get_mut());
        let asked = path.clone();
        let job = tokio::task::spawn_blocking(move || look(&asked, Patience::Disk));
        // A thread that has died has seen nothing.
        let seen = job.await.map_or(None, |seen| seen.unwrap_or(None));
        looks.known.push((path, seen));
        Ok(())
    }
}

/// It is not in memory.
struct Unseen;

/// What can not be looked at is not there, as nginx has it.
fn look(path: &[u8], patience: Patience) -> Result<Option<Seen>, Unseen> {
    // A zero byte within is in no file's name.
    let Ok(path) = CString::new(path) else { return Ok(None) };
    match file::look(&path, patience) {
        Ok(seen) => Ok(Some(seen)),
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Err(Unseen),
        Err(_) => Ok(None),
    }
}

fn is(seen: Seen, wanted: Wanted) -> bool {
    match (wanted, seen.kind) {
        (Wanted::File | Wanted::Anything, Kind::File)
        | (Wanted::Folder | Wanted::Anything, Kind::Folder) => true,
        (Wanted::Executable, _) => seen.is_executable,
        (Wanted::File | Wanted::Folder | Wanted::Anything, _) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_not_looked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let path = path.to_str().unwrap().as_bytes();
        let mut looks = Looks::default();
        let seen = Seen { kind: Kind::Folder, is_executable: true };
        looks.known.push((path.to_vec(), Some(seen)));
        let wants = [Wanted::File, Wanted::Folder, Wanted::Anything, Wanted::Executable];
        let answers = wants.map(|wanted| looks.judge(path, wanted));
        assert_eq!(answers, [Some(false), Some(true), Some(true), Some(true)]);
        looks.clear();
        // A kernel that can not be asked what is in memory waits for it.
        assert_ne!(looks.judge(path, Wanted::Anything), Some(true));
        assert_eq!(looks.judge(b"/a\0b", Wanted::Anything), Some(false));
    }

    #[test]
    fn every_kind_is_told_from_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let name = |path: &std::path::Path| path.to_str().unwrap().as_bytes().to_vec();
        for (path, wanted, expected) in [
            (name(&file), Wanted::File, true),
            (name(&file), Wanted::Folder, false),
            (name(&file), Wanted::Anything, true),
            (name(&file), Wanted::Executable, false),
            (name(folder.path()), Wanted::Folder, true),
            (name(folder.path()), Wanted::File, false),
            (name(folder.path()), Wanted::Executable, true),
            (b"/dev/null".to_vec(), Wanted::Anything, false),
            (b"/none/such".to_vec(), Wanted::Anything, false),
            (name(&file.join("below")), Wanted::Anything, false),
        ] {
            let seen = look(&path, Patience::Disk).ok().flatten();
            let is_so = seen.is_some_and(|seen| is(seen, wanted));
            assert_eq!(is_so, expected, "{} {wanted:?}", String::from_utf8_lossy(&path));
        }
    }
}

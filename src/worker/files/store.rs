//! Small files that were served lately, whole in memory.
//!
//! Nothing of it is taken on trust: a file is sent from here only after a look at its state, so a
//! change is seen by the very next request. A file whose last change is recent is not kept, since
//! the next change might leave the same traces.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::config::limits;
use crate::sys::file::Stamp;

struct Kept {
    stamp: Stamp,
    bytes: Arc<[u8]>,
    /// Since it was last looked at as a candidate for leaving.
    is_used: bool,
}

/// By path. Bounded in files and in bytes; what is not asked for again leaves first.
#[derive(Default)]
pub(crate) struct Store {
    kept: HashMap<Box<[u8]>, Kept>,
    /// In the order in which they may have to leave.
    order: VecDeque<Box<[u8]>>,
    bytes: usize,
}

impl Store {
    /// What was kept of the file at that path, if `stamp` is still its state.
    pub(crate) fn get(
        &mut self,
        path: &[u8],
        stamp: impl FnOnce() -> Option<Stamp>,
    ) -> Option<(Stamp, Arc<[u8]>)> {
        let kept = self.kept.get_mut(path)?;
        if stamp() != Some(kept.stamp) {
            self.forget(path);
            return None;
        }
        kept.is_used = true;
        Some((kept.stamp, Arc::clone(&kept.bytes)))
    }

    /// Keeps a file that was just read, unless it changed within the last moments before `now_us`
    /// (of the wall clock).
    pub(crate) fn keep(&mut self, path: &[u8], stamp: Stamp, bytes: &Arc<[u8]>, now_us: u64) {
        let settled_us = stamp.changed_us().saturating_add(limits::FILE_SETTLED_MS * 1000);
        if settled_us > now_us || bytes.len() as u64 != stamp.bytes {
            return;
        }
        self.forget(path);
        self.bytes += bytes.len();
        self.order.push_back(path.into());
        let kept = Kept { stamp, bytes: Arc::clone(bytes), is_used: false };
        self.kept.insert(path.into(), kept);
        while self.bytes > limits::FILES_KEPT_BYTES_MAX || self.kept.len() > limits::FILES_KEPT_MAX
        {
            self.make_room();
        }
    }

    /// One leaves that was not asked for since the last time it was its turn.
    fn make_room(&mut self) {
        while let Some(path) = self.order.pop_front() {
            match self.kept.get_mut(&path) {
                Some(kept) if kept.is_used => {
                    kept.is_used = false;
                    self.order.push_back(path);
                }
                Some(kept) => {
                    self.bytes -= kept.bytes.len();
                    self.kept.remove(&path);
                    return;
                }
                None => {}
            }
        }
    }

    fn forget(&mut self, path: &[u8]) {
        if let Some(kept) = self.kept.remove(path) {
            self.bytes -= kept.bytes.len();
            self.order.retain(|known| **known != *path);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::CString;
    use std::os::unix::ffi::OsStrExt as _;

    use super::*;
    use crate::sys;

    fn stamp(text: &str) -> Stamp {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, text).unwrap();
        sys::file::stamp(&CString::new(path.as_os_str().as_bytes()).unwrap()).unwrap()
    }

    const LATER_US: u64 = u64::MAX / 2;

    #[test]
    fn what_has_changed_is_not_kept() {
        let (one, other) = (stamp("one"), stamp("other"));
        let bytes: Arc<[u8]> = b"one"[..].into();
        let mut store = Store::default();
        store.keep(b"/a", one, &bytes, one.changed_us());
        assert!(store.get(b"/a", || Some(one)).is_none(), "it may change once more unseen");
        store.keep(b"/a", other, &bytes, LATER_US);
        assert!(store.get(b"/a", || Some(other)).is_none(), "not all of it was read");
        store.keep(b"/a", one, &bytes, LATER_US);
        assert_eq!(store.get(b"/a", || Some(one)), Some((one, Arc::clone(&bytes))));
        assert!(store.get(b"/a", || Some(other)).is_none());
        assert!(store.get(b"/a", || Some(one)).is_none(), "it was forgotten");
        assert_eq!((store.bytes, store.order.len()), (0, 0));
    }

    #[test]
    fn what_is_asked_for_stays_longest() {
        let state = stamp(&"x".repeat(64 * 1024));
        let bytes: Arc<[u8]> = vec![b'x'; 64 * 1024].into();
        let mut store = Store::default();
        let count = limits::FILES_KEPT_BYTES_MAX / bytes.len();
        for index in 0..2 * count {
            store.keep(format!("/{index}").as_bytes(), state, &bytes, LATER_US);
            assert!(store.get(b"/0", || Some(state)).is_some(), "after {index}");
        }
        assert_eq!(store.kept.len(), count);
        assert_eq!(store.order.len(), count);
        assert!(store.get(b"/1", || Some(state)).is_none());
    }
}

//! What one process holds for another, its like after like: descriptors under keys, in a table of fixed
//! size.

use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use super::keeper::{HANDED, KEY_DESCRIPTORS_MAX, KEYS_MAX, Key};
use crate::sys;

/// The descriptors of one key, in the order they came.
#[derive(Debug, Default)]
pub(crate) struct Held([Option<OwnedFd>; KEY_DESCRIPTORS_MAX]);

impl Held {
    /// One more than fit is closed at once; the messages' own bound is larger than this one.
    pub(crate) fn push(&mut self, descriptor: OwnedFd) {
        if let Some(free) = self.0.iter_mut().find(|place| place.is_none()) {
            *free = Some(descriptor);
        }
    }

    /// The first, for a message that comes with one.
    pub(crate) fn into_first(self) -> Option<OwnedFd> {
        self.0.into_iter().flatten().next()
    }

    /// Hands `use_them` the descriptors as a slice, without allocating one.
    pub(crate) fn borrow<T>(&self, use_them: impl FnOnce(&[BorrowedFd<'_>]) -> T) -> T {
        let mut borrowed = [sys::inherited::standard()[0]; KEY_DESCRIPTORS_MAX];
        let mut count = 0;
        for (place, descriptor) in borrowed.iter_mut().zip(self.0.iter().flatten()) {
            *place = descriptor.as_fd();
            count += 1;
        }
        use_them(&borrowed[..count])
    }
}

#[derive(Debug)]
pub(crate) struct Store {
    entries: Vec<(Key, Held)>,
}

impl Store {
    pub(crate) fn new() -> Self {
        Self { entries: Vec::with_capacity(KEYS_MAX) }
    }

    /// The sockets that a service manager has made for us, for masters to choose from.
    pub(crate) fn handed() -> Self {
        let mut store = Self::new();
        for (index, (name, descriptor)) in sys::inherited::handed().into_iter().enumerate() {
            let mut held = Held::default();
            held.push(descriptor);
            // A name that is too long is of no use to masters.
            let key = Key::new(&format!("{HANDED}{index} {name}"));
            if let Some(key) = key.or_else(|| Key::new(&format!("{HANDED}{index} "))) {
                store.put(key, held);
            }
        }
        store
    }

    /// Replaces what was held under the key. False: the table is full, and the descriptors are
    /// closed.
    pub(crate) fn put(&mut self, key: Key, held: Held) -> bool {
        if let Some(entry) = self.entries.iter_mut().find(|(known, _)| *known == key) {
            entry.1 = held;
            return true;
        }
        let has_room = self.entries.len() < KEYS_MAX;
        if has_room {
            self.entries.push((key, held));
        }
        has_room
    }

    pub(crate) fn remove(&mut self, key: &Key) {
        if let Some(index) = self.entries.iter().position(|(known, _)| known == key) {
            self.entries.swap_remove(index);
        }
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &(Key, Held)> {
        self.entries.iter()
    }

    pub(crate) fn get(&self, index: usize) -> Option<&(Key, Held)> {
        self.entries.get(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(count: usize) -> Held {
        let mut held = Held::default();
        (0..count).for_each(|_| held.push(std::fs::File::open("/dev/null").unwrap().into()));
        held
    }

    #[test]
    fn a_key_holds_what_was_stored_last() {
        let mut store = Store::new();
        let key = Key::new("a").unwrap();
        assert!(store.put(key, held(1)) && store.put(key, held(3)));
        assert_eq!(store.get(0).unwrap().1.borrow(|fds| fds.len()), 3);
        assert!(store.get(1).is_none());
        store.remove(&key);
        store.remove(&key);
        assert!(store.get(0).is_none());
    }

    #[test]
    fn the_table_is_bounded_and_never_moves() {
        let mut store = Store::new();
        let room = store.entries.capacity();
        for number in 0..KEYS_MAX {
            assert!(store.put(Key::new(&format!("key/{number}")).unwrap(), held(0)));
        }
        assert!(!store.put(Key::new("one more").unwrap(), held(0)));
        assert!(store.put(Key::new("key/7").unwrap(), held(1)));
        assert_eq!(store.entries.capacity(), room);
        assert_eq!(held(9).borrow(|fds| fds.len()), KEY_DESCRIPTORS_MAX);
    }
}

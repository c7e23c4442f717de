//! Files that were opened for the worker and that nobody uses yet.
//!
//! They come by their place among the files that the configuration needs, which both sides know:
//! names may be longer than a message.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::os::fd::OwnedFd;

use crate::config::reach;

#[derive(Debug, Default)]
pub(crate) struct Handed {
    needed: Vec<reach::Handed>,
    files: BTreeMap<usize, File>,
}

impl Handed {
    /// `opened` has a bit for each of `files`, counted from `first` on.
    pub(crate) fn add(&mut self, first: u16, opened: u64, files: Vec<OwnedFd>) {
        let places = (0..u64::BITS as usize).filter(|bit| opened & (1 << bit) != 0);
        let places = places.map(|bit| usize::from(first) + bit);
        self.files.extend(places.zip(files.into_iter().map(File::from)));
    }

    /// What the places mean from here on.
    pub(crate) fn need(&mut self, needed: BTreeSet<reach::Handed>) {
        self.needed = needed.into_iter().collect();
    }

    /// All there are, each with what it is.
    pub(crate) fn take(&mut self) -> BTreeMap<reach::Handed, File> {
        let needed = &self.needed;
        let files = std::mem::take(&mut self.files).into_iter();
        files.filter_map(|(place, file)| Some((needed.get(place)?.clone(), file))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsRawFd as _;

    #[test]
    fn files_are_told_apart_by_the_places_they_came_for() {
        let file = || OwnedFd::from(tempfile::tempfile().unwrap());
        let (second, last, stray) = (file(), file(), file());
        let numbers = [second.as_raw_fd(), last.as_raw_fd()];
        let needed = (0..66).map(|at| reach::Handed::Log(format!("/log/{at:02}").into()));
        let mut handed = Handed::default();
        handed.need(needed.collect());
        handed.add(0, 0b10, vec![second]);
        handed.add(64, 0b110, vec![last, stray]);
        let taken = handed.take();
        let taken = taken.iter().map(|(which, file)| (which.clone(), file.as_raw_fd()));
        let log = |name: &str| reach::Handed::Log(name.into());
        assert_eq!(
            taken.collect::<Vec<_>>(),
            [(log("/log/01"), numbers[0]), (log("/log/65"), numbers[1])]
        );
        assert!(handed.take().is_empty());
    }
}

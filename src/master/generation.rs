//! The configuration that runs: its number, its value, and its bytes as workers are given them.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;

use super::keeper_link::{Held, KeeperLink};
use crate::config;
use crate::config::limits::GENERATION_BYTES_MAX;
use crate::config::model::Config;
use crate::sys::memfd;

const KEY: &str = "generation ";

#[derive(Debug)]
pub(super) struct Generation {
    pub(super) number: u32,
    pub(super) config: Rc<Config>,
    /// What the file said when it was read last without being taken.
    pub(super) file: Option<Rc<Config>>,
    bytes: OwnedFd,
}

impl Generation {
    /// Also handed to the keeper: a new master goes on with what runs, whatever the file says then.
    pub(super) fn new(number: u32, config: Config, keeper: &KeeperLink) -> io::Result<Self> {
        let bytes = memfd::sealed("pilothouse-configuration", &config::encode(&config))?;
        keeper.hold(&format!("{KEY}{number}"), &[bytes.as_fd()]);
        Ok(Self { number, config: Rc::new(config), file: None, bytes })
    }

    /// The newest that an earlier master stored.
    pub(super) fn recover(held: &mut Held) -> Option<Self> {
        let newest = held
            .take_all(KEY)
            .into_iter()
            .filter_map(|(number, mut bytes)| Some((number.parse::<u32>().ok()?, bytes.pop()?)))
            .max_by_key(|(number, _)| *number);
        let (number, bytes) = newest?;
        let config = config::decode(&memfd::read_all(&bytes, GENERATION_BYTES_MAX).ok()?)?;
        Some(Self { number, config: Rc::new(config), file: None, bytes })
    }

    /// This one's successor is in place.
    pub(super) fn forget(self, keeper: &KeeperLink) {
        keeper.release(&format!("{KEY}{}", self.number));
    }
}

impl AsFd for Generation {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.bytes.as_fd()
    }
}

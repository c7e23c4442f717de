//! Another image in this process: the keeper becomes it, and goes back when it is of no use.
//!
//! The pid stays, so every child stays a child; what is held goes along as an `Estate`. Whether an
//! image is fit to be tried is the master's to find out. Once its masters die young again and again,
//! the image before it comes back, for good.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd, RawFd};

use super::{Keeper, KeeperError, WHO, failed};
use crate::order::estate::{ESTATE_BYTES_MAX, Estate};
use crate::order::store::{Held, Store};
use crate::sys::backoff::HEALTHY_US;
use crate::sys::{image, inherited, lock, log, memfd};

/// Masters of a new image that may die young.
const DEATHS_MAX: u32 = 3;

/// The image to go back to, until a master of this one has lived.
#[derive(Debug)]
pub(super) struct Fallback {
    image: Option<OwnedFd>,
    deaths: u32,
}

impl Fallback {
    pub(super) fn new(image: Option<OwnedFd>) -> Self {
        Self { image, deaths: 0 }
    }

    /// When a master that was started then has lived long enough.
    pub(super) fn proven_us(&self, since_us: u64) -> Option<u64> {
        self.image.as_ref().map(|_| since_us.saturating_add(HEALTHY_US))
    }

    /// The image has proven itself: what was before it is let go.
    pub(super) fn forget(&mut self) {
        self.image = None;
    }

    /// A master that had lived for so long has died: the image to go back to, when it is time.
    pub(super) fn died(&mut self, lived_us: u64) -> Option<OwnedFd> {
        if lived_us >= HEALTHY_US {
            self.forget();
        }
        self.deaths += 1;
        if self.deaths < DEATHS_MAX { None } else { self.image.take() }
    }
}

impl Keeper {
    /// What an image before this one, or a master without a keeper, has left to this process.
    pub(super) fn inherit(estate: RawFd, words: super::Words) -> Result<Self, KeeperError> {
        let tried = "take what was left to this keeper";
        let text = inherited::take(estate)
            .and_then(|estate| memfd::read_all(&estate, ESTATE_BYTES_MAX))
            .map_err(failed(tried))?;
        let estate = Estate::decode(&String::from_utf8_lossy(&text))
            .map_err(|error| KeeperError::Io { tried, cause: io::Error::other(error) })?;
        let lock = lock::Lock::inherited(inherited::take(estate.lock).map_err(failed(tried))?);
        let mut store = Store::new();
        for (key, numbers) in estate.held {
            let mut held = Held::default();
            for number in numbers {
                match inherited::take(number) {
                    Ok(descriptor) => held.push(descriptor),
                    Err(error) => log::alert!(WHO, "{key:?} was not left open: {error}"),
                }
            }
            store.put(key, held);
        }
        let previous = estate.previous.map(inherited::take).transpose().map_err(failed(tried))?;
        let mut keeper = Self::build(lock, words, store, estate.starts)?;
        keeper.fallback = Fallback::new(previous);
        estate.happened.into_iter().for_each(|happening| keeper.feed.push(happening));
        log::notice!(WHO, "goes on in pid {}", std::process::id());
        Ok(keeper)
    }

    /// The master makes way for this image. Comes back when it can not be run.
    pub(super) fn succeed(&mut self, image: &OwnedFd) {
        match image::own() {
            Ok(own) => self.become_image(image, Some(&own)),
            Err(error) => log::error!(WHO, "keep this image to go back to: {error}"),
        }
    }

    /// A master of this image had lived for so long: goes back when it was one too many. Not while the
    /// engine is to stop, of which the image before knows nothing. Comes back when it can not be run.
    pub(super) fn go_back_for(&mut self, lived_us: u64) {
        if self.stop.wishes() == 0
            && let Some(image) = self.fallback.died(lived_us)
        {
            log::error!(WHO, "masters of this image die: going back to the one before it");
            self.become_image(&image, None);
        }
    }

    fn become_image(&self, image: &OwnedFd, previous: Option<&OwnedFd>) {
        let numbers = |held: &Held| {
            held.borrow(|held| held.iter().map(std::os::fd::AsRawFd::as_raw_fd).collect())
        };
        let estate = Estate {
            lock: self.lock.as_fd().as_raw_fd(),
            starts: self.feed.starts(),
            previous: previous.map(OwnedFd::as_raw_fd),
            happened: self.feed.happenings().collect(),
            held: self.store.all().map(|(key, held)| (*key, numbers(held))).collect(),
        };
        let words: &[OsString] = &self.words.keeper;
        log::error!(WHO, "become another image: {}", estate.leave_to(image.as_fd(), words));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> OwnedFd {
        std::fs::File::open("/dev/null").unwrap().into()
    }

    #[test]
    fn young_deaths_bring_the_image_before_back_and_a_long_life_lets_it_go() {
        let mut fallback = Fallback::new(Some(file()));
        assert_eq!(fallback.proven_us(5), Some(5 + HEALTHY_US));
        let back = [10, 20, 30, 40].map(|lived_us| fallback.died(lived_us).is_some());
        assert_eq!(back, [false, false, true, false]);
        let mut fallback = Fallback::new(Some(file()));
        let back = [1, HEALTHY_US, 1, 1].map(|lived_us| fallback.died(lived_us).is_some());
        assert_eq!(back, [false; 4]);
        assert_eq!(fallback.proven_us(5), None);
        assert!((0..9).all(|_| Fallback::new(None).died(1).is_none()));
    }
}

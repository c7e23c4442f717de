//! A bell that several processes share: whoever rings it is heard by all that listen.
//!
//! An eventfd that nobody reads. Every write wakes every edge-triggered listener, so that none can
//! take the news from another; the count it keeps would need centuries to be full.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{EventfdFlags, eventfd};

use super::watched::Watched;

/// A new one, to be handed to all who ring or listen.
pub(crate) fn create() -> io::Result<OwnedFd> {
    Ok(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?)
}

#[derive(Debug)]
pub(crate) struct Bell(Watched);

impl Bell {
    /// Needs a running reactor.
    pub(crate) fn new(descriptor: OwnedFd) -> io::Result<Self> {
        Ok(Self(Watched::new(descriptor)?))
    }

    /// A bell that cannot be rung is one that rings already.
    pub(crate) fn ring(&self) {
        let _it_rings = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
    }

    /// Calls `heard` whenever it was rung, for ever; an error is the reactor's end.
    pub(crate) async fn listen(&self, mut heard: impl FnMut()) -> io::Error {
        let heard = |_: BorrowedFd<'_>| -> io::Result<io::Error> {
            heard();
            // Nothing is taken: to the reactor, that is having read all there was.
            Err(io::ErrorKind::WouldBlock.into())
        };
        match self.0.read(heard).await {
            Ok(error) | Err(error) => error,
        }
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;
    use std::time::Duration;

    use super::*;

    /// Waits until the count has risen to `least`.
    async fn heard(count: &Cell<u32>, least: u32) {
        let risen = async {
            while count.get() < least {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), risen).await.expect("the bell is heard");
    }

    #[test]
    fn every_listener_hears_every_ringing() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        tokio::task::LocalSet::new().block_on(&runtime, async {
            let descriptor = create().unwrap();
            let counts: [Rc<Cell<u32>>; 3] = Default::default();
            let bells = counts.each_ref().map(|count| {
                let bell = Rc::new(Bell::new(descriptor.try_clone().unwrap()).unwrap());
                let (count, listening) = (Rc::clone(count), Rc::clone(&bell));
                tokio::task::spawn_local(async move {
                    listening.listen(|| count.set(count.get() + 1)).await;
                });
                bell
            });
            for bell in bells.iter().cycle().take(9) {
                let before = counts.each_ref().map(|count| count.get());
                bell.ring();
                for (count, before) in counts.iter().zip(before) {
                    heard(count, before + 1).await;
                }
            }
            // Nobody takes the news from another, and nobody hears what was not rung.
            let before = counts.each_ref().map(|count| count.get());
            tokio::task::yield_now().await;
            assert_eq!(counts.each_ref().map(|count| count.get()), before);
        });
    }
}

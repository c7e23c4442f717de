//! Work that takes long, done on other threads: a few pieces at a time, and the rest in a bounded line.

use std::cell::Cell;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// One kind of work of a worker.
pub(crate) struct Aside {
    at_once: Arc<Semaphore>,
    waiting: Cell<usize>,
    waiting_max: usize,
}

/// The right to one thread. It goes with the work, which counts until it is done, be its asker gone.
pub(super) type Turn = OwnedSemaphorePermit;

impl Aside {
    pub(crate) fn new(at_once_max: usize, waiting_max: usize) -> Self {
        Self { at_once: Arc::new(Semaphore::new(at_once_max)), waiting: Cell::new(0), waiting_max }
    }

    /// `None` when too many wait already.
    pub(super) async fn turn(&self) -> Option<Turn> {
        let _place = Place::take(&self.waiting, self.waiting_max)?;
        Arc::clone(&self.at_once).acquire_owned().await.ok()
    }
}

/// One of those that wait.
struct Place<'a>(&'a Cell<usize>);

impl<'a> Place<'a> {
    fn take(waiting: &'a Cell<usize>, most: usize) -> Option<Self> {
        if waiting.get() == most {
            return None;
        }
        waiting.set(waiting.get() + 1);
        Some(Self(waiting))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future as _;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::Aside;

    #[test]
    fn as_many_as_may_wait_do_and_a_place_is_free_again() {
        let aside = Aside::new(1, 1);
        let mut cx = Context::from_waker(Waker::noop());
        let mut first = pin!(aside.turn());
        let Poll::Ready(Some(turn)) = first.as_mut().poll(&mut cx) else { panic!("a free thread") };
        {
            let mut second = pin!(aside.turn());
            assert!(second.as_mut().poll(&mut cx).is_pending());
            assert!(matches!(pin!(aside.turn()).poll(&mut cx), Poll::Ready(None)));
        }
        let mut third = pin!(aside.turn());
        assert!(third.as_mut().poll(&mut cx).is_pending());
        drop(turn);
        assert!(matches!(third.as_mut().poll(&mut cx), Poll::Ready(Some(_))));
    }
}

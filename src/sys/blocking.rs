//! Calls that the kernel may not answer for long, or ever, such as those on a file system that hangs:
//! made in threads beside the caller's, and waited for only a moment. Whoever has to go on does so, and
//! gets the answer when it comes.
//!
//! Knows nothing of what is called. A call that never comes back holds its thread until the process ends.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use tokio::sync::Notify;

/// Far more than a call takes that is answered at all, on a machine that is busy.
const PATIENCE: Duration = Duration::from_millis(200);
/// While others are not answered: then it is likely that this one is not, either.
const PATIENCE_LATER: Duration = Duration::from_millis(2);
/// Calls that may hang at a time.
const LATE_MAX: usize = 64;

type Job = Box<dyn FnOnce() + Send>;

/// Where calls are made. Clones are the same pool.
#[derive(Clone, Default)]
pub(crate) struct Pool(Rc<Inner>);

#[derive(Default)]
struct Inner {
    /// The one that made the last call, as long as calls are answered at once.
    idle: Cell<Option<Thread>>,
    /// Calls that are under way.
    running: Arc<AtomicUsize>,
}

/// Ends once this is dropped and its last call is answered.
struct Thread(mpsc::Sender<Job>);

pub(crate) enum Begun<T> {
    Done(T),
    Late(Late<T>),
}

/// A call that has not been answered yet. Dropped, the answer is nobody's.
pub(crate) struct Late<T> {
    answer: mpsc::Receiver<T>,
    came: Arc<Notify>,
    _thread: Thread,
}

impl Pool {
    /// The error: no thread can be had, or too many calls hang.
    pub(crate) fn call<T: Send + 'static>(
        &self,
        call: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<Begun<T>> {
        let Inner { idle, running } = &*self.0;
        let late = running.load(Ordering::Relaxed);
        if late >= LATE_MAX {
            return Err(io::Error::other(format!("{late} earlier calls hang")));
        }
        let patience = if late == 0 { PATIENCE } else { PATIENCE_LATER };
        let thread = idle.take().map_or_else(Thread::start, Ok)?;
        let (answering, answer) = mpsc::channel();
        let came = Arc::new(Notify::new());
        let (running, has_come) = (Arc::clone(running), Arc::clone(&came));
        running.fetch_add(1, Ordering::Relaxed);
        let job = Box::new(move || {
            let answered = call();
            running.fetch_sub(1, Ordering::Relaxed);
            // Nobody may want to know any more.
            let _nobody_asks = answering.send(answered);
            has_come.notify_one();
        });
        thread.0.send(job).map_err(|_| io::Error::other("a thread has ended"))?;
        match answer.recv_timeout(patience) {
            Ok(answered) => {
                idle.set(Some(thread));
                Ok(Begun::Done(answered))
            }
            Err(_) => Ok(Begun::Late(Late { answer, came, _thread: thread })),
        }
    }
}

impl Thread {
    fn start() -> io::Result<Self> {
        let (jobs, next) = mpsc::channel::<Job>();
        std::thread::Builder::new().name("blocking".to_owned()).spawn(move || {
            while let Ok(job) = next.recv() {
                job();
            }
        })?;
        Ok(Self(jobs))
    }
}

impl<T> Late<T> {
    /// If it has come.
    pub(crate) fn answer(&self) -> Option<T> {
        self.answer.try_recv().ok()
    }

    /// When it has come.
    pub(crate) async fn answered(&self) -> T {
        loop {
            match self.answer() {
                Some(answer) => return answer,
                None => self.came.notified().await,
            }
        }
    }

    /// For whoever does not wait here: is told once that the answer has come.
    pub(crate) fn coming(&self) -> Arc<Notify> {
        Arc::clone(&self.came)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::clock;

    /// A call that is answered once the other end says so.
    fn hanging() -> (mpsc::Sender<u32>, impl FnOnce() -> u32 + Send) {
        let (answer, hanging) = mpsc::channel();
        (answer, move || hanging.recv().unwrap_or(0))
    }

    fn late(begun: io::Result<Begun<u32>>) -> Late<u32> {
        match begun {
            Ok(Begun::Late(late)) => late,
            Ok(Begun::Done(answer)) => panic!("answered {answer}"),
            Err(error) => panic!("{error}"),
        }
    }

    #[tokio::test]
    async fn who_calls_goes_on_and_hears_of_the_answer_later() {
        let pool = Pool::default();
        assert!(matches!(pool.call(|| 1), Ok(Begun::Done(1))));
        let (answer, call) = hanging();
        let hangs = late(pool.call(call));
        assert!(matches!(pool.call(|| 2), Ok(Begun::Done(2))), "others are not held up");
        assert_eq!(hangs.answer(), None);
        answer.send(3).unwrap();
        assert_eq!(hangs.answered().await, 3);
    }

    #[test]
    fn those_that_hang_are_bounded() {
        let pool = Pool::default();
        let calls: Vec<_> = (0..LATE_MAX)
            .map(|_| {
                let (answer, call) = hanging();
                (answer, late(pool.call(call)))
            })
            .collect();
        assert!(pool.call(|| 1).is_err());
        drop(calls);
        let deadline_us = clock::monotonic_us() + 10_000_000;
        while pool.call(|| 1).is_err() {
            assert!(clock::monotonic_us() < deadline_us, "each thread ends by itself");
            std::thread::yield_now();
        }
    }
}

//! Calls that the kernel may not answer for long, or ever, such as those on a file system that hangs:
//! made in threads beside the caller's, and waited for only a moment. Whoever has to go on does so, and
//! gets the answer when it comes.
//!
//! Knows nothing of what is called. A call that never comes back holds its thread until the process ends.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::io;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use tokio::sync::Notify;

/// Far more than a call takes that is answered at all, on a machine that is busy.
pub(crate) const PATIENCE: Duration = Duration::from_millis(200);
/// While others are not answered: then it is likely that this one is not, either.
const PATIENCE_LATER: Duration = Duration::from_millis(2);
/// How long a call is waited for that may well be slow, one after another: about what those take that
/// are answered from memory.
pub(crate) const SHORT_PATIENCE: Duration = Duration::from_micros(300);
/// Calls that may hang at a time.
const LATE_MAX: usize = 64;
/// And of these, to one place: the next would hang as well, and others may have the threads.
const LATE_AT_PLACE_MAX: usize = 4;

type Job = Box<dyn FnOnce() + Send>;

/// Where calls are made. Clones are the same pool.
#[derive(Clone, Default)]
pub(crate) struct Pool(Rc<Inner>);

#[derive(Default)]
struct Inner {
    /// The one that made the last call, as long as calls are answered at once.
    idle: Cell<Option<Thread>>,
    /// Calls that are under way, by their places.
    running: Arc<Mutex<BTreeMap<Place, usize>>>,
}

/// What is called, as far as its calls hang together: a file system, a folder. Its number means
/// something to the caller only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    #[default]
    Anywhere,
    At(u64),
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

impl Place {
    /// One by its name.
    pub(crate) fn named(name: impl Hash) -> Self {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        Self::At(hasher.finish())
    }
}

impl Pool {
    /// The error: no thread can be had, or too many calls hang.
    pub(crate) fn call<T: Send + 'static>(
        &self,
        call: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<Begun<T>> {
        self.call_at(Place::Anywhere, PATIENCE, call)
    }

    /// The same with a patience of the caller's own, as one of only a few calls at that place.
    pub(crate) fn call_at<T: Send + 'static>(
        &self,
        place: Place,
        patience: Duration,
        call: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<Begun<T>> {
        let late = self.has_room(place)?;
        let patience = if late == 0 { patience } else { patience.min(PATIENCE_LATER) };
        let Inner { idle, running } = &*self.0;
        let thread = idle.take().map_or_else(Thread::start, Ok)?;
        let (answering, answer) = mpsc::channel();
        let came = Arc::new(Notify::new());
        let (running, has_come) = (Arc::clone(running), Arc::clone(&came));
        count(&running, place, 1);
        let job = Box::new(move || {
            let answered = call();
            count(&running, place, -1);
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

    /// How many calls hang; the error: too many for another one there.
    pub(crate) fn has_room(&self, place: Place) -> io::Result<usize> {
        let running = self.0.running.lock().unwrap_or_else(PoisonError::into_inner);
        let late = running.values().sum();
        let late_there = running.get(&place).copied().unwrap_or(0);
        if late >= LATE_MAX {
            return Err(io::Error::other(format!("{late} earlier calls hang")));
        }
        if place != Place::Anywhere && late_there >= LATE_AT_PLACE_MAX {
            return Err(io::Error::other(format!("{late_there} earlier calls there hang")));
        }
        Ok(late)
    }
}

fn count(running: &Mutex<BTreeMap<Place, usize>>, place: Place, by: isize) {
    let mut running = running.lock().unwrap_or_else(PoisonError::into_inner);
    let calls = running.entry(place).or_default();
    *calls = calls.saturating_add_signed(by);
    if *calls == 0 {
        running.remove(&place);
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

    /// Whether at once or, on a machine that is busy, a little later.
    fn answered(begun: io::Result<Begun<u32>>) -> u32 {
        match begun {
            Ok(Begun::Done(answer)) => answer,
            Ok(Begun::Late(late)) => late.answer.recv_timeout(Duration::from_secs(20)).unwrap(),
            Err(error) => panic!("{error}"),
        }
    }

    #[tokio::test]
    async fn who_calls_goes_on_and_hears_of_the_answer_later() {
        let pool = Pool::default();
        assert_eq!(answered(pool.call(|| 1)), 1);
        let (answer, call) = hanging();
        let hangs = late(pool.call(call));
        assert_eq!(answered(pool.call(|| 2)), 2, "others are not held up");
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

    #[test]
    fn one_place_that_hangs_leaves_threads_for_others() {
        let pool = Pool::default();
        let at = |number, call| pool.call_at(Place::At(number), SHORT_PATIENCE, call);
        let calls: Vec<_> = (0..LATE_AT_PLACE_MAX)
            .map(|_| {
                let (answer, call) = hanging();
                (answer, late(at(1, Box::new(call) as Box<dyn FnOnce() -> u32 + Send>)))
            })
            .collect();
        assert!(pool.has_room(Place::At(1)).is_err());
        assert!(pool.has_room(Place::At(2)).is_ok() && pool.has_room(Place::Anywhere).is_ok());
        assert_eq!(answered(pool.call(|| 2)), 2);
        for (answer, late) in calls {
            answer.send(3).unwrap();
            drop(late);
        }
    }
}

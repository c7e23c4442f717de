//! Packing rotated files, one at a time for the whole engine, on a thread that gives way to
//! everybody. Which file is next and what its end means is [`super::file::pack`]'s matter.

use std::cell::RefCell;
use std::rc::{Rc, Weak};
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};

use super::SharedFile;
use super::file::RotatingFile;
use super::file::pack::{Job, Next};
use crate::config::limits::PROGRAM_COMPRESSIONS_MAX;
use crate::sys;

/// And one more where a file system may hold it up.
static ROOM: Semaphore = Semaphore::const_new(PROGRAM_COMPRESSIONS_MAX);
static DISTANT_ROOM: Semaphore = Semaphore::const_new(PROGRAM_COMPRESSIONS_MAX);
/// Until a file that somebody else is busy with is asked again.
const RETRY: Duration = Duration::from_millis(20);

/// Begins with the next file of this log that is to be packed, if there is one; the others follow.
pub(super) fn begin(file: &SharedFile) {
    if !file.borrow_mut().begin_packing() {
        return;
    }
    let is_distant = file.borrow().is_distant();
    let room = if is_distant { &DISTANT_ROOM } else { &ROOM };
    let weak = Rc::downgrade(file);
    tokio::task::spawn_local(async move {
        let Ok(_turn) = room.acquire().await else { return };
        while let Some(file) = weak.upgrade() {
            let next = file.borrow_mut().next_job(sys::clock::monotonic_us());
            drop(file);
            match next {
                Next::Nothing => return,
                Next::Later => tokio::time::sleep(RETRY).await,
                Next::Job(job) => run(&weak, job, is_distant).await,
            }
        }
    });
}

async fn run(weak: &Weak<RefCell<RotatingFile>>, job: Job, is_distant: bool) {
    let (done, end) = oneshot::channel();
    let thread = std::thread::Builder::new().name("compress".to_owned());
    let started = thread.spawn(move || {
        sys::give_way::thread();
        let result = if is_distant {
            sys::apart::run(|| job.run()).and_then(|result| result)
        } else {
            job.run()
        };
        // Nobody waits when the loop is over; the next master finds what is left.
        let _over = done.send((job, result));
    });
    let ended = match started {
        Ok(_thread) => end.await.map_err(|_gone| "the thread panicked".to_owned()),
        Err(error) => Err(format!("start a thread: {error}")),
    };
    let Some(file) = weak.upgrade() else { return };
    let (mut file, now_us) = (file.borrow_mut(), sys::clock::monotonic_us());
    match ended {
        Ok((job, result)) => file.packed(job, result, now_us),
        Err(why) => file.fails_to_pack(&format!("rotated files: {why}"), now_us),
    }
}

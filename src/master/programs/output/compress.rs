//! Packing rotated files, one at a time for the whole engine, on a thread that gives way to
//! everybody. Which file is next and what its end means is [`super::file::pack`]'s matter.

use std::rc::Rc;

use tokio::sync::{Semaphore, oneshot};

use super::SharedFile;
use crate::config::limits::PROGRAM_COMPRESSIONS_MAX;
use crate::sys;

static ROOM: Semaphore = Semaphore::const_new(PROGRAM_COMPRESSIONS_MAX);

/// Begins with the next file of this log that is to be packed, if there is one; the others follow.
pub(super) fn begin(file: &SharedFile) {
    if !file.borrow_mut().begin_packing() {
        return;
    }
    let weak = Rc::downgrade(file);
    tokio::task::spawn_local(async move {
        let Ok(_turn) = ROOM.acquire().await else { return };
        while let Some(job) = weak.upgrade().and_then(|file| file.borrow_mut().next_job()) {
            let (done, end) = oneshot::channel();
            let thread = std::thread::Builder::new().name("compress".to_owned());
            let started = thread.spawn(move || {
                sys::give_way::thread();
                let result = job.run();
                // Nobody waits when the loop is over; the next master finds what is left.
                let _over = done.send((job, result));
            });
            let (Ok(_thread), Ok((job, result)), Some(file)) = (started, end.await, weak.upgrade())
            else {
                return;
            };
            file.borrow_mut().packed(&job, result, sys::clock::monotonic_us());
        }
    });
}

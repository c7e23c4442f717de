//! One worker process: its line, its pidfd, and the tasks that turn both into events.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::time::Duration;

use super::{Record, WHO};
use crate::master::event::{Event, Post};
use crate::order;
use crate::order::worker::{FromWorker, ToWorker};
use crate::sys::orphans::Claim;
use crate::sys::seqpacket::{self, Wait};
use crate::sys::spawn::{Recipe, SpawnError, Step};
use crate::sys::watched::Watched;
use crate::sys::{clock, inherited, log, pidfd, proc};

pub(super) struct Process {
    slot: u16,
    pid: u32,
    start_time: u64,
    since_us: u64,
    user: String,
    pidfd: Rc<Watched>,
    link: Rc<Watched>,
    /// Of one that is our child.
    _claim: Option<Claim>,
}

impl Process {
    pub(super) fn start(
        recipe: &Recipe,
        slot: u16,
        life: u32,
        post: &Post,
    ) -> Result<Self, SpawnError> {
        let failed = |cause| SpawnError { step: Step::Prepare, program: "worker".into(), cause };
        let (link, workers_end) = seqpacket::pair().map_err(failed)?;
        let [_, stdout, stderr] = inherited::standard();
        let null = std::fs::File::open("/dev/null").map_err(failed)?;
        let child = recipe.start(&[null.as_fd(), stdout, stderr, workers_end.as_fd()])?;
        let process = Self {
            slot,
            pid: child.pid,
            start_time: proc::start_time(child.pid).unwrap_or(0),
            since_us: clock::monotonic_us(),
            user: user(child.pid),
            pidfd: Rc::new(Watched::new(child.pidfd).map_err(failed)?),
            link: Rc::new(Watched::new(link).map_err(failed)?),
            _claim: Some(child.claim),
        };
        process.watch(life, post);
        Ok(process)
    }

    /// Takes a worker of an earlier master back, if it is still the same process.
    pub(super) fn adopt(record: &Record, link: OwnedFd, post: &Post) -> io::Result<Self> {
        // The line may be that of a successor which was never written down.
        let pidfd = find(record).inspect_err(|_| send_home(&link))?;
        let process = Self {
            slot: record.slot,
            pid: record.pid,
            start_time: record.start_time,
            since_us: record.since_us,
            user: user(record.pid),
            pidfd: Rc::new(Watched::new(pidfd)?),
            link: Rc::new(Watched::new(link)?),
            _claim: None,
        };
        process.watch(record.life, post);
        Ok(process)
    }

    fn watch(&self, life: u32, post: &Post) {
        let (slot, ended, post_end) = (self.slot, Rc::clone(&self.pidfd), post.clone());
        tokio::task::spawn_local(async move {
            // Readable for good once the process has ended; an error here would be the reactor's.
            if let Err(error) = ended.readable().await {
                log::alert!(WHO, "watch worker {slot}: {error}");
            }
            // An adopted one is the keeper's to reap, and its status says nothing we act on.
            let exit = pidfd::try_wait(&*ended).ok().flatten();
            let _the_loop_is_over = post_end.send(Event::WorkerEnded { slot, life, exit }).await;
        });
        let (link, post) = (Rc::clone(&self.link), post.clone());
        tokio::task::spawn_local(async move {
            while let Some(said) = hear(&link).await {
                if post.send(Event::WorkerSaid { slot, life, said }).await.is_err() {
                    return;
                }
            }
        });
    }

    /// Orders are few and a worker reads them between requests; one whose line is full hangs, and
    /// its end brings a successor that is told everything.
    pub(super) fn tell(&self, order: &ToWorker, descriptor: Option<BorrowedFd<'_>>) {
        self.tell_with(order, descriptor.as_slice());
    }

    pub(super) fn tell_with(&self, order: &ToWorker, descriptors: &[BorrowedFd<'_>]) {
        let sent = seqpacket::send(&*self.link, order.encode().as_ref(), descriptors, Wait::Never);
        match sent {
            Ok(()) => {}
            // It has just died; its end is about to be told.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            Err(error) => {
                log::error!(WHO, "tell worker {} {order:?}: {error}; replacing it", self.slot);
                self.signal(crate::sys::signal::KILL);
            }
        }
    }

    pub(super) fn signal(&self, number: i32) {
        if let Err(error) = pidfd::signal(&*self.pidfd, number)
            && error.raw_os_error() != Some(pidfd::GONE)
        {
            log::error!(WHO, "signal worker {}: {error}", self.slot);
        }
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    pub(super) fn start_time(&self) -> u64 {
        self.start_time
    }

    pub(super) fn since_us(&self) -> u64 {
        self.since_us
    }

    pub(super) fn user(&self) -> &str {
        &self.user
    }

    pub(super) fn link(&self) -> BorrowedFd<'_> {
        self.link.as_fd()
    }
}

/// The name of whose rights it has; empty: it is gone.
fn user(pid: u32) -> String {
    proc::effective_user(pid).map(crate::sys::user::name).unwrap_or_default()
}

/// The process that the record is about, if it still lives.
fn find(record: &Record) -> io::Result<OwnedFd> {
    let pidfd = pidfd::open(record.pid)?;
    if proc::start_time(record.pid) != Some(record.start_time) {
        return Err(io::Error::other(format!("pid {} is another process", record.pid)));
    }
    Ok(pidfd)
}

/// Whoever has the other end of the line stops at once. Without that it would serve for ever: the
/// end of its line is no order.
pub(super) fn send_home(link: &OwnedFd) {
    let order = ToWorker::Drain { deadline_us: clock::monotonic_us() };
    match seqpacket::send(link, order.encode().as_ref(), &[], Wait::Never) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            log::error!(WHO, "send a worker home: {error}");
        }
        // Nobody is there any more.
        Ok(()) | Err(_) => {}
    }
}

/// Posts `WorkerDue` after the pause.
pub(super) fn post_later(post: &Post, slot: u16, life: u32, pause_ms: u64) {
    let post = post.clone();
    tokio::task::spawn_local(async move {
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        let _the_loop_is_over = post.send(Event::WorkerDue { slot, life }).await;
    });
}

/// `None`: the line has ended, or says what no worker says.
async fn hear(link: &Watched) -> Option<FromWorker> {
    let mut bytes = [0; order::MESSAGE_BYTES_MAX];
    let received = link.read(|link| seqpacket::receive(link, &mut bytes, drop, Wait::Never));
    match received.await {
        Ok(0) => None,
        Ok(count) => match FromWorker::decode(&bytes[..count]) {
            Ok(said) => Some(said),
            Err(error) => {
                log::alert!(WHO, "hear a worker: {error}");
                None
            }
        },
        Err(error) => {
            log::error!(WHO, "hear a worker: {error}");
            None
        }
    }
}

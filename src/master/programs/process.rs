//! A running main process: how to signal it, how its end is noticed, what it prints.
//!
//! It may be a child of ours, or one that a master before us started and the keeper has inherited;
//! then only the keeper can tell its exit status.

use std::cell::RefCell;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::time::Duration;

use tokio::task::JoinHandle;

use super::event::{Event, InstanceId, Report};
use super::events::channel::Reader;
use super::output::pipe::Pipe;
use super::output::{Output, Source};
use crate::config::limits::{PROGRAM_STATUS_AGAIN_MS, PROGRAM_STATUS_WAIT_MS};
use crate::config::model::stop::Reach;
use crate::master::event;
use crate::sys;
use crate::sys::orphans::Claim;
use crate::sys::watched::Watched;

pub(super) struct Process {
    pub(super) pid: u32,
    /// With the pid the identity of the process, whoever starts looking.
    pub(super) start_time: u64,
    origin: Origin,
    /// The keeper holds the descriptor that means it.
    is_held: bool,
    /// While its end is ours to see.
    claim: Option<Claim>,
    /// Nothing when it had ended before it could be adopted.
    watch: Option<Watch>,
    pipes: Vec<Pipe>,
    /// What a listener answers.
    answers: Option<Reader>,
    /// Where its standard input is written to, when it has one that is open.
    pub(super) stdin: Option<OwnedFd>,
    /// Asks whether it is ready; ends with the process.
    prober: Option<JoinHandle<()>>,
    /// Asks whether it is alive.
    live_prober: Option<JoinHandle<()>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// Our own child.
    Started,
    /// An earlier master's.
    Adopted,
}

/// In place of a pid: nobody's.
const BETWEEN: u32 = 0;

/// Which process of which instance reports.
#[derive(Clone)]
pub(super) struct Reporter {
    pub(super) id: InstanceId,
    pub(super) life: u32,
    pub(super) post: event::Post,
}

/// What an end has left to collect.
pub(super) enum Collected {
    Exit(sys::pidfd::Exit),
    /// Its parent is somebody else: the keeper, which will tell, or whoever inherited it.
    ByParent,
    NotYet,
}

impl Process {
    pub(super) fn new(child: sys::spawn::Child, reporter: Reporter) -> io::Result<Self> {
        let start_time = sys::proc::start_time(child.pid).unwrap_or(0);
        let watch = Watch::begin(child.pid, child.pidfd, reporter)?;
        Ok(Self {
            pid: child.pid,
            start_time,
            origin: Origin::Started,
            is_held: true,
            claim: Some(child.claim),
            watch: Some(watch),
            pipes: Vec::new(),
            answers: None,
            stdin: None,
            prober: None,
            live_prober: None,
        })
    }

    /// Takes over the process that an earlier master started, by the descriptor that this one had of
    /// it if it is still held. One that is gone by now counts as running until the kernel, the keeper or
    /// the waiting time says otherwise.
    pub(super) fn adopt(
        (pid, start_time): (u32, u64),
        held: Option<OwnedFd>,
        reporter: Reporter,
    ) -> io::Result<Self> {
        let claim = Some(sys::orphans::claim(pid));
        let opened = || {
            sys::pidfd::open(pid).ok().filter(|_| sys::proc::start_time(pid) == Some(start_time))
        };
        let is_held = held.is_some();
        let watch = if let Some(pidfd) = held.or_else(opened) {
            Some(Watch::begin(pid, pidfd, reporter)?)
        } else {
            wait_for_status(pid, reporter);
            None
        };
        Ok(Self {
            pid,
            start_time,
            origin: Origin::Adopted,
            is_held,
            claim,
            watch,
            pipes: Vec::new(),
            answers: None,
            stdin: None,
            prober: None,
            live_prober: None,
        })
    }

    /// Starts reading what it prints. A pipe that can not be read is the log's loss, not the
    /// program's.
    pub(super) fn listen(&mut self, ends: [OwnedFd; 2], output: &Rc<RefCell<Output>>) {
        for (end, source) in ends.into_iter().zip([Source::Stdout, Source::Stderr]) {
            self.read(end, source, output);
        }
    }

    /// The same of an event listener, whose stdout is no log but answers.
    pub(super) fn hear(
        &mut self,
        [stdout, stderr]: [OwnedFd; 2],
        output: &Rc<RefCell<Output>>,
        reporter: Reporter,
    ) {
        match Reader::follow(stdout, reporter) {
            Ok(reader) => self.answers = Some(reader),
            Err(error) => {
                sys::log::error!("programs", "read answers of pid {}: {error}", self.pid);
            }
        }
        self.read(stderr, Source::Stderr, output);
    }

    fn read(&mut self, end: OwnedFd, source: Source, output: &Rc<RefCell<Output>>) {
        match Pipe::follow(end, source, Rc::clone(output)) {
            Ok(pipe) => self.pipes.push(pipe),
            Err(error) => {
                sys::log::error!("programs", "read output of pid {}: {error}", self.pid);
            }
        }
    }

    /// Means the process, and no other, wherever it is held.
    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.watch.as_ref().map(|watch| watch.pidfd.as_fd())
    }

    pub(super) fn is_held(&self) -> bool {
        self.is_held
    }

    /// `None`: it is not known yet which one it is.
    pub(super) fn main_pid(&self) -> Option<u32> {
        Some(self.pid).filter(|_| !self.is_between())
    }

    /// Whether the process that was started has left others, and the main one of them is not found.
    pub(super) fn is_between(&self) -> bool {
        self.pid == BETWEEN
    }

    pub(super) fn has_forked_away(&mut self) {
        self.claim = None;
        self.is_held = false;
        self.watch = None;
        (self.pid, self.start_time) = (BETWEEN, 0);
    }

    /// Goes on as another process of the same tree: what is printed is read on.
    pub(super) fn follow(
        &mut self,
        pid: u32,
        start_time: u64,
        reporter: Reporter,
    ) -> io::Result<()> {
        let pidfd = sys::pidfd::open(pid)?;
        if sys::proc::start_time(pid) != Some(start_time) {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.has_forked_away();
        self.claim = Some(sys::orphans::claim(pid));
        self.watch = Some(Watch::begin(pid, pidfd, reporter)?);
        (self.pid, self.start_time) = (pid, start_time);
        self.origin = Origin::Adopted;
        Ok(())
    }

    /// In place of one that asks already.
    pub(super) fn set_prober(&mut self, prober: Option<JoinHandle<()>>) {
        if let Some(earlier) = std::mem::replace(&mut self.prober, prober) {
            earlier.abort();
        }
    }

    pub(super) fn set_live_prober(&mut self, prober: Option<JoinHandle<()>>) {
        if let Some(earlier) = std::mem::replace(&mut self.live_prober, prober) {
            earlier.abort();
        }
    }

    pub(super) fn is_asked_whether_alive(&self) -> bool {
        self.live_prober.is_some()
    }

    /// No more questions: it is being ended.
    pub(super) fn leave_in_peace(&mut self) {
        for prober in [self.prober.take(), self.live_prober.take()].into_iter().flatten() {
            prober.abort();
        }
    }

    /// To the main process alone. Already ended is not an error.
    pub(super) fn signal(&self, number: i32) -> io::Result<()> {
        let Some(watch) = &self.watch else { return Ok(()) };
        match sys::pidfd::signal(&*watch.pidfd, number) {
            // The end is on its way as an event.
            Err(error) if error.raw_os_error() == Some(sys::pidfd::GONE) => Ok(()),
            done => done,
        }
    }

    /// To the main process and everybody of its group.
    pub(super) fn signal_group(&self, number: i32) -> io::Result<()> {
        match &self.watch {
            Some(watch) => sys::pidfd::signal_group_of(&*watch.pidfd, self.pid, number),
            // Its number may name a stranger by now.
            None => Ok(()),
        }
    }

    /// SIGKILL to the main process, and to everybody of its group if that is meant.
    pub(super) fn kill(&self, reach: Reach) -> io::Result<()> {
        self.signal(sys::signal::KILL)?;
        match reach {
            Reach::Main => Ok(()),
            Reach::Group => self.signal_group(sys::signal::KILL),
        }
    }

    /// After its end was reported: reads its last words and learns its status. It is reaped once the
    /// claim to it is dropped and a successor of this master would know how it ended.
    pub(super) fn collect(&self) -> io::Result<Collected> {
        for pipe in &self.pipes {
            pipe.catch_up();
        }
        let Some(watch) = &self.watch else { return Ok(Collected::ByParent) };
        match sys::pidfd::ended(&*watch.pidfd) {
            Ok(Some(exit)) => Ok(Collected::Exit(exit)),
            Ok(None) => Ok(Collected::NotYet),
            Err(error) if sys::pidfd::is_not_child(&error) => {
                Ok(self.foreign_exit().map_or(Collected::ByParent, Collected::Exit))
            }
            Err(error) => Err(error),
        }
    }
}

impl Process {
    /// What the kernel tells of the end of a process that is somebody else's child. While it is not
    /// reaped its number is its own; afterwards only the pidfd still means it.
    pub(super) fn foreign_exit(&self) -> Option<sys::pidfd::Exit> {
        let watch = self.watch.as_ref()?;
        let is_it = sys::proc::start_time(self.pid) == Some(self.start_time);
        let unreaped = is_it.then(|| sys::pidfd::unreaped_exit(self.pid)).flatten();
        unreaped.or_else(|| sys::pidfd::exit_info(&*watch.pidfd))
    }

    /// Whether the word of the keeper about this pid is about this process, and not about an
    /// earlier one of the same number.
    pub(super) fn is_of_earlier_master(&self) -> bool {
        self.origin == Origin::Adopted
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.leave_in_peace();
    }
}

/// Reports the end of a process, until it is dropped.
struct Watch {
    pidfd: Rc<Watched>,
    task: JoinHandle<()>,
}

impl Watch {
    fn begin(pid: u32, pidfd: OwnedFd, reporter: Reporter) -> io::Result<Self> {
        let pidfd = Rc::new(Watched::new(pidfd)?);
        let watched = Rc::clone(&pidfd);
        let task = tokio::task::spawn_local(async move {
            if watched.readable().await.is_ok() {
                reporter.report(Report::Ended { pid }).await;
            }
        });
        Ok(Self { pidfd, task })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Asks again about an end that was reported and has no status: while somebody traces a process, its
/// status is the tracer's to take first.
pub(super) fn ask_again(pid: u32, reporter: Reporter) {
    tokio::task::spawn_local(async move {
        tokio::time::sleep(Duration::from_millis(PROGRAM_STATUS_AGAIN_MS)).await;
        reporter.report(Report::Ended { pid }).await;
    });
}

/// Bounds the wait for the keeper's word about a process that was not our child.
pub(super) fn wait_for_status(pid: u32, reporter: Reporter) {
    tokio::task::spawn_local(async move {
        tokio::time::sleep(Duration::from_millis(PROGRAM_STATUS_WAIT_MS)).await;
        reporter.report(Report::StatusLost { pid }).await;
    });
}

impl Reporter {
    pub(super) async fn report(&self, report: Report) {
        let event = Event { id: self.id.clone(), life: self.life, report };
        // A closed queue means that the master is ending; nobody is left to care.
        let _ending = self.post.send(event::Event::Program(event)).await;
    }

    /// At once or not at all; whether it was.
    pub(super) fn try_report(&self, report: Report) -> bool {
        let event = Event { id: self.id.clone(), life: self.life, report };
        self.post.try_send(event::Event::Program(event)).is_ok()
    }
}

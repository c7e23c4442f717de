//! The data path: one process, one thread, accepting beside its like.
//!
//! Receives its scoreboard, sockets and configuration from the master over one line and serves from
//! then on. Never blocks, starts no process, and reads membership from the scoreboard, not from the
//! configuration.

mod accept;
mod orders;
mod share;
mod shared;
mod watch;

mod attempts;
mod connection;
mod dispatch;
mod exchange;
mod generation;
mod guard;
mod offer;
mod routing;

mod answer;
mod compress;
mod encoder;
mod files;
mod forward;
mod hello;
mod hosts;
pub(crate) mod http2;
mod looks;
mod replace;
mod retarget;
mod routes;
mod server;
mod session;
mod shape;
mod steps;
mod sticky;
mod tables;
mod tcp_routes;
mod tls;
mod variables;
mod way;

mod backend;
mod carry;
mod handed;
mod introduction;
mod link;
mod log;
mod mirror;
pub(crate) mod pick;
mod pool;
mod queue;
mod trust;
mod tunnel;

mod buffer;
mod keep;
mod peer_text;
mod socket;
mod spool;
mod stream;
mod transfer;

#[cfg(test)]
mod tests;

use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::Duration;

use tokio::task::JoinHandle;

use accept::{Accepting, Queued};
use generation::Generation;
use orders::Line;
use shared::Shared;

use crate::config;
use crate::config::limits;
use crate::config::model::Address;
use crate::order::worker::{FromWorker, LINK, ToWorker};
use crate::scoreboard::crew::WorkerState;
use crate::scoreboard::{Board, WorkerSlot};
use crate::sys;
use crate::sys::bell::Bell;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("start the worker's runtime: {0}")]
    Runtime(io::Error),
    #[error("the worker's own task: {0}")]
    Task(tokio::task::JoinError),
    #[error("read the master's line: {0}")]
    Line(io::Error),
    #[error("open the scoreboard: {0}")]
    Board(io::Error),
    #[error("the master's first order was not a start with a scoreboard")]
    NoStart,
    #[error("{0} came without its descriptor")]
    NoDescriptor(&'static str),
    #[error("read generation {number}: {cause}")]
    Generation { number: u32, cause: io::Error },
    #[error("generation {0} is not a configuration")]
    Undecodable(u32),
    #[error("listen to the bell: {0}")]
    Bell(io::Error),
    #[error("listen on {address}: {cause}")]
    Listen { address: Address, cause: io::Error },
    #[error("`{0}` is no address to listen on")]
    Nowhere(String),
}

/// The process `pilothouse __worker`.
pub(crate) fn run() -> ! {
    sys::rlimit::raise_open_files();
    // Before there are threads, which are not bound otherwise.
    for done in [sys::confine::forbid_calls(), sys::confine::forbid_makings()] {
        if let Err(error) = done {
            sys::log::notice!("worker", "runs with more rights than it needs: {error}");
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .max_blocking_threads(limits::FILE_THREADS_MAX + limits::firewall::CORE_AT_ONCE_MAX)
        .build();
    let worked = runtime.map_err(Error::Runtime).and_then(|runtime| {
        let link = sys::inherited::take(LINK).map_err(Error::Line);
        // As a task of its own: what is blocked on is asked at every turn of the loop.
        let worked = link.and_then(|link| {
            let tasks = tokio::task::LocalSet::new();
            let working = tasks.spawn_local(work(link));
            tasks.block_on(&runtime, working).unwrap_or_else(|error| Err(Error::Task(error)))
        });
        // Threads that still hold a request against rules, or read a file, do so for nobody.
        runtime.shutdown_background();
        worked
    });
    let code = match worked {
        Ok(()) => 0,
        Err(error) => {
            sys::log::error!("worker", "{error}");
            1
        }
    };
    sys::end::now(code)
}

async fn work(link: OwnedFd) -> Result<(), Error> {
    let line = Line::new(link).map_err(Error::Line)?;
    let shared = Rc::new(start(&line).await?);
    let beat = tokio::task::spawn_local(beat(Rc::clone(&shared)));
    let deadline_us = serve(&line, &shared).await?;
    leave(&shared, deadline_us).await;
    beat.abort();
    shared.logs.finish().await;
    shared.publish();
    // The master hears of it by the exit, too.
    if let Err(error) = line.say(FromWorker::Drained) {
        sys::log::notice!("worker", "say drained: {error}");
    }
    Ok(())
}

async fn start(line: &Line) -> Result<Shared, Error> {
    let Some((ToWorker::Start { slot }, mut board)) = line.order().await.map_err(Error::Line)?
    else {
        return Err(Error::NoStart);
    };
    let board = board.pop().ok_or(Error::NoStart)?;
    let board = Board::open(board).map_err(Error::Board)?;
    let slot = WorkerSlot::new(usize::from(slot)).ok_or(Error::NoStart)?;
    let shared = Shared::new(board, slot);
    shared.crew.occupy(std::process::id());
    shared.crew.set_heartbeat_us(shared.now_us());
    Ok(shared)
}

/// Obeys orders until the one to drain; returns its deadline.
async fn serve(line: &Line, shared: &Rc<Shared>) -> Result<u64, Error> {
    let mut accepting: Vec<Accepting> = Vec::new();
    let mut waiting: Vec<(Address, OwnedFd)> = Vec::new();
    let mut ending: Vec<JoinHandle<()>> = Vec::new();
    loop {
        ending.retain(|task| !task.is_finished());
        let Some((order, mut descriptors)) = line.order().await.map_err(Error::Line)? else {
            sys::log::warning!("worker", "no master and no keeper are left; serving what there is");
            return std::future::pending().await;
        };
        match order {
            ToWorker::Start { .. } => return Err(Error::NoStart),
            ToWorker::Generation { number } => {
                let bytes = descriptors.pop().ok_or(Error::NoDescriptor("a generation"))?;
                shared.swap(generation(shared, number, bytes).await?);
                accepting.iter().for_each(Accepting::adapt);
                shared.crew.set_state(WorkerState::Running);
                line.say(FromWorker::Running { generation: number }).map_err(Error::Line)?;
            }
            ToWorker::Listen { address } => {
                let listener = descriptors.pop().ok_or(Error::NoDescriptor("a listener"))?;
                let address = place(&address)?;
                ending.extend(end(&mut accepting, &address));
                waiting.push((address, listener));
            }
            ToWorker::Unlisten { address } => {
                let address = place(&address)?;
                ending.extend(end(&mut accepting, &address));
                waiting.retain(|(known, _)| *known != address);
            }
            ToWorker::Drain { deadline_us } => {
                drain(shared, accepting, ending, deadline_us).await;
                return Ok(deadline_us);
            }
            ToWorker::Bell => {
                let bell = descriptors.pop().ok_or(Error::NoDescriptor("the bell"))?;
                listen_to(bell, shared).map_err(Error::Bell)?;
            }
            ToWorker::Files { first, opened } => shared.hand(first, opened, descriptors),
            ToWorker::TakeFiles => {
                take_files(shared);
                shared.logs.take();
            }
            ToWorker::Log => {
                sys::log::copy_to(descriptors.pop().ok_or(Error::NoDescriptor("the log"))?);
            }
            ToWorker::Reopen { number } => {
                take_files(shared);
                let failing = shared.logs.reopen().await;
                line.say(FromWorker::Reopened { number, failing }).map_err(Error::Line)?;
            }
        }
        // Whoever comes in must find a configuration that serves it.
        if shared.generation().is_some() {
            for (address, listener) in waiting.drain(..) {
                let accepted = accept::accept(Rc::clone(shared), listener, address.clone());
                accepting.push(accepted.map_err(|cause| Error::Listen { address, cause })?);
            }
        }
    }
}

/// Takes nobody in any more; returns when all who came in time have been let in.
async fn drain(
    shared: &Rc<Shared>,
    accepting: Vec<Accepting>,
    mut ending: Vec<JoinHandle<()>>,
    deadline_us: u64,
) {
    shared.crew.set_state(WorkerState::Stopping);
    shared.drain();
    let others = shared.others().workers;
    let queued = match others {
        0 => Queued::Taken { until_us: deadline_us },
        1.. => Queued::Left,
    };
    if others == 0 {
        tokio::time::sleep(Duration::from_millis(limits::DRAIN_ACCEPT_MS)).await;
    }
    ending.push(tokio::task::spawn_local(accept::end(accepting, queued)));
    for task in ending {
        // It is over, whichever way.
        let _end = task.await;
    }
    // Those who came meanwhile.
    shared.drain();
}

/// Hears of room that other workers have made, from here on.
fn listen_to(bell: OwnedFd, shared: &Rc<Shared>) -> io::Result<()> {
    let bell = Rc::new(Bell::new(bell)?);
    shared.queues.hang(Rc::clone(&bell));
    let queues = Rc::clone(&shared.queues);
    tokio::task::spawn_local(async move { bell.listen(|| queues.wake_fronts()).await });
    Ok(())
}

fn place(address: &str) -> Result<Address, Error> {
    Address::parse(address).ok_or_else(|| Error::Nowhere(address.to_owned()))
}

/// Ends accepting there, in a task of its own: the next order may not wait for a silent client.
fn end(accepting: &mut Vec<Accepting>, address: &Address) -> Option<JoinHandle<()>> {
    let index = accepting.iter().position(|known| *known.address == *address)?;
    // Each worker takes what it finds, since each may be the last to close its copy.
    let ended = vec![accepting.swap_remove(index)];
    Some(tokio::task::spawn_local(accept::end(ended, Queued::Taken { until_us: u64::MAX })))
}

async fn generation(shared: &Shared, number: u32, bytes: OwnedFd) -> Result<Generation, Error> {
    let bytes = sys::memfd::read_all(bytes, limits::GENERATION_BYTES_MAX)
        .map_err(|cause| Error::Generation { number, cause })?;
    let config = config::decode(&bytes).ok_or(Error::Undecodable(number))?;
    sys::log::set_least(config.engine.log_level.least());
    if shared.generation().is_none() && config.engine.confine_files {
        confine(&config);
    }
    guard::firewall::core_rules::load(&config, shared).await;
    shared.handed.borrow_mut().need(config::reach::handed(&config.servers));
    take_files(shared);
    let generation = Generation::compile(number, &config, shared);
    shared.logs.take();
    Ok(generation)
}

/// Gives what was handed over to those who use it.
fn take_files(shared: &Shared) {
    for (which, file) in shared.handed.borrow_mut().take() {
        match which {
            config::reach::Handed::Log(path) => shared.logs.hand(path, file),
            config::reach::Handed::Users(path) => shared.users.hand(path, file),
        }
    }
}

/// For good, so a later generation that serves other files is served by other workers.
fn confine(config: &config::model::Config) {
    let config::reach::Reach { read, mut write } = config::reach::of(config);
    if config.engine.temp_folder.is_none() {
        write.push(std::env::temp_dir());
    }
    let reach = sys::confine::Reach { read, write };
    match sys::confine::keep_to(&reach) {
        Ok(absent) => absent.iter().for_each(|path| {
            sys::log::error!(
                "worker",
                "{} is not there: nothing below it is opened",
                path.display()
            );
        }),
        Err(error) => sys::log::error!("worker", "files are not confined: {error}"),
    }
}

/// Waits until the last connection has left, or the deadline.
async fn leave(shared: &Shared, deadline_us: u64) {
    let left_us = deadline_us.saturating_sub(shared.refresh());
    let in_time = Duration::from_micros(left_us);
    if tokio::time::timeout(in_time, shared.seats.emptied()).await.is_err() {
        shared.cut();
        // What is left even then is cut by the process's end.
        let grace = Duration::from_millis(limits::CUT_GRACE_MS);
        let _everybody_went = tokio::time::timeout(grace, shared.seats.emptied()).await;
    }
}

/// The sweep, and how late it comes: what the worker's loop was busy with instead.
async fn beat(shared: Rc<Shared>) {
    let pause = Duration::from_millis(limits::SWEEP_INTERVAL_MS);
    loop {
        let due_us = shared.refresh() + limits::SWEEP_INTERVAL_MS * 1000;
        tokio::time::sleep(pause).await;
        shared.sweep(sys::clock::monotonic_us().saturating_sub(due_us));
    }
}

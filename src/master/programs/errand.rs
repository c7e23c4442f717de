//! A side command of an instance: a hook, a stop or reload command, a probe.
//!
//! Runs with the program's environment, user and directory in a session of its own; what it prints
//! goes into the instance's log as marked lines. Decides nothing about what its end means. Whoever
//! drops an [`Errand`] ends it: its group is killed, and its process is collected all the same.
//! A master that dies leaves the process to the keeper, whose next master ends it (`strays`).

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit, oneshot};
use tokio::task::JoinSet;

use super::definition::{Definition, Shared};
use super::launch::{Launched, Plan};
use super::output::Output;
use super::output::lines::Lines;
use super::starts::{self, Begun};
use super::texts;
use crate::config::limits::{
    PROGRAM_ERRAND_READ_BYTES, PROGRAM_ERRAND_TURN_MS, PROGRAM_ERRANDS_MAX, PROGRAM_PIPE_GRACE_MS,
};
use crate::config::model::process::Stdin;
use crate::supervise::step::SpawnError;
use crate::sys;
use crate::sys::blocking::Pool;
use crate::sys::orphans::Claim;
use crate::sys::watched::Watched;

/// In the environment of every errand, so that a master's successor knows it by it.
pub(in crate::master) const MARK: &str = "PILOTHOUSE_ERRAND";

/// How long a killed one may take to be gone before that is told as it is.
const KILLED_MS: u64 = 1_000;

#[derive(Clone)]
pub(super) struct Order {
    /// What it does, in the log: `pre_start`.
    pub(super) label: &'static str,
    /// As a program's `command`: `${...}` not yet expanded.
    pub(super) command: Vec<String>,
    pub(super) definition: Shared,
    /// See [`super::launch::variables`].
    pub(super) variables: Vec<(&'static str, String)>,
    pub(super) timeout_ms: u64,
    /// Where what it prints goes; a probe's goes nowhere.
    pub(super) output: Option<Rc<RefCell<Output>>>,
}

/// One that runs or waits for its turn.
pub(super) struct Errand {
    outcome: oneshot::Receiver<Outcome>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Ended(sys::pidfd::Exit),
    TimedOut {
        timeout_ms: u64,
    },
    NotStarted(String),
    /// Somebody else collected its status.
    Unknown,
}

impl Outcome {
    pub(super) fn is_success(&self) -> bool {
        *self == Self::Ended(sys::pidfd::Exit::Code(0))
    }
}

/// `exit 3`, `not done after 30 s`.
impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ended(exit) => write!(f, "{exit}"),
            Self::TimedOut { timeout_ms } => {
                write!(f, "not done after {}", texts::duration(timeout_ms * 1000))
            }
            Self::NotStarted(why) => write!(f, "{why}"),
            Self::Unknown => write!(f, "ended, nobody knows how"),
        }
    }
}

/// Where side commands run.
#[derive(Clone)]
pub(super) struct Room {
    /// For as many as may run at a time.
    turns: Rc<Semaphore>,
    /// By which they are started.
    pool: Pool,
}

impl Room {
    pub(super) fn new(pool: Pool) -> Self {
        Self { turns: Rc::new(Semaphore::new(PROGRAM_ERRANDS_MAX)), pool }
    }
}

/// Where there is no room it waits, and its time does not run yet.
pub(super) fn start(order: Order, room: Room) -> Errand {
    let (done, outcome) = oneshot::channel();
    tokio::task::spawn_local(run(order, room, done));
    Errand { outcome }
}

impl Errand {
    pub(super) async fn outcome(self) -> Outcome {
        self.outcome.await.unwrap_or(Outcome::Unknown)
    }
}

async fn run(order: Order, room: Room, mut done: oneshot::Sender<Outcome>) {
    let turn = tokio::select! {
        turn = room.turns.acquire() => turn,
        () = done.closed() => return,
        () = tokio::time::sleep(Duration::from_millis(PROGRAM_ERRAND_TURN_MS)) => {
            let waited = texts::duration(PROGRAM_ERRAND_TURN_MS * 1000);
            let why = format!("no turn within {waited}: {PROGRAM_ERRANDS_MAX} side commands run");
            let _nobody_asks = done.send(Outcome::NotStarted(why));
            return;
        }
    };
    let Ok(turn) = turn else { return };
    match Running::spawn(order, &room.pool, &mut done).await {
        Ok(running) => running.finish(done, turn).await,
        Err(outcome) => {
            let _nobody_asks = done.send(outcome);
        }
    }
}

/// The start, or its end when that takes too long or nobody waits for it any more.
async fn launch(
    plan: Plan,
    pool: &Pool,
    timeout_ms: u64,
    done: &mut oneshot::Sender<Outcome>,
) -> Result<Launched, Outcome> {
    let failed = |error: SpawnError| Outcome::NotStarted(error.into_text());
    let underway = match starts::begin(pool, plan) {
        Begun::Over(launched) => return launched.map_err(failed),
        Begun::Underway(underway) => underway,
    };
    let outcome = tokio::select! {
        launched = underway.answered() => return launched.map_err(failed),
        () = tokio::time::sleep(Duration::from_millis(timeout_ms)) => {
            Outcome::TimedOut { timeout_ms }
        }
        () = done.closed() => Outcome::Unknown,
    };
    underway.give_up();
    Err(outcome)
}

struct Running {
    pid: u32,
    _claim: Claim,
    process: Watched,
    readers: JoinSet<()>,
    timeout_ms: u64,
}

/// Why the wait for its end is over.
enum End {
    Itself,
    TimedOut,
    /// Nobody wants to know any more.
    Dropped,
}

impl Running {
    async fn spawn(
        order: Order,
        pool: &Pool,
        done: &mut oneshot::Sender<Outcome>,
    ) -> Result<Self, Outcome> {
        let Order { label, command, definition, mut variables, timeout_ms, output } = order;
        let mut definition = Definition::clone(&definition);
        definition.program.command = command;
        // Its own descriptors are no matter of the program's readiness.
        definition.program.vitals.ready = None;
        definition.program.process.stdin = Stdin::Null;
        variables.push((MARK, label.to_owned()));
        let plan = Plan::new(&definition, variables, None, &[])
            .map_err(|error| Outcome::NotStarted(error.into_text()))?;
        let Launched { child, stdout, stderr, .. } = launch(plan, pool, timeout_ms, done).await?;
        let (pid, claim) = (child.pid, child.claim);
        let process = Watched::new(child.pidfd).map_err(|error| {
            // Without a watch its end would go unnoticed, so it must not run.
            let _already_ended = sys::pidfd::signal_group(pid, sys::signal::KILL);
            Outcome::NotStarted(format!("watch pid {pid}: {error}"))
        })?;
        let mut readers = JoinSet::new();
        for end in [stdout, stderr] {
            let pipe = Watched::new(end)
                .map_err(|error| Outcome::NotStarted(format!("read from pid {pid}: {error}")));
            match pipe {
                Ok(pipe) => drop(readers.spawn_local(read(pipe, label, output.clone()))),
                Err(error) => {
                    let _already_ended = sys::pidfd::signal_group(pid, sys::signal::KILL);
                    return Err(error);
                }
            }
        }
        Ok(Self { pid, _claim: claim, process, readers, timeout_ms })
    }

    /// One that not even SIGKILL ends gives its turn back all the same.
    async fn finish(mut self, mut done: oneshot::Sender<Outcome>, turn: SemaphorePermit<'_>) {
        let end = tokio::select! {
            _readable = self.process.readable() => End::Itself,
            () = tokio::time::sleep(Duration::from_millis(self.timeout_ms)) => End::TimedOut,
            () = done.closed() => End::Dropped,
        };
        // Its number is its own until its status is collected, and so is its group's.
        if let Err(error) = sys::pidfd::signal_group(self.pid, sys::signal::KILL) {
            sys::log::error!("programs", "kill the group of errand {}: {error}", self.pid);
        }
        let gone = Duration::from_millis(KILLED_MS);
        let is_gone = tokio::time::timeout(gone, self.process.readable()).await.is_ok();
        let grace = Duration::from_millis(PROGRAM_PIPE_GRACE_MS);
        let last_words = async { while self.readers.join_next().await.is_some() {} };
        // Who keeps the pipe open is not waited for.
        let _out_of_time = tokio::time::timeout(grace, last_words).await;
        let outcome = match end {
            End::Itself => self.collect(),
            End::TimedOut => Outcome::TimedOut { timeout_ms: self.timeout_ms },
            End::Dropped => Outcome::Unknown,
        };
        let is_collected = matches!(end, End::Itself);
        let _nobody_asks = done.send(outcome);
        drop(turn);
        if !is_collected {
            if !is_gone {
                // An error of the reactor means that the loop is over.
                let _loop_is_over = self.process.readable().await;
            }
            self.collect();
        }
    }

    fn collect(&self) -> Outcome {
        match sys::pidfd::try_wait(&self.process) {
            Ok(Some(exit)) => Outcome::Ended(exit),
            Ok(None) => Outcome::Unknown,
            Err(error) => {
                sys::log::error!("programs", "collect the status of errand {}: {error}", self.pid);
                Outcome::Unknown
            }
        }
    }
}

async fn read(pipe: Watched, label: &'static str, output: Option<Rc<RefCell<Output>>>) {
    let mut lines = Lines::default();
    let mut buffer = vec![0; PROGRAM_ERRAND_READ_BYTES];
    let tell = |line: String| {
        if let Some(output) = &output {
            output.borrow_mut().mark(format!("{label}: {line}"));
        }
    };
    // Its end, or an error of the reactor: the loop is over.
    while let Ok(count @ 1..) =
        pipe.read(|descriptor| sys::pipe::read(descriptor, &mut buffer)).await
    {
        lines.take(&buffer[..count], tell);
        // A flood gives way to everything else after each piece.
        tokio::task::yield_now().await;
    }
    lines.end().into_iter().for_each(tell);
}

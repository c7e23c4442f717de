//! The engine: configuration, supervision, membership, control.
//!
//! One thread, one loop: `Master::run` takes one event at a time, acts on it, and carries out what
//! follows before the next. Tasks only turn outside happenings into events. It alone starts, stops
//! and signals processes (the keeper starts the master), and it never touches a client's bytes.

pub(crate) mod event;
pub(crate) mod history;
pub(crate) mod membership;
pub(crate) mod programs;

mod alarms;
mod answer;
mod arrivals;
mod audit;
mod certificates;
mod checks;
mod clients;
mod decisions;
mod engine_log;
mod explain;
mod generation;
mod handed;
mod http;
mod keeper_link;
mod legacy;
mod limits;
mod listeners;
mod memory;
mod metrics;
mod minute;
mod pid_file;
mod plan;
mod predecessors;
mod probe;
mod reading;
mod reload;
mod reopening;
mod requests;
mod resolve;
pub(crate) mod rights;
mod rpc;
mod scale;
mod second;
mod servers;
mod service;
mod signals;
mod snapshot;
mod socket;
mod start;
pub(crate) mod stop;
mod strays;
mod succession;
mod tickets;
mod turn;
mod upgrade;
mod usage;
mod wants;
mod workers;

use std::ffi::OsString;
use std::os::fd::{AsFd as _, OwnedFd};
use std::process::ExitCode;

use tokio::sync::mpsc;
use tokio::task::LocalSet;

use crate::config;
use crate::control::server::Asked;
use crate::control::watch::Watchers;
use crate::order;
use crate::scoreboard::Board;
use crate::sys;
use event::Event;
use generation::Generation;
use keeper_link::KeeperLink;
use start::StartError;

const WHO: &str = "master";
/// The word by which a binary is asked whether it could take over.
pub(crate) const TRIAL: &str = "__trial";

/// What the keeper was told to run.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// The engine's name: its runtime folder, its lock.
    pub(crate) name: String,
    /// Absolute, since the master is started again wherever the keeper stands.
    pub(crate) source: config::source::Source,
    /// The command line by which this process would become the keeper.
    pub(crate) keeper: Vec<OsString>,
}

/// Runs the engine until it is told to stop.
pub(crate) fn run(options: &Options) -> ExitCode {
    sys::rlimit::raise_open_files();
    sys::oom::protect();
    sys::signal::ignore_file_size();
    // Then what programs leave behind comes to us and is found; without it, to the keeper.
    if let Err(error) = sys::pidfd::become_subreaper() {
        sys::log::warning!(WHO, "become subreaper: {error}");
    }
    let status = KeeperLink::inherit().map_err(StartError::Keeper).and_then(|keeper| {
        let signals = signals::block().map_err(StartError::Signals)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(StartError::Runtime)?;
        LocalSet::new().block_on(&runtime, async {
            let master = start::start(options, keeper, signals)?;
            // The master is large, and so is what it does: on the heap it is moved once.
            Ok(Box::pin(master.run()).await)
        })
    });
    match status {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            sys::log::error!(WHO, "{error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether this binary could take over an engine of that protocol and configuration, whose master would
/// leave what can be read from standard input: its version, or why not.
pub(crate) fn try_out(
    protocol: &str,
    source: &config::source::Source,
) -> Result<&'static str, String> {
    if protocol != order::PROTOCOL.to_string() {
        return Err(format!(
            "it speaks protocol {}, the running engine protocol {protocol}: stop that one, then start this",
            order::PROTOCOL
        ));
    }
    let [left, ..] = sys::inherited::standard();
    let left = left.try_clone_to_owned().map_err(|error| error.to_string())?;
    legacy::read_on_trial(left)?;
    match source.load(config::Dates::Passed) {
        Ok(_) => Ok(env!("CARGO_PKG_VERSION")),
        Err(errors) => Err(errors.to_string().trim_end().to_owned()),
    }
}

/// What the engine is doing as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Running,
    /// Requests under way finish; the programs that answer them still run. The whole stop is over
    /// at the second time.
    Draining {
        drained_us: u64,
        deadline_us: u64,
    },
    /// The workers are gone; programs may end by themselves until the deadline.
    Stopping {
        deadline_us: u64,
    },
    /// Out of time, or told twice: everything was killed, ends are awaited until then.
    Killing {
        deadline_us: u64,
    },
    Over,
    /// Another binary takes over: this master ends, nothing else does.
    MakingWay,
}

struct Master {
    options: Options,
    keeper: KeeperLink,
    keeper_pid: u32,
    events: mpsc::Receiver<Event>,
    post: event::Post,
    asks: mpsc::Sender<Asked>,
    asked: mpsc::Receiver<Asked>,

    board: Board,
    board_fd: OwnedFd,
    /// By which workers tell each other that there is room at a backend.
    bell: OwnedFd,
    log: engine_log::EngineLog,
    generation: Generation,
    /// Why the last reload was refused; empty when the running configuration is the file's.
    config_error: String,
    loads: metrics::Loads,
    listeners: listeners::Listeners,
    stock: workers::fit::Stock,
    workers: workers::Workers,
    membership: membership::Membership,
    programs: programs::Programs,
    certificates: certificates::Certificates,
    checks: checks::Checks,
    names: resolve::Names,

    control: socket::ControlSocket,
    trouble: second::Trouble,
    serving: tokio::task::JoinHandle<()>,
    http: http::Http,
    pid_file: pid_file::PidFile,
    watchers: Watchers,
    audit: audit::Audit,
    history: history::History,
    requests: requests::Requests,
    alarms: alarms::Alarms,
    reading: reading::Reading,
    reopening: reopening::Reopening,
    orphans: turn::Orphans,
    upgrade: upgrade::Upgrade,
    usage: usage::Usage,
    /// Names this life of the engine.
    run: String,
    lifetimes: metrics::lifetime::Lifetimes,

    legacy: legacy::Legacy,
    decisions: decisions::DecisionsFile,
    clock: turn::Clock,
    started_us: u64,
    service: service::Service,
    phase: Phase,
    /// What the engine ends with.
    status: u8,
}

impl Master {
    /// The workers, and beside them what each is given.
    fn workers_and_supplies(&mut self) -> (&mut workers::Workers, workers::Supplies<'_>) {
        let supplies = workers::Supplies {
            listeners: &self.listeners,
            board: self.board_fd.as_fd(),
            bell: self.bell.as_fd(),
            log: self.log.as_fd(),
            generation: self.generation.number,
            config: self.generation.as_fd(),
            keeper: &self.keeper,
        };
        (&mut self.workers, supplies)
    }
}

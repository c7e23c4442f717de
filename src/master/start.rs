//! From nothing, or from what an earlier master left, to a master that runs.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::Path;

use tokio::sync::mpsc;

use super::alarms::Alarms;
use super::certificates::Certificates;
use super::checks::Checks;
use super::engine_log::EngineLog;
use super::event::{EVENTS_WAITING_MAX, Event, Post};
use super::generation::Generation;
use super::http::{self, Http, HttpError};
use super::keeper_link::{Held, KeeperLink};
use super::legacy::{Legacy, Will};
use super::listeners::{self, Listeners, Taken};
use super::membership::{Membership, Now};
use super::pid_file::{self, PidFile};
use super::predecessors::{self, Hindrance};
use super::programs::Programs;
use super::programs::handoff::{Intent, Saved};
use super::programs::launch::Surroundings;
use super::programs::notices;
use super::programs::sockets;
use super::programs::tree::ladder::Ladder;
use super::reading::Reading;
use super::resolve::Names;
use super::service::Service;
use super::socket::{ControlSocket, SocketError};
use super::workers::fit::{Fit, FitError, Stock};
use super::workers::{self, Workers};
use super::{
    Master, Options, Phase, WHO, audit, decisions, history, metrics, reopening, requests, second,
    signals, strays, tickets, turn, upgrade, usage,
};
use crate::config::Dates;
use crate::config::diagnostic::Errors;
use crate::config::limits;
use crate::config::model::{self, Config};
use crate::control::server::{self, Asked};
use crate::control::watch::Watchers;
use crate::scoreboard::Board;
use crate::sys;
use crate::sys::folders::{self, FolderError};
use crate::sys::socket::BindError;

const BOARD: &str = "board";
const BELL: &str = "bell";
const NOTIFY: &str = "notify";

#[derive(Debug, thiserror::Error)]
pub(super) enum StartError {
    #[error("take the keeper's line: {0}")]
    Keeper(io::Error),
    #[error("take over signals: {0}")]
    Signals(io::Error),
    #[error("start the runtime: {0}")]
    Runtime(io::Error),
    #[error("hear what the keeper holds: {0}")]
    Recover(io::Error),
    #[error("the configuration has errors\n{0}")]
    Config(Errors),
    #[error("{tried}: {cause}")]
    Io { tried: &'static str, cause: io::Error },
    #[error("engine {name} runs already (master: pid {pid}), though its lock is gone")]
    Rival { name: String, pid: u32 },
    #[error(transparent)]
    PidFile(#[from] pid_file::PidFileError),
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error(transparent)]
    Bind(#[from] BindError),
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error(transparent)]
    Socket(#[from] SocketError),
    #[error(transparent)]
    Fit(#[from] FitError),
}

/// What can not start at all ends the engine with this status.
const FAILED: u8 = 1;
/// So does a second engine of one name.
const RIVAL: u8 = 2;

pub(super) fn start(
    options: &Options,
    keeper: KeeperLink,
    signals: OwnedFd,
) -> Result<Master, StartError> {
    let held = keeper.recover().map_err(StartError::Recover)?;
    let is_first = held.starts == 1;
    let prepared = Prepared::make(options, &keeper, held).and_then(|prepared| {
        signals::listen(signals, prepared.post.clone()).map_err(StartError::Signals)?;
        Ok(prepared)
    });
    // A later master has workers and programs to come back to: the keeper has to try again.
    if is_first && let Err(error) = &prepared {
        let is_rival = matches!(error, StartError::Rival { .. });
        keeper.stop(if is_rival { RIVAL } else { FAILED });
    }
    Ok(prepared?.into_master(options, keeper))
}

/// Everything that can fail, done.
struct Prepared {
    held: Held,
    legacy: Legacy,
    /// What an earlier master of this keeper left; `None` at the engine's start.
    will: Option<Will>,
    board: (Board, OwnedFd),
    bell: OwnedFd,
    log: EngineLog,
    generation: Generation,
    listeners: Listeners,
    made: listeners::Prepared,
    control: (ControlSocket, UnixListener),
    http: http::Prepared,
    pid_file: pid_file::Prepared,
    stock: Stock,
    fit: Fit,
    decisions: decisions::DecisionsFile,
    post: Post,
    events: mpsc::Receiver<Event>,
}

impl Prepared {
    fn make(options: &Options, keeper: &KeeperLink, mut held: Held) -> Result<Self, StartError> {
        let io = |tried| move |cause| StartError::Io { tried, cause };
        let log = EngineLog::open(&mut held, keeper).map_err(io("keep the log"))?;
        let socket = folders::make_runtime_dir(&options.name)?.join("control.sock");
        // A master that was killed while it did this has left nothing, either.
        if !held.descriptors.contains_key(BOARD) {
            end_predecessors(&socket, &options.name)?;
        }
        let generation = if let Some(running) = Generation::recover(&mut held) {
            running
        } else {
            let loaded = options.source.read(Dates::Passed).map_err(StartError::Config)?;
            Generation::new(1, loaded, keeper).map_err(io("keep the configuration"))?
        };
        let config = &generation.config;
        sys::log::set_least(config.engine.log_level.least());
        let decisions = decisions::DecisionsFile::open(&folders::make_state_dir(&options.name)?);
        let board = open_board(&mut held).map_err(io("create the scoreboard"))?;
        keeper.hold(BOARD, &[board.1.as_fd()]);
        let bell = match held.take_one(BELL) {
            Some(bell) => bell,
            None => sys::bell::create().map_err(io("create the workers' bell"))?,
        };
        keeper.hold(BELL, &[bell.as_fd()]);
        let notify =
            notify_socket(&mut held, keeper, &socket).map_err(io("make the notify socket"))?;
        let listeners = Listeners::recover(&mut held);
        let made = listeners.prepare(&listeners::addresses(config), Taken::of(config))?;
        let control = match ControlSocket::recover(&mut held, &socket) {
            Some(control) => control,
            None => ControlSocket::listen(&socket)?,
        };
        keeper.hold(&control.0.key(), &[control.1.as_fd()]);
        let http = match Http::default().prepare(&config.control) {
            Err(error) if held.starts > 1 => {
                // What runs already must not end for want of it; a reload tries again.
                sys::log::error!(WHO, "{error}");
                http::Prepared::default()
            }
            prepared => prepared?,
        };
        let pid_file = pid_file(config, held.starts)?;
        let (legacy, will) =
            Legacy::open(&mut held, keeper).map_err(io("make room for the state"))?;
        let stock = Stock {
            binary: sys::proc::own_path().map_err(io("find this binary"))?,
            image: sys::image::own_id().map_err(io("look at this binary"))?,
            socket,
        };
        let fit = stock.fit(config)?;
        let (post, events) = mpsc::channel(EVENTS_WAITING_MAX);
        keeper.listen(post.clone()).map_err(StartError::Keeper)?;
        notices::listen(notify, post.clone()).map_err(io("read the notify socket"))?;
        Ok(Self {
            held,
            legacy,
            will,
            board,
            bell,
            log,
            generation,
            listeners,
            made,
            control,
            http,
            pid_file,
            stock,
            fit,
            decisions,
            post,
            events,
        })
    }

    /// Only an earlier master can have left some.
    fn end_strays(&self, will: &Will) {
        if self.held.starts > 1 {
            strays::end(sys::proc::parent(), self.control.0.path(), &known(will));
        }
    }

    fn into_master(mut self, options: &Options, keeper: KeeperLink) -> Master {
        let (now, is_successor) = (Now::read(), self.will.is_some());
        let will = self.will.take().unwrap_or_else(|| first_will(self.decisions.decisions(), now));
        self.end_strays(&will);
        let (board, board_fd) = self.board;
        self.listeners.begin(self.made, &keeper);
        let mut workers = Workers::new(board, self.post.clone(), self.fit);
        workers.recover(&will.workers, &mut self.held);
        let mut programs = Programs::new(self.post.clone(), surroundings(&self.stock, &will));
        adopt_programs(&mut programs, (will.intent, will.programs), &mut self.held, &keeper);
        let baton = keeper.take_back(&mut self.held);
        let (asks, asked) = mpsc::channel(EVENTS_WAITING_MAX);
        let (control, listener) = self.control;
        let mut master = Master {
            options: options.clone(),
            keeper,
            keeper_pid: sys::proc::parent(),
            events: self.events,
            post: self.post.clone(),
            serving: serve(listener, asks.clone()),
            http: Http::default(),
            pid_file: PidFile::written(self.pid_file),
            asks,
            asked,
            membership: Membership::new(board),
            programs,
            certificates: Certificates::default(),
            checks: Checks::new(self.post.clone()),
            names: Names::new(self.post.clone()),
            board,
            board_fd,
            bell: self.bell,
            log: self.log,
            generation: self.generation,
            config_error: will.config_error,
            loads: will.loads,
            listeners: self.listeners,
            stock: self.stock,
            workers,
            control,
            trouble: second::Trouble::default(),
            watchers: Watchers::new(limits::WATCH_QUEUE_MAX),
            audit: audit::Audit::new(limits::EVENTS_KEPT_MAX, will.events),
            history: history::History::new(board),
            requests: requests::Requests::new(board),
            alarms: Alarms::new(board),
            reading: Reading::default(),
            reopening: reopening::Reopening::default(),
            orphans: turn::Orphans::new(will.orphans_reaped),
            upgrade: upgrade::Upgrade::new(will.upgrade),
            usage: usage::Usage::new(),
            lifetimes: metrics::lifetime::Lifetimes::new(board),
            legacy: self.legacy,
            decisions: self.decisions,
            clock: turn::Clock::new(now.mono_us),
            started_us: will.started_us,
            run: will.run,
            service: Service::new(),
            phase: Phase::Running,
            status: will.status,
        };
        master.lifetimes.restore(&will.lifetimes);
        master.http.commit(self.http, &master.asks);
        master.membership.restore(will.membership, now);
        master.membership.recall_known(will.known);
        // A worker looks an upstream up once, when it is given the configuration, so it has to be on
        // the board by then; programs can come last.
        master.apply_membership(now);
        master.resize_workers();
        master.apply_programs(now);
        master.note_start(is_successor);
        master.keeper.relieve(baton.as_ref());
        master
    }
}

/// What runs already must not end for want of it.
fn pid_file(config: &Config, starts: u32) -> Result<pid_file::Prepared, pid_file::PidFileError> {
    let named = config.engine.pid_file.as_deref();
    match PidFile::default().prepare(named, sys::proc::parent()) {
        Err(error) if starts > 1 => {
            sys::log::error!(WHO, "{error}");
            Ok(pid_file::Prepared::Nothing)
        }
        prepared => prepared,
    }
}

/// What an engine begins with.
fn first_will(decisions: decisions::Decisions, now: Now) -> Will {
    Will {
        started_us: now.mono_us,
        run: format!("{:x}", sys::random::seed()),
        loads: metrics::Loads { last_taken_ms: now.wall_ms, ..metrics::Loads::default() },
        membership: decisions.membership,
        intent: decisions.intent,
        ..Will::default()
    }
}

impl Master {
    fn note_start(&mut self, is_successor: bool) {
        let generation = self.generation.number;
        let (verb, result) = if is_successor {
            ("recover", format!("a new master goes on with generation {generation}"))
        } else {
            ("start", self.generation.config.source.clone())
        };
        sys::log::notice!(WHO, "{verb}: {result}");
        self.announce_patience();
        self.warn();
        self.note(audit::Entry {
            who: audit::ENGINE.to_owned(),
            verb: verb.to_owned(),
            target: self.options.name.clone(),
            result,
            ..audit::Entry::default()
        });
        self.note_upgrade();
        self.bequeath();
    }
}

pub(super) fn serve(
    listener: UnixListener,
    asks: mpsc::Sender<Asked>,
) -> tokio::task::JoinHandle<()> {
    let bounds = control_bounds();
    tokio::task::spawn_local(async move {
        match tokio::net::UnixListener::from_std(listener) {
            Ok(listener) => server::serve(listener, bounds, asks).await,
            Err(error) => sys::log::alert!(WHO, "serve the control socket: {error}"),
        }
    })
}

pub(super) fn control_bounds() -> server::Bounds {
    server::Bounds {
        owner_uid: sys::user::own_uid(),
        clients_max: limits::CONTROL_CLIENTS_MAX,
        body_bytes_max: limits::CONTROL_BODY_BYTES_MAX,
        header_timeout_ms: limits::CONTROL_HEADER_TIMEOUT_MS,
    }
}

/// The one there is, unless its layout is another binary's: whoever uses that one leaves soon.
fn open_board(held: &mut Held) -> io::Result<(Board, OwnedFd)> {
    let opened = match held.take_one(BOARD).map(|fd| (Board::open(&fd), fd)) {
        None => Board::create()?,
        Some((Ok(board), fd)) => (board, fd),
        Some((Err(error), _)) => {
            sys::log::warning!(WHO, "{error}: beginning a new one");
            Board::create()?
        }
    };
    // Before the first worker needs it.
    tickets::renew(opened.0, Now::read().mono_us);
    Ok(opened)
}

/// Ends what an engine that died whole has left of itself.
fn end_predecessors(socket: &Path, name: &str) -> Result<(), StartError> {
    predecessors::end(socket).map_err(|hindrance| match hindrance {
        Hindrance::Living(pid) => StartError::Rival { name: name.to_owned(), pid },
        Hindrance::Unseen(cause) => {
            StartError::Io { tried: "look for what an earlier engine left", cause }
        }
    })
}

/// What programs are started in.
fn surroundings(stock: &Stock, will: &Will) -> Surroundings {
    let (binary, socket) = (stock.binary.clone(), stock.socket.clone());
    let ladder = Ladder::probe(&will.run, &socket);
    Surroundings { binary, socket, ladder }
}

/// Gives programs what an earlier master left of them.
fn adopt_programs(
    programs: &mut Programs,
    (intent, saved): (Intent, Vec<Saved>),
    held: &mut Held,
    keeper: &KeeperLink,
) {
    programs.restore_intent(intent);
    programs.adopt(saved, |key| held.descriptors.remove(key));
    programs.adopt_sockets(held.take_all(sockets::KEY));
    programs.adopt_notices(held.take_all(notices::KEY));
    upgrade::take_up_output(held, keeper, programs);
}

/// What the will says of the processes that run.
fn known(will: &Will) -> strays::Known {
    let workers = will.workers.iter().map(workers::Record::pid);
    let programs = will.programs.iter().filter_map(Saved::pid);
    let lives: BTreeMap<(String, String), u32> = will
        .programs
        .iter()
        .map(|saved| ((saved.id().program.clone(), saved.number().to_string()), saved.life()))
        .collect();
    let waiting = will.upgrade.iter().filter_map(upgrade::Begun::waiting);
    strays::Known { pids: workers.chain(programs).chain(waiting).collect(), lives }
}

/// One per core, or as many as the file says.
pub(super) fn worker_count(config: &Config) -> u16 {
    match config.engine.workers {
        model::Workers::Count(count) => count,
        model::Workers::Auto => std::thread::available_parallelism()
            .map_or(1, |cores| cores.get().min(limits::WORKERS_MAX) as u16),
    }
}

/// Where programs say how they are; what was said while there was no master waits in it.
fn notify_socket(held: &mut Held, keeper: &KeeperLink, control: &Path) -> io::Result<OwnedFd> {
    let notify = match held.take_one(NOTIFY) {
        Some(notify) => notify,
        None => sys::notify::bind(&notices::path(control))?,
    };
    keeper.hold(NOTIFY, &[notify.as_fd()]);
    Ok(notify)
}

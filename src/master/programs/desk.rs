//! What instances share: where wants are left, who hears of events, which ports are promised, which
//! log files are open. Holds no instance.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::rc::{Rc, Weak};

use super::callers::Asked;
use super::errand;
use super::event::InstanceId;
use super::events::SharedHub;
use super::launch::Surroundings;
use super::notices::Doors;
use super::output::file::{Limits, RotatingFile};
use super::output::follow::Hub;
use super::output::form::Speaker;
use super::output::outlet::Outlets;
use super::output::sinks::Sinks;
use super::output::{SharedFile, Source};
use super::process::Reporter;
use super::sockets::Sockets;
use super::tree::Surveyor;
use super::tree::ladder::Rung;
use super::want::{Note, Want};
use crate::config;
use crate::config::limits::PROGRAM_GROUPS_TIDY_MS;
use crate::config::model::listener::Subject;
use crate::config::model::output::LogTarget;
use crate::control::line::Line;
use crate::control::wire::Severity;
use crate::master::event;
use crate::supervise::policy::Escalation;
use crate::sys;
use crate::sys::blocking::Pool;

pub(super) struct Desk {
    post: event::Post,
    surroundings: Surroundings,
    wants: Vec<Want>,
    state: Saved,
    ports: BTreeMap<u16, InstanceId>,
    files: BTreeMap<PathBuf, Weak<RefCell<RotatingFile>>>,
    pub(super) sockets: Sockets,
    /// For calls that may hang.
    pool: Pool,
    /// For those on log files, which must not keep starts from being made.
    log_pool: Pool,
    /// For side commands.
    room: errand::Room,
    /// For commands that ask, which must not keep those waiting that a life waits for.
    probe_room: errand::Room,
    pub(super) surveyor: Surveyor,
    pub(super) events: SharedHub,
    outlets: Outlets,
    hub: Hub,
    pub(super) doors: Doors,
    /// Keys of readiness pipes at the keeper.
    ready_held: BTreeSet<String>,
    /// What instances that have given up lead to, and nobody has carried out yet.
    pub(super) escalations: Vec<(InstanceId, Escalation)>,
    untidy_at_us: u64,
}

/// Whether the state file says what is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Saved {
    AsIs,
    Changed,
}

/// How an event feels to who reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Info,
    Good,
    Warn,
    Bad,
}

impl Tone {
    pub(super) fn severity(self) -> Severity {
        match self {
            Self::Info => Severity::Info,
            Self::Good => Severity::Good,
            Self::Warn => Severity::Warn,
            Self::Bad => Severity::Bad,
        }
    }
}

impl Desk {
    pub(super) fn new(post: event::Post, surroundings: Surroundings) -> Self {
        let pool = Pool::default();
        Self {
            post,
            surroundings,
            wants: Vec::new(),
            state: Saved::AsIs,
            ports: BTreeMap::new(),
            files: BTreeMap::new(),
            sockets: Sockets::default(),
            room: errand::Room::new(pool.clone()),
            probe_room: errand::Room::new(pool.clone()),
            pool,
            log_pool: Pool::default(),
            surveyor: Surveyor::default(),
            events: SharedHub::default(),
            outlets: Outlets::default(),
            hub: Hub::default(),
            doors: Doors::default(),
            ready_held: BTreeSet::new(),
            escalations: Vec::new(),
            untidy_at_us: 0,
        }
    }

    /// Whether the groups of processes were looked at a short while ago; if not, they are now.
    pub(super) fn is_tidy(&mut self, now_us: u64) -> bool {
        let is_tidy = now_us < self.untidy_at_us;
        if !is_tidy {
            self.untidy_at_us = now_us + PROGRAM_GROUPS_TIDY_MS * 1000;
        }
        is_tidy
    }

    pub(super) fn surroundings(&self) -> &Surroundings {
        &self.surroundings
    }

    /// What [`super::errand::start`] takes.
    pub(super) fn room(&self) -> errand::Room {
        self.room.clone()
    }

    pub(super) fn probe_room(&self) -> errand::Room {
        self.probe_room.clone()
    }

    pub(super) fn pool(&self) -> &Pool {
        &self.pool
    }

    pub(super) fn log_pool(&self) -> &Pool {
        &self.log_pool
    }

    /// Who reads the output of several instances.
    pub(super) fn hub(&self) -> &Hub {
        &self.hub
    }

    pub(super) fn allow(&mut self, best: Rung) {
        self.surroundings.ladder.allow(best);
    }

    /// Where tasks report.
    pub(super) fn post(&self) -> event::Post {
        self.post.clone()
    }

    pub(super) fn reporter(&self, id: &InstanceId, life: u32) -> Reporter {
        Reporter { id: id.clone(), life, post: self.post.clone() }
    }

    pub(super) fn want(&mut self, want: Want) {
        self.wants.push(want);
    }

    /// What is to be saved has changed; said once for any number of changes.
    pub(super) fn changed(&mut self) {
        self.state = Saved::Changed;
    }

    /// Whether anything has happened that nobody has taken up yet.
    pub(super) fn has_news(&self) -> bool {
        self.state == Saved::Changed || !self.wants.is_empty()
    }

    pub(super) fn take_wants(&mut self) -> Vec<Want> {
        if self.state == Saved::Changed {
            self.state = Saved::AsIs;
            self.wants.push(Want::StateChanged);
        }
        std::mem::take(&mut self.wants)
    }

    /// Tells listeners, if any wants to hear of it.
    pub(super) fn announce(&mut self, subject: Subject, payload: impl FnOnce() -> String) {
        if self.events.borrow().hears(subject) {
            self.events.borrow_mut().publish(subject, &payload());
            self.changed();
        }
    }

    /// A note of the engine's own about an instance.
    pub(super) fn note(&mut self, id: &InstanceId, tone: Tone, verb: &'static str, result: String) {
        self.wants.push(Want::Audit(Note {
            who: "engine".to_owned(),
            verb,
            target: id.to_string(),
            result,
            severity: tone.severity(),
            cli: String::new(),
        }));
    }

    /// A note of what somebody asked for and what came of it.
    pub(super) fn note_of(&mut self, asked: &Asked, result: String, tone: Tone) {
        let Asked { by, line: Line { verb, target, words } } = asked.clone();
        let cli = format!("pilothouse {words}");
        let severity = tone.severity();
        self.wants.push(Want::Audit(Note { who: by, verb, target, result, severity, cli }));
    }

    /// The keeper gets duplicates, so that the pipes outlive this master. `process` means the process
    /// wherever it is held, and the kernel tells by it how that has ended, whoever reaps it.
    pub(super) fn hold(
        &mut self,
        id: &InstanceId,
        life: u32,
        ends: &[OwnedFd],
        process: Option<BorrowedFd<'_>>,
    ) {
        let ends = ends.iter().map(|end| end.as_fd()).chain(process);
        self.keep_all(pipes_key(id, life), ends);
    }

    /// The same for any descriptors that must outlive this master.
    pub(super) fn keep(&mut self, key: String, ends: &[OwnedFd]) {
        self.keep_all(key, ends.iter().map(|end| end.as_fd()));
    }

    fn keep_all<'a>(&mut self, key: String, ends: impl Iterator<Item = BorrowedFd<'a>>) {
        match ends.map(|end| end.try_clone_to_owned()).collect() {
            Ok(descriptors) => self.wants.push(Want::Hold { key, descriptors }),
            Err(error) => sys::log::error!("programs", "hand {key} to the keeper: {error}"),
        }
    }

    pub(super) fn let_go(&mut self, key: String) {
        self.wants.push(Want::Release { key });
    }

    /// The same for the pipe on which the process says that it is ready.
    pub(super) fn hold_ready(&mut self, id: &InstanceId, life: u32, end: Option<&OwnedFd>) {
        if let Some(Ok(end)) = end.map(OwnedFd::try_clone) {
            let key = ready_key(id, life);
            self.ready_held.insert(key.clone());
            self.wants.push(Want::Hold { key, descriptors: vec![end] });
        }
    }

    pub(super) fn release_ready(&mut self, id: &InstanceId, life: u32) {
        let key = ready_key(id, life);
        if self.ready_held.remove(&key) {
            self.let_go(key);
        }
    }

    pub(super) fn release(&mut self, id: &InstanceId, life: u32) {
        self.let_go(pipes_key(id, life));
    }

    pub(super) fn promise(&mut self, port: u16, id: &InstanceId) {
        self.ports.retain(|_, owner| owner != id);
        self.ports.insert(port, id.clone());
    }

    /// Whether another instance was given this port.
    pub(super) fn is_promised(&self, port: u16, id: &InstanceId) -> bool {
        self.ports.get(&port).is_some_and(|owner| owner != id)
    }

    pub(super) fn forget(&mut self, id: &InstanceId) {
        self.ports.retain(|_, owner| owner != id);
    }

    /// Where lines of one stream go, under the names that `lookup` knows.
    pub(super) fn sinks(
        &mut self,
        speaker: Speaker,
        source: Source,
        target: &LogTarget,
        lookup: &dyn Fn(&str) -> Option<String>,
    ) -> Sinks {
        let mut sinks = Sinks::new(target, speaker);
        let named = target.file.as_deref().and_then(standard);
        if named.is_none() {
            sinks.file = self.file(target, lookup);
        }
        if let Some(source) = named.or(target.engine.then_some(source)) {
            match self.outlets.standard(source) {
                Ok(outlet) => sinks.engine = Some(outlet),
                Err(error) => sys::log::error!("programs", "share the engine's output: {error}"),
            }
        }
        if target.syslog {
            sinks.syslog = Some(self.outlets.syslog());
        }
        sinks
    }

    /// The file that a log goes to; the same one for everybody who names it.
    fn file(
        &mut self,
        target: &LogTarget,
        lookup: &dyn Fn(&str) -> Option<String>,
    ) -> Option<SharedFile> {
        let path = target.file.as_ref()?;
        let path = match config::expand(&path.to_string_lossy(), lookup) {
            Ok(path) => PathBuf::from(path),
            Err(error) => {
                sys::log::error!("programs", "expand {}: {error}", path.display());
                return None;
            }
        };
        let limits = Limits {
            max_bytes: target.max_bytes,
            backups: target.backups,
            rotate: target.rotate,
            compress: target.compress,
        };
        Some(self.shared(path, limits))
    }

    fn shared(&mut self, path: PathBuf, limits: Limits) -> SharedFile {
        self.files.retain(|_, file| file.strong_count() > 0);
        let known = self.files.get(&path).and_then(Weak::upgrade);
        let file = known.unwrap_or_else(|| {
            let file = RotatingFile::new(path.clone(), limits, self.log_pool.clone());
            Rc::new(RefCell::new(file))
        });
        file.borrow_mut().set_limits(limits);
        self.files.insert(path, Rc::downgrade(&file));
        file
    }

    pub(super) fn outlets_mut(&mut self) -> &mut Outlets {
        &mut self.outlets
    }

    /// The log file at this path, if something goes there.
    pub(super) fn file_at(&self, path: &Path) -> Option<SharedFile> {
        self.files.get(path).and_then(Weak::upgrade)
    }

    pub(super) fn files(&self) -> impl Iterator<Item = (&PathBuf, SharedFile)> + '_ {
        self.files.iter().filter_map(|(path, file)| Some((path, file.upgrade()?)))
    }

    pub(super) fn outlets(&self) -> &Outlets {
        &self.outlets
    }

    pub(super) fn open_files(&self) -> impl Iterator<Item = SharedFile> + '_ {
        self.files.values().filter_map(Weak::upgrade)
    }
}

/// The engine's own output under its usual names. Opening those may be impossible, and is no way to
/// share it.
fn standard(path: &Path) -> Option<Source> {
    match path.to_str()? {
        "/dev/stdout" | "/dev/fd/1" | "/proc/self/fd/1" => Some(Source::Stdout),
        "/dev/stderr" | "/dev/fd/2" | "/proc/self/fd/2" => Some(Source::Stderr),
        _ => None,
    }
}

/// And the one on which it says that it is ready.
pub(super) fn ready_key(id: &InstanceId, life: u32) -> String {
    format!("ready/{id}/{life}")
}

/// What the keeper holds an instance's pipes under.
pub(super) fn pipes_key(id: &InstanceId, life: u32) -> String {
    format!("pipes/{id}/{life}")
}

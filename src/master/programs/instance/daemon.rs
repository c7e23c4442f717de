//! A program that forks itself away: the process that was started ends well, and one of those that
//! it leaves behind is the main one from then on.

use std::fs;
use std::io::Read as _;
use std::time::Duration;

use super::super::desk::{Desk, Tone};
use super::super::event::Report;
use super::super::process::Process;
use super::super::tree::{Standing, Tree};
use super::Instance;
use crate::config;
use crate::config::limits::{PROGRAM_ELECT_MS, PROGRAM_ELECT_MS_MAX, PROGRAM_PIDFILE_BYTES_MAX};
use crate::config::model::tree::Main;
use crate::supervise::policy::Ending;
use crate::supervise::state::Phase;
use crate::supervise::step::Event;
use crate::sys;
use crate::sys::blocking::{Begun, PATIENCE, Place, Pool};

/// What a look for the main process has found.
enum Found {
    Main {
        pid: u32,
        start_time: u64,
    },
    /// Everybody has ended.
    Nobody,
    /// Not to be told yet, and why.
    Unclear(String),
}

impl Instance {
    /// Whether this end of the process is the program's way to its own main process.
    pub(super) fn is_forking_away(&self, ending: Ending) -> bool {
        let is_well = match ending {
            // Nobody could tell while masters changed.
            Ending::Code(0) | Ending::Unknown => true,
            Ending::Code(_) | Ending::Signal(_) => false,
        };
        is_well
            && matches!(self.definition.program.tree.main, Main::Forked { .. })
            && matches!(self.state.phase, Phase::Starting { .. })
    }

    /// Finds the main process, or looks again a little later; of one that is being stopped, whether
    /// anybody is left.
    pub(super) fn elect(&mut self, ending: Ending, desk: &mut Desk) {
        match self.state.phase {
            Phase::Starting { .. } => match self.find_main(desk) {
                Found::Main { pid, start_time } => self.follow_main(pid, start_time, desk),
                Found::Nobody => {
                    self.ready.borrow_mut().await_word("it has ended and left nobody");
                    self.exited_for_good(ending, desk);
                }
                Found::Unclear(why) => {
                    if let Some(process) = &mut self.process {
                        process.has_forked_away();
                    }
                    self.ready.borrow_mut().await_word(why);
                    self.elect_later(desk);
                }
            },
            Phase::Stopping { .. } if self.is_between() => {
                let is_empty = |tree: &mut Tree| tree.is_empty(&mut desk.surveyor);
                if self.tree.as_mut().is_none_or(is_empty) {
                    self.exited_for_good(ending, desk);
                } else {
                    self.elect_later(desk);
                }
            }
            Phase::Stopping { .. }
            | Phase::Idle
            | Phase::Waiting
            | Phase::PreStart
            | Phase::Spawning { .. }
            | Phase::Ready { .. }
            | Phase::Unready { .. }
            | Phase::Delay { .. }
            | Phase::Held { .. }
            | Phase::Sweeping { .. }
            | Phase::PostStop { .. }
            | Phase::Done
            | Phase::GaveUp
            | Phase::Gone => {}
        }
    }

    /// Quickly at first; a look may mean reading every process of the machine.
    fn elect_later(&mut self, desk: &Desk) {
        let pause_ms = (PROGRAM_ELECT_MS << self.elections.min(16)).min(PROGRAM_ELECT_MS_MAX);
        self.elections += 1;
        let reporter = desk.reporter(&self.id, self.state.life);
        tokio::task::spawn_local(async move {
            tokio::time::sleep(Duration::from_millis(pause_ms)).await;
            reporter.report(Report::Elect).await;
        });
    }

    /// While no main process is known, what is meant for it goes to all that there are.
    pub(super) fn is_between(&self) -> bool {
        self.process.as_ref().is_some_and(Process::is_between)
    }

    pub(super) fn signal_all(&mut self, number: i32, desk: &mut Desk) {
        let Some(tree) = &mut self.tree else { return };
        if number == sys::signal::KILL {
            tree.kill(&mut desk.surveyor);
        } else {
            tree.signal(number, &mut desk.surveyor);
            // A stopped process could not act on the signal otherwise.
            tree.signal(sys::signal::CONT, &mut desk.surveyor);
        }
        // How soon they are gone is what a stop waits for.
        self.elections = 0;
    }

    fn follow_main(&mut self, pid: u32, start_time: u64, desk: &mut Desk) {
        let reporter = desk.reporter(&self.id, self.state.life);
        let Some(process) = &mut self.process else { return };
        if let Err(error) = process.follow(pid, start_time, reporter.clone()) {
            // It may have ended this moment: whoever is there next is looked for.
            self.ready.borrow_mut().await_word(format!("watch pid {pid}: {error}"));
            tokio::task::spawn_local(async move { reporter.report(Report::Elect).await });
            return;
        }
        self.ready.borrow_mut().clear();
        self.output.borrow_mut().mark(format!("forked away, its main process is pid {pid}"));
        desk.changed();
        let spawned_us = self.state.spawned_us().unwrap_or(0);
        let lived_us = sys::clock::monotonic_us().saturating_sub(spawned_us);
        let rest = Duration::from_micros(self.policy.start_us.saturating_sub(lived_us));
        tokio::task::spawn_local(async move {
            tokio::time::sleep(rest).await;
            reporter.report(Report::Settled { pid }).await;
        });
    }

    /// It says that its main process is another one than was started: believed of its own.
    pub(super) fn main_pid_told(&mut self, pid: u32, desk: &mut Desk) {
        let Some(process) = self.process.as_ref().filter(|process| process.pid != pid) else {
            return;
        };
        let is_between = process.is_between();
        let standing = self.tree.as_mut().map(|tree| tree.standing(pid, &mut desk.surveyor));
        let Some(Standing::Member { start_time }) = standing else {
            let text = format!("says that its main process is pid {pid}, which is not of it");
            self.output.borrow_mut().mark(text.clone());
            return self.note(Tone::Warn, "notify", text, desk);
        };
        if is_between {
            return self.follow_main(pid, start_time, desk);
        }
        let reporter = desk.reporter(&self.id, self.state.life);
        let Some(process) = &mut self.process else { return };
        let text = match process.follow(pid, start_time, reporter) {
            Ok(()) => format!("its main process is pid {pid} from here on, as it says"),
            Err(error) => format!("watch pid {pid}, which it says is its main process: {error}"),
        };
        self.output.borrow_mut().mark(text.clone());
        self.note(Tone::Info, "notify", text, desk);
    }

    /// The main process has lived as long as a start takes; one that is asked is ready when it says so.
    pub(super) fn settled(&mut self, pid: u32, desk: &mut Desk) {
        let is_main = self.process.as_ref().is_some_and(|process| process.pid == pid);
        if is_main && self.definition.is_ready_by_age() {
            self.say(Event::Ready { life: self.state.life }, desk);
        }
    }

    fn find_main(&mut self, desk: &mut Desk) -> Found {
        let Main::Forked { pidfile } = self.definition.program.tree.main.clone() else {
            return Found::Nobody;
        };
        let variables = self.variables(desk);
        let Some(tree) = &mut self.tree else { return Found::Nobody };
        let roots = match tree.roots(&mut desk.surveyor) {
            Ok(roots) => roots,
            Err(error) => return Found::Unclear(format!("look for its main process: {error}")),
        };
        let Some(pidfile) = pidfile else {
            return match roots.as_slice() {
                [] => Found::Nobody,
                [(pid, start_time)] => Found::Main { pid: *pid, start_time: *start_time },
                several => {
                    let count = several.len();
                    Found::Unclear(format!(
                        "{count} processes are left, a pidfile would tell the main one"
                    ))
                }
            };
        };
        let lookup = |name: &str| {
            let (_, value) = variables.iter().find(|(known, _)| *known == name)?;
            Some(value.clone())
        };
        let path = match config::expand(&pidfile.to_string_lossy(), &lookup) {
            Ok(path) => path,
            Err(error) => return Found::Unclear(format!("expand {}: {error}", pidfile.display())),
        };
        match pid_told(desk.pool(), &path) {
            Err(_) if roots.is_empty() => Found::Nobody,
            Err(why) => Found::Unclear(why),
            Ok(pid) => match tree.standing(pid, &mut desk.surveyor) {
                Standing::Member { start_time } => Found::Main { pid, start_time },
                Standing::Unseen(why) => Found::Unclear(format!("look for pid {pid}: {why}")),
                Standing::Stranger if roots.is_empty() => Found::Nobody,
                Standing::Stranger => {
                    Found::Unclear(format!("{path} names pid {pid}, which is not of this program"))
                }
            },
        }
    }
}

/// What [`pid_in`] finds, unless that would hold up everybody.
fn pid_told(pool: &Pool, path: &str) -> Result<u32, String> {
    let told = path.to_owned();
    let look = move || sys::apart::run(|| pid_in(&told));
    match pool.call_at(Place::named(path), PATIENCE, look) {
        Ok(Begun::Done(Ok(told))) => told,
        Ok(Begun::Late(_)) => Err(format!("{path}: its file system does not answer")),
        Ok(Begun::Done(Err(error))) | Err(error) => Err(format!("{path}: {error}")),
    }
}

/// The number that a file holds, and nothing else.
fn pid_in(path: &str) -> Result<u32, String> {
    let mut text = String::new();
    let failed = |error: std::io::Error| format!("{path}: {error}");
    // It must not be one that makes us wait.
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(format!("{path} is not a file"));
    }
    let file = fs::File::open(path).map_err(failed)?;
    file.take(PROGRAM_PIDFILE_BYTES_MAX).read_to_string(&mut text).map_err(failed)?;
    text.trim().parse().map_err(|_| format!("{path} holds no pid"))
}

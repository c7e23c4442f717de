//! Programs with real children under the events of a real loop; the rest of the master is played by
//! [`Stage`], which remembers what was wanted of it.

mod changes;
mod clock;
mod errands;
mod escalations;
mod jobs;
mod listeners;
mod lives;
mod properties;
mod reuse;
mod serving;
mod started_with;
mod stdin;
mod stops;
mod vitals;
mod waiting;

use std::future::Future;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::LocalSet;

use super::want::{Join, Want};
use super::{Follow, Programs, launch, tree};
use crate::config;
use crate::control::call::{Pace, ProgramTarget, ProgramVerb};
use crate::control::wire::{Answer, ProgramRow, ProgramState};
use crate::master::event::{EVENTS_WAITING_MAX, Event};
use crate::sys;

const PATIENCE: Duration = Duration::from_secs(20);
/// Output comes without an event, so a condition on it is looked at again this often.
const LOOK: Duration = Duration::from_millis(10);

/// Runs a test on a loop like the master's.
fn on_stage(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, test);
}

/// Whether nobody is left of a process's group, once the process itself is reaped: the master does
/// that at the end of its turns.
fn is_group_gone(leader: u32) -> bool {
    reap(leader);
    sys::pidfd::is_group_empty(leader)
}

fn reap(pid: u32) {
    let pidfd = sys::pidfd::open(pid);
    // Who was reaped before is gone.
    let _gone_either_way = pidfd.map(sys::pidfd::try_wait);
}

fn config(text: &str) -> config::model::Config {
    config::parse(text, "test.toml").unwrap_or_else(|errors| panic!("{errors}"))
}

impl Programs {
    fn rows(&self) -> Vec<ProgramRow> {
        self.rows_at(sys::clock::monotonic_us(), sys::clock::wall_ms())
    }
}

struct Stage {
    programs: Programs,
    inbox: mpsc::Receiver<Event>,
    wants: Vec<Want>,
}

impl Stage {
    fn empty() -> Self {
        Self::on(tree::ladder::Ladder::of_groups("test"))
    }

    fn on(ladder: tree::ladder::Ladder) -> Self {
        let (post, inbox) = mpsc::channel(EVENTS_WAITING_MAX);
        let surroundings = launch::Surroundings {
            binary: "/bin/pilothouse".into(),
            socket: "/run/c.sock".into(),
            ladder,
        };
        Self { programs: Programs::new(post, surroundings), inbox, wants: Vec::new() }
    }

    fn new(text: &str) -> Self {
        let mut stage = Self::empty();
        stage.programs.apply_config(&config(text));
        stage
    }

    /// One turn of the loop: an event, or the next deadline.
    async fn turn(&mut self) {
        let now_us = sys::clock::monotonic_us();
        let pause = self
            .programs
            .next_deadline_us()
            .map_or(LOOK, |us| Duration::from_micros(us.saturating_sub(now_us)).min(LOOK));
        tokio::select! {
            event = self.inbox.recv() => match event.unwrap() {
                Event::Program(event) => self.programs.on_event(event),
                Event::Notice(notice) => self.programs.on_notice(notice),
                other => panic!("not about programs: {other:?}"),
            },
            () = tokio::time::sleep(pause) => self.programs.on_deadline(),
        }
        self.wants.extend(self.programs.take_wants());
    }

    async fn until(&mut self, what: &str, mut is_so: impl FnMut(&mut Self) -> bool) {
        let waiting = async {
            while !is_so(self) {
                self.turn().await;
            }
        };
        let result = tokio::time::timeout(PATIENCE, waiting).await;
        assert!(result.is_ok(), "never so: {what}; rows {:#?}", self.programs.rows());
    }

    async fn until_state(&mut self, id: &str, state: ProgramState) {
        let what = format!("{id} is {state:?}");
        self.until(&what, |stage| stage.row(id).program.state == state).await;
    }

    fn row(&self, id: &str) -> ProgramRow {
        let rows = self.programs.rows();
        let name = |row: &ProgramRow| format!("{}:{}", row.program.name, row.program.instance);
        rows.into_iter().find(|row| name(row) == id).unwrap_or_else(|| panic!("no row {id}"))
    }

    fn pid(&self, id: &str) -> u32 {
        self.row(id).program.pid.unwrap_or_else(|| panic!("{id} does not run"))
    }

    fn command(&mut self, target: &str, verb: &ProgramVerb) -> oneshot::Receiver<Answer> {
        let (reply, answer) = oneshot::channel();
        self.programs.command(&named(target), verb, "alice", reply);
        self.wants.extend(self.programs.take_wants());
        answer
    }

    async fn ask(&mut self, target: &str, verb: ProgramVerb) -> Answer {
        let mut answer = self.command(target, &verb);
        let mut answered = None;
        self.until("an answer", |_| {
            answered = answer.try_recv().ok();
            answered.is_some()
        })
        .await;
        answered.unwrap()
    }

    /// The texts of the output kept so far.
    fn log(&mut self, id: &str) -> Vec<String> {
        let mut lines = self.programs.log(&named(id), None, None, Follow::No).unwrap();
        let kept = lines.try_recv().unwrap();
        texts(&kept)
    }

    fn joins(&self) -> Vec<Join> {
        let join = |want: &Want| match want {
            Want::Join(join) => Some(join.clone()),
            _ => None,
        };
        self.wants.iter().filter_map(join).collect()
    }

    /// What is on the audit trail: `who verb target: result`.
    fn notes(&self) -> Vec<String> {
        let note = |want: &Want| match want {
            Want::Audit(note) => {
                Some(format!("{} {} {}: {}", note.who, note.verb, note.target, note.result))
            }
            _ => None,
        };
        self.wants.iter().filter_map(note).collect()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        for row in self.programs.rows() {
            if let Some(pid) = row.program.pid {
                let _already_gone = sys::pidfd::signal_group(pid, sys::signal::KILL);
            }
        }
    }
}

fn named(target: &str) -> ProgramTarget {
    let parts = target.split_once(':');
    let parts = parts.and_then(|(name, instance)| Some((name, instance.parse().ok()?)));
    let (name, instance) = match parts {
        Some((name, instance)) => (name, Some(instance)),
        None => (target, None),
    };
    ProgramTarget { name: name.to_owned(), instance, incarnation: None }
}

fn texts(lines: &[u8]) -> Vec<String> {
    let text =
        |line: &[u8]| serde_json::from_slice::<crate::control::wire::LogLine>(line).unwrap().text;
    lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(text).collect()
}

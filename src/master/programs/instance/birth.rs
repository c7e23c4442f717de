//! From the decision to start to a process that is watched: its port, its files, its probe.

use std::os::fd::OwnedFd;
use std::rc::Rc;

use super::super::desk::{Desk, Tone};
use super::super::launch::{self, Launched, Plan};
use super::super::output::form::Speaker;
use super::super::output::voice::Voice;
use super::super::output::{BIRTH, Source};
use super::super::process::Process;
use super::super::starts::{self, Begun, Underway};
use super::super::tree::{self, Tree};
use super::{Instance, vitals};
use crate::config::model::tree::LeftOvers;
use crate::master::predecessors;
use crate::supervise::step::{Event, SpawnError};
use crate::sys;
use crate::sys::spawn::birth::GivenUp;

impl Instance {
    /// What comes of it, unless the start takes its time.
    pub(super) fn spawn(&mut self, life: u32, desk: &mut Desk) -> Option<Event> {
        self.ready.borrow_mut().clear();
        self.live.borrow_mut().clear();
        self.status.clear();
        self.lines_seen.clear();
        self.line_watches.clear();
        self.elections = 0;
        self.course = vitals::Course::Steady;
        self.stamps.started_wall_ms = sys::clock::wall_ms();
        let plan = match self.plan(desk) {
            Ok(plan) => plan,
            Err(error) => return Some(self.launched(Err(error), desk)),
        };
        match starts::begin(desk.pool(), plan) {
            Begun::Over(launched) => Some(self.launched(launched, desk)),
            Begun::Underway(underway) => {
                underway.report_to(desk.reporter(&self.id, life));
                self.birth = Some(underway);
                None
            }
        }
    }

    /// A start that took its time may be over.
    pub(super) fn look_at_birth(&mut self, desk: &mut Desk) {
        if let Some(launched) = self.birth.as_ref().and_then(Underway::answer) {
            self.birth = None;
            let event = self.launched(launched, desk);
            self.say(event, desk);
        }
    }

    /// The start that is under way is not wanted any more; what is there of it is ended, and nothing is
    /// waited for where there is nothing.
    pub(super) fn abort_birth(&mut self) -> Option<Event> {
        if self.birth.as_ref()?.kill() == GivenUp::Child {
            return None;
        }
        self.birth = None;
        let error = SpawnError::Busy("given up before there was a process".to_owned());
        Some(Event::SpawnErr { life: self.state.life, error })
    }

    fn launched(&mut self, launched: Result<Launched, SpawnError>, desk: &mut Desk) -> Event {
        let life = self.state.life;
        match launched.and_then(|launched| self.take_up(launched, desk)) {
            Ok(()) => {
                let pid = self.process.as_ref().map_or(0, |process| process.pid);
                self.output.borrow_mut().mark(format!("{BIRTH}{pid}"));
                desk.changed();
                Event::SpawnOk { life }
            }
            Err(error) => {
                let text = error.clone().into_text();
                self.output.borrow_mut().mark(text.clone());
                self.note(Tone::Bad, "start", text, desk);
                Event::SpawnErr { life, error }
            }
        }
    }

    fn plan(&mut self, desk: &mut Desk) -> Result<Plan, SpawnError> {
        self.port = match self.definition.port(self.id.instance) {
            None => None,
            Some(wanted) => {
                let ports = self.definition.ports;
                let port =
                    launch::free_port(wanted, ports, |port| desk.is_promised(port, &self.id));
                Some(port?).inspect(|port| desk.promise(*port, &self.id))
            }
        };
        self.open_files(desk);
        let mut variables = self.variables(desk);
        variables.push(("PILOTHOUSE_LIFE", self.state.life.to_string()));
        let user = launch::identity(&self.definition.program.process)?;
        let vitals = &self.definition.program.vitals;
        if vitals.is_heard() {
            let socket = desk.notice_path(user.as_ref())?;
            variables.extend(launch::notify_variables(vitals, &socket));
        }
        let ladder = desk.surroundings().ladder.clone();
        variables.push((tree::MARK, ladder.mark(&self.id, self.state.life)));
        let left_overs = self.definition.program.tree.left_overs;
        if left_overs == LeftOvers::Kept {
            variables.push((predecessors::KEPT, "1".to_owned()));
        }
        let leaf = ladder.leaf(&self.id, self.state.life, left_overs);
        let program = &self.definition.program;
        desk.open_sockets(program, user.as_ref())?;
        Plan::new(&self.definition, variables, leaf, &desk.sockets(program))
    }

    /// The process is there: it is watched, read, and held by the keeper, too.
    fn take_up(&mut self, launched: Launched, desk: &mut Desk) -> Result<(), SpawnError> {
        let reporter = desk.reporter(&self.id, self.state.life);
        let pid = launched.child.pid;
        let mut process = Process::new(launched.child, reporter).map_err(|error| {
            // Without a watch its end would go unnoticed, so it must not run.
            let _already_ended = sys::pidfd::signal_group(pid, sys::signal::KILL);
            SpawnError::Busy(format!("watch pid {pid}: {error}"))
        })?;
        let ends = [launched.stdout, launched.stderr];
        desk.hold(&self.id, self.state.life, &ends, process.descriptor());
        desk.hold_ready(&self.id, self.state.life, launched.ready.as_ref());
        self.ready_pipe = launched.ready;
        self.begin_to_read(&mut process, ends, desk);
        let leader = (process.pid, process.start_time);
        let ladder = &desk.surroundings().ladder;
        let mark = ladder.mark(&self.id, self.state.life);
        self.tree = Some(Tree::plant(leader, mark, launched.leaf, ladder));
        process.stdin = launched.stdin;
        self.process = Some(process);
        self.hold_stdin(desk);
        if self.is_listener() {
            desk.events.borrow_mut().born(&self.id, sys::clock::monotonic_us());
        }
        self.bound();
        Ok(())
    }

    pub(in crate::master::programs) fn begin_to_read(
        &self,
        process: &mut Process,
        ends: [OwnedFd; 2],
        desk: &Desk,
    ) {
        let program = &self.definition.program;
        self.output.borrow_mut().set_voice(Voice {
            hub: Rc::clone(&desk.events),
            reporter: desk.reporter(&self.id, self.state.life),
            process: program.supervisor_name(self.id.instance),
            group: program.group_name().to_owned(),
            pid: process.pid,
        });
        if self.is_listener() {
            process.hear(ends, &self.output, desk.reporter(&self.id, self.state.life));
        } else {
            process.listen(ends, &self.output);
        }
    }

    /// A variable as this instance sees it.
    pub(super) fn variable(&self, name: &str, desk: &Desk) -> Option<String> {
        launch::variable(&self.definition, &self.variables(desk), name)
    }

    /// What this instance is told beyond the engine's environment.
    pub(in crate::master::programs) fn variables(
        &self,
        desk: &Desk,
    ) -> Vec<(&'static str, String)> {
        let program = &self.definition.program;
        launch::variables(desk.surroundings(), program, self.id.instance, self.port)
    }

    /// Opens the log files under the names that this instance's variables give them.
    pub(in crate::master::programs) fn open_files(&mut self, desk: &mut Desk) {
        let variables = self.variables(desk);
        let lookup = |name: &str| {
            let (_, value) = variables.iter().find(|(known, _)| *known == name)?;
            Some(value.clone())
        };
        let program = &self.definition.program;
        let speaker = Speaker {
            program: program.name.clone(),
            instance: program.number(self.id.instance),
            name: program.supervisor_name(self.id.instance),
        };
        let targets = &program.output;
        let mut output = self.output.borrow_mut();
        for (source, target) in
            [(Source::Stdout, &targets.stdout), (Source::Stderr, &targets.stderr)]
        {
            let sinks = desk.sinks(speaker.clone(), source, target, &lookup);
            output.set_sinks(source, sinks, target.told);
        }
    }
}

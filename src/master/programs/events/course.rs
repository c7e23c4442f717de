//! An instance's course as events, and what becomes of an instance that is a listener.

use std::mem;

use super::super::desk::{Desk, Tone};
use super::super::instance::Instance;
use super::super::process::Process;
use super::payload::{self, Named};
use crate::supervise::chronicle::{self, End};
use crate::supervise::state::{Cause, Shown};
use crate::supervise::step::Event;

/// What was last told of an instance.
#[derive(Clone, Copy, Debug)]
pub(in crate::master::programs) struct Told {
    pub(in crate::master::programs) shown: Shown,
    /// Of the process that runs, or ran last.
    pid: u32,
}

impl Default for Told {
    fn default() -> Self {
        Self { shown: Shown::Stopped, pid: 0 }
    }
}

impl Told {
    /// Of an instance that an earlier master has told of.
    pub(in crate::master::programs) fn earlier(shown: Shown, pid: u32) -> Self {
        Self { shown, pid }
    }
}

impl Instance {
    /// After a step; before its effects, of which the next life may be one.
    pub(in crate::master::programs) fn tell_course(&mut self, end: End, desk: &mut Desk) {
        if let Some(pid) = self.process.as_ref().and_then(Process::main_pid) {
            self.told.pid = pid;
        }
        for shown in chronicle::states(self.told.shown, end, &self.state) {
            let from = mem::replace(&mut self.told.shown, shown);
            desk.announce(payload::subject(shown), || self.payload(from, shown));
        }
    }

    fn payload(&self, from: Shown, shown: Shown) -> String {
        let program = &self.definition.program;
        let named = Named {
            process: &program.supervisor_name(self.id.instance),
            group: program.group_name(),
        };
        let pid = self.told.pid;
        let about = match shown {
            Shown::Starting | Shown::Backoff => format!("tries:{}", self.state.fails),
            Shown::Running | Shown::Stopping | Shown::Stopped => format!("pid:{pid}"),
            Shown::Exited => format!("expected:{} pid:{pid}", u8::from(self.is_end_expected())),
            Shown::Fatal => String::new(),
        };
        named.state(from, &about)
    }

    fn is_end_expected(&self) -> bool {
        match self.state.cause {
            Cause::Exit { ending, .. } => self.policy.is_expected(ending),
            Cause::None | Cause::Spawn { .. } => false,
        }
    }

    pub(in crate::master::programs) fn is_listener(&self) -> bool {
        self.definition.program.listener.is_some()
    }

    /// A listener has written something.
    pub(in crate::master::programs) fn hear(&mut self, bytes: &[u8], desk: &mut Desk) {
        let nonsense = desk.events.borrow_mut().heard(&self.id, bytes);
        desk.changed();
        if let Some(nonsense) = nonsense {
            self.give_up_listening(&nonsense, desk);
        }
    }

    /// It is no use as a listener; the restart policy decides what follows.
    pub(in crate::master::programs) fn give_up_listening(&mut self, why: &str, desk: &mut Desk) {
        desk.events.borrow_mut().ignore(&self.id);
        let text = format!("{why}: killed");
        self.output.borrow_mut().mark(text.clone());
        self.note(Tone::Bad, "listener", text, desk);
        self.say(Event::Kill, desk);
    }
}

//! How the process is asked to end, and what is made of its end.

use super::super::desk::{Desk, Tone};
use super::super::process::{Collected, ask_again, wait_for_status};
use super::super::texts;
use super::{Instance, ending};
use crate::config::model::stop::Reach;
use crate::supervise::policy::Ending;
use crate::supervise::state::{Cause, Next, Shown};
use crate::supervise::step::Event;
use crate::sys;

impl Instance {
    /// The keeper collected the status of this instance's process.
    pub(in crate::master::programs) fn exited_at_keeper(
        &mut self,
        exit: sys::pidfd::Exit,
        desk: &mut Desk,
    ) {
        if let Some(process) = &self.process
            && let Err(error) = process.collect()
        {
            sys::log::error!("programs", "read the end of {}: {error}", self.id);
        }
        self.exited(ending(exit), desk);
    }

    pub(super) fn exited(&mut self, ending: Ending, desk: &mut Desk) {
        if self.is_forking_away(ending) {
            self.elect(ending, desk);
        } else {
            self.exited_for_good(ending, desk);
        }
    }

    pub(super) fn exited_for_good(&mut self, ending: Ending, desk: &mut Desk) {
        let Some(process) = self.process.take() else { return };
        self.stamps.stopped_wall_ms = sys::clock::wall_ms();
        if process.stdin.is_some() {
            self.release_stdin(desk);
        }
        // Its number is free from here on.
        drop(process);
        desk.release(&self.id, self.state.life);
        desk.events.borrow_mut().lost(&self.id);
        self.tell_oom(desk);
        desk.release_ready(&self.id, self.state.life);
        self.ready_pipe = None;
        self.aside = None;
        let group = self.left_behind();
        let life = self.state.life;
        self.say(Event::Exited { life, ending, group }, desk);
    }

    pub(super) fn ended(&mut self, desk: &mut Desk) {
        let Some(process) = &self.process else { return };
        match process.collect() {
            Ok(Collected::Exit(exit)) => self.exited(ending(exit), desk),
            Ok(Collected::ByParent) => {
                wait_for_status(process.pid, desk.reporter(&self.id, self.state.life));
            }
            // Somebody traces it: the status is its tracer's to take first, and nobody has to wait
            // for that who knows it otherwise.
            Ok(Collected::NotYet) => {
                if let Some(exit) = process.foreign_exit() {
                    self.exited(ending(exit), desk);
                } else {
                    ask_again(process.pid, desk.reporter(&self.id, self.state.life));
                    wait_for_status(process.pid, desk.reporter(&self.id, self.state.life));
                }
            }
            Err(error) => {
                sys::log::error!("programs", "collect the status of {}: {error}", self.id);
                self.exited(Ending::Unknown, desk);
            }
        }
    }

    /// Sends the signal of that place in the ladder.
    pub(super) fn terminate(&mut self, rung: u8, desk: &mut Desk) {
        let stop = &self.definition.program.stop;
        let (Some(process), Some(rung)) = (&self.process, stop.rungs.get(usize::from(rung))) else {
            return;
        };
        let number = rung.signal;
        if process.is_between() {
            return self.signal_all(number, desk);
        }
        let send = |number| match stop.signalled {
            Reach::Main => process.signal(number),
            Reach::Group => process.signal_group(number),
        };
        // A stopped process could not act on the signal otherwise.
        if let Err(error) = send(number).and_then(|()| send(sys::signal::CONT)) {
            let text = format!("send {}: {error}", sys::signal::name(number));
            self.note(Tone::Bad, "stop", text, desk);
        }
    }

    pub(super) fn abort(&self, desk: &mut Desk) {
        let Some(process) = &self.process else { return };
        let sent =
            process.signal(sys::signal::ABRT).and_then(|()| process.signal(sys::signal::CONT));
        if let Err(error) = sent {
            self.note(Tone::Bad, "stop", format!("send SIGABRT: {error}"), desk);
        }
    }

    pub(super) fn say_what_follows(&mut self, before: Shown, now_us: u64, desk: &mut Desk) {
        let cause = self.cause();
        let what = texts::consequence(&self.state, &self.policy, now_us);
        let text = format!("{cause}, {what}");
        self.output.borrow_mut().mark(text.clone());
        let is_unfit = matches!(self.state.cause, Cause::Exit { fault: Some(_), .. });
        if before == Shown::Stopping && !is_unfit {
            // Asked for, so whoever asked gets the answer.
            return;
        }
        let tone = match texts::outcome(&self.state) {
            Next::Done | Next::Idle | Next::Gone => Tone::Info,
            Next::GaveUp => Tone::Bad,
            Next::Spawn | Next::Delay { .. } | Next::Held { .. } => Tone::Warn,
        };
        let was_running = before == Shown::Running || is_unfit;
        let is_restarted = matches!(
            texts::outcome(&self.state),
            Next::Spawn | Next::Delay { .. } | Next::Held { .. }
        );
        if was_running && is_restarted {
            self.restarts += 1;
        }
        self.note(tone, "exit", text, desk);
    }
}

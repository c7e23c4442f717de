//! Rolling restart: one instance after another, each running again before the next is touched. Stops
//! at the first that does not come back and says how far it came.

use std::collections::VecDeque;

use super::Programs;
use super::callers::{Asked, Goal, Progress, standing};
use super::commands::Reply;
use super::event::InstanceId;
use crate::control::wire::Answer;
use crate::supervise::state::Shown;
use crate::supervise::step::Event;
use crate::sys;

pub(super) struct Roll {
    asked: Asked,
    waiting: VecDeque<InstanceId>,
    current: Option<Current>,
    done: Vec<InstanceId>,
    skipped: Vec<InstanceId>,
    reply: Reply,
}

struct Current {
    id: InstanceId,
    until_us: u64,
}

/// What comes next in a roll.
enum Turn {
    Wait,
    Next,
    End(Answer),
}

impl Roll {
    pub(super) fn new(asked: Asked, ids: Vec<InstanceId>, reply: Reply) -> Self {
        Self {
            asked,
            waiting: ids.into(),
            current: None,
            done: Vec::new(),
            skipped: Vec::new(),
            reply,
        }
    }

    pub(super) fn target(&self) -> &str {
        &self.asked.line.target
    }

    pub(super) fn deadline_us(&self) -> Option<u64> {
        self.current.as_ref().map(|current| current.until_us)
    }

    /// Whether it is about any program of these instances.
    pub(super) fn concerns(&self, ids: &[InstanceId]) -> bool {
        let current = self.current.iter().map(|current| &current.id);
        let mut mine = self.waiting.iter().chain(current).chain(&self.done);
        mine.any(|mine| ids.iter().any(|id| id.program == mine.program))
    }

    fn result(&self) -> String {
        let names = |ids: &[InstanceId]| {
            ids.iter().map(InstanceId::to_string).collect::<Vec<_>>().join(", ")
        };
        let all = self.done.len() + self.waiting.len() + self.current.iter().count();
        let mut text = format!("{} of {all} restarted", self.done.len());
        if !self.done.is_empty() {
            text = format!("{text}: {}", names(&self.done));
        }
        if !self.skipped.is_empty() {
            text = format!("{text}; left alone, not running: {}", names(&self.skipped));
        }
        text
    }
}

impl Programs {
    pub(super) fn advance_rolls(&mut self) {
        let rolls = std::mem::take(&mut self.rolls);
        for mut roll in rolls {
            match self.advance(&mut roll) {
                Some(answer) => self.answer(&roll.asked, roll.reply, answer),
                None => self.rolls.push(roll),
            }
        }
    }

    /// Goes on until an instance must be waited for; the answer when the roll is over.
    fn advance(&mut self, roll: &mut Roll) -> Option<Answer> {
        loop {
            match self.turn(roll) {
                Turn::Wait => return None,
                Turn::End(answer) => return Some(answer),
                Turn::Next => {
                    roll.done.extend(roll.current.take().map(|current| current.id));
                    let Some(id) = roll.waiting.pop_front() else {
                        return Some(match roll.done.as_slice() {
                            [] => Answer::unchanged(roll.result()),
                            [_, ..] => Answer::changed(roll.result()),
                        });
                    };
                    self.begin_turn(roll, id);
                }
            }
        }
    }

    fn turn(&self, roll: &Roll) -> Turn {
        let Some(current) = &roll.current else { return Turn::Next };
        let Some(instance) = self.instances.get(&current.id) else {
            return Turn::End(Answer::refused(format!(
                "{}; {} was removed",
                roll.result(),
                current.id
            )));
        };
        match Goal::Running.progress(instance) {
            Progress::Reached => Turn::Next,
            Progress::Underway if sys::clock::monotonic_us() < current.until_us => Turn::Wait,
            Progress::Underway => Turn::End(Answer::refused(format!(
                "{}; waited long enough: {}",
                roll.result(),
                standing(instance)
            ))),
            Progress::Failed(standing) => {
                Turn::End(Answer::refused(format!("{}; {standing}", roll.result())))
            }
        }
    }

    /// Stopped and exited ones stay as they are: a roll renews what runs or should run.
    fn begin_turn(&mut self, roll: &mut Roll, id: InstanceId) {
        let Some(instance) = self.instances.get_mut(&id) else { return };
        match instance.shown() {
            Shown::Stopped | Shown::Exited => roll.skipped.push(id),
            Shown::Starting | Shown::Running | Shown::Backoff | Shown::Stopping | Shown::Fatal => {
                instance.say(Event::Restart, &mut self.desk);
                let until_us = sys::clock::monotonic_us() + instance.wait_us();
                roll.current = Some(Current { id, until_us });
            }
        }
    }
}

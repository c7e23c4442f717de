//! Callers that wait until their instances run or are stopped. Each is answered once: when all have
//! reached the goal, when one can not reach it any more, or when the wait has become too long.

use super::Programs;
use super::commands::Reply;
use super::event::InstanceId;
use super::instance::Instance;
use super::texts;
use crate::control::line::Line;
use crate::control::wire::Answer;
use crate::supervise::policy::Kind;
use crate::supervise::state::Shown;
use crate::sys;

pub(super) struct Caller {
    pub(super) asked: Asked,
    pub(super) ids: Vec<InstanceId>,
    /// Started along with them, since they need it.
    pub(super) along: Vec<InstanceId>,
    pub(super) goal: Goal,
    /// The call changed something; otherwise the answer says that all was so already.
    pub(super) is_changed: bool,
    pub(super) until_us: u64,
    pub(super) reply: Reply,
}

/// Who asked for what, as the audit trail writes it.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) by: String,
    pub(super) line: Line,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    Running,
    Stopped,
}

/// How an instance stands to a goal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    Reached,
    Underway,
    /// What happened instead.
    Failed(String),
}

impl Goal {
    pub(super) fn progress(self, instance: &Instance) -> Progress {
        let failed = || Progress::Failed(standing(instance));
        match (self, instance.shown()) {
            // A job is there to end.
            (Self::Running, Shown::Running) if instance.policy.kind == Kind::OneShot => {
                Progress::Underway
            }
            (Self::Running, Shown::Exited) if instance.has_succeeded() => Progress::Reached,
            (Self::Running, Shown::Running)
            | (Self::Stopped, Shown::Stopped | Shown::Exited | Shown::Fatal) => Progress::Reached,
            (Self::Running, Shown::Starting | Shown::Stopping)
            | (Self::Stopped, Shown::Stopping) => Progress::Underway,
            (Self::Running, Shown::Backoff | Shown::Fatal | Shown::Exited | Shown::Stopped)
            | (Self::Stopped, Shown::Starting | Shown::Running | Shown::Backoff) => failed(),
        }
    }
}

impl Programs {
    pub(super) fn answer_callers(&mut self) {
        let now_us = sys::clock::monotonic_us();
        let waiting = std::mem::take(&mut self.callers);
        for caller in waiting {
            match self.verdict(&caller, now_us) {
                None => self.callers.push(caller),
                Some(answer) => self.answer(&caller.asked, caller.reply, answer),
            }
        }
    }

    /// The same as `standing`, with what it waits for.
    fn standing_text(&self, instance: &Instance) -> String {
        match (instance.is_waiting(), self.reason(instance)) {
            (true, reason) if !reason.is_empty() => {
                format!("{} is {}: {reason}", instance.id, texts::state_name(instance.shown()))
            }
            (_, _) => standing(instance),
        }
    }

    /// The answer, once there is one.
    fn verdict(&self, caller: &Caller, now_us: u64) -> Option<Answer> {
        let progress = |id| self.instances.get(id).map(|it| caller.goal.progress(it));
        let mut progresses = caller.ids.iter().filter_map(progress);
        let is_underway = progresses.any(|progress| progress == Progress::Underway);
        let is_late = now_us >= caller.until_us;
        if is_underway && !is_late {
            return None;
        }
        let mut standings = Vec::new();
        let mut has_failed = false;
        for id in &caller.ids {
            let Some(instance) = self.instances.get(id) else {
                standings.push(format!("{id} was removed"));
                has_failed |= caller.goal == Goal::Running;
                continue;
            };
            match caller.goal.progress(instance) {
                Progress::Reached | Progress::Underway => {
                    standings.push(self.standing_text(instance));
                }
                Progress::Failed(standing) => {
                    has_failed = true;
                    standings.push(standing);
                }
            }
        }
        let mut message = standings.join(", ");
        if !caller.along.is_empty() {
            let names: Vec<String> = caller.along.iter().map(InstanceId::to_string).collect();
            message = format!("{message}; started because it is needed: {}", names.join(", "));
        }
        if is_underway {
            return Some(Answer::refused(format!("waited long enough: {message}")));
        }
        Some(match (has_failed, caller.is_changed) {
            (true, _) => Answer::refused(message),
            (false, true) => Answer::changed(message),
            (false, false) => Answer::unchanged(format!("already so: {message}")),
        })
    }
}

/// `web:0 is RUNNING (pid 12)`, `web:1 is FATAL: gave up after 4 starts: exit 1 after 0.20 s`.
pub(super) fn standing(instance: &Instance) -> String {
    let id = &instance.id;
    let state = texts::state_name(instance.shown());
    if let (Shown::Running, Some(process)) = (instance.shown(), &instance.process) {
        return format!("{id} is {state} (pid {})", process.pid);
    }
    match instance.reason() {
        reason if reason.is_empty() => format!("{id} is {state}"),
        reason => format!("{id} is {state}: {reason}"),
    }
}

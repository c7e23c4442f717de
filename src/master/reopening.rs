//! Log files opened again, here and by every worker: whoever asked is answered once nothing is
//! written to the old ones any more.
//!
//! A worker that ends meanwhile is not waited for, nor one whose disk takes too long.

use tokio::sync::oneshot;

use super::{Master, audit};
use crate::config::limits::LOG_REOPEN_WAIT_MS;
use crate::control::call::{Caller, Command};
use crate::control::wire::Answer;
use crate::order::worker::ToWorker;
use crate::sys::clock;

#[derive(Default)]
pub(super) struct Reopening {
    number: u32,
    waits: Vec<Wait>,
}

/// One order to open everything again.
struct Wait {
    number: u32,
    /// Slot and life of those that have not answered yet.
    left: Vec<(u16, u32)>,
    /// Slot of each that could not open a file, and the kernel's number of why.
    failed: Vec<(u16, u32)>,
    deadline_us: u64,
    caller: Caller,
    reply: oneshot::Sender<Answer>,
}

impl Reopening {
    pub(super) fn due_us(&self) -> u64 {
        self.waits.iter().map(|wait| wait.deadline_us).min().unwrap_or(u64::MAX)
    }
}

impl Master {
    /// For whoever waits for nothing.
    pub(super) fn reopen(&mut self) {
        self.programs.reopen_files();
        self.reopening.number = self.reopening.number.wrapping_add(1);
        let number = self.reopening.number;
        self.workers.hand_files();
        self.workers.tell_all(&ToWorker::Reopen { number }, None);
    }

    /// Answers when it is done.
    pub(super) fn reopen_for(&mut self, caller: &Caller, reply: oneshot::Sender<Answer>) {
        self.reopen();
        self.reopening.waits.push(Wait {
            number: self.reopening.number,
            left: self.workers.serving().collect(),
            failed: Vec::new(),
            deadline_us: clock::monotonic_us() + LOG_REOPEN_WAIT_MS * 1000,
            caller: caller.clone(),
            reply,
        });
        self.settle_reopenings();
    }

    /// A worker has done it, and with it what was asked for before.
    pub(super) fn on_reopened(&mut self, worker: (u16, u32), number: u32, failing: u32) {
        for wait in &mut self.reopening.waits {
            if wait.number <= number {
                wait.left.retain(|other| *other != worker);
                wait.failed.extend((failing != 0).then_some((worker.0, failing)));
            }
        }
        self.settle_reopenings();
    }

    /// A worker that is gone writes nowhere; its successor opens what there is.
    pub(super) fn forget_reopening(&mut self, slot: u16, life: u32) {
        for wait in &mut self.reopening.waits {
            wait.left.retain(|other| *other != (slot, life));
        }
        self.settle_reopenings();
    }

    pub(super) fn settle_reopenings(&mut self) {
        let now_us = clock::monotonic_us();
        let is_over = |wait: &Wait| wait.left.is_empty() || now_us >= wait.deadline_us;
        let (over, waits): (Vec<Wait>, Vec<Wait>) =
            std::mem::take(&mut self.reopening.waits).into_iter().partition(is_over);
        self.reopening.waits = waits;
        for Wait { left, failed, caller, reply, .. } in over {
            let answer = answer(&left, &failed);
            self.note(audit::of_command(&Command::Reopen, &caller, &answer));
            // Whoever asked may be gone by now.
            let _nobody_waits = reply.send(answer);
        }
    }
}

fn answer(left: &[(u16, u32)], failed: &[(u16, u32)]) -> Answer {
    if let [(slot, failing), ..] = failed {
        let cause = std::io::Error::from_raw_os_error(*failing as i32);
        return Answer::refused(format!(
            "worker {slot} could not open all log files again ({cause}); the engine's log names them"
        ));
    }
    if left.is_empty() {
        return Answer::changed("log files are opened again");
    }
    let slots: Vec<String> = left.iter().map(|(slot, _)| slot.to_string()).collect();
    let seconds = LOG_REOPEN_WAIT_MS / 1000;
    Answer::refused(format!(
        "worker {} has not opened its log files again within {seconds} s: is the disk slow?",
        slots.join(", ")
    ))
}

//! The configuration is read beside the loop, for its files may lie on a file system that does not
//! answer: whoever asked is answered once it is read, or is refused after a while.
//!
//! One reading at a time. What is read is only for those who asked before it was begun, as the files
//! may have changed since; and nothing comes of a reading that took too long.

use std::collections::VecDeque;
use std::io;

use tokio::sync::oneshot;

use super::event::Event;
use super::{Master, answer, audit, rpc};
use crate::config::diagnostic::Errors;
use crate::config::limits::{CONFIG_READ_WAIT_MS, CONFIG_READS_WAITING_MAX};
use crate::config::{Dates, Loaded};
use crate::control::call::{Caller, Command};
use crate::control::server;
use crate::control::wire::{Answer, Role, Severity};
use crate::sys::blocking::{Begun, Late, Pool};
use crate::sys::{apart, clock, signal};

/// What it is read for.
pub(super) enum Purpose {
    /// On a signal.
    Signal,
    Reload {
        caller: Caller,
        reply: oneshot::Sender<Answer>,
    },
    Plan {
        role: Role,
        reply: oneshot::Sender<server::Reply>,
    },
    Reread {
        reply: rpc::Reply,
    },
    Restart {
        by: String,
        reply: rpc::Reply,
    },
}

/// The outer error: no thread could be had.
type Read = io::Result<Result<Loaded, Errors>>;

#[derive(Default)]
pub(super) struct Reading {
    pool: Pool,
    underway: Option<Underway>,
    /// In the order they were asked.
    waiting: VecDeque<Wish>,
}

struct Underway {
    late: Late<Read>,
    /// Nothing when it took too long.
    wish: Option<Wish>,
}

struct Wish {
    purpose: Purpose,
    deadline_us: u64,
}

impl Reading {
    pub(super) fn due_us(&self) -> u64 {
        let underway = self.underway.as_ref().and_then(|underway| underway.wish.as_ref());
        underway.into_iter().chain(&self.waiting).map(|it| it.deadline_us).min().unwrap_or(u64::MAX)
    }

    /// Takes out whoever has waited long enough by then.
    fn take_late(&mut self, now_us: u64) -> Vec<Wish> {
        let is_late = |wish: &mut Wish| now_us >= wish.deadline_us;
        let underway = self.underway.as_mut().and_then(|it| it.wish.take_if(is_late));
        // In order, so that those who have waited long enough are the first.
        let count = self.waiting.iter().take_while(|wish| now_us >= wish.deadline_us).count();
        underway.into_iter().chain(self.waiting.drain(..count)).collect()
    }
}

impl Master {
    /// Reads it, and then does what it is read for: at once, if it can be read at once.
    pub(super) fn read_for(&mut self, purpose: Purpose) {
        if self.reading.underway.is_some() {
            if self.reading.waiting.len() >= CONFIG_READS_WAITING_MAX {
                return self.has_not_read(purpose, "too many others wait for it already");
            }
            self.reading.waiting.push_back(Wish::new(purpose));
            return;
        }
        let source = self.options.source.clone();
        match self.reading.pool.call(move || apart::run(|| source.read(Dates::Passed))) {
            Ok(Begun::Done(read)) => self.has_read(purpose, read),
            Ok(Begun::Late(late)) => {
                let (coming, post) = (late.coming(), self.post.clone());
                tokio::task::spawn_local(async move {
                    coming.notified().await;
                    // The loop is over when nobody hears of it.
                    let _over = post.send(Event::ConfigRead).await;
                });
                let wish = Some(Wish::new(purpose));
                self.reading.underway = Some(Underway { late, wish });
            }
            Err(error) => self.has_not_read(purpose, &error.to_string()),
        }
    }

    /// A reading that was not over at once is.
    pub(super) fn on_config_read(&mut self) {
        let Some(Underway { late, wish }) = self.reading.underway.take() else { return };
        let Some(read) = late.answer() else {
            self.reading.underway = Some(Underway { late, wish });
            return;
        };
        if let Some(wish) = wish {
            self.has_read(wish.purpose, read);
        }
        for wish in std::mem::take(&mut self.reading.waiting) {
            self.read_for(wish.purpose);
        }
    }

    /// Whoever has waited long enough is refused.
    pub(super) fn settle_reading(&mut self) {
        for wish in self.reading.take_late(clock::monotonic_us()) {
            let seconds = CONFIG_READ_WAIT_MS / 1000;
            let why = format!("a file system has not answered for {seconds} s");
            self.has_not_read(wish.purpose, &why);
        }
    }

    fn has_read(&mut self, purpose: Purpose, read: Read) {
        match read {
            Ok(read) => self.go_on(purpose, read.map_err(|errors| errors.to_string())),
            Err(error) => self.has_not_read(purpose, &error.to_string()),
        }
    }

    fn has_not_read(&mut self, purpose: Purpose, why: &str) {
        let text = format!("read {}, or a file that it names: {why}", self.options.source.name());
        self.go_on(purpose, Err(text));
    }

    /// With what was read, or with why it was not.
    fn go_on(&mut self, purpose: Purpose, read: Result<Loaded, String>) {
        // In each case, whoever asked may be gone by now.
        match purpose {
            Purpose::Signal => {
                let answer = self.reload(read);
                self.note(audit::Entry {
                    who: signal::name(signal::HUP),
                    verb: "reload".to_owned(),
                    target: String::new(),
                    severity: if answer.is_done() { Severity::Good } else { Severity::Bad },
                    result: answer.message,
                    cli: "pilothouse reload".to_owned(),
                });
            }
            Purpose::Reload { caller, reply } => {
                let answer = self.reload(read);
                self.note(audit::of_command(&Command::Reload, &caller, &answer));
                let _nobody_waits = reply.send(answer);
            }
            Purpose::Plan { role, reply } => {
                let plan = self.plan(role, read);
                let _nobody_waits = reply.send(server::Reply::Json(answer::json(&plan)));
            }
            Purpose::Reread { reply } => {
                let _nobody_waits = reply.send(self.reread(read));
            }
            Purpose::Restart { by, reply } => {
                let _nobody_waits = reply.send(self.restart_everything(&by, read));
            }
        }
        self.follow_members();
    }
}

impl Wish {
    fn new(purpose: Purpose) -> Self {
        Self { purpose, deadline_us: clock::monotonic_us() + CONFIG_READ_WAIT_MS * 1000 }
    }
}

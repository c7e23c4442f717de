//! What is done once a second, whatever happens: figures are read and kept, what is bounded is looked at,
//! and what somebody may have taken away is put back.

use std::os::fd::AsFd as _;

use super::history::Effort;
use super::membership::Now;
use super::programs::Weighed;
use super::socket::ControlSocket;
use super::start::StartError;
use super::turn::SECOND_US;
use super::{Master, WHO, start};
use crate::sys::lock::Lock;
use crate::sys::{self, folders, log};

/// With a thousand programs, to look at every row costs more than all else that is done while nothing
/// happens. Rows are looked at each second while somebody watches or something has happened, else so often:
/// so late the past may know of what makes no event, as a question that failed once more. The same holds
/// for what a successor must know.
const UNWATCHED_US: u64 = 30 * SECOND_US;

/// Why the files of the control socket and of the name can not be put back; said once.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    socket: String,
    name: String,
}

impl Master {
    /// Whether a successor may have to know of any of it.
    pub(super) fn close_second(&mut self, now: Now) -> bool {
        let pids: Vec<u32> = self.workers.living().map(|living| living.pid).collect();
        self.usage.refresh(&pids);
        let is_watched = self.watchers.count() > 0;
        self.programs.weigh(if is_watched { Weighed::Watched } else { Weighed::Bounded });
        self.programs.tidy();
        let efforts: Vec<Effort> = self
            .workers
            .living()
            .map(|living| Effort {
                slot: living.slot,
                cpu_percent: self.usage.of(living.pid).cpu_percent,
                rss_bytes: self.usage.of(living.pid).rss_bytes,
            })
            .collect();
        self.tell_alarms(now);
        self.alarms.refusals.close_second(self.board);
        let has_departed = self.lifetimes.settle();
        let programs = if is_watched { self.programs.used() } else { Vec::new() };
        let sample = self.history.push(&efforts, programs, now.wall_ms);
        self.watchers.sample(&sample);
        if is_watched || now.mono_us >= self.clock.tape_us {
            self.clock.tape_us = now.mono_us + UNWATCHED_US;
            let snapshot = self.snapshot(now);
            self.history.record(now.wall_ms, &snapshot);
        }
        self.workers.look_at_files();
        self.renew_ticket_key(now);
        self.look_at_certificates(now);
        self.keep_name();
        if !self.control.is_there() {
            self.put_socket_back();
        }
        let is_due = now.mono_us >= self.clock.will_us;
        if is_due {
            self.clock.will_us = now.mono_us + UNWATCHED_US;
        }
        is_due || has_departed
    }

    /// Takes the lock on the engine's name again when somebody has removed its file, so that no second
    /// engine takes it.
    fn keep_name(&mut self) {
        let path = self.control.path().with_file_name(folders::LOCK);
        if self.keeper.is_named_by(&path) {
            return;
        }
        let made = folders::make_runtime_dir(&self.options.name).map_err(|error| error.to_string());
        let taken = made.and_then(|_folder| {
            Lock::acquire_for(&path, sys::proc::parent()).map_err(|error| error.to_string())
        });
        match taken {
            Ok(lock) => {
                log::warning!(WHO, "took {} again, which somebody removed", path.display());
                self.keeper.hold_name(lock.into());
                self.trouble.name.clear();
            }
            Err(why) if why == self.trouble.name => {}
            Err(why) => {
                log::error!(WHO, "take the engine's name again: {why}");
                self.trouble.name = why;
            }
        }
    }

    /// With the folder it lies in, should that be gone, too.
    fn put_socket_back(&mut self) {
        let path = self.control.path().to_owned();
        let made = folders::make_runtime_dir(&self.options.name).map_err(StartError::Folder);
        match made.and_then(|_folder| Ok(ControlSocket::listen(&path)?)) {
            Ok((control, listener)) => {
                log::warning!(WHO, "put {} back, which somebody removed", path.display());
                self.serving.abort();
                self.keeper.release(&self.control.key());
                self.keeper.hold(&control.key(), &[listener.as_fd()]);
                self.control = control;
                self.trouble.socket.clear();
                self.serving = start::serve(listener, self.asks.clone());
            }
            Err(error) => {
                let why = error.to_string();
                if self.trouble.socket != why {
                    log::error!(WHO, "put the control socket back: {why}");
                    self.trouble.socket = why;
                }
            }
        }
    }
}

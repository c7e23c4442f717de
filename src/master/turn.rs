//! The loop: one event, what follows from it, and what is due by the clock.

use std::time::Duration;

use super::checks::Checked;
use super::event::Event;
use super::membership::{Notice, Now};
use super::programs::notices;
use super::reading::Purpose;
use super::workers::{Ended, log_said};
use super::{Master, Phase, WHO, audit, limits, servers, start};
use crate::control::wire::{BackendState, EventRecord, Severity};
use crate::order::worker::FromWorker;
use crate::sys::orphans::{self, Reaped};
use crate::sys::{clock, log, signal};

pub(super) const SECOND_US: u64 = 1_000_000;
/// The loop comes late by this much only when the machine or this process stood still.
const STANDSTILL_US: u64 = 1_000_000;
/// Then the clock has its turn too.
const EVENTS_A_TURN_MAX: usize = 64;
/// However many events there are, whoever asks is answered among them.
const ASKS_A_TURN_MAX: usize = 16;
/// Between two snapshots while somebody watches.
const WATCHED_US: u64 = 100_000;
/// Connections that are handed to hyper get this long to take an answer that was just given.
pub(super) const LAST_WORDS: Duration = Duration::from_millis(20);

/// What is due by itself.
#[derive(Debug)]
pub(super) struct Clock {
    pub(super) second_us: u64,
    snapshot_us: u64,
    requests_us: u64,
    /// Of what rows are beside their figures.
    pub(super) tape_us: u64,
    /// What a successor must know is brought in line though nothing is known to have changed.
    pub(super) will_us: u64,
}

/// Ended children that nobody waits for.
#[derive(Debug)]
pub(super) struct Orphans {
    /// Whether there may be some.
    reaped: Reaped,
    /// By this master and those before it.
    pub(super) count: u64,
}

impl Orphans {
    pub(super) fn new(count: u64) -> Self {
        Self { reaped: Reaped::Blocked, count }
    }
}

impl Clock {
    pub(super) fn new(now_us: u64) -> Self {
        Self {
            second_us: now_us + SECOND_US,
            snapshot_us: now_us,
            requests_us: now_us,
            tape_us: now_us,
            will_us: now_us,
        }
    }
}

impl Master {
    /// Until the engine is over: the status to end with.
    pub(super) async fn run(mut self) -> u8 {
        while !matches!(self.phase, Phase::Over | Phase::MakingWay) {
            let mut has_changed = self.phase != Phase::Running;
            if let Some(event) = self.next().await {
                has_changed = true;
                self.on(event);
                // What has come meanwhile shares the turn, and its writing down.
                for _ in 1..EVENTS_A_TURN_MAX {
                    let Ok(event) = self.events.try_recv() else { break };
                    self.on(event);
                }
                for _ in 0..ASKS_A_TURN_MAX {
                    let Ok(asked) = self.asked.try_recv() else { break };
                    self.on(Event::Asked(asked));
                }
            }
            self.service.beat();
            has_changed |= self.follow_up(Now::read());
            self.advance_stop();
            if self.carry_out_wants(Now::read()) {
                has_changed = true;
                self.clock.tape_us = 0;
            }
            if has_changed {
                self.bequeath();
            }
            // After that, so that a successor knows of the end of whoever is reaped here.
            self.reap_orphans();
            if self.phase == Phase::Running && self.keeper.was_lost() {
                self.take_keepers_place();
            }
            // However many events wait, what comes from outside gets as far as becoming one.
            tokio::task::yield_now().await;
        }
        if self.phase == Phase::MakingWay {
            return self.make_way().await;
        }
        tokio::time::sleep(LAST_WORDS).await;
        self.programs.settle_output().await;
        self.remove_own_files();
        self.programs.clear_away();
        let _gone_either_way = std::fs::remove_file(notices::path(self.control.path()));
        self.keeper.stop(self.status);
        self.status
    }

    /// The next event, or `None` when something is due first.
    async fn next(&mut self) -> Option<Event> {
        let begun_us = clock::monotonic_us();
        let due_us = self.due_us().max(begun_us);
        let next = tokio::select! {
            biased;
            Some(event) = self.events.recv() => Some(event),
            Some(asked) = self.asked.recv() => Some(Event::Asked(asked)),
            () = tokio::time::sleep(Duration::from_micros(due_us - begun_us)) => None,
        };
        let late_us = clock::monotonic_us().saturating_sub(due_us);
        if late_us >= STANDSTILL_US {
            log::warning!(WHO, "stood still for {} ms: nobody is blamed for that", late_us / 1000);
            self.programs.stood_still(late_us);
        }
        next
    }

    fn due_us(&self) -> u64 {
        let snapshot_us =
            if self.watchers.count() > 0 { self.clock.snapshot_us } else { self.clock.second_us };
        let requests_us =
            if self.requests.is_followed() { self.clock.requests_us } else { u64::MAX };
        let membership_us =
            clock::monotonic_us() + self.membership.tick_within().as_micros() as u64;
        let stop_us = match self.phase {
            Phase::Draining { drained_us: deadline_us, .. }
            | Phase::Stopping { deadline_us }
            | Phase::Killing { deadline_us } => deadline_us,
            Phase::Running | Phase::Over | Phase::MakingWay => u64::MAX,
        };
        let programs_us = self.programs.next_deadline_us().unwrap_or(u64::MAX);
        let of_clock = [snapshot_us, self.clock.second_us, requests_us];
        let due_us = of_clock.into_iter().chain([
            membership_us,
            programs_us,
            stop_us,
            self.reopening.due_us(),
            self.reading.due_us(),
            self.service.due_us(),
            self.membership.outliers_due_us(),
        ]);
        due_us.min().unwrap_or(0)
    }

    fn on(&mut self, event: Event) {
        match event {
            Event::Asked(asked) => self.answer(asked),
            Event::Signal { number } => self.on_signal(number),
            Event::Program(event) => self.programs.on_event(event),
            Event::Tried(verdict) => self.on_tried(verdict),
            Event::ConfigRead => self.on_config_read(),
            Event::Notice(notice) => self.programs.on_notice(notice),
            Event::Checked(checked) => self.on_checked(&checked),
            Event::Resolved(resolved) => self.on_resolved(resolved),
            Event::KeeperExited { pid, exit } => self.programs.on_keeper_exited(pid, exit),
            // With the turn's end: what this turn has done must be in the will, and held.
            Event::KeeperLost => self.keeper.lose(),
            Event::WorkerSaid { slot, life, said: FromWorker::Reopened { number, failing } } => {
                self.on_reopened((slot, life), number, failing);
            }
            Event::WorkerSaid { slot, life, said } => {
                log_said(slot, life, said);
                if let FromWorker::Running { .. } = said {
                    self.service.serves();
                    self.relieve_workers(slot, life);
                }
            }
            Event::WorkerEnded { slot, life, exit } => {
                let how = exit.map_or_else(|| "ended".to_owned(), |exit| exit.to_string());
                self.on_worker_ended(slot, life, &how);
            }
            Event::WorkerDue { slot, life } => {
                if self.phase == Phase::Running {
                    let (workers, supplies) = self.workers_and_supplies();
                    workers.due(slot, life, &supplies);
                }
            }
        }
    }

    fn on_signal(&mut self, number: i32) {
        match number {
            signal::TERM | signal::INT | signal::QUIT => {
                self.begin_stop(&format!("by {}", signal::name(number)));
            }
            signal::HUP => self.read_for(Purpose::Signal),
            signal::USR1 => self.reopen(),
            // Ours are seen by their descriptors.
            signal::CHLD => self.orphans.reaped = Reaped::Blocked,
            signal::USR2 => self.upgrade("SIGUSR2".to_owned(), None),
            other => log::notice!(WHO, "{} means nothing here", signal::name(other)),
        }
    }

    fn on_checked(&mut self, checked: &Checked) {
        // A result may come after its backend has left.
        let _was_there = self.membership.checked(checked, Now::read());
    }

    fn on_worker_ended(&mut self, slot: u16, life: u32, how: &str) {
        self.forget_reopening(slot, life);
        let ended = self.workers.ended(slot, life, &self.keeper);
        match ended {
            Ended::Stale => {}
            Ended::Retired => {
                log::notice!(WHO, "worker {slot}: {how}");
                // A reload may have asked for its slot again meanwhile.
                if self.phase == Phase::Running {
                    self.resize_workers();
                }
            }
            Ended::Replace { pause_ms } => {
                log::error!(WHO, "worker {slot}: {how}; next in {pause_ms} ms");
                if pause_ms == 0 && self.phase == Phase::Running {
                    let (workers, supplies) = self.workers_and_supplies();
                    workers.due(slot, life, &supplies);
                } else {
                    self.workers.replace_later(slot, life, pause_ms);
                }
                self.note(audit::Entry {
                    who: audit::ENGINE.to_owned(),
                    verb: "replace".to_owned(),
                    target: format!("worker {slot}"),
                    result: how.to_owned(),
                    severity: Severity::Bad,
                    cli: String::new(),
                });
            }
        }
    }

    /// What is due by the clock, and what happened by itself meanwhile. Whether a successor may have
    /// to know of any of it: to be watched changes nothing.
    fn follow_up(&mut self, now: Now) -> bool {
        let mut has_changed = false;
        if self.programs.next_deadline_us().is_some_and(|due_us| due_us <= now.mono_us) {
            has_changed = true;
            self.programs.on_deadline();
        }
        if now.mono_us >= self.reopening.due_us() {
            has_changed = true;
            self.settle_reopenings();
        }
        if now.mono_us >= self.reading.due_us() {
            has_changed = true;
            self.settle_reading();
        }
        for notice in self.membership.tick(now) {
            has_changed = true;
            self.on_notice(notice);
        }
        self.follow_members();
        if now.mono_us >= self.clock.second_us {
            // A late turn is one second, not several short ones.
            self.clock.second_us = now.mono_us + SECOND_US;
            has_changed |= self.close_second(now);
        }
        self.tell_watchers(now);
        has_changed
    }

    fn tell_watchers(&mut self, now: Now) {
        if now.mono_us >= self.clock.requests_us && self.requests.is_followed() {
            self.clock.requests_us = now.mono_us + WATCHED_US;
            self.requests.tell();
        }
        let is_due = now.mono_us >= self.clock.snapshot_us;
        if is_due && self.watchers.count() > 0 {
            self.clock.snapshot_us = now.mono_us + WATCHED_US;
            // More often than every second, so that a busy worker's ring is not overtaken unread.
            self.history.read_rings();
            if self.watchers.are_due() {
                let snapshot = self.snapshot(now);
                self.watchers.publish(&snapshot);
            }
        }
    }

    fn reap_orphans(&mut self) {
        if self.orphans.reaped == Reaped::Blocked {
            let before = self.orphans.count;
            let count = &mut self.orphans.count;
            self.orphans.reaped = orphans::reap(|_pid| *count += 1);
            if self.orphans.count != before {
                self.clock.will_us = 0;
            }
        }
    }

    fn on_notice(&mut self, notice: Notice) {
        let (verb, target, result, severity) = match notice {
            Notice::Drained { upstream, backend, active_left, has_timed_out, cuts } => {
                self.programs.on_drained(&upstream, &backend);
                let result = match (has_timed_out, active_left) {
                    (false, _) => "no request left".to_owned(),
                    (true, 0) => format!("out of time, {cuts} cut"),
                    (true, _) => format!("out of time, {cuts} cut, {active_left} left"),
                };
                let severity = if has_timed_out { Severity::Warn } else { Severity::Good };
                ("drained", format!("{upstream}/{backend}"), result, severity)
            }
            Notice::Removed { upstream, backend } => {
                let result = "off its upstream".to_owned();
                ("removed", format!("{upstream}/{backend}"), result, Severity::Good)
            }
            Notice::Turned { upstream, backend, from, to, reason } => {
                let change = format!("{} to {}", state_name(from), state_name(to));
                let result = if reason.is_empty() { change } else { format!("{change}: {reason}") };
                ("turned", format!("{upstream}/{backend}"), result, severity_of(to))
            }
        };
        self.note(audit::Entry {
            who: audit::ENGINE.to_owned(),
            verb: verb.to_owned(),
            target,
            result,
            severity,
            cli: String::new(),
        });
    }

    /// Checks go to whoever is a member.
    pub(super) fn follow_members(&mut self) {
        if self.membership.take_coming_and_going() {
            self.checks.follow(self.membership.subjects());
        }
    }

    /// Writes an event down and tells everyone who follows them.
    pub(super) fn note(&mut self, entry: audit::Entry) -> EventRecord {
        let event = self.audit.record(entry, clock::wall_ms());
        (self.clock.tape_us, self.clock.will_us) = (0, 0);
        self.watchers.event(&event);
        event
    }

    pub(super) fn resize_workers(&mut self) {
        let count = start::worker_count(&self.generation.config);
        let drain_ms = self.generation.config.engine.drain_ms();
        let deadline_us = clock::monotonic_us() + drain_ms * 1000;
        let (workers, supplies) = self.workers_and_supplies();
        workers.resize(count, &supplies, deadline_us);
    }

    /// A worker serves: one of another binary may have stayed for its sake alone.
    fn relieve_workers(&mut self, slot: u16, life: u32) {
        if self.phase == Phase::Running {
            let count = start::worker_count(&self.generation.config);
            let drain_ms = self.generation.config.engine.drain_ms();
            let deadline_us = clock::monotonic_us() + drain_ms * 1000;
            let (workers, supplies) = self.workers_and_supplies();
            workers.serves((slot, life), count, &supplies, deadline_us);
        }
    }

    pub(super) fn apply_membership(&mut self, now: Now) {
        limits::publish(self.board, &self.generation.config);
        servers::publish(self.board, &self.generation.config);
        let config = self.scaled_config();
        if let Err(error) = self.membership.apply_config(&config, now) {
            log::error!(WHO, "{error}");
        }
        self.checks.apply_config(&config, self.membership.subjects());
        self.names.apply_config(&config);
    }

    /// After the membership: a program can only join an upstream that is there.
    pub(super) fn apply_programs(&mut self, now: Now) {
        let config = self.scaled_config();
        self.programs.apply_config(&config);
        self.carry_out_wants(now);
    }
}

fn state_name(state: BackendState) -> &'static str {
    match state {
        BackendState::Up => "up",
        BackendState::Starting => "starting",
        BackendState::Draining => "draining",
        BackendState::Drained => "drained",
        BackendState::Down => "down",
        BackendState::Failed => "failed",
    }
}

fn severity_of(state: BackendState) -> Severity {
    match state {
        BackendState::Up => Severity::Good,
        BackendState::Starting | BackendState::Draining | BackendState::Drained => Severity::Info,
        BackendState::Down => Severity::Warn,
        BackendState::Failed => Severity::Bad,
    }
}

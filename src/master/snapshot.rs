//! Everything a console shows, gathered at one instant.

use std::rc::Rc;

use super::{Master, limits, membership, usage, workers};
use crate::control::access_log::WorkerLog;
use crate::control::wire;
use crate::scoreboard::crew::{WorkerFigures, WorkerState};
use crate::scoreboard::{WorkerSlot, access_log};

impl Master {
    pub(super) fn snapshot(&self, now: membership::Now) -> Rc<wire::Snapshot> {
        let (mut upstreams, backends) = self.membership.rows(&self.history, now);
        for upstream in &mut upstreams {
            self.names.complete(&upstream.name, &mut upstream.names);
        }
        Rc::new(wire::Snapshot {
            head: self.head(now),
            workers: self.workers.living().map(|living| self.worker_row(living, now)).collect(),
            upstreams,
            backends,
            programs: self.program_rows(now),
            firewall: self.alarms.row().cloned(),
        })
    }

    fn head(&self, now: membership::Now) -> wire::Head {
        wire::Head {
            name: self.options.name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            generation: self.generation.number,
            uptime_ms: (now.mono_us / 1000).saturating_sub(self.started_us / 1000),
            wall_ms: now.wall_ms,
            config: self.generation.config.source.clone(),
            listeners: self.listeners.rows(&self.generation.config),
            servers: self.server_rows(now.wall_ms),
            certificates: self.certificate_rows(now.wall_ms),
            limits: limits::rows(self.board, &self.generation.config, &self.alarms.refusals),
            refused: limits::refused(self.board),
            master_pid: std::process::id(),
            keeper_pid: self.keeper_pid,
            is_embedded: self.generation.config.is_embedded,
            config_error: self.config_error.clone(),
            orphans_reaped: self.orphans.count,
        }
    }

    fn program_rows(&self, now: membership::Now) -> Vec<wire::ProgramRow> {
        let mut rows = self.programs.rows_at(now.mono_us, now.wall_ms);
        for row in &mut rows {
            self.tell_scale(row);
        }
        rows
    }

    fn worker_row(&self, living: workers::Living<'_>, now: membership::Now) -> wire::Worker {
        let figures = WorkerSlot::new(usize::from(living.slot))
            .map_or_else(WorkerFigures::default, |slot| self.board.worker(slot).figures());
        let usage::Figures { cpu_percent, rss_bytes } = self.usage.of(living.pid);
        wire::Worker {
            slot: living.slot,
            pid: living.pid,
            generation: figures.generation,
            state: match figures.state {
                WorkerState::Vacant | WorkerState::Starting => "starting",
                WorkerState::Running => "running",
                WorkerState::Stopping => "stopping",
            }
            .to_owned(),
            uptime_ms: now.mono_us.saturating_sub(living.since_us) / 1000,
            cpu_percent,
            rss_bytes,
            connections: wire::Connections {
                active: figures.connections_active,
                idle: figures.connections_idle,
            },
            requests: figures.requests,
            restarts: living.restarts,
            user: living.user.to_owned(),
            lag_us: figures.lag_us,
            log: WorkerSlot::new(usize::from(living.slot)).and_then(|slot| self.log_row(slot)),
        }
    }

    fn log_row(&self, slot: WorkerSlot) -> Option<WorkerLog> {
        let figures = access_log::figures(self.board, slot);
        let row = || WorkerLog {
            lines: figures.lines,
            dropped: figures.dropped,
            errors: figures.errors,
            last_error: reason(figures.last_error),
            is_failing: figures.failing != 0,
        };
        (figures != access_log::Figures::default()).then(row)
    }
}

/// The kernel's word for a failure, without its number.
fn reason(number: u32) -> String {
    if number == 0 {
        return String::new();
    }
    let error = std::io::Error::from_raw_os_error(number as i32).to_string();
    error.split(" (os error").next().unwrap_or_default().to_lowercase()
}

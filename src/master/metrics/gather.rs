//! The figures of one instant, read off the master and the board.

use super::figures::{Backend, Figures, TcpRoute, Worker};
use super::page;
use crate::control::wire;
use crate::master::{Master, membership};
use crate::scoreboard::{WorkerSlot, access_log, mirror, multiplex};

impl Master {
    /// The page as it is served.
    pub(in crate::master) fn metrics(&mut self, now: membership::Now) -> Vec<u8> {
        self.lifetimes.settle();
        page::write(&self.figures(now))
    }

    fn figures(&self, now: membership::Now) -> Figures {
        let snapshot = self.snapshot(now);
        let passing = self.membership.passing();
        let upstream = |name: &str| self.lifetimes.upstream(name);
        let backend = |key: u32| Backend {
            latency: self.lifetimes.backend(key),
            is_passing: passing.get(&key).copied(),
        };
        Figures {
            upstreams: snapshot.upstreams.iter().map(|row| upstream(&row.name)).collect(),
            backends: snapshot.backends.iter().map(|row| backend(row.key)).collect(),
            workers: self
                .board
                .workers()
                .map(|worker| self.worker(worker.slot(), &snapshot))
                .collect(),
            tcp_routes: self.tcp_routes(),
            firewall: self.alarms.figures(),
            loads: self.loads,
            snapshot,
        }
    }

    fn worker(&self, slot: WorkerSlot, snapshot: &wire::Snapshot) -> Worker {
        let number = slot.index() as u16;
        Worker {
            slot: number,
            figures: self.board.worker(slot).figures(),
            log: access_log::figures(self.board, slot),
            http2: multiplex::figures(self.board, slot),
            mirrored: mirror::figures(self.board, slot),
            restarts: self.workers.restarts(number),
            living: snapshot.workers.iter().find(|row| row.slot == number).cloned(),
        }
    }

    fn tcp_routes(&self) -> Vec<TcpRoute> {
        let routes = self.generation.config.streams.iter().flat_map(|stream| {
            stream.listen.iter().map(|listen| TcpRoute {
                address: listen.address.to_string(),
                upstream: stream.upstream.clone(),
            })
        });
        routes.collect()
    }
}

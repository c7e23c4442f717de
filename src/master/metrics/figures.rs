//! Everything that a page of metrics is written from.

use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::lifetime::Latencies;
use crate::control::wire;
use crate::scoreboard::crew::WorkerFigures;
use crate::scoreboard::{access_log, firewall, mirror, multiplex};

/// How loading the configuration went, since the engine's start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::master) struct Loads {
    pub(in crate::master) taken: u64,
    pub(in crate::master) refused: u64,
    /// When the running configuration was loaded, wall clock.
    pub(in crate::master) last_taken_ms: u64,
}

pub(super) struct Figures {
    pub(super) snapshot: Rc<wire::Snapshot>,
    pub(super) loads: Loads,
    /// Every slot that ever had a worker.
    pub(super) workers: Vec<Worker>,
    /// Beside the snapshot's rows.
    pub(super) upstreams: Vec<Latencies>,
    /// Beside the snapshot's rows.
    pub(super) backends: Vec<Backend>,
    pub(super) tcp_routes: Vec<TcpRoute>,
    pub(super) firewall: firewall::Figures,
}

#[derive(Default)]
pub(super) struct Worker {
    pub(super) slot: u16,
    pub(super) figures: WorkerFigures,
    pub(super) log: access_log::Figures,
    pub(super) http2: multiplex::Figures,
    pub(super) mirrored: mirror::Figures,
    pub(super) restarts: u32,
    /// Who lives there.
    pub(super) living: Option<wire::Worker>,
}

#[derive(Default)]
pub(super) struct Backend {
    pub(super) latency: Latencies,
    /// What its active check last concluded; `None` where nothing was checked.
    pub(super) is_passing: Option<bool>,
}

pub(super) struct TcpRoute {
    pub(super) address: String,
    pub(super) upstream: String,
}

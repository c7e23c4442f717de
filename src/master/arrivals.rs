//! The requests of the last minute, as few words each: what a model of other strategies replays.
//!
//! Copied from the workers' rings, which hold only some seconds of a busy worker. Bounded; says
//! since when nothing is missing.

use std::collections::VecDeque;
use std::net::IpAddr;

use crate::config::limits::{ARRIVALS_KEPT_MAX, WHAT_IF_MS};
use crate::scoreboard::{BackendId, UpstreamId, recent};

/// One finished request of an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arrival {
    /// When it ended.
    pub(crate) wall_ms: u64,
    pub(crate) service_us: u32,
    pub(crate) client: IpAddr,
    pub(crate) upstream: UpstreamId,
    /// The one asked last, with which life of its slot.
    pub(crate) backend: Option<(BackendId, u16)>,
    pub(crate) tries: u8,
    pub(crate) status: u16,
}

#[derive(Default)]
pub(super) struct Arrivals {
    /// About in the order they ended.
    kept: VecDeque<Arrival>,
    whole_since_ms: u64,
}

impl Arrival {
    fn of(entry: &recent::Entry) -> Option<Self> {
        let recent::Entry { wall_ms, service_us, client, backend, tries, status, .. } = *entry;
        let upstream = entry.upstream?;
        Some(Self { wall_ms, service_us, client, upstream, backend, tries, status })
    }

    /// When it came.
    pub(crate) fn at_us(&self) -> u64 {
        (self.wall_ms * 1000).saturating_sub(u64::from(self.service_us))
    }
}

impl Arrivals {
    pub(super) fn push(&mut self, entry: &recent::Entry) {
        let Some(arrival) = Arrival::of(entry) else { return };
        if self.kept.len() == ARRIVALS_KEPT_MAX
            && let Some(oldest) = self.kept.pop_front()
        {
            self.lost_until(oldest.wall_ms);
        }
        self.kept.push_back(arrival);
    }

    /// Requests that ended up to then were overwritten before they were read.
    pub(super) fn lost_until(&mut self, wall_ms: u64) {
        self.whole_since_ms = self.whole_since_ms.max(wall_ms);
    }

    /// Lets go of what nobody looks back on.
    pub(super) fn forget(&mut self, now_ms: u64) {
        let since_ms = now_ms.saturating_sub(WHAT_IF_MS);
        while self.kept.front().is_some_and(|oldest| oldest.wall_ms < since_ms) {
            self.kept.pop_front();
        }
    }

    /// Those of an upstream, and since when they are all.
    pub(super) fn of(&self, upstream: UpstreamId) -> (Vec<Arrival>, u64) {
        let theirs = self.kept.iter().filter(|arrival| arrival.upstream == upstream);
        (theirs.copied().collect(), self.whole_since_ms)
    }
}

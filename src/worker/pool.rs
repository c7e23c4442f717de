//! Idle connections to backends, kept for the next request.
//!
//! Last in, first out, so that surplus ones grow old and are closed; bounded by the upstream's
//! `keepalive`, the one idle longest giving way, as nginx does it. A connection belongs to one life
//! of its backend: what was drained, changed or replaced is never talked to again.

use std::collections::VecDeque;

use super::pick::{Picked, Picker};
use super::stream::{Idle, Stream};
use crate::config::limits;
use crate::scoreboard::BackendId;
use crate::scoreboard::layout::UPSTREAMS_MAX;

struct Parked {
    stream: Stream,
    backend: BackendId,
    incarnation: u16,
    since_us: u64,
}

pub(crate) struct Pool {
    /// By upstream slot, oldest first.
    parked: Vec<VecDeque<Parked>>,
}

impl Pool {
    pub(crate) fn new() -> Self {
        Self { parked: (0..UPSTREAMS_MAX).map(|_| VecDeque::new()).collect() }
    }

    /// A connection to the picked backend that looks alive.
    pub(crate) fn take(&mut self, picked: &Picked) -> Option<Stream> {
        let parked = &mut self.parked[picked.upstream().index()];
        let is_picked = |kept: &Parked| {
            kept.backend == picked.backend() && kept.incarnation == picked.incarnation()
        };
        while let Some(at) = parked.iter().rposition(is_picked) {
            let mut kept = parked.remove(at)?;
            if kept.stream.look() == Idle::Quiet {
                return Some(kept.stream);
            }
        }
        None
    }

    pub(crate) fn park(&mut self, stream: Stream, picked: &Picked, keepalive: u16, now_us: u64) {
        let parked = &mut self.parked[picked.upstream().index()];
        while parked.len() >= usize::from(keepalive) {
            if parked.pop_front().is_none() {
                return;
            }
        }
        parked.push_back(Parked {
            stream,
            backend: picked.backend(),
            incarnation: picked.incarnation(),
            since_us: now_us,
        });
    }

    /// Closes what is too old, closed by its backend, or belongs to a backend that takes no
    /// requests.
    pub(crate) fn sweep(&mut self, picker: &Picker, now_us: u64) {
        let oldest_us = now_us.saturating_sub(limits::UPSTREAM_IDLE_TIMEOUT_MS * 1000);
        for parked in &mut self.parked {
            parked.retain_mut(|kept| {
                kept.since_us >= oldest_us
                    && picker.is_usable(kept.backend, kept.incarnation)
                    && kept.stream.look() == Idle::Quiet
            });
        }
    }
}

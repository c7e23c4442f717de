//! Idle connections to backends, kept for the next request.
//!
//! Last in, first out, so that surplus ones grow old and are closed; bounded by the upstream's
//! `keepalive`, the one idle longest giving way, as nginx does it. A connection belongs to one life
//! of its backend: what was drained, changed or replaced is never talked to again.

use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;

use super::link::{Link, Place};
use super::pick::{Picked, Picker};
use super::stream::Idle;
use crate::config::model::Links;
use crate::scoreboard::layout::UPSTREAMS_MAX;
use crate::scoreboard::{BackendId, UpstreamId};

struct Parked {
    link: Link,
    backend: BackendId,
    incarnation: u16,
    until_us: u64,
}

/// What there is of one upstream.
#[derive(Default)]
struct Shelf {
    /// Oldest first.
    parked: VecDeque<Parked>,
    /// Connections that are open, parked or not.
    open: Rc<Cell<u32>>,
}

pub(crate) struct Pool {
    /// By upstream slot.
    shelves: Vec<Shelf>,
}

impl Pool {
    pub(crate) fn new() -> Self {
        Self { shelves: (0..UPSTREAMS_MAX).map(|_| Shelf::default()).collect() }
    }

    /// A connection to the picked backend that looks alive.
    pub(crate) fn take(&mut self, picked: &Picked) -> Option<Link> {
        let parked = &mut self.shelves[picked.upstream().index()].parked;
        let is_picked = |kept: &Parked| {
            kept.backend == picked.backend() && kept.incarnation == picked.incarnation()
        };
        while let Some(at) = parked.iter().rposition(is_picked) {
            let mut kept = parked.remove(at)?;
            if kept.link.stream.look() == Idle::Quiet {
                return Some(kept.link);
            }
        }
        None
    }

    pub(crate) fn park(&mut self, link: Link, picked: &Picked, links: &Links, now_us: u64) {
        let parked = &mut self.shelves[picked.upstream().index()].parked;
        while parked.len() >= usize::from(links.idle_max) {
            if parked.pop_front().is_none() {
                return;
            }
        }
        parked.push_back(Parked {
            link,
            backend: picked.backend(),
            incarnation: picked.incarnation(),
            until_us: now_us + links.idle_timeout_ms * 1000,
        });
    }

    /// A place for one more connection; an idle one, of whichever backend, gives way.
    pub(crate) fn place(&mut self, upstream: UpstreamId, connections_max: u32) -> Option<Place> {
        let Shelf { parked, open } = &mut self.shelves[upstream.index()];
        while open.get() >= connections_max && parked.pop_front().is_some() {}
        Place::take(open, connections_max)
    }

    /// Closes what is idle for too long, closed by its backend, or belongs to a backend that takes
    /// no requests.
    pub(crate) fn sweep(&mut self, picker: &Picker, now_us: u64) {
        for shelf in &mut self.shelves {
            shelf.parked.retain_mut(|kept| {
                kept.until_us > now_us
                    && picker.is_usable(kept.backend, kept.incarnation)
                    && kept.link.stream.look() == Idle::Quiet
            });
        }
    }
}

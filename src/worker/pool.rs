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
use super::tls::dial::Tongue;
use super::trust::Trust;
use crate::config::limits;
use crate::config::model::Links;
use crate::scoreboard::layout::{BACKENDS_MAX, UPSTREAMS_MAX};
use crate::scoreboard::{BackendId, UpstreamId};

struct Parked {
    link: Link,
    backend: BackendId,
    incarnation: u16,
    since_us: u64,
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

/// What a connection is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Errand {
    /// If the connection turns out dead, another one will do.
    Repeatable,
    /// What is sent on it cannot be sent again.
    Once,
}

pub(crate) struct Pool {
    /// By upstream slot.
    shelves: Vec<Shelf>,
    /// By backend slot.
    trust: Vec<Trust>,
}

impl Pool {
    pub(crate) fn new() -> Self {
        Self {
            shelves: (0..UPSTREAMS_MAX).map(|_| Shelf::default()).collect(),
            trust: vec![Trust::default(); BACKENDS_MAX],
        }
    }

    /// A connection to the picked backend that looks alive, and is good enough for the errand: the
    /// last one in, or the first if the backend has no trust.
    pub(crate) fn take(
        &mut self,
        picked: &Picked,
        tongue: Tongue,
        errand: Errand,
        now_us: u64,
    ) -> Option<Link> {
        let parked = &mut self.shelves[picked.upstream().index()].parked;
        let trust = &mut self.trust[picked.backend().index()];
        let is_picked = |kept: &Parked| {
            kept.backend == picked.backend()
                && kept.incarnation == picked.incarnation()
                && kept.link.tongue == tongue
        };
        let is_seasoned =
            |kept: &Parked| is_picked(kept) && kept.since_us + limits::SEASONED_MS * 1000 <= now_us;
        loop {
            let at = match errand {
                Errand::Once if !trust.is_earned(picked.incarnation()) => {
                    parked.iter().position(is_seasoned)
                }
                Errand::Repeatable | Errand::Once => parked.iter().rposition(is_picked),
            };
            let mut kept = parked.remove(at?)?;
            let stream = &mut kept.link.stream;
            // For the one that cannot be repeated, the kernel itself is asked: the reactor may not
            // have heard yet.
            if stream.look() == Idle::Quiet && (errand == Errand::Repeatable || stream.is_quiet()) {
                return Some(kept.link);
            }
            trust.lose(picked.incarnation());
        }
    }

    /// A connection that `take` gave has served.
    pub(crate) fn served_again(&mut self, picked: &Picked) {
        self.trust[picked.backend().index()].earn(picked.incarnation());
    }

    /// A connection that `take` gave was closed.
    pub(crate) fn found_closed(&mut self, picked: &Picked) {
        self.trust[picked.backend().index()].lose(picked.incarnation());
    }

    /// Keeps a connection; the one idle longest gives way. Of a backend without trust it is the
    /// youngest one: only those that grow old can earn it in a stream of what is sent once.
    pub(crate) fn park(&mut self, link: Link, picked: &Picked, links: &Links, now_us: u64) {
        let parked = &mut self.shelves[picked.upstream().index()].parked;
        let is_trusted = self.trust[picked.backend().index()].is_earned(picked.incarnation());
        let is_picked = |kept: &Parked| kept.backend == picked.backend();
        while parked.len() >= usize::from(links.idle_max) {
            let youngest = if is_trusted { None } else { parked.iter().rposition(is_picked) };
            if parked.remove(youngest.unwrap_or(0)).is_none() {
                return;
            }
        }
        parked.push_back(Parked {
            link,
            backend: picked.backend(),
            incarnation: picked.incarnation(),
            since_us: now_us,
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

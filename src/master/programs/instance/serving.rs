//! The instance as a backend: it joins its upstream, is drained, and leaves.

use super::super::definition::loopback;
use super::super::desk::{Desk, Tone};
use super::super::want::{Join, Want};
use super::{Admission, Instance, Joined};
use crate::supervise::state::{Phase, Stage};
use crate::supervise::step::Event;

impl Instance {
    pub(super) fn join(&mut self, desk: &mut Desk) {
        if let (Some(serving), Some(port)) = (&self.definition.serving, self.port) {
            let upstream = serving.serves.upstream.clone();
            let (address, admission) = (loopback(port), Admission::Open);
            self.joined = Some(Joined { upstream, address, admission });
            self.want_join(desk);
        }
        if self.process.as_ref().is_some_and(|process| !process.is_asked_whether_alive()) {
            self.watch_live(desk);
        }
        if let Some(process) = &self.process {
            self.note(Tone::Good, "running", format!("pid {}", process.pid), desk);
        }
        self.begin_post_start(desk);
    }

    /// With the weight and bounds of the definition as it is.
    pub(in crate::master::programs) fn want_join(&self, desk: &mut Desk) {
        let (Some(serving), Some(joined)) = (&self.definition.serving, &self.joined) else {
            return;
        };
        desk.want(Want::Join(Join {
            upstream: joined.upstream.clone(),
            address: joined.address,
            weight: serving.serves.weight,
            max_fails: serving.serves.max_fails,
            fail_timeout_s: serving.serves.fail_timeout_s,
            max_conns: serving.serves.max_conns,
            priority: serving.serves.priority,
            program: self.id.to_string(),
        }));
    }

    /// `Drained` at once when there is no backend to drain.
    pub(super) fn drain(&mut self, timeout_us: u64, desk: &mut Desk) -> Option<Event> {
        let Some(Joined { upstream, address, .. }) = self.joined.clone() else {
            return Some(Event::Drained { life: self.state.life });
        };
        desk.want(Want::Drain { upstream, address, timeout_ms: timeout_us / 1000 });
        None
    }

    pub(super) fn shut(&mut self, desk: &mut Desk) {
        if let Some(joined) = &mut self.joined {
            joined.admission = Admission::Shut;
            let (upstream, address) = (joined.upstream.clone(), joined.address);
            desk.want(Want::Shut { upstream, address });
        }
    }

    /// The backend it is, while that takes new requests.
    pub(in crate::master::programs) fn open_backend(&self) -> Option<&Joined> {
        self.joined.as_ref().filter(|joined| joined.admission == Admission::Open)
    }

    pub(super) fn leave(&mut self, desk: &mut Desk) {
        if let Some(Joined { upstream, address, .. }) = self.joined.take() {
            desk.want(Want::Leave { upstream, address });
        }
    }

    pub(in crate::master::programs) fn is_draining(&self) -> bool {
        matches!(self.state.phase, Phase::Stopping { stage: Stage::Draining, .. })
    }
}

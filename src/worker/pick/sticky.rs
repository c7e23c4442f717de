//! Which backend a sticky client belongs to.

use super::{Picked, Picker, Tried};
use crate::scoreboard::backend::About;
use crate::scoreboard::session::{Key, Sessions};
use crate::scoreboard::turn::Owner;
use crate::scoreboard::{BackendId, UpstreamId};

impl Picker {
    /// The request's client belongs to the backend whose clients carry `value`, if there is one.
    pub(crate) fn bind(&mut self, upstream: UpstreamId, value: &[u8], tried: &mut Tried) {
        self.refresh(upstream);
        let Some(roster) = &self.rosters[upstream.index()] else { return };
        let is_meant = |(_, about): &&(BackendId, About)| about.sticky.as_bytes() == value;
        tried.bound = roster.members.iter().find(is_meant).map(|(id, _)| *id);
    }

    /// What clients of that life of the backend carry; empty when they carry nothing.
    pub(crate) fn sticky(&self, backend: BackendId, incarnation: u16) -> &str {
        let known = self.known[backend.index()].as_ref();
        known.filter(|known| known.incarnation == incarnation).map_or("", |known| &*known.sticky)
    }

    /// The same by a session of the backends' own; times are the present and how long a session is
    /// remembered.
    pub(crate) fn bind_session(
        &mut self,
        upstream: UpstreamId,
        id: &[u8],
        tried: &mut Tried,
        (now_s, timeout_s): (u64, u64),
    ) {
        self.refresh(upstream);
        let Some(roster) = &self.rosters[upstream.index()] else { return };
        let key = Key::of(roster.incarnation, id);
        let times = (second(now_s), second(timeout_s));
        let turn = self.board.upstream(upstream).take_turn(Owner::Worker(self.slot));
        let found = Sessions::new(self.board, upstream).find(&turn, key, times);
        drop(turn);
        let Some(owner) = found else { return };
        let is_owner = |(id, about): &&(BackendId, About)| (*id, about.incarnation) == owner;
        tried.bound = roster.members.iter().find(is_owner).map(|(id, _)| *id);
    }

    /// A response named a session: it is the backend's that was picked.
    pub(crate) fn learn_session(&mut self, picked: &Picked, id: &[u8], now_s: u64) {
        let Some(roster) = &self.rosters[picked.upstream.index()] else { return };
        let key = Key::of(roster.incarnation, id);
        let turn = self.board.upstream(picked.upstream).take_turn(Owner::Worker(self.slot));
        let sessions = Sessions::new(self.board, picked.upstream);
        sessions.learn(&turn, key, (picked.backend, picked.incarnation), second(now_s));
    }
}

fn second(second: u64) -> u32 {
    u32::try_from(second).unwrap_or(u32::MAX)
}

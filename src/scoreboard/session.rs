//! Which backend a learned session belongs to; one table an upstream, shared by all workers.
//!
//! Read and written within the upstream's turn. Bounded: a session has its place in one of few ways
//! of one set, and the one seen longest ago gives way. Keeps a digest of a session's id, not the id.

use std::sync::atomic::Ordering;

use super::layout::{SESSION_SETS, SESSION_WAYS, SessionWords};
use super::turn::Turn;
use super::{BackendId, Board, UpstreamId};

/// A digest of a session's id, of one life of an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key([u64; 2]);

impl Key {
    /// Two different FNV-1a sums, mixed: not for secrets, but two ids meet once in 2^128.
    pub(crate) fn of(incarnation: u32, id: &[u8]) -> Self {
        let seed = u64::from(incarnation).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let sum = |basis: u64, prime: u64| {
            let sum = |sum: u64, byte: &u8| (sum ^ u64::from(*byte)).wrapping_mul(prime);
            mixed(id.iter().fold(basis ^ seed, sum))
        };
        Self([
            sum(0xcbf2_9ce4_8422_2325, 0x0000_0100_0000_01b3),
            sum(0x6c62_272e_07bb_0142, 0xff51_afd7_ed55_8ccd),
        ])
    }
}

fn mixed(sum: u64) -> u64 {
    let sum = (sum ^ (sum >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let sum = (sum ^ (sum >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    sum ^ (sum >> 31)
}

/// Whose it is, since when nothing was heard of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Owner {
    backend: BackendId,
    incarnation: u16,
    seen_s: u32,
}

impl Owner {
    fn pack(self) -> u64 {
        (self.backend.index() as u64 + 1) << 48
            | u64::from(self.incarnation) << 32
            | u64::from(self.seen_s)
    }

    fn unpack(word: u64) -> Option<Self> {
        let backend = BackendId::new(((word >> 48) as usize).checked_sub(1)?)?;
        Some(Self { backend, incarnation: (word >> 32) as u16, seen_s: word as u32 })
    }
}

/// The sessions of one upstream.
#[derive(Clone, Copy)]
pub(crate) struct Sessions {
    board: Board,
    upstream: UpstreamId,
}

impl Sessions {
    pub(crate) fn new(board: Board, upstream: UpstreamId) -> Self {
        Self { board, upstream }
    }

    fn ways(self, key: Key) -> &'static [SessionWords; SESSION_WAYS] {
        let set = key.0[0] as usize % SESSION_SETS;
        &self.board.layout.sessions[self.upstream.index()][set].0
    }

    /// The life of the backend that the session belongs to, unless it was not seen for longer than
    /// `timeout_s`. It is seen by that.
    pub(crate) fn find(
        self,
        turn: &Turn,
        key: Key,
        (now_s, timeout_s): (u32, u32),
    ) -> Option<(BackendId, u16)> {
        if !turn.is_guarded() {
            return None;
        }
        let way = self.ways(key).iter().find(|way| way.holds(key))?;
        let owner = Owner::unpack(way.owner.load(Ordering::Relaxed))?;
        if now_s.saturating_sub(owner.seen_s) > timeout_s {
            return None;
        }
        way.owner.store(Owner { seen_s: now_s, ..owner }.pack(), Ordering::Relaxed);
        Some((owner.backend, owner.incarnation))
    }

    /// The session belongs to that life of the backend from here on.
    pub(crate) fn learn(
        self,
        turn: &Turn,
        key: Key,
        (backend, incarnation): (BackendId, u16),
        now_s: u32,
    ) {
        if !turn.is_guarded() {
            return;
        }
        let ways = self.ways(key);
        let seen_s = |way: &SessionWords| {
            Owner::unpack(way.owner.load(Ordering::Relaxed)).map(|owner| owner.seen_s)
        };
        let known = ways.iter().find(|way| way.holds(key));
        let Some(way) = known.or_else(|| ways.iter().min_by_key(|way| seen_s(way))) else { return };
        // Whoever dies in between leaves a place that holds none.
        way.owner.store(0, Ordering::Relaxed);
        for (word, part) in way.key.iter().zip(key.0) {
            word.store(part, Ordering::Relaxed);
        }
        let owner = Owner { backend, incarnation, seen_s: now_s };
        way.owner.store(owner.pack(), Ordering::Relaxed);
    }
}

impl SessionWords {
    fn holds(&self, key: Key) -> bool {
        let is_same = |(word, part): (&std::sync::atomic::AtomicU64, u64)| {
            word.load(Ordering::Relaxed) == part
        };
        self.key.iter().zip(key.0).all(is_same)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scoreboard::WorkerSlot;
    use crate::scoreboard::turn;

    fn sessions() -> (Sessions, Turn) {
        let (board, _) = Board::create().unwrap();
        let upstream = UpstreamId::new(3).unwrap();
        let owner = turn::Owner::Worker(WorkerSlot::new(0).unwrap());
        (Sessions::new(board, upstream), board.upstream(upstream).take_turn(owner))
    }

    fn key(number: u32) -> Key {
        Key::of(1, format!("session-{number}").as_bytes())
    }

    #[test]
    fn a_session_is_remembered_until_its_time_is_over() {
        let (sessions, turn) = sessions();
        let (one, other) = ((BackendId::new(0).unwrap(), 7), (BackendId::new(511).unwrap(), 9));
        assert_eq!(sessions.find(&turn, key(1), (5, 10)), None);
        sessions.learn(&turn, key(1), one, 5);
        sessions.learn(&turn, key(2), other, 5);
        assert_eq!(sessions.find(&turn, key(1), (15, 10)), Some(one));
        assert_eq!(sessions.find(&turn, key(2), (16, 10)), None, "not seen for too long");
        assert_eq!(sessions.find(&turn, key(1), (25, 10)), Some(one), "seen at 15");
        sessions.learn(&turn, key(1), other, 26);
        assert_eq!(sessions.find(&turn, key(1), (26, 10)), Some(other));
        assert_eq!(sessions.find(&turn, Key::of(2, b"session-1"), (26, 10)), None, "another life");
    }

    #[test]
    fn the_one_seen_longest_ago_gives_way() {
        let (sessions, turn) = sessions();
        let backend = (BackendId::new(1).unwrap(), 1);
        let set = |key: Key| key.0[0] as usize % SESSION_SETS;
        let mut alike = (0..).map(key).filter(|it| set(*it) == set(key(0)));
        let keys: Vec<Key> = alike.by_ref().take(SESSION_WAYS + 1).collect();
        for (second, key) in (1..).zip(&keys[..SESSION_WAYS]) {
            sessions.learn(&turn, *key, backend, second);
        }
        assert!(sessions.find(&turn, keys[0], (100, 1000)).is_some());
        sessions.learn(&turn, keys[SESSION_WAYS], backend, 101);
        let found = |key: &&Key| sessions.find(&turn, **key, (102, 1000)).is_some();
        let left: Vec<&Key> = keys.iter().filter(found).collect();
        assert_eq!(left.len(), SESSION_WAYS);
        assert!(!left.contains(&&keys[1]), "the first was seen again, the second was not");
    }
}

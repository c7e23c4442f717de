//! An upstream's slot: its name, strategy and members under an epoch, and its turn.
//!
//! The epoch is a sequence lock: odd while the master writes, another even value afterwards. A
//! worker keeps a copy and compares the epoch once a pick. A master that died while writing leaves
//! it odd: workers go on with their copy until its successor publishes again.

use std::sync::atomic::{Ordering, fence};

use super::layout::{MEMBERS_MAX, TurnWords, UpstreamWords};
use super::{BackendId, Board, UpstreamId, backend, load_text, store_text, turn};

/// Attempts of a reader against a writer that keeps writing.
const READS_MAX: u32 = 64;

/// A strategy's number on the board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strategy {
    RoundRobin,
    LeastConn,
    IpHash,
    Random,
    RandomTwo,
    Hash,
    HashConsistent,
    /// By the time to the end of a response's head.
    LeastTimeHeader,
    /// By the time to a response's last byte.
    LeastTimeLastByte,
}

impl Strategy {
    const ALL: [Self; 9] = [
        Self::RoundRobin,
        Self::LeastConn,
        Self::IpHash,
        Self::Random,
        Self::RandomTwo,
        Self::Hash,
        Self::HashConsistent,
        Self::LeastTimeHeader,
        Self::LeastTimeLastByte,
    ];

    /// An unknown number is a newer master's: round robin serves until this worker is replaced.
    fn of(word: u32) -> Self {
        Self::ALL.get(word as usize).copied().unwrap_or(Self::RoundRobin)
    }
}

/// What a pick does while every member is failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AllDown {
    Refuse,
    UseAll,
}

impl AllDown {
    /// As for a strategy: an unknown choice is the safe one.
    fn of(word: u32) -> Self {
        if word == Self::UseAll as u32 { Self::UseAll } else { Self::Refuse }
    }
}

/// A consistent copy of what the master published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Roster {
    pub(crate) epoch: u32,
    pub(crate) incarnation: u32,
    pub(crate) strategy: Strategy,
    pub(crate) all_down: AllDown,
    /// In the order of the configuration: ties and hashes depend on it.
    pub(crate) members: Vec<(BackendId, backend::About)>,
}

#[derive(Clone, Copy)]
pub(crate) struct Upstream {
    board: Board,
    id: UpstreamId,
}

impl Upstream {
    pub(super) fn new(board: Board, id: UpstreamId) -> Self {
        Self { board, id }
    }

    fn words(self) -> &'static UpstreamWords {
        &self.board.layout.upstreams[self.id.index()]
    }

    pub(super) fn turn_words(self) -> &'static TurnWords {
        &self.words().turn.0
    }

    /// Changes whenever the roster does; the one load that a pick spends on membership.
    pub(crate) fn epoch(self) -> u32 {
        self.words().roster.0.epoch.load(Ordering::Acquire)
    }

    pub(crate) fn is_in_use(self) -> bool {
        self.words().roster.0.name_len.load(Ordering::Relaxed) > 0
    }

    pub(super) fn is_named(self, name: &str) -> bool {
        self.is_in_use() && self.name() == name
    }

    pub(crate) fn name(self) -> String {
        let roster = &self.words().roster.0;
        load_text(&roster.name, &roster.name_len)
    }

    pub(crate) fn incarnation(self) -> u32 {
        self.words().roster.0.incarnation.load(Ordering::Relaxed)
    }

    pub(crate) fn take_turn(self, owner: turn::Owner) -> turn::Turn {
        turn::Turn::take(self.turn_words(), owner)
    }

    /// The roster, or `None` while the master is writing it or died doing so.
    pub(crate) fn roster(self) -> Option<Roster> {
        (0..READS_MAX).find_map(|_| self.try_roster())
    }

    fn try_roster(self) -> Option<Roster> {
        let words = &self.words().roster.0;
        let epoch = self.epoch();
        if epoch % 2 == 1 {
            std::hint::spin_loop();
            return None;
        }
        let roster = Roster {
            epoch,
            incarnation: self.incarnation(),
            strategy: Strategy::of(words.strategy.load(Ordering::Relaxed)),
            all_down: AllDown::of(words.all_down.load(Ordering::Relaxed)),
            members: self.roster_members().map(|id| (id, self.board.backend(id).about())).collect(),
        };
        // Orders the reads above before the second look at the epoch.
        fence(Ordering::Acquire);
        (words.epoch.load(Ordering::Relaxed) == epoch).then_some(roster)
    }

    pub(crate) fn roster_members(self) -> impl Iterator<Item = BackendId> {
        let words = self.words();
        let len = words.roster.0.members_len.load(Ordering::Relaxed) as usize;
        words.members.0[..len.min(MEMBERS_MAX)]
            .iter()
            .filter_map(|member| BackendId::new(usize::from(member.load(Ordering::Relaxed))))
    }

    /// Begins a change of the roster; workers keep their copy until `Publication` is dropped.
    pub(crate) fn publish(self) -> Publication {
        let epoch = &self.words().roster.0.epoch;
        let odd = epoch.load(Ordering::Relaxed) | 1;
        epoch.store(odd, Ordering::Relaxed);
        // Orders the odd epoch before every write of the change.
        fence(Ordering::Release);
        Publication { upstream: self, odd }
    }
}

/// A change of the roster under way. Only the master makes one.
pub(crate) struct Publication {
    upstream: Upstream,
    odd: u32,
}

impl Publication {
    /// Gives the slot to another upstream; an empty name gives it back.
    pub(crate) fn name(&self, name: &str) {
        let roster = &self.upstream.words().roster.0;
        roster.incarnation.store(self.upstream.incarnation().wrapping_add(1), Ordering::Relaxed);
        store_text(&roster.name, &roster.name_len, name);
    }

    pub(crate) fn strategy(&self, strategy: Strategy) {
        self.upstream.words().roster.0.strategy.store(strategy as u32, Ordering::Relaxed);
    }

    pub(crate) fn all_down(&self, all_down: AllDown) {
        self.upstream.words().roster.0.all_down.store(all_down as u32, Ordering::Relaxed);
    }

    pub(crate) fn members(&self, members: &[BackendId]) {
        let words = self.upstream.words();
        for (word, id) in words.members.0.iter().zip(members) {
            word.store(id.index() as u16, Ordering::Relaxed);
        }
        words.roster.0.members_len.store(members.len().min(MEMBERS_MAX) as u32, Ordering::Relaxed);
    }

    /// Describes a member, which need not be on the list yet.
    pub(crate) fn about(&self, id: BackendId, about: &backend::About) {
        self.upstream.board.backend(id).describe(self.upstream.id, about);
    }
}

impl Drop for Publication {
    fn drop(&mut self) {
        let epoch = &self.upstream.words().roster.0.epoch;
        epoch.store(self.odd.wrapping_add(1), Ordering::Release);
    }
}

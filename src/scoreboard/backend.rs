//! A backend's slot: gate, balancing words, description.

use std::sync::atomic::{Ordering, fence};

use super::gate::Gate;
use super::layout::{BackendWords, BalanceWords};
use super::{BackendId, Board, UpstreamId, load_text, store_text};

/// What the configuration says of a backend, as workers need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct About {
    pub(crate) address: String,
    pub(crate) incarnation: u16,
    pub(crate) max_fails: u32,
    pub(crate) fail_timeout_s: u32,
    /// Requests in flight, of all workers; 0: no bound.
    pub(crate) max_conns: u32,
    pub(crate) priority: u8,
    pub(crate) is_backup: bool,
    /// The program's instance behind it, `name:instance`; empty without one.
    pub(crate) label: String,
    /// What sticky clients carry; empty where none are.
    pub(crate) sticky: String,
}

/// What all workers balance by; read and written within the upstream's turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Words {
    pub(crate) current_weight: i64,
    /// What failures took off the weight; nginx's `effective_weight` is the weight less this, which
    /// lets the master change a weight without touching a word of the turn.
    pub(crate) weight_lost: i64,
    pub(crate) fails: u32,
    pub(crate) accessed_s: u64,
    pub(crate) checked_s: u64,
}

/// How long a backend's answers take, on average or one of them: from its being asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Times {
    /// To the end of the head.
    pub(crate) header_ms: u64,
    pub(crate) last_byte_ms: u64,
}

/// What went wrong between a worker and a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    Refused,
    Unreachable,
    TimedOut,
    /// Closed or reset before the response.
    Closed,
    /// Not an HTTP response.
    Malformed,
    /// A response whose status is a reason to ask another backend.
    Unfit,
    /// No handshake of TLS, or one with somebody else.
    Insecure,
}

impl Failure {
    const ALL: [Self; 7] = [
        Self::Refused,
        Self::Unreachable,
        Self::TimedOut,
        Self::Closed,
        Self::Malformed,
        Self::Unfit,
        Self::Insecure,
    ];

    /// For people.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Refused => "connection refused",
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed out",
            Self::Closed => "connection closed",
            Self::Insecure => "TLS handshake failed",
            Self::Malformed => "malformed response",
            Self::Unfit => "error response",
        }
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Backend {
    board: Board,
    id: BackendId,
}

impl Backend {
    pub(super) fn new(board: Board, id: BackendId) -> Self {
        Self { board, id }
    }

    fn slot(self) -> &'static BackendWords {
        &self.board.layout.backends[self.id.index()]
    }

    fn balance(self) -> &'static BalanceWords {
        &self.slot().balance.0
    }

    pub(crate) fn gate(self) -> Gate {
        Gate::unpack(self.balance().gate.load(Ordering::Acquire))
    }

    /// Its weights, the configured one and the smooth one, if it is open, warm and without failures in that
    /// life: all that smooth round robin goes by then.
    pub(crate) fn level_weights(self, incarnation: u16) -> Option<(u16, i64)> {
        let balance = self.balance();
        let weight = Gate::open_weight(balance.gate.load(Ordering::Acquire), incarnation)?;
        let lost = balance.weight_lost.load(Ordering::Relaxed);
        let fails = balance.fails.load(Ordering::Relaxed);
        (lost == 0 && fails == 0).then(|| (weight, balance.current_weight.load(Ordering::Relaxed)))
    }

    /// Of `Words`, one each. To be stored within the turn they were loaded in.
    pub(crate) fn set_current_weight(self, current_weight: i64) {
        self.balance().current_weight.store(current_weight, Ordering::Relaxed);
    }

    pub(crate) fn checked_s(self) -> u64 {
        self.balance().checked_s.load(Ordering::Relaxed)
    }

    pub(crate) fn set_checked_s(self, checked_s: u64) {
        self.balance().checked_s.store(checked_s, Ordering::Relaxed);
    }

    /// Opens or closes the backend. The fence orders the new gate before any later reading of
    /// `active`: either a worker sees the gate closed, or the master sees its request in flight.
    pub(crate) fn set_gate(self, gate: Gate) {
        self.balance().gate.store(gate.pack(), Ordering::Release);
        fence(Ordering::SeqCst);
    }

    /// Requests in flight, of all workers.
    pub(crate) fn active(self) -> u32 {
        self.actives().sum()
    }

    pub(crate) fn active_by_worker(self) -> Vec<u32> {
        self.actives().collect()
    }

    /// Acquire: who sees a request gone also sees what it counted (`Account::release`).
    fn actives(self) -> impl Iterator<Item = u32> {
        let used = self.board.layout.header.0.workers_used.load(Ordering::Acquire) as usize;
        let rows = self.board.layout.actives.iter().take(used);
        rows.map(move |row| row.0[self.id.index()].load(Ordering::Acquire))
    }

    pub(crate) fn words(self) -> Words {
        let balance = self.balance();
        Words {
            current_weight: balance.current_weight.load(Ordering::Relaxed),
            weight_lost: balance.weight_lost.load(Ordering::Relaxed),
            fails: balance.fails.load(Ordering::Relaxed),
            accessed_s: balance.accessed_s.load(Ordering::Relaxed),
            checked_s: balance.checked_s.load(Ordering::Relaxed),
        }
    }

    /// Stores words loaded within the same turn. Most picks change one of them; an unchanged line
    /// stays in every worker's cache.
    pub(crate) fn set_words(self, words: &Words) {
        let (balance, before) = (self.balance(), self.words());
        if words.current_weight != before.current_weight {
            balance.current_weight.store(words.current_weight, Ordering::Relaxed);
        }
        if (Words { current_weight: before.current_weight, ..*words }) != before {
            balance.weight_lost.store(words.weight_lost, Ordering::Relaxed);
            balance.fails.store(words.fails, Ordering::Relaxed);
            balance.accessed_s.store(words.accessed_s, Ordering::Relaxed);
            balance.checked_s.store(words.checked_s, Ordering::Relaxed);
        }
    }

    /// Failures in a row as passive accounting sees them; readable outside a turn.
    pub(crate) fn fails(self) -> u32 {
        self.balance().fails.load(Ordering::Relaxed)
    }

    pub(crate) fn picks(self) -> u64 {
        self.balance().picks.load(Ordering::Relaxed)
    }

    /// Within the turn.
    pub(crate) fn count_pick(self) {
        let picks = &self.balance().picks;
        picks.store(picks.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }

    pub(crate) fn last_failure(self) -> Option<Failure> {
        let number = self.balance().failure.load(Ordering::Relaxed) as usize;
        Failure::ALL.get(number.checked_sub(1)?).copied()
    }

    /// Within the turn.
    pub(crate) fn set_last_failure(self, failure: Failure) {
        self.balance().failure.store(failure as u32 + 1, Ordering::Relaxed);
    }

    pub(crate) fn times(self) -> Times {
        let balance = self.balance();
        Times {
            header_ms: balance.header_ms.load(Ordering::Relaxed),
            last_byte_ms: balance.last_byte_ms.load(Ordering::Relaxed),
        }
    }

    /// Stores averages loaded within the same turn.
    pub(crate) fn set_times(self, times: Times) {
        let balance = self.balance();
        balance.header_ms.store(times.header_ms, Ordering::Relaxed);
        balance.last_byte_ms.store(times.last_byte_ms, Ordering::Relaxed);
    }

    /// Forgets smooth weights, failures and times: a new life, or a round that must begin anew.
    pub(crate) fn restart_round(self) {
        self.set_words(&Words::default());
        self.set_times(Times::default());
    }

    pub(crate) fn about(self) -> About {
        let slot = self.slot();
        let about = &slot.about.0;
        About {
            address: load_text(&slot.address.0, &about.address_len),
            incarnation: self.gate().incarnation,
            max_fails: about.max_fails.load(Ordering::Relaxed),
            fail_timeout_s: about.fail_timeout_s.load(Ordering::Relaxed),
            max_conns: about.max_conns.load(Ordering::Relaxed),
            priority: about.priority.load(Ordering::Relaxed) as u8,
            is_backup: about.tier.load(Ordering::Relaxed) != 0,
            label: load_text(&about.label, &about.label_len),
            sticky: load_text(&about.sticky, &about.sticky_len),
        }
    }

    pub(super) fn describe(self, upstream: UpstreamId, description: &About) {
        let slot = self.slot();
        let about = &slot.about.0;
        about.upstream.store(upstream.index() as u32, Ordering::Relaxed);
        about.max_fails.store(description.max_fails, Ordering::Relaxed);
        about.fail_timeout_s.store(description.fail_timeout_s, Ordering::Relaxed);
        about.max_conns.store(description.max_conns, Ordering::Relaxed);
        about.priority.store(u32::from(description.priority), Ordering::Relaxed);
        about.tier.store(u32::from(description.is_backup), Ordering::Relaxed);
        store_text(&about.sticky, &about.sticky_len, &description.sticky);
        store_text(&about.label, &about.label_len, &description.label);
        store_text(&slot.address.0, &about.address_len, &description.address);
    }
}

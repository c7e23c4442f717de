//! Members as the strategies see them, read from the board and stored there.

use crate::balance;
use crate::scoreboard::backend::{About, Words};
use crate::scoreboard::gate::Standing;
use crate::scoreboard::upstream::Strategy;
use crate::scoreboard::{BackendId, Board};

pub(super) fn strategy(word: Strategy) -> balance::Strategy {
    match word {
        Strategy::RoundRobin => balance::Strategy::RoundRobin,
        Strategy::LeastConn => balance::Strategy::LeastConn,
        Strategy::IpHash => balance::Strategy::IpHash,
        Strategy::Random => balance::Strategy::Random,
        Strategy::RandomTwo => balance::Strategy::RandomTwo,
        Strategy::Hash => balance::Strategy::Hash,
        Strategy::HashConsistent => balance::Strategy::HashConsistent,
        Strategy::LeastTimeHeader | Strategy::LeastTimeLastByte => balance::Strategy::LeastTime,
    }
}

/// Whether averages of times are kept for it.
pub(super) fn is_timed(strategy: Strategy) -> bool {
    matches!(strategy, Strategy::LeastTimeHeader | Strategy::LeastTimeLastByte)
}

/// Adds what the strategy and a bound go by beyond the balancing words: in flight counts are of all
/// workers, a line each.
pub(super) fn weigh(
    board: Board,
    id: BackendId,
    strategy: Strategy,
    is_guarded: bool,
    peer: &mut balance::Peer,
) {
    let backend = board.backend(id);
    match strategy {
        Strategy::RoundRobin
        | Strategy::IpHash
        | Strategy::Random
        | Strategy::Hash
        | Strategy::HashConsistent => {}
        Strategy::LeastConn | Strategy::RandomTwo => peer.conns = backend.active(),
        Strategy::LeastTimeHeader => {
            peer.conns = backend.active();
            peer.time_ms = backend.times().header_ms;
        }
        Strategy::LeastTimeLastByte => {
            peer.conns = backend.active();
            peer.time_ms = backend.times().last_byte_ms;
        }
    }
    if peer.max_conns > 0 {
        peer.conns = if is_guarded { backend.active() } else { u32::MAX };
    }
}

/// Whether the member serves the clients that belong to it.
pub(super) fn takes_bound(board: Board, id: BackendId, about: &About) -> bool {
    let gate = board.backend(id).gate();
    gate.takes_bound() && gate.incarnation == about.incarnation
}

/// Whether nothing but failures keeps the member from serving.
pub(super) fn may_serve(board: Board, id: BackendId, about: &About) -> bool {
    let gate = board.backend(id).gate();
    (gate.is_open() || gate.standing == Standing::Failed) && gate.incarnation == about.incarnation
}

/// A member as the strategies see it at this turn; in flight counts are added where they matter.
pub(super) fn load(board: Board, id: BackendId, about: &About, turn: u64) -> balance::Peer {
    let backend = board.backend(id);
    let gate = backend.gate();
    let words = backend.words();
    let weight = u32::from(gate.weight);
    let standing = if gate.incarnation != about.incarnation || !gate.takes_bound() {
        balance::Standing::Closed
    } else if !gate.is_open() {
        balance::Standing::Leaving
    } else if gate.is_due(turn) {
        balance::Standing::Open
    } else {
        balance::Standing::HeldBack
    };
    balance::Peer {
        weight,
        effective_weight: (i64::from(weight) - words.weight_lost).max(0),
        current_weight: words.current_weight,
        conns: 0,
        max_conns: about.max_conns,
        time_ms: 0,
        max_fails: about.max_fails,
        fail_timeout_s: about.fail_timeout_s,
        fails: words.fails,
        accessed_s: words.accessed_s,
        checked_s: words.checked_s,
        standing,
        tier: if about.is_backup { balance::Tier::Backup } else { balance::Tier::Primary },
        priority: about.priority,
        ramp: balance::ramp::Ramp::new(gate.ramp, turn),
        is_bound: false,
    }
}

pub(super) fn store(board: Board, id: BackendId, peer: &balance::Peer) {
    board.backend(id).set_words(&Words {
        current_weight: peer.current_weight,
        weight_lost: i64::from(peer.weight) - peer.effective_weight,
        fails: peer.fails,
        accessed_s: peer.accessed_s,
        checked_s: peer.checked_s,
    });
}

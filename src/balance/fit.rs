//! Whether a strategy keeps its promise, by the test that is right for it.
//!
//! Smooth round robin is deterministic, so chance has no say: over any window a peer's picks less
//! its due is exactly the difference of its smooth weights over the total. A chi-square test would
//! call perfection suspicious.

/// Below this many picks a verdict would be noise.
pub(crate) const PICKS_MIN: u64 = 30;
/// A network with this much of the traffic explains any skew of a hash.
const TOP_CLIENT_SHARE_MAX: f64 = 0.5;

/// A peer's part of a window of picks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Served {
    pub(crate) picks: u64,
    pub(crate) weight: u32,
    /// Smooth weight at the window's start and at its end.
    pub(crate) weight_start: i64,
    pub(crate) weight_end: i64,
}

/// A peer's load at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InFlight {
    pub(crate) active: u32,
    pub(crate) weight: u32,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Verdict {
    TooFew {
        picks: u64,
    },
    /// Every pick is where the weights say.
    Exact,
    /// Picks that a retry, an ejection or slow start sent elsewhere, at the peer that has most.
    Off {
        picks: f64,
    },
    /// In flight per weight, least and most loaded peer.
    Spread {
        least: f64,
        most: f64,
    },
    /// One network brings most requests: the clients' doing, not the hash's.
    Skewed {
        top_client_share: f64,
    },
    /// The hash spreads the clients it has.
    Spreads,
}

/// The largest residual of a smooth round robin, in picks; only peers that took part belong here.
pub(crate) fn smooth(peers: &[Served]) -> Verdict {
    let picks = peers.iter().map(|peer| peer.picks).sum();
    if picks < PICKS_MIN {
        return Verdict::TooFew { picks };
    }
    let worst = peers.iter().map(|peer| residual(peer, peers).abs()).fold(0.0, f64::max);
    // The identity is one of integers over the total weight: anything less than its unit is zero.
    if worst * (total_weight(peers) as f64) < 0.5 {
        Verdict::Exact
    } else {
        Verdict::Off { picks: worst }
    }
}

/// Picks beyond a peer's due that its smooth weight does not explain: zero for an undisturbed
/// window, whatever its length.
pub(crate) fn residual(peer: &Served, peers: &[Served]) -> f64 {
    let total = i128::from(total_weight(peers));
    if total == 0 {
        return 0.0;
    }
    let picks: i128 = peers.iter().map(|peer| i128::from(peer.picks)).sum();
    let beyond = i128::from(peer.picks) * total - picks * i128::from(peer.weight);
    let owed = i128::from(peer.weight_start) - i128::from(peer.weight_end);
    (beyond - owed) as f64 / total as f64
}

fn total_weight(peers: &[Served]) -> i64 {
    peers.iter().map(|peer| i64::from(peer.weight)).sum()
}

/// Least connections is judged by what is in flight, not by counts: the slow peer should get fewer.
pub(crate) fn least_conn(picks: u64, peers: &[InFlight]) -> Verdict {
    if picks < PICKS_MIN {
        return Verdict::TooFew { picks };
    }
    let loads = peers.iter().map(|peer| f64::from(peer.active) / f64::from(peer.weight.max(1)));
    let least = loads.clone().fold(f64::INFINITY, f64::min);
    Verdict::Spread {
        least: if least.is_finite() { least } else { 0.0 },
        most: loads.fold(0.0, f64::max),
    }
}

/// A hash is judged by its clients: one that brings most of the requests explains the rest.
pub(crate) fn ip_hash(picks: u64, top_client_share: f64) -> Verdict {
    if picks < PICKS_MIN {
        Verdict::TooFew { picks }
    } else if top_client_share > TOP_CLIENT_SHARE_MAX {
        Verdict::Skewed { top_client_share }
    } else {
        Verdict::Spreads
    }
}

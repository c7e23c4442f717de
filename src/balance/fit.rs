//! How far smooth round robin is from its promise. Deterministic, so chance has no say: over any
//! window a peer's picks less its due is exactly the difference of its smooth weights over the
//! total, and a chi-square test would call that perfection suspicious.
//!
//! Judges nothing: what is far, and what explains it, is for who shows it.

/// Below this many picks a judgement would be noise.
pub(crate) const PICKS_MIN: u64 = 30;

/// A peer's part of a window of picks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Served {
    pub(crate) picks: u64,
    pub(crate) weight: u32,
    /// Smooth weight at the window's start and at its end.
    pub(crate) weight_start: i64,
    pub(crate) weight_end: i64,
}

/// Picks beyond a peer's due, or short of it: less than one for a round begun with the window.
pub(crate) fn beyond_due(peer: &Served, peers: &[Served]) -> f64 {
    in_picks(beyond(peer, peers), peers)
}

/// What of that its smooth weight does not explain: zero for an undisturbed window of any length.
/// A retry, an ejection or slow start leaves its mark here.
pub(crate) fn residual(peer: &Served, peers: &[Served]) -> f64 {
    let owed = i128::from(peer.weight_start) - i128::from(peer.weight_end);
    in_picks(beyond(peer, peers) - owed, peers)
}

/// The largest of a figure over the peers, whatever its sign.
pub(crate) fn worst(peers: &[Served], figure: impl Fn(&Served, &[Served]) -> f64) -> f64 {
    peers.iter().map(|peer| figure(peer, peers).abs()).fold(0.0, f64::max)
}

/// In units of one pick over the total weight: integers, so that exact means zero.
fn beyond(peer: &Served, peers: &[Served]) -> i128 {
    let picks: i128 = peers.iter().map(|peer| i128::from(peer.picks)).sum();
    i128::from(peer.picks) * total_weight(peers) - picks * i128::from(peer.weight)
}

fn in_picks(units: i128, peers: &[Served]) -> f64 {
    units as f64 / total_weight(peers).max(1) as f64
}

fn total_weight(peers: &[Served]) -> i128 {
    peers.iter().map(|peer| i128::from(peer.weight)).sum()
}

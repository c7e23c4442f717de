//! What a worker's firewall found: counts, and a ring of the last requests that were taken for
//! attacks. A slow reader loses old ones, never slows the worker.
//!
//! Rules and parts are told by the numbers that the configuration gives them; texts by their
//! beginnings.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, Ordering, fence};

use super::layout::{
    ALARM_TEXT_BYTES_MAX, ALARMS_MAX, AlarmWords, Alarms, FIREWALL_RULES_MAX, FIREWALL_SILENCES,
    FirewallWords, HOST_BYTES_MAX, PATH_BYTES_MAX,
};
use super::recent::{Beginning, Host, Path};
use super::{Board, WorkerSlot};

/// What became of a request in which something was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Verdict {
    /// It passed, since the route only watches.
    Detected,
    Blocked,
}

/// Why the core rules gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Silence {
    /// Not within the time that a request has for them, or they could not be read at all.
    Late,
    /// Too many wait for them already.
    Busy,
}

/// Counts of one worker, or of several together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    /// Requests that were looked at.
    pub(crate) inspected: u64,
    pub(crate) detected: u64,
    pub(crate) blocked: u64,
    /// Bodies of which not all could be looked at.
    pub(crate) cut_bodies: u64,
    /// Requests that the core rules gave no answer to, by `Silence`.
    pub(crate) unanswered: [u64; FIREWALL_SILENCES],
    /// Findings by rule, in requests that were taken for attacks; they passed, or were blocked.
    pub(crate) found: [[u64; FIREWALL_RULES_MAX]; 2],
}

/// A request that was taken for an attack, and what weighed most in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Alarm {
    pub(crate) wall_ms: u64,
    pub(crate) client: IpAddr,
    pub(crate) host: Host,
    pub(crate) path: Path,
    pub(crate) verdict: Verdict,
    pub(crate) score: u16,
    pub(crate) rule: u8,
    /// Of a rule that has a number of its own; else 0.
    pub(crate) rule_id: u32,
    pub(crate) part: u8,
    /// Of the value in which it was found.
    pub(crate) name: Text,
    pub(crate) excerpt: Text,
}

pub(crate) type Text = Beginning<ALARM_TEXT_BYTES_MAX>;

impl Figures {
    pub(crate) fn plus(mut self, other: &Self) -> Self {
        self.inspected += other.inspected;
        self.detected += other.detected;
        self.blocked += other.blocked;
        self.cut_bodies += other.cut_bodies;
        for (sum, other) in self.unanswered.iter_mut().zip(&other.unanswered) {
            *sum += other;
        }
        for (sums, others) in self.found.iter_mut().zip(&other.found) {
            for (sum, other) in sums.iter_mut().zip(others) {
                *sum += other;
            }
        }
        self
    }
}

/// By the slot's worker alone.
pub(crate) fn inspected(board: Board, slot: WorkerSlot) {
    raise(&words(board, slot).inspected);
}

pub(crate) fn body_cut(board: Board, slot: WorkerSlot) {
    raise(&words(board, slot).cut_bodies);
}

pub(crate) fn unanswered(board: Board, slot: WorkerSlot, silence: Silence) {
    raise(&words(board, slot).unanswered[silence as usize]);
}

/// Counts an attack by the rules of its findings, and writes it into the ring.
pub(crate) fn alarm(
    board: Board,
    slot: WorkerSlot,
    alarm: &Alarm,
    rules: impl Iterator<Item = u8>,
) {
    let words = words(board, slot);
    let (count, found) = match alarm.verdict {
        Verdict::Detected => (&words.detected, &words.found[0]),
        Verdict::Blocked => (&words.blocked, &words.found[1]),
    };
    raise(count);
    for rule in rules {
        if let Some(count) = found.get(usize::from(rule)) {
            raise(count);
        }
    }
    push(&board.layout.alarms[slot.index()], alarm);
}

fn raise(count: &AtomicU64) {
    count.store(count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
}

pub(crate) fn figures(board: Board, slot: WorkerSlot) -> Figures {
    let words = words(board, slot);
    let wide = |word: &AtomicU64| word.load(Ordering::Relaxed);
    Figures {
        inspected: wide(&words.inspected),
        detected: wide(&words.detected),
        blocked: wide(&words.blocked),
        cut_bodies: wide(&words.cut_bodies),
        unanswered: std::array::from_fn(|silence| wide(&words.unanswered[silence])),
        found: [0, 1]
            .map(|verdict: usize| std::array::from_fn(|rule| wide(&words.found[verdict][rule]))),
    }
}

fn words(board: Board, slot: WorkerSlot) -> &'static FirewallWords {
    &board.layout.firewalls[slot.index()].0
}

fn push(ring: &Alarms, alarm: &Alarm) {
    let number = ring.written.0.load(Ordering::Relaxed);
    let words = &ring.entries[number as usize % ALARMS_MAX].0;
    words.sequence.store(number * 2 + 1, Ordering::Relaxed);
    // Orders the odd number before the entry's words.
    fence(Ordering::Release);
    store(words, alarm);
    words.sequence.store(number * 2 + 2, Ordering::Release);
    ring.written.0.store(number + 1, Ordering::Release);
}

/// Calls `each` with the alarms from running number `from` on, oldest first, and returns where to go
/// on. What was overwritten meanwhile is skipped.
pub(crate) fn read(board: Board, slot: WorkerSlot, from: u64, mut each: impl FnMut(Alarm)) -> u64 {
    let ring = &board.layout.alarms[slot.index()];
    let written = ring.written.0.load(Ordering::Acquire);
    let oldest = written.saturating_sub(ALARMS_MAX as u64);
    for number in from.max(oldest)..written {
        let words = &ring.entries[number as usize % ALARMS_MAX].0;
        let sequence = number * 2 + 2;
        if words.sequence.load(Ordering::Acquire) != sequence {
            continue;
        }
        let alarm = load(words);
        fence(Ordering::Acquire);
        if words.sequence.load(Ordering::Relaxed) == sequence {
            each(alarm);
        }
    }
    written
}

const FAMILY_V6: u8 = 6;
const BLOCKED: u8 = 1;

fn store(words: &AlarmWords, alarm: &Alarm) {
    let (family, client) = match alarm.client {
        IpAddr::V4(address) => (4, u128::from(address.to_bits())),
        IpAddr::V6(address) => (FAMILY_V6, address.to_bits()),
    };
    words.wall_ms.store(alarm.wall_ms, Ordering::Relaxed);
    words.client[0].store((client >> 64) as u64, Ordering::Relaxed);
    words.client[1].store(client as u64, Ordering::Relaxed);
    let verdict = if alarm.verdict == Verdict::Blocked { BLOCKED } else { 0 };
    let lengths = [alarm.host.len(), alarm.path.len(), alarm.name.len(), alarm.excerpt.len()];
    let kinds = [family, verdict, alarm.rule, alarm.part];
    for (word, byte) in words.kinds.iter().zip(kinds).chain(words.lengths.iter().zip(lengths)) {
        word.store(byte, Ordering::Relaxed);
    }
    words.score.store(alarm.score, Ordering::Relaxed);
    words.rule_id.store(alarm.rule_id, Ordering::Relaxed);
    alarm.host.store(&words.host);
    alarm.path.store(&words.path);
    alarm.name.store(&words.name);
    alarm.excerpt.store(&words.excerpt);
}

fn load(words: &AlarmWords) -> Alarm {
    let wide = |word: &AtomicU64| word.load(Ordering::Relaxed);
    let client = u128::from(wide(&words.client[0])) << 64 | u128::from(wide(&words.client[1]));
    let [family, verdict, rule, part] =
        std::array::from_fn(|at| words.kinds[at].load(Ordering::Relaxed));
    let [host, path, name, excerpt] =
        std::array::from_fn(|at| words.lengths[at].load(Ordering::Relaxed));
    Alarm {
        wall_ms: wide(&words.wall_ms),
        client: match family {
            FAMILY_V6 => IpAddr::V6(Ipv6Addr::from_bits(client)),
            _ => IpAddr::V4(Ipv4Addr::from_bits(client as u32)),
        },
        host: Beginning::<HOST_BYTES_MAX>::load(&words.host, host),
        path: Beginning::<PATH_BYTES_MAX>::load(&words.path, path),
        verdict: if verdict == BLOCKED { Verdict::Blocked } else { Verdict::Detected },
        score: words.score.load(Ordering::Relaxed),
        rule,
        rule_id: words.rule_id.load(Ordering::Relaxed),
        part,
        name: Beginning::load(&words.name, name),
        excerpt: Beginning::load(&words.excerpt, excerpt),
    }
}

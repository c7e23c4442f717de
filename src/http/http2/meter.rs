//! Frames that cost more to take than to send, counted as they come in.
//!
//! Each kind drains at a steady rate, so that a connection may live as long as it likes; whoever sends
//! far more of them than any client of good will is told to calm down and cut. What carries a message
//! pays for the small frames that go with it, whichever way it goes: who measures the way by PING while
//! there is data on it (gRPC does) is none that floods.

use super::PREFACE;

/// What there was too much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flood {
    /// Requests that are taken back (CVE-2023-44487).
    Resets,
    Pings,
    Settings,
    /// Pieces of one head (CVE-2024-27316).
    Continuations,
    /// DATA without any, PRIORITY, and frames nobody knows.
    Empty,
    /// Found by whoever speaks the protocol: the same, by its own measure.
    Other,
}

impl Flood {
    /// In their order.
    pub(crate) const NAMES: [&str; 6] =
        ["resets", "pings", "settings", "continuations", "empty", "other"];

    pub(crate) fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

/// How many of a kind may come at once, and how many in a second over time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowance {
    pub(crate) burst: u32,
    pub(crate) per_second: u32,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowances {
    pub(crate) resets: Allowance,
    pub(crate) pings: Allowance,
    pub(crate) settings: Allowance,
    pub(crate) empty: Allowance,
    /// Of one head.
    pub(crate) continuations_max: u32,
}

/// Frames that were not worked off yet, in millionths.
#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    level: u64,
    since_us: u64,
}

const ONE: u64 = 1_000_000;
const HEADER_BYTES: usize = 9;
/// What is sent pays for one frame by so many bytes.
const SENT_BYTES: usize = 1024;

/// Frame types (RFC 9113, 6) and the flag that ends a stream.
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const ACK: u8 = 1;

/// Follows the frames of one connection by their headers.
#[derive(Debug)]
pub(crate) struct Meter {
    allowances: Allowances,
    preface_left: usize,
    header: [u8; HEADER_BYTES],
    header_bytes: usize,
    payload_left: usize,
    resets: Bucket,
    pings: Bucket,
    settings: Bucket,
    empty: Bucket,
    continuations: u32,
    /// Bytes that were sent to whoever is followed, and have not paid yet.
    sent: usize,
    has_settings: bool,
}

impl Meter {
    /// For what a client sends.
    pub(crate) fn of_client(allowances: Allowances) -> Self {
        Self { preface_left: PREFACE.len(), ..Self::of_backend(allowances) }
    }

    pub(crate) fn of_backend(allowances: Allowances) -> Self {
        Self {
            allowances,
            preface_left: 0,
            header: [0; HEADER_BYTES],
            header_bytes: 0,
            payload_left: 0,
            resets: Bucket::default(),
            pings: Bucket::default(),
            settings: Bucket::default(),
            empty: Bucket::default(),
            continuations: 0,
            sent: 0,
            has_settings: false,
        }
    }

    /// Looks at the bytes that came next.
    pub(crate) fn see(&mut self, mut bytes: &[u8], now_us: u64) -> Result<(), Flood> {
        let preface = self.preface_left.min(bytes.len());
        self.preface_left -= preface;
        bytes = &bytes[preface..];
        while !bytes.is_empty() {
            let passed = self.payload_left.min(bytes.len());
            self.payload_left -= passed;
            bytes = &bytes[passed..];
            let wanted = (HEADER_BYTES - self.header_bytes).min(bytes.len());
            if self.payload_left > 0 || wanted == 0 {
                break;
            }
            let end = self.header_bytes + wanted;
            self.header[self.header_bytes..end].copy_from_slice(&bytes[..wanted]);
            self.header_bytes = end;
            bytes = &bytes[wanted..];
            if end == HEADER_BYTES {
                self.header_bytes = 0;
                self.frame(now_us)?;
            }
        }
        Ok(())
    }

    /// Whether its settings have begun to come, which are the first it says.
    pub(crate) fn has_settings(&self) -> bool {
        self.has_settings
    }

    /// So many bytes went the other way. Answers to small frames are far smaller than what pays for
    /// one.
    pub(crate) fn sent(&mut self, bytes: usize) {
        self.sent += bytes;
        let paid = self.sent / SENT_BYTES;
        self.sent %= SENT_BYTES;
        self.pay(paid as u64);
    }

    fn frame(&mut self, now_us: u64) -> Result<(), Flood> {
        let [high, middle, low, kind, flags, ..] = self.header;
        let length = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
        self.payload_left = length;
        self.has_settings |= kind == SETTINGS && flags & ACK == 0;
        let Self { allowances, resets, pings, settings, empty, .. } = self;
        let (bucket, allowance, flood) = match kind {
            DATA if length > 0 || flags & END_STREAM != 0 => {
                self.pay(1);
                return Ok(());
            }
            HEADERS => {
                self.continuations = 0;
                self.pay(1);
                return Ok(());
            }
            CONTINUATION => {
                self.continuations += 1;
                let is_within = self.continuations <= self.allowances.continuations_max;
                return if is_within { Ok(()) } else { Err(Flood::Continuations) };
            }
            // In proportion to what it is sent.
            WINDOW_UPDATE => return Ok(()),
            // An answer to one of ours.
            SETTINGS | PING if flags & ACK != 0 => (empty, allowances.empty, Flood::Empty),
            RST_STREAM => (resets, allowances.resets, Flood::Resets),
            PING => (pings, allowances.pings, Flood::Pings),
            SETTINGS => (settings, allowances.settings, Flood::Settings),
            // DATA without any, PRIORITY, and those that nobody knows.
            _ => (empty, allowances.empty, Flood::Empty),
        };
        if bucket.fits(allowance, now_us) { Ok(()) } else { Err(flood) }
    }

    /// One that carries something makes up for one that does not.
    fn pay(&mut self, frames: u64) {
        for bucket in [&mut self.pings, &mut self.empty] {
            bucket.level = bucket.level.saturating_sub(frames.saturating_mul(ONE));
        }
    }
}

impl Bucket {
    fn fits(&mut self, allowance: Allowance, now_us: u64) -> bool {
        let passed_us = now_us.saturating_sub(self.since_us);
        self.since_us = now_us;
        let drained = passed_us.saturating_mul(u64::from(allowance.per_second));
        self.level = self.level.saturating_sub(drained) + ONE;
        self.level <= u64::from(allowance.burst) * ONE
    }
}

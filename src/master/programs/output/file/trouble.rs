//! A file that can not be written: what waits for it, when it is tried again, what was lost, and how
//! often the engine's log hears of it.

use std::io;
use std::path::Path;

use super::RETRY_US;
use crate::config::limits::PROGRAM_FILE_WAITING_BYTES_MAX;
use crate::sys::log;

const WARN_US: u64 = 60_000_000;

#[derive(Default)]
pub(super) struct Trouble {
    /// What the last try said; nothing while the file can be written.
    reason: Option<String>,
    waiting: Vec<u8>,
    retry_at_us: u64,
    /// Since the trouble began.
    lost_bytes: u64,
    /// In earlier troubles.
    lost_before: u64,
    warned_at_us: Option<u64>,
}

impl Trouble {
    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    pub(super) fn is_retried_later(&self, now_us: u64) -> bool {
        self.is_waiting() || (self.reason.is_some() && now_us < self.retry_at_us)
    }

    pub(super) fn deadline_us(&self) -> Option<u64> {
        self.is_waiting().then_some(self.retry_at_us)
    }

    /// When it is tried or told again, while it lasts.
    pub(super) fn retry_us(&self) -> u64 {
        if self.reason.is_some() { self.retry_at_us } else { 0 }
    }

    /// No sooner, and no later either: what stood in the way may be gone then.
    pub(super) fn is_tried_at(&mut self, at_us: u64) {
        self.retry_at_us = at_us;
    }

    pub(super) fn begins(&mut self, path: &Path, error: &io::Error, now_us: u64) {
        self.retry_at_us = now_us + RETRY_US;
        let text = format!("write {}: {error}", path.display());
        self.warn(&text, now_us);
        self.reason = Some(text);
    }

    pub(super) fn is_over(&mut self, path: &Path) {
        if self.reason.take().is_none() {
            return;
        }
        if self.lost_bytes > 0 {
            let path = path.display();
            let lost_bytes = self.lost_bytes;
            log::warning!("programs", "{path} is written again, {lost_bytes} bytes were lost");
        }
        self.lost_before += self.lost_bytes;
        self.lost_bytes = 0;
    }

    pub(super) fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    pub(super) fn lost_in_all(&self) -> u64 {
        self.lost_before + self.lost_bytes
    }

    /// Up to the bound; what is beyond it is lost.
    pub(super) fn keep(&mut self, bytes: &[u8]) {
        // What was put back counts, and may be more.
        let room = PROGRAM_FILE_WAITING_BYTES_MAX.saturating_sub(self.waiting.len());
        let kept = bytes.len().min(room);
        self.waiting.extend_from_slice(&bytes[..kept]);
        self.lost_bytes += (bytes.len() - kept) as u64;
    }

    pub(super) fn take_waiting(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.waiting)
    }

    /// What of it was not written goes before what has come since.
    pub(super) fn put_back(&mut self, mut waiting: Vec<u8>, written: usize) {
        waiting.drain(..written);
        waiting.append(&mut self.waiting);
        self.waiting = waiting;
    }

    /// What waits, and what was lost so far, for whoever goes on writing.
    pub(super) fn leave(&mut self) -> (Vec<u8>, u64) {
        (self.take_waiting(), self.lost_in_all())
    }

    /// Tried at the next opportunity.
    pub(super) fn take_up(&mut self, waiting: &[u8], lost_bytes: u64) {
        self.lost_before += lost_bytes;
        self.keep(waiting);
    }

    /// At most once a minute: a full disk must not fill the engine's log.
    pub(super) fn warn(&mut self, text: &str, now_us: u64) {
        if self.warned_at_us.is_none_or(|warned_us| now_us >= warned_us + WARN_US) {
            self.warned_at_us = Some(now_us);
            log::warning!("programs", "{text}");
        }
    }
}

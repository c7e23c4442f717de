//! What became of each offer of one request: which backend, what it answered, how long its parts
//! took. The log's upstream variables are read from here.
//!
//! A place in a pooled exchange, so noting costs a few stores and no allocation. Reads no clock:
//! `now_us` is the reading that was made when the part ended.

use crate::config::limits::ATTEMPTS_NOTED_MAX;
use crate::scoreboard::BackendId;

/// Times are from the attempt's beginning, as nginx counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attempt {
    /// With which life of its slot; `None`: no backend could take the request.
    pub(crate) backend: Option<(BackendId, u16)>,
    /// Of its response, or what its failure comes to; 0 while there is neither.
    pub(crate) status: u16,
    /// `None`: no connection came about. A pooled one takes no time.
    pub(crate) connect_us: Option<u32>,
    /// To the end of the response's head.
    pub(crate) header_us: Option<u32>,
    /// To the end of the attempt; `None` before that.
    pub(crate) response_us: Option<u32>,
    started_us: u64,
}

impl Attempt {
    const NONE: Self = Self {
        backend: None,
        status: 0,
        connect_us: None,
        header_us: None,
        response_us: None,
        started_us: 0,
    };

    fn elapsed_us(&self, now_us: u64) -> u32 {
        u32::try_from(now_us.saturating_sub(self.started_us)).unwrap_or(u32::MAX)
    }
}

/// In the order they were made. Those beyond the bound share the last place, so that the attempt
/// that decided the answer is always there.
pub(crate) struct Attempts {
    noted: [Attempt; ATTEMPTS_NOTED_MAX],
    len: usize,
}

impl Attempts {
    pub(crate) const fn none() -> Self {
        Self { noted: [Attempt::NONE; ATTEMPTS_NOTED_MAX], len: 0 }
    }

    pub(crate) fn clear(&mut self) {
        self.len = 0;
    }

    pub(crate) fn all(&self) -> &[Attempt] {
        &self.noted[..self.len]
    }

    /// Backends asked, as far as they were noted.
    pub(crate) fn asked(&self) -> u8 {
        self.all().iter().filter(|attempt| attempt.backend.is_some()).count() as u8
    }

    /// When the first began.
    pub(crate) fn since_us(&self) -> u64 {
        self.noted[0].started_us
    }

    pub(crate) fn begin(&mut self, backend: BackendId, incarnation: u16, now_us: u64) {
        let backend = Some((backend, incarnation));
        self.push(Attempt { backend, started_us: now_us, ..Attempt::NONE });
    }

    /// Nobody could take the request; `status` is what that comes to.
    pub(crate) fn nobody(&mut self, status: u16, now_us: u64) {
        self.push(Attempt { status, started_us: now_us, ..Attempt::NONE });
    }

    /// Of the running attempt, as the rest.
    pub(crate) fn pooled(&mut self) {
        self.with_last(|attempt| attempt.connect_us = Some(0));
    }

    pub(crate) fn connected(&mut self, now_us: u64) {
        self.with_last(|attempt| attempt.connect_us = Some(attempt.elapsed_us(now_us)));
    }

    pub(crate) fn headed(&mut self, status: u16, now_us: u64) {
        self.with_last(|attempt| {
            attempt.status = status;
            attempt.header_us = Some(attempt.elapsed_us(now_us));
        });
    }

    /// Without a response: `status` is what the failure comes to.
    pub(crate) fn failed(&mut self, status: u16, now_us: u64) {
        self.with_last(|attempt| attempt.status = status);
        self.ended(now_us);
    }

    pub(crate) fn ended(&mut self, now_us: u64) {
        self.with_last(|attempt| attempt.response_us = Some(attempt.elapsed_us(now_us)));
    }

    fn push(&mut self, attempt: Attempt) {
        self.len = (self.len + 1).min(ATTEMPTS_NOTED_MAX);
        self.noted[self.len - 1] = attempt;
    }

    fn with_last(&mut self, change: impl FnOnce(&mut Attempt)) {
        if let Some(last) = self.noted[..self.len].last_mut() {
            change(last);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(index: usize) -> BackendId {
        BackendId::new(index).unwrap()
    }

    #[test]
    fn an_attempt_has_its_times_from_its_own_beginning() {
        let mut attempts = Attempts::none();
        attempts.begin(id(3), 7, 1_000);
        attempts.failed(504, 6_000);
        attempts.begin(id(4), 1, 6_000);
        attempts.connected(6_300);
        attempts.headed(200, 7_000);
        attempts.ended(9_000);
        let [first, second] = attempts.all() else { panic!("two attempts") };
        assert_eq!(
            (first.backend, first.status, first.response_us),
            (Some((id(3), 7)), 504, Some(5_000))
        );
        assert_eq!((first.connect_us, first.header_us), (None, None));
        assert_eq!((second.connect_us, second.header_us), (Some(300), Some(1_000)));
        assert_eq!((second.status, second.response_us), (200, Some(3_000)));
        attempts.clear();
        attempts.nobody(502, 5);
        assert_eq!(attempts.all()[0].backend, None);
        assert_eq!(attempts.all()[0].status, 502);
    }

    #[test]
    fn the_last_of_too_many_is_kept() {
        let mut attempts = Attempts::none();
        for index in 0..2 * ATTEMPTS_NOTED_MAX {
            attempts.begin(id(index), 1, 0);
        }
        let noted: Vec<_> = attempts.all().iter().filter_map(|attempt| attempt.backend).collect();
        assert_eq!(noted.len(), ATTEMPTS_NOTED_MAX);
        assert_eq!(noted.last(), Some(&(id(2 * ATTEMPTS_NOTED_MAX - 1), 1)));
    }
}

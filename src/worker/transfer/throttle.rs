//! How fast a response may go: nginx's `limit_rate` and `limit_rate_after`, of each response alone.
//!
//! A second's worth may go at once, as nginx lets it; after that the pump waits until a small part of
//! a second's worth may follow, so that a slow response is steady and costs few writes.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::Sleep;

use super::super::shared::Shared;
use crate::config::model::guard::ResponseRate;

/// Of a second's worth, what is waited for.
const PARTS_A_SECOND: u64 = 8;
const SECOND_US: u64 = 1_000_000;

pub(crate) struct Throttle {
    shared: Rc<Shared>,
    rate: ResponseRate,
    since_us: u64,
    /// Of a wait.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Throttle {
    /// From now on; `None` where nothing is limited.
    pub(crate) fn new(shared: &Rc<Shared>, rate: ResponseRate) -> Option<Box<Self>> {
        let since_us = shared.now_us();
        let throttle = || Self { shared: Rc::clone(shared), rate, since_us, timer: None };
        (rate.bytes_per_s > 0).then(|| Box::new(throttle()))
    }

    /// Waits until something may be sent: how much, when `moved` bytes were.
    pub(super) fn poll_room(&mut self, cx: &mut Context<'_>, moved: u64) -> Poll<usize> {
        loop {
            if let Some(timer) = &mut self.timer {
                ready!(timer.as_mut().poll(cx));
                self.timer = None;
            }
            let passed_us = self.shared.refresh().saturating_sub(self.since_us);
            let room = allowed(self.rate, passed_us).saturating_sub(moved);
            if room > 0 {
                return Poll::Ready(usize::try_from(room).unwrap_or(usize::MAX));
            }
            let pause = Duration::from_micros(pause_us(self.rate, passed_us, moved));
            self.timer = Some(Box::pin(tokio::time::sleep(pause)));
        }
    }
}

/// Bytes that may be out when so much time has passed.
fn allowed(rate: ResponseRate, passed_us: u64) -> u64 {
    let by_time = u128::from(rate.bytes_per_s) * u128::from(passed_us + SECOND_US);
    let by_time = u64::try_from(by_time / u128::from(SECOND_US)).unwrap_or(u64::MAX);
    rate.bytes_at_once.saturating_add(by_time)
}

/// How long until a part of a second's worth may follow `moved` bytes.
fn pause_us(rate: ResponseRate, passed_us: u64, moved: u64) -> u64 {
    let part = (rate.bytes_per_s / PARTS_A_SECOND).max(1);
    let wanted = moved.saturating_add(part).saturating_sub(rate.bytes_at_once);
    let due_us = u128::from(wanted) * u128::from(SECOND_US) / u128::from(rate.bytes_per_s.max(1));
    let due_us = u64::try_from(due_us).unwrap_or(u64::MAX).saturating_sub(SECOND_US);
    due_us.saturating_sub(passed_us).max(1_000)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whoever waits as long as he is told may go on, and nobody gets ahead of the rate.
        #[test]
        fn a_response_keeps_to_its_rate(
            bytes_per_s in 1u64..1_000_000,
            bytes_at_once in prop_oneof![Just(0), 0u64..1_000_000],
            wishes in prop::collection::vec(1u64..100_000, 1..50),
        ) {
            let rate = ResponseRate { bytes_per_s, bytes_at_once };
            let (mut now_us, mut moved) = (0, 0);
            for wish in wishes {
                let mut room = allowed(rate, now_us).saturating_sub(moved);
                if room == 0 {
                    let pause_us = pause_us(rate, now_us, moved);
                    prop_assert!(pause_us <= SECOND_US + 1_000);
                    now_us += pause_us;
                    room = allowed(rate, now_us).saturating_sub(moved);
                }
                prop_assert!(room > 0);
                moved += wish.min(room);
                let most = u128::from(bytes_per_s) * u128::from(now_us + SECOND_US) / 1_000_000;
                prop_assert!(u128::from(moved) <= u128::from(bytes_at_once) + most);
            }
        }
    }
}

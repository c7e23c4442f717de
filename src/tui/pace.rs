//! When the next frame is due: at once for what an operator did, a little later for what runs through
//! by itself, never more often than a terminal and its line bear.
//!
//! Pure: the clock's microseconds come in.

/// Thirty frames a second; four over a slow line.
const FRAME_US: u64 = 33_000;
const FRAME_SLOW_US: u64 = 250_000;
/// Output and requests are read no faster than five times a second, and each frame costs both sides.
const STREAM_US: u64 = 200_000;

/// Who has something new to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    Any,
    /// Lines of output, requests: more of them follow by themselves.
    Stream,
}

pub(super) struct Pace {
    frame_us: u64,
    /// When the last frame was drawn, and the last one that showed news of a stream.
    drawn_us: u64,
    streamed_us: u64,
    /// When the next frame is due; none: it would show what the last one did.
    due_us: Option<u64>,
    has_streamed: bool,
}

impl Pace {
    pub(super) fn new(is_slow: bool) -> Self {
        let frame_us = if is_slow { FRAME_SLOW_US } else { FRAME_US };
        Self { frame_us, drawn_us: 0, streamed_us: 0, due_us: Some(0), has_streamed: false }
    }

    pub(super) fn want(&mut self, news: News) {
        let soonest_us = self.drawn_us + self.frame_us;
        let due_us = match news {
            News::Any => soonest_us,
            News::Stream => {
                self.has_streamed = true;
                soonest_us.max(self.streamed_us + STREAM_US)
            }
        };
        self.due_us = Some(self.due_us.map_or(due_us, |earlier| earlier.min(due_us)));
    }

    pub(super) fn is_due(&self, now_us: u64) -> bool {
        self.due_us.is_some_and(|due_us| now_us >= due_us)
    }

    /// Everything that was wanted is shown.
    pub(super) fn drawn(&mut self, now_us: u64) {
        self.drawn_us = now_us;
        if std::mem::take(&mut self.has_streamed) {
            self.streamed_us = now_us;
        }
        self.due_us = None;
    }

    /// Until the next frame; none: none is wanted.
    pub(super) fn wait_us(&self, now_us: u64) -> Option<u64> {
        self.due_us.map(|due_us| due_us.saturating_sub(now_us))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATE: u64 = 10_000_000;

    fn drawn(news: News) -> Pace {
        let mut pace = Pace::new(false);
        pace.want(news);
        pace.drawn(LATE);
        pace
    }

    #[test]
    fn a_stream_alone_is_drawn_five_times_a_second() {
        let mut pace = drawn(News::Stream);
        pace.want(News::Stream);
        assert!(!pace.is_due(LATE + FRAME_US));
        assert_eq!(pace.wait_us(LATE), Some(STREAM_US));
        assert!(pace.is_due(LATE + STREAM_US));
    }

    #[test]
    fn the_first_lines_after_a_key_do_not_wait() {
        let mut pace = drawn(News::Any);
        pace.want(News::Stream);
        assert!(pace.is_due(LATE + FRAME_US));
    }

    #[test]
    fn a_key_does_not_wait_for_a_stream() {
        let mut pace = drawn(News::Stream);
        pace.want(News::Stream);
        pace.want(News::Any);
        assert!(pace.is_due(LATE + FRAME_US));
        pace.drawn(LATE + FRAME_US);
        assert_eq!(pace.wait_us(LATE + FRAME_US), None, "what is shown is not shown again");
    }
}

//! Whether a backend keeps the connections that it does not announce to close.
//!
//! A request that must not be sent twice is lost when its connection is being closed at that very
//! moment, which no look beforehand can see. Such a request goes out on a kept connection only if
//! its backend has earned it, or if the connection was idle for so long that a close right behind
//! the last response would have arrived.

use crate::config::limits;

/// Of one backend slot.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Trust {
    /// Which life of the slot earned it.
    incarnation: u16,
    /// Kept connections that served again since the last one that did not.
    reuses: u16,
}

impl Trust {
    pub(crate) fn is_earned(self, incarnation: u16) -> bool {
        self.incarnation == incarnation && self.reuses >= limits::TRUSTED_REUSES
    }

    /// A kept connection served again.
    pub(crate) fn earn(&mut self, incarnation: u16) {
        if self.incarnation != incarnation {
            self.lose(incarnation);
        }
        self.reuses = self.reuses.saturating_add(1);
    }

    /// A kept connection was found closed.
    pub(crate) fn lose(&mut self, incarnation: u16) {
        *self = Self { incarnation, reuses: 0 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trust_is_earned_slowly_lost_at_once_and_not_inherited() {
        let mut trust = Trust::default();
        for _ in 0..limits::TRUSTED_REUSES {
            assert!(!trust.is_earned(1));
            trust.earn(1);
        }
        assert!(trust.is_earned(1) && !trust.is_earned(2));
        trust.earn(2);
        assert!(!trust.is_earned(1) && !trust.is_earned(2));
        for _ in 0..limits::TRUSTED_REUSES {
            trust.earn(2);
        }
        assert!(trust.is_earned(2));
        trust.lose(2);
        assert!(!trust.is_earned(2));
    }
}

//! A certificate that clients are shown, and how long it is good.

use serde::{Deserialize, Serialize};

const DAY_MS: i64 = 86_400_000;
/// With less left somebody should renew it.
pub(crate) const SOON_DAYS: i64 = 14;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Certificate {
    /// The first name of the server that has it, or its address.
    pub(crate) server: String,
    /// What it is for, as it says itself.
    pub(crate) names: Vec<String>,
    pub(crate) subject: String,
    pub(crate) issuer: String,
    pub(crate) file: String,
    /// Wall clock.
    pub(crate) not_before_ms: i64,
    pub(crate) not_after_ms: i64,
    /// Whole ones; negative once it has expired.
    pub(crate) days_left: i64,
    /// Why what its files say now is not taken; empty when they say what is shown.
    pub(crate) trouble: String,
    /// The list of revoked clients is out of time, so that none comes in.
    #[serde(default)]
    pub(crate) refuses_clients: bool,
}

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Good,
    /// Good, but its files are not.
    Stuck,
    Soon,
    Early,
    Expired,
    /// Good, but clients can not be judged.
    Refusing,
}

impl Certificate {
    pub(crate) fn standing(&self, wall_ms: u64) -> Standing {
        let wall_ms = i64::try_from(wall_ms).unwrap_or(i64::MAX);
        if self.not_after_ms < wall_ms {
            Standing::Expired
        } else if self.not_before_ms > wall_ms {
            Standing::Early
        } else if self.refuses_clients {
            Standing::Refusing
        } else if days_between(wall_ms, self.not_after_ms) < SOON_DAYS {
            Standing::Soon
        } else if !self.trouble.is_empty() {
            Standing::Stuck
        } else {
            Standing::Good
        }
    }

    /// One sentence about what is wrong with it; `None` where nothing is.
    pub(crate) fn complaint(&self, wall_ms: u64) -> Option<String> {
        let days = self.days_left.abs();
        let count = if days == 1 { "1 day".to_owned() } else { format!("{days} days") };
        let what = match self.standing(wall_ms) {
            Standing::Good => return None,
            Standing::Stuck | Standing::Refusing => String::new(),
            Standing::Soon => format!("{count} left"),
            Standing::Early => "not good yet".to_owned(),
            Standing::Expired => format!("expired {count} ago"),
        };
        let parts = [what.as_str(), self.trouble.as_str()];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        Some(parts.join("; "))
    }
}

/// Whole days from one moment to a later one; of a moment in the past, a negative number.
pub(crate) fn days_between(from_ms: i64, to_ms: i64) -> i64 {
    (to_ms - from_ms).div_euclid(DAY_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good_for(days: i64, trouble: &str) -> Certificate {
        Certificate {
            not_after_ms: 1000 * DAY_MS + days * DAY_MS,
            days_left: days,
            trouble: trouble.to_owned(),
            ..Certificate::default()
        }
    }

    #[test]
    fn what_somebody_should_do_is_said_in_time() {
        let now_ms = 1000 * DAY_MS as u64;
        for (certificate, expected) in [
            (good_for(14, ""), None),
            (good_for(13, ""), Some("13 days left")),
            (good_for(1, "no such file"), Some("1 day left; no such file")),
            (good_for(0, ""), Some("0 days left")),
            (good_for(-1, ""), Some("expired 1 day ago")),
            (good_for(90, "no such file"), Some("no such file")),
            (
                Certificate { refuses_clients: true, ..good_for(5, "clients are refused") },
                Some("clients are refused"),
            ),
        ] {
            assert_eq!(certificate.complaint(now_ms).as_deref(), expected);
        }
        let early = Certificate { not_before_ms: 1001 * DAY_MS, ..good_for(90, "") };
        assert_eq!(early.complaint(now_ms).as_deref(), Some("not good yet"));
    }

    #[test]
    fn days_are_whole_ones() {
        for (from, to, days) in [(0, DAY_MS, 1), (0, DAY_MS - 1, 0), (1, 0, -1), (DAY_MS, 0, -1)] {
            assert_eq!(days_between(from, to), days);
        }
    }
}

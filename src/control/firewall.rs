//! What the firewall found, as the API tells it and a console shows it.

use serde::{Deserialize, Serialize};

/// Of all workers together, since the engine's start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Firewall {
    /// Requests that were looked at.
    pub(crate) inspected: u64,
    /// Taken for attacks where a route only watches; they passed.
    pub(crate) detected: u64,
    pub(crate) blocked: u64,
    /// Bodies of which not all could be looked at.
    pub(crate) cut_bodies: u64,
    /// Requests that the core rules gave no answer to.
    #[serde(default)]
    pub(crate) unanswered: u64,
    /// Taken for attacks within the last minute, whatever became of them.
    #[serde(default)]
    pub(crate) last_minute: u64,
    /// Rules that found something, in the order of the documentation.
    pub(crate) rules: Vec<RuleCount>,
    /// Kinds of attacks, the one that came last first.
    pub(crate) alarms: Vec<Alarm>,
    /// Who made the most requests that were taken for attacks, first; a few.
    #[serde(default)]
    pub(crate) offenders: Vec<Offender>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Offender {
    pub(crate) client: String,
    pub(crate) detected: u64,
    pub(crate) blocked: u64,
}

impl Offender {
    pub(crate) fn attacks(&self) -> u64 {
        self.detected + self.blocked
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct RuleCount {
    pub(crate) rule: String,
    /// Findings in requests that passed, and in those that were blocked.
    pub(crate) detected: u64,
    pub(crate) blocked: u64,
}

/// Attacks by one rule at one place, and what the last of them was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Alarm {
    pub(crate) rule: String,
    /// As exceptions spell it: `query:q`.
    pub(crate) place: String,
    pub(crate) verdict: Verdict,
    pub(crate) count: u64,
    pub(crate) last_ms: u64,
    pub(crate) client: String,
    pub(crate) host: String,
    pub(crate) path: String,
    /// Where the finding begins; empty for values that may be secrets.
    pub(crate) excerpt: String,
    pub(crate) score: u16,
    /// What lets such requests pass: one more of the file's `except`.
    #[serde(default)]
    pub(crate) exception: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    #[default]
    Detected,
    Blocked,
}

impl Verdict {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Detected => "detected",
            Self::Blocked => "blocked",
        }
    }
}

impl Firewall {
    /// Puts another engine's to it.
    pub(crate) fn join(&mut self, other: Self) {
        self.inspected += other.inspected;
        self.detected += other.detected;
        self.blocked += other.blocked;
        self.cut_bodies += other.cut_bodies;
        self.unanswered += other.unanswered;
        self.last_minute += other.last_minute;
        for row in other.offenders {
            match self.offenders.iter_mut().find(|known| known.client == row.client) {
                Some(known) => {
                    known.detected += row.detected;
                    known.blocked += row.blocked;
                }
                None => self.offenders.push(row),
            }
        }
        self.offenders.sort_by_key(|row| std::cmp::Reverse(row.attacks()));
        for row in other.rules {
            match self.rules.iter_mut().find(|known| known.rule == row.rule) {
                Some(known) => {
                    known.detected += row.detected;
                    known.blocked += row.blocked;
                }
                None => self.rules.push(row),
            }
        }
        for alarm in other.alarms {
            match self.alarms.iter_mut().find(|known| known.identity() == alarm.identity()) {
                Some(known) => {
                    let (count, last_ms) = (known.count + alarm.count, known.last_ms);
                    if alarm.last_ms > last_ms {
                        *known = alarm;
                    }
                    known.count = count;
                }
                None => self.alarms.push(alarm),
            }
        }
        self.alarms.sort_by_key(|alarm| std::cmp::Reverse(alarm.last_ms));
    }
}

impl Alarm {
    /// What tells its kind from the others.
    pub(crate) fn identity(&self) -> String {
        format!("{} in {}, {}", self.rule, self.place, self.verdict.name())
    }
}

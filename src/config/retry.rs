//! `retry_on`, `retry_timeout`, `retry_budget`: when a request is offered to a further backend.
//!
//! The words are those of nginx's `proxy_next_upstream`, the rules behind them too.

use serde::{Deserialize, Serialize};

use super::limits;
use super::report::{Located, Report};
use super::section::{Section, unknown_word};

/// What a further backend may be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// No connection, or it broke before a response.
    Error,
    Timeout,
    /// What came was no HTTP response.
    InvalidHeader,
    Http500,
    Http502,
    Http503,
    Http504,
    Http403,
    Http404,
    Http429,
    /// Not a condition by itself: also requests that are not idempotent, though they were sent.
    NonIdempotent,
}

impl Condition {
    const ALL: [Self; 11] = [
        Self::Error,
        Self::Timeout,
        Self::InvalidHeader,
        Self::Http500,
        Self::Http502,
        Self::Http503,
        Self::Http504,
        Self::Http403,
        Self::Http404,
        Self::Http429,
        Self::NonIdempotent,
    ];

    /// The word in the configuration.
    fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Timeout => "timeout",
            Self::InvalidHeader => "invalid_header",
            Self::Http500 => "http_500",
            Self::Http502 => "http_502",
            Self::Http503 => "http_503",
            Self::Http504 => "http_504",
            Self::Http403 => "http_403",
            Self::Http404 => "http_404",
            Self::Http429 => "http_429",
            Self::NonIdempotent => "non_idempotent",
        }
    }

    /// The condition that a response of this status is, if it is one.
    pub(crate) fn of_status(status: u16) -> Option<Self> {
        Some(match status {
            500 => Self::Http500,
            502 => Self::Http502,
            503 => Self::Http503,
            504 => Self::Http504,
            403 => Self::Http403,
            404 => Self::Http404,
            429 => Self::Http429,
            _ => return None,
        })
    }
}

/// A set of conditions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Conditions(u16);

impl Conditions {
    /// nginx's default.
    pub(crate) const DEFAULT: Self = Self::of(&[Condition::Error, Condition::Timeout]);

    pub(crate) const fn of(conditions: &[Condition]) -> Self {
        let (mut bits, mut at) = (0, 0);
        while at < conditions.len() {
            bits |= 1 << conditions[at] as u16;
            at += 1;
        }
        Self(bits)
    }

    pub(crate) fn holds(self, condition: Condition) -> bool {
        self.0 & Self::of(&[condition]).0 != 0
    }
}

/// When and how often a request is offered to a further backend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Retry {
    /// How many further backends: nginx's tries, less the first.
    pub(crate) more_max: u32,
    pub(crate) on: Conditions,
    /// From the first attempt on; 0: no limit.
    pub(crate) timeout_ms: u64,
    /// Of the recent requests, how many may be offered once more in vain; `None`: all.
    pub(crate) budget_percent: Option<u32>,
}

pub(super) fn read(section: &mut Section<'_>) -> Retry {
    Retry {
        more_max: section.integer("retries", 0..=limits::RETRIES_MAX).unwrap_or(limits::RETRIES),
        on: conditions(section),
        timeout_ms: section.duration("retry_timeout").unwrap_or(0),
        budget_percent: budget(section),
    }
}

fn conditions(section: &mut Section<'_>) -> Conditions {
    let words = section.texts("retry_on");
    if section.key_span("retry_on").is_none() {
        return Conditions::DEFAULT;
    }
    if let [only] = &words[..]
        && only.value == "off"
    {
        return Conditions::default();
    }
    let report = section.report;
    let known: Vec<_> = words.iter().filter_map(|word| condition(report, word)).collect();
    Conditions::of(&known)
}

fn condition(report: &Report<'_>, word: &Located<String>) -> Option<Condition> {
    if word.value == "off" {
        report.error(&word.span, "`off` stands beside other conditions", "it stands alone");
        return None;
    }
    let found = Condition::ALL.into_iter().find(|condition| condition.name() == word.value);
    if found.is_none() {
        let known = Condition::ALL.map(Condition::name);
        unknown_word(report, "condition", word, &[&known[..], &["off"]].concat());
    }
    found
}

fn budget(section: &mut Section<'_>) -> Option<u32> {
    let Some(text) = section.text("retry_budget") else {
        return Some(limits::RETRY_BUDGET_PERCENT);
    };
    if text.value == "off" {
        return None;
    }
    let number = text.value.strip_suffix('%').and_then(|number| number.trim_end().parse().ok());
    if number.is_none_or(|percent: u32| percent > limits::RETRY_BUDGET_PERCENT_MAX) {
        let message = format!("`{}` is not a share of the requests", text.value);
        let most = limits::RETRY_BUDGET_PERCENT_MAX;
        let hint = format!("expected \"0%\" to \"{most}%\", or \"off\" for no budget");
        section.report.error(&text.span, message, hint);
    }
    number
}

//! `strategy`, `hash_key` and `least_time`: how an upstream balances, and by what.

use serde::{Deserialize, Serialize};

use super::model::Strategy;
use super::report::Span;
use super::section::{Section, unknown_word};
use super::template::{self, Scope, Stage, Template};

/// No strategy of its own: it goes with any of them.
const STICKY: &str = "sticky";

/// Which time of a backend's answers `least_time` goes by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Timing {
    /// To the end of the response's head.
    #[default]
    Header,
    /// To the response's last byte.
    LastByte,
}

impl Timing {
    const ALL: [Self; 2] = [Self::Header, Self::LastByte];

    fn name(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::LastByte => "last_byte",
        }
    }
}

/// How an upstream balances.
pub(super) struct Draft {
    pub(super) strategy: Strategy,
    pub(super) hash_key: Option<Template>,
    pub(super) timing: Timing,
    /// Of the key's text.
    pub(super) key_span: Option<Span>,
}

pub(super) fn read(section: &mut Section<'_>) -> Draft {
    let word = section.text("strategy");
    let strategy = word.as_ref().and_then(|word| {
        let strategy = Strategy::parse(&word.value);
        let known = Strategy::ALL.map(Strategy::name);
        if word.value == STICKY {
            let message = "`sticky` is no strategy: it goes with any of them";
            let hint = "such as `sticky = { cookie = \"srv\" }`";
            section.report.error(&word.span, message, hint);
        } else if strategy.is_none() {
            unknown_word(section.report, "strategy", word, &known);
        }
        strategy
    });
    let (hash_key, key_span) = hash_key(section);
    if let (Some(word), Some(strategy)) = (&word, strategy)
        && strategy.needs_key()
        && section.key_span("hash_key").is_none()
    {
        let message = format!("strategy `{}` needs a `hash_key`", strategy.name());
        section.report.error(&word.span, message, "such as `hash_key = \"$request_uri\"`");
    }
    Draft {
        strategy: strategy.unwrap_or(Strategy::RoundRobin),
        hash_key,
        timing: timing(section).unwrap_or_default(),
        key_span,
    }
}

/// The text that is hashed: one that is the same for all requests would send all to one backend.
fn hash_key(section: &mut Section<'_>) -> (Option<Template>, Option<Span>) {
    let Some(text) = section.raw_text("hash_key") else { return (None, None) };
    let scope = Scope { stage: Stage::Request, groups: None };
    let template = template::parse(section.report, &text, scope);
    if !text.value.contains('$') {
        let message = "`hash_key` is the same for every request";
        section.report.error(&text.span, message, "such as `hash_key = \"$request_uri\"`");
    }
    (Some(template), Some(text.span))
}

fn timing(section: &mut Section<'_>) -> Option<Timing> {
    let word = section.text("least_time")?;
    let timing = Timing::ALL.into_iter().find(|timing| timing.name() == word.value);
    if timing.is_none() {
        unknown_word(section.report, "time", &word, &Timing::ALL.map(Timing::name));
    }
    timing
}

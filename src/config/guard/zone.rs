//! `[limit.NAME]`: a table of keys that all workers count in.

use super::super::limits::guards::{
    LIMIT_KEYS, LIMIT_KEYS_MAX, LIMIT_KEYS_MAX_OF_CONNECTIONS, LIMIT_RATE_MAX,
};
use super::super::model::guard::{Counted, Zone};
use super::super::names;
use super::super::report::{Located, Report, Span};
use super::super::section::Section;
use super::super::template::{self, Part, Scope, Stage, Template, Variable};

/// What a limit asks of a zone.
#[derive(Clone, Debug)]
pub(in super::super) struct Use {
    pub(in super::super) name: String,
    pub(in super::super) counts_rates: bool,
}

/// A zone, and where its name stands.
pub(in super::super) struct Draft {
    pub(in super::super) zone: Zone,
    pub(in super::super) name: Span,
}

pub(in super::super) fn read(name: Located<String>, mut section: Section<'_>) -> Draft {
    let report = section.report;
    names::check(report, "a limit", &name);
    let key = section.raw_text("key").map(|text| {
        if text.value.is_empty() {
            let hint = "requests are counted together whose keys are the same: \"$remote_addr\"";
            report.error(&text.span, "`key` is empty", hint);
        }
        template::parse(report, &text, Scope { stage: Stage::Request, groups: None })
    });
    let rate = section.text("rate");
    let counted = match &rate {
        Some(text) => rate_of(report, text).map_or(Counted::Connections, Counted::Rate),
        None => Counted::Connections,
    };
    let keys_max = match counted {
        Counted::Rate(_) => LIMIT_KEYS_MAX,
        Counted::Connections => LIMIT_KEYS_MAX_OF_CONNECTIONS,
    };
    let keys = section.integer("keys", 1..=keys_max).unwrap_or(LIMIT_KEYS.min(keys_max));
    section.finish(&[("zone", "keys"), ("size", "keys"), ("burst", "limits")]);
    let key = key.unwrap_or_else(|| Template { parts: vec![Part::Variable(Variable::RemoteAddr)] });
    Draft { zone: Zone { name: name.value, key, counted, keys }, name: name.span }
}

/// nginx's `10r/s` or `30r/m`, in thousandths of a request a second.
fn rate_of(report: &Report<'_>, text: &Located<String>) -> Option<u64> {
    let per = |unit: &str, seconds: u64| {
        let count = text.value.strip_suffix(unit)?.trim_end().parse::<u32>().ok()?;
        let is_good = (1..=LIMIT_RATE_MAX).contains(&count);
        is_good.then_some(u64::from(count) * 1000 / seconds)
    };
    let rate = per("r/s", 1).or_else(|| per("r/m", 60));
    if rate.is_none() {
        let message = format!("`{}` is no rate", text.value.escape_debug());
        report.error(&text.span, message, "such as \"10r/s\" or \"30r/m\"");
    }
    rate
}

//! `limits`: the kernel's bounds on what a process may use, by plain names.

use toml::de::DeValue;

use crate::sys::rlimit::{self, Unit};

use super::super::model::process::Rlimit;
use super::super::section::{Section, Value, integer_of};
use super::super::{duration, size};

/// How `setrlimit`, `ulimit` and systemd call the same.
const OTHERS: [(&str, &str); 18] = [
    ("memory", "address_space"),
    ("as", "address_space"),
    ("nofile", "open_files"),
    ("files", "open_files"),
    ("nproc", "processes"),
    ("fsize", "file_size"),
    ("memlock", "locked_memory"),
    ("msgqueue", "message_queues"),
    ("sigpending", "pending_signals"),
    ("locks", "file_locks"),
    ("rss", "resident"),
    ("nice", "nice_ceiling"),
    ("rtprio", "realtime_priority"),
    ("rttime", "realtime_cpu"),
    ("core_size", "core"),
    ("stack_size", "stack"),
    ("cpu_time", "cpu"),
    ("threads", "processes"),
];

/// The kernel's word for no limit, as `getrlimit` has it.
const UNLIMITED: u64 = u64::MAX;

pub(super) fn read(section: &mut Section<'_>) -> Vec<Rlimit> {
    let Some(mut table) = section.section("limits") else { return Vec::new() };
    let limits = rlimit::ALL
        .iter()
        .filter_map(|(name, resource, unit)| one(&mut table, name, *unit, *resource))
        .collect();
    table.finish(&OTHERS);
    limits
}

fn one(table: &mut Section<'_>, name: &'static str, unit: Unit, resource: u32) -> Option<Rlimit> {
    let value = table.value(name)?;
    if !matches!(value.get_ref(), DeValue::Table(_)) {
        let both = Some(amount(table, value, unit)?);
        return Some(Rlimit { resource, soft: both, hard: both });
    }
    let mut pair = table.section(name)?;
    let mut part = |key| {
        let value = pair.value(key)?;
        amount(&pair, value, unit)
    };
    let (soft, hard) = (part("soft"), part("hard"));
    if let (Some(soft), Some(hard)) = (soft, hard)
        && soft > hard
    {
        let message = format!("the soft limit of `{name}` is above its hard one");
        pair.report.error(
            &value.span(),
            message,
            "the soft one is in force, the hard one its bound",
        );
    }
    pair.finish(&[]);
    Some(Rlimit { resource, soft, hard })
}

fn amount(section: &Section<'_>, value: &Value<'_>, unit: Unit) -> Option<u64> {
    let expected = match unit {
        Unit::Number => "a number or \"unlimited\"",
        Unit::Bytes => "a size such as \"64MB\", a number of bytes or \"unlimited\"",
        Unit::Seconds => "a number of seconds, a duration such as \"10m\" or \"unlimited\"",
        Unit::Microseconds => {
            "a number of microseconds, a duration such as \"50ms\" or \"unlimited\""
        }
    };
    let amount = match value.get_ref() {
        DeValue::Integer(_) => integer_of(value).and_then(|number| u64::try_from(number).ok()),
        DeValue::String(text) if text == "unlimited" => Some(UNLIMITED),
        DeValue::String(text) => match unit {
            Unit::Number => None,
            Unit::Bytes => size::parse(text),
            Unit::Seconds => duration::parse(text)
                .filter(|duration_ms| duration_ms.is_multiple_of(1_000))
                .map(|duration_ms| duration_ms / 1_000),
            Unit::Microseconds => {
                duration::parse(text).and_then(|duration_ms| duration_ms.checked_mul(1_000))
            }
        },
        _ => None,
    };
    amount.or_else(|| section.unexpected(value, expected))
}

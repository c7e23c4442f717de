//! Cron lines as people write them: five fields of numbers, names, ranges, steps and lists, or
//! `@daily` and its like. When a line comes next is `supervise::calendar`'s.

use std::ops::{Range, RangeInclusive};

use super::super::model::life::Cron;

/// What is wrong with a line, and where in it.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::config) struct CronError {
    pub(in crate::config) place: Range<usize>,
    pub(in crate::config) message: String,
    pub(in crate::config) hint: String,
}

struct Field {
    name: &'static str,
    values: RangeInclusive<u32>,
    /// From the first value on.
    names: &'static [&'static str],
}

const FIELDS: [Field; 5] = [
    Field { name: "minute", values: 0..=59, names: &[] },
    Field { name: "hour", values: 0..=23, names: &[] },
    Field { name: "day of the month", values: 1..=31, names: &[] },
    Field {
        name: "month",
        values: 1..=12,
        names: &[
            "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
        ],
    },
    // Sunday is 0, and 7, too.
    Field {
        name: "day of the week",
        values: 0..=7,
        names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
    },
];

const SHORT: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

/// The longest month of each, in a leap year.
const DAYS_OF_MONTHS: [u32; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

pub(in crate::config) fn parse(line: &str) -> Result<Cron, CronError> {
    let whole = || 0..line.len();
    let text = match line.trim() {
        "@reboot" => {
            let hint = "`autostart` starts a program with the engine";
            return Err(error(whole(), "`@reboot` is no time", hint));
        }
        short if short.starts_with('@') => {
            let known = SHORT.iter().find(|(word, _)| *word == short.to_ascii_lowercase());
            let Some((_, fields)) = known else {
                let words = SHORT.map(|(word, _)| word).join(", ");
                return Err(error(whole(), "unknown short form", format!("expected {words}")));
            };
            fields
        }
        _ => line,
    };
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let Ok(words) = <[&str; 5]>::try_from(words.as_slice()) else {
        let message = format!("a cron line has five fields, this one has {}", words.len());
        return Err(error(whole(), message, "minute, hour, day, month, day of the week"));
    };
    let mut bits = [0u64; 5];
    for (at, field) in FIELDS.iter().enumerate() {
        bits[at] = field.bits(words[at]).map_err(|wrong| CronError {
            place: place_of(line, words[at]).unwrap_or_else(whole),
            ..wrong
        })?;
    }
    let [minutes, hours, days, months, weekdays] = bits;
    let cron = Cron {
        minutes,
        hours: hours as u32,
        days: days as u32,
        months: months as u16,
        weekdays: (weekdays & 0x7f | weekdays >> 7) as u8,
        is_either_day: !words[2].starts_with('*') && !words[4].starts_with('*'),
    };
    if !cron.is_either_day && !has_day(&cron) {
        let place = place_of(line, words[2]).unwrap_or_else(whole);
        return Err(error(place, "no such day in any of its months", ""));
    }
    Ok(cron)
}

/// Where a word of the line stands in it; none for the words that a short form means.
fn place_of(line: &str, word: &str) -> Option<Range<usize>> {
    let start = (word.as_ptr() as usize).checked_sub(line.as_ptr() as usize)?;
    (start + word.len() <= line.len()).then_some(start..start + word.len())
}

fn has_day(cron: &Cron) -> bool {
    let months = (1..=12u32).zip(DAYS_OF_MONTHS);
    let mut asked = months.filter(|(month, _)| cron.months & (1 << month) != 0);
    asked.any(|(_, days)| (1..=days).any(|day| cron.days & (1 << day) != 0))
}

fn error(place: Range<usize>, message: impl Into<String>, hint: impl Into<String>) -> CronError {
    CronError { place, message: message.into(), hint: hint.into() }
}

impl Field {
    fn bits(&self, word: &str) -> Result<u64, CronError> {
        word.split(',').try_fold(0, |bits, part| Ok(bits | self.part(part)?))
    }

    /// `*`, `5`, `1-5`, and each with `/2`.
    fn part(&self, part: &str) -> Result<u64, CronError> {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(self.step(step)?)),
            None => (part, None),
        };
        let (least, most) = match range.split_once('-') {
            _ if range == "*" => self.values.clone().into_inner(),
            Some((least, most)) => (self.value(least)?, self.value(most)?),
            // `5/15` goes on to the end, as cron has it.
            None if step.is_some() => (self.value(range)?, *self.values.end()),
            None => (self.value(range)?, self.value(range)?),
        };
        if least > most {
            return Err(self.wrong(range, "a range goes upwards"));
        }
        let values = (least..=most).step_by(step.unwrap_or(1) as usize);
        Ok(values.fold(0, |bits, value| bits | 1 << value))
    }

    fn step(&self, text: &str) -> Result<u32, CronError> {
        let most = *self.values.end();
        let step = number(text).filter(|step| (1..=most.max(1)).contains(step));
        step.ok_or_else(|| self.wrong(text, format!("expected a step from 1 to {most}")))
    }

    fn value(&self, text: &str) -> Result<u32, CronError> {
        let lower = text.to_ascii_lowercase();
        let named = self.names.iter().position(|name| *name == lower);
        let named = named.map(|at| self.values.start() + at as u32);
        let value = named.or_else(|| number(text)).filter(|value| self.values.contains(value));
        value.ok_or_else(|| {
            let (least, most) = self.values.clone().into_inner();
            let names = match (self.names.first(), self.names.last()) {
                (Some(first), Some(last)) => format!(", or {first} to {last}"),
                _ => String::new(),
            };
            self.wrong(text, format!("expected {least} to {most}{names}"))
        })
    }

    fn wrong(&self, text: &str, hint: impl Into<String>) -> CronError {
        error(0..0, format!("`{}` is no {}", text.escape_debug(), self.name), hint)
    }
}

/// Digits only: no sign.
fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

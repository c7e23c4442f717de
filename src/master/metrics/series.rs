//! The text format of Prometheus, version 0.0.4: families of series, one sample a line.
//!
//! Knows nothing of what is measured. Numbers are exact: times are whole microseconds and are
//! written as such.

use std::fmt::Write as _;

use super::lifetime::Latencies;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value {
    Count(u64),
    /// Written as seconds.
    Microseconds(u64),
    /// The same.
    Milliseconds(u64),
    Ratio(f64),
}

impl Value {
    pub(super) fn percent(percent: f32) -> Self {
        Self::Ratio(f64::from(percent) / 100.0)
    }
}

impl From<bool> for Value {
    fn from(holds: bool) -> Self {
        Self::Count(u64::from(holds))
    }
}

/// `name="value"` pairs as they stand between braces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Labels(String);

impl Labels {
    pub(super) fn none() -> Self {
        Self::default()
    }

    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        if !self.0.is_empty() {
            self.0.push(',');
        }
        self.0.push_str(name);
        self.0.push_str("=\"");
        escape(&mut self.0, value);
        self.0.push('"');
        self
    }
}

fn escape(text: &mut String, value: &str) {
    for character in value.chars() {
        match character {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            other => text.push(other),
        }
    }
}

/// The page under way.
pub(super) struct Text(String);

impl Text {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self(String::with_capacity(bytes))
    }

    /// Begins a family: all its series must follow before the next.
    pub(super) fn family(&mut self, name: &'static str, kind: Kind, help: &str) -> Family<'_> {
        let text = &mut self.0;
        for part in ["# HELP ", name, " ", help, "\n# TYPE ", name, " ", kind.name(), "\n"] {
            text.push_str(part);
        }
        Family { text, name }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0.into_bytes()
    }
}

pub(super) struct Family<'t> {
    text: &'t mut String,
    name: &'static str,
}

impl Family<'_> {
    pub(super) fn sample(&mut self, labels: &Labels, value: Value) {
        self.line("", labels, "", value);
    }

    /// One sample for each member of a closed list.
    pub(super) fn each<'n>(
        &mut self,
        labels: &Labels,
        name: &str,
        members: impl IntoIterator<Item = (&'n str, Value)>,
    ) {
        for (member, value) in members {
            let last = Labels::none().with(name, member);
            self.line("", labels, &last.0, value);
        }
    }

    pub(super) fn histogram(&mut self, labels: &Labels, latencies: &Latencies, buckets: &Buckets) {
        let below = latencies.counts.below(&buckets.edges_us);
        for (bucket, count) in buckets.labels.iter().zip(below) {
            self.line("_bucket", labels, bucket, Value::Count(count));
        }
        let count = Value::Count(latencies.counts.count());
        self.line("_bucket", labels, "le=\"+Inf\"", count);
        self.line("_sum", labels, "", Value::Microseconds(latencies.sum_us));
        self.line("_count", labels, "", count);
    }

    fn line(&mut self, suffix: &str, labels: &Labels, last: &str, value: Value) {
        self.text.push_str(self.name);
        self.text.push_str(suffix);
        let separator = if labels.0.is_empty() || last.is_empty() { "" } else { "," };
        if !labels.0.is_empty() || !last.is_empty() {
            for part in ["{", &labels.0, separator, last, "}"] {
                self.text.push_str(part);
            }
        }
        self.text.push(' ');
        push_value(self.text, value);
        self.text.push('\n');
    }
}

/// Upper edges of a histogram's buckets, and how they are spelled.
pub(super) struct Buckets {
    edges_us: Vec<u64>,
    labels: Vec<String>,
}

impl Buckets {
    /// Ascending edges of the board's own buckets. A value is its time cut down to a whole
    /// microsecond, so one that is below the edge was at most so long.
    pub(super) fn new(edges_us: &[u64]) -> Self {
        let label = |edge: &u64| {
            let mut text = "le=\"".to_owned();
            push_value(&mut text, Value::Microseconds(*edge));
            text.push('"');
            text
        };
        Self { edges_us: edges_us.to_vec(), labels: edges_us.iter().map(label).collect() }
    }
}

fn push_value(text: &mut String, value: Value) {
    match value {
        Value::Count(count) => text.push_str(itoa::Buffer::new().format(count)),
        Value::Microseconds(micros) => push_decimal(text, micros, 1_000_000),
        Value::Milliseconds(millis) => push_decimal(text, millis, 1_000),
        Value::Ratio(ratio) if ratio.is_finite() => {
            let _infallible_for_a_string = write!(text, "{ratio}");
        }
        Value::Ratio(_) => text.push_str("NaN"),
    }
}

/// `count / unit` without rounding; the unit is a power of ten.
fn push_decimal(text: &mut String, count: u64, unit: u64) {
    text.push_str(itoa::Buffer::new().format(count / unit));
    let mut rest = count % unit;
    if rest == 0 {
        return;
    }
    text.push('.');
    let mut place = unit / 10;
    while rest > 0 {
        text.push(char::from(b'0' + (rest / place) as u8));
        rest %= place;
        place /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(value: Value) -> String {
        let mut text = String::new();
        push_value(&mut text, value);
        text
    }

    #[test]
    fn numbers_are_exact() {
        for (value, text) in [
            (Value::Count(u64::MAX), "18446744073709551615"),
            (Value::Microseconds(0), "0"),
            (Value::Microseconds(128), "0.000128"),
            (Value::Microseconds(1_500_000), "1.5"),
            (Value::Microseconds(2_000_001), "2.000001"),
            (Value::Milliseconds(1_700_000_000_050), "1700000000.05"),
            (Value::Ratio(0.25), "0.25"),
            (Value::Ratio(1.0), "1"),
            (Value::Ratio(f64::NAN), "NaN"),
            (Value::from(true), "1"),
        ] {
            assert_eq!(of(value), text, "{value:?}");
        }
    }

    #[test]
    fn a_label_is_escaped() {
        let labels = Labels::none().with("a", "x\"y\\z\n").with("b", "é");
        assert_eq!(labels.0, "a=\"x\\\"y\\\\z\\n\",b=\"é\"");
    }
}

//! One scrape: its series by what stands before their value.

use std::collections::BTreeMap;

use crate::client;
use crate::engine::Engine;
use crate::wait;

pub(super) struct Page {
    /// Type by family.
    families: BTreeMap<String, String>,
    series: BTreeMap<String, f64>,
}

impl Page {
    /// From the control socket, as soon as a master answers.
    pub(super) fn of(engine: &Engine) -> Self {
        let response = wait::until("metrics", || {
            client::unix_get(&engine.socket(), "/metrics").filter(|answer| answer.status == 200)
        });
        Self::read(&response.text())
    }

    fn read(text: &str) -> Self {
        let mut page = Self { families: BTreeMap::new(), series: BTreeMap::new() };
        for line in text.lines().filter(|line| !line.starts_with("# HELP")) {
            if let Some(family) = line.strip_prefix("# TYPE ") {
                let (name, kind) = family.split_once(' ').expect("a type");
                page.families.insert(name.to_owned(), kind.to_owned());
            } else {
                let (series, value) = line.rsplit_once(' ').expect("a value");
                let value = value.parse().expect("a number");
                assert!(page.series.insert(series.to_owned(), value).is_none(), "twice: {series}");
            }
        }
        page
    }

    pub(super) fn families(&self) -> impl Iterator<Item = &str> {
        self.families.keys().map(String::as_str)
    }

    /// Names of everything that may only rise.
    pub(super) fn counters(&self) -> impl Iterator<Item = String> {
        self.families.iter().flat_map(|(name, kind)| {
            let suffixes: &[&str] = match kind.as_str() {
                "counter" => &[""],
                "histogram" => &["_bucket", "_sum", "_count"],
                _ => &[],
            };
            suffixes.iter().map(move |suffix| format!("{name}{suffix}"))
        })
    }

    /// Whether a sample may be called so.
    pub(super) fn has(&self, name: &str) -> bool {
        let of_histogram = ["_bucket", "_sum", "_count"].iter().any(|suffix| {
            let family = name.strip_suffix(suffix).and_then(|family| self.families.get(family));
            family.is_some_and(|kind| kind == "histogram")
        });
        of_histogram || self.families.get(name).is_some_and(|kind| kind != "histogram")
    }

    /// All series of a name, or of those the ones with a label `name{label="value"}`.
    pub(super) fn sum(&self, selector: &str) -> f64 {
        let (name, label) = selector.split_once('{').unwrap_or((selector, ""));
        let label = label.trim_end_matches('}');
        let is_it = |series: &str| {
            series.split('{').next() == Some(name) && (label.is_empty() || series.contains(label))
        };
        self.series.iter().filter(|(series, _)| is_it(series)).map(|(_, value)| value).sum()
    }

    /// How many series have the text among their labels.
    pub(super) fn keys_with(&self, label: &str) -> usize {
        self.series.keys().filter(|series| series.contains(label)).count()
    }

    /// No counter is lower than before, and none but a departed backend's is gone.
    #[track_caller]
    pub(super) fn expect_not_behind(&self, before: &Self) {
        for (series, earlier) in &before.series {
            let name = series.split('{').next().unwrap_or(series);
            let is_counter = name.ends_with("_total")
                || ["_bucket", "_sum", "_count"].iter().any(|suffix| name.ends_with(suffix));
            match self.series.get(series) {
                Some(value) if is_counter => {
                    assert!(value >= earlier, "{series} went from {earlier} to {value}");
                }
                None if is_counter => assert!(series.contains("backend="), "{series} is gone"),
                Some(_) | None => {}
            }
        }
    }
}

//! The page, read back by a parser that takes nothing but the format.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use proptest::prelude::*;

use super::figures::{Backend, Figures, Loads, TcpRoute, Worker};
use super::lifetime::Latencies;
use super::page::{self, BACKEND_EDGES_US, UPSTREAM_EDGES_US};
use crate::control::wire;
use crate::scoreboard::histogram::{Histogram, is_edge};

/// One line of a page, with its labels in order.
#[derive(Clone, Debug, PartialEq)]
struct Sample {
    name: String,
    labels: Vec<(String, String)>,
    value: f64,
}

impl Sample {
    fn without_le(&self) -> Vec<(String, String)> {
        self.labels.iter().filter(|(name, _)| name != "le").cloned().collect()
    }

    fn le(&self) -> f64 {
        let label = self.labels.iter().find(|(name, _)| name == "le").expect("a bucket");
        if label.1 == "+Inf" { f64::INFINITY } else { label.1.parse().expect("a number") }
    }
}

/// Families by name: type and samples.
type Page = BTreeMap<String, (String, Vec<Sample>)>;

fn read(text: &str) -> Page {
    let mut page = Page::new();
    let mut family: Option<String> = None;
    let mut seen = BTreeSet::new();
    let mut lines = text.lines();
    assert!(text.ends_with('\n'));
    while let Some(line) = lines.next() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, help) = help.split_once(' ').expect("a help text");
            assert!(!help.is_empty() && is_name(name), "{line}");
            let kind = lines.next().expect("a type follows");
            let kind = kind.strip_prefix(&format!("# TYPE {name} ")).expect("its own type");
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{kind}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{name}");
            let before = page.insert(name.to_owned(), (kind.to_owned(), Vec::new()));
            assert_eq!(before, None, "a family comes once");
            family = Some(name.to_owned());
            continue;
        }
        let sample = read_sample(line);
        assert!(seen.insert((sample.name.clone(), sample.labels.clone())), "twice: {line}");
        let (kind, samples) = page.get_mut(family.as_ref().expect("a family")).expect("read");
        let family = family.as_ref().expect("a family");
        let suffixes = if kind == "histogram" { &["_bucket", "_sum", "_count"][..] } else { &[""] };
        assert!(suffixes.iter().any(|suffix| sample.name == format!("{family}{suffix}")), "{line}");
        samples.push(sample);
    }
    page
}

fn read_sample(line: &str) -> Sample {
    let name_end = line.find(['{', ' ']).expect("labels or a value");
    let (name, mut rest) = line.split_at(name_end);
    assert!(is_name(name), "{line}");
    let mut labels = Vec::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        loop {
            let (label, after) = rest.split_once("=\"").expect("a label");
            assert!(is_name(label) && !label.contains(':'), "{line}");
            let (value, after) = read_label_value(after);
            labels.push((label.to_owned(), value));
            match after.split_at(1) {
                (",", after) => rest = after,
                ("}", after) => {
                    rest = after;
                    break;
                }
                _ => panic!("{line}"),
            }
        }
    }
    let value = rest.strip_prefix(' ').expect("one space").parse().expect("a number");
    Sample { name: name.to_owned(), labels, value }
}

fn read_label_value(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, &text[at + 1..]),
            '\\' => match characters.next().expect("an escaped character").1 {
                'n' => value.push('\n'),
                escaped @ ('\\' | '"') => value.push(escaped),
                other => panic!("escaped {other:?}"),
            },
            other => value.push(other),
        }
    }
    panic!("unclosed: {text}")
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Every histogram's buckets ascend, never fall, and end in its count.
fn check_histograms(page: &Page) {
    for (name, (_, samples)) in page.iter().filter(|(_, (kind, _))| kind == "histogram") {
        let mut by_labels: BTreeMap<_, Vec<&Sample>> = BTreeMap::new();
        for sample in samples {
            by_labels.entry(sample.without_le()).or_default().push(sample);
        }
        for (labels, samples) in by_labels {
            let of = |suffix: &str| {
                let name = format!("{name}{suffix}");
                samples.iter().filter(move |sample| sample.name == name).copied()
            };
            let buckets: Vec<&Sample> = of("_bucket").collect();
            assert!(buckets.is_sorted_by(|one, next| one.le() < next.le()), "{labels:?}");
            assert!(buckets.is_sorted_by(|one, next| one.value <= next.value), "{labels:?}");
            let last = buckets.last().expect("buckets");
            assert!(last.le().is_infinite());
            let [count] = of("_count").map(|sample| sample.value).collect::<Vec<_>>()[..] else {
                panic!("one count: {labels:?}")
            };
            assert_eq!(last.value.to_bits(), count.to_bits(), "{labels:?}");
            assert_eq!(of("_sum").count(), 1, "{labels:?}");
        }
    }
}

fn latencies(values_us: &[u32]) -> Latencies {
    let mut latencies = Latencies::default();
    let sum_us = values_us.iter().map(|value| u64::from(*value)).sum();
    latencies.add(&Histogram::of(values_us), sum_us);
    latencies
}

fn backend_row(upstream: &str, name: &str) -> wire::BackendRow {
    let mut row = crate::control::tests::wire::backend_row(upstream, name, 7);
    row.backend.state = wire::BackendState::Draining;
    row
}

fn figures(upstream: &str, backend: &str, values_us: &[u32]) -> Figures {
    let program = wire::Program { name: "web".to_owned(), ..wire::Program::default() };
    let snapshot = wire::Snapshot {
        upstreams: vec![wire::UpstreamRow {
            name: upstream.to_owned(),
            ..wire::UpstreamRow::default()
        }],
        backends: vec![backend_row(upstream, backend)],
        programs: vec![wire::ProgramRow { program, ..wire::ProgramRow::default() }],
        ..wire::Snapshot::default()
    };
    Figures {
        snapshot: Rc::new(snapshot),
        loads: Loads::default(),
        workers: vec![Worker::default()],
        upstreams: vec![latencies(values_us)],
        backends: vec![Backend { latency: latencies(values_us), is_passing: Some(false) }],
        tcp_routes: vec![TcpRoute { address: "[::1]:5".to_owned(), upstream: upstream.to_owned() }],
        firewall: crate::scoreboard::firewall::Figures::default(),
    }
}

fn written(figures: &Figures) -> Page {
    read(std::str::from_utf8(&page::write(figures)).expect("text"))
}

fn only<'p>(page: &'p Page, name: &str, labels: &[(&str, &str)]) -> &'p Sample {
    let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
    let (_, samples) = page.get(name).or_else(|| page.get(family?)).expect(name);
    let has = |sample: &Sample| {
        labels.iter().all(|(name, value)| {
            sample.labels.iter().any(|(other, found)| other == name && found == value)
        })
    };
    let mut found = samples.iter().filter(|sample| sample.name == name && has(sample));
    let first = found.next().unwrap_or_else(|| panic!("no {name} {labels:?}"));
    assert!(found.next().is_none(), "one {name} {labels:?}");
    first
}

#[test]
fn edges_are_those_of_the_boards_buckets() {
    assert!(BACKEND_EDGES_US.iter().chain(&UPSTREAM_EDGES_US).all(|edge| is_edge(*edge)));
    assert!(UPSTREAM_EDGES_US.is_sorted() && BACKEND_EDGES_US.is_sorted());
    assert_eq!((BACKEND_EDGES_US[19], UPSTREAM_EDGES_US[39]), (1 << 26, 3 << 24));
}

#[test]
fn values_fall_into_their_buckets_and_states_are_one_of_all() {
    let page = written(&figures("api", "10.0.0.1:80", &[100, 128, 200_000_000]));
    check_histograms(&page);
    let bucket = |name, le| only(&page, name, &[("le", le)]).value as u64;
    assert_eq!(bucket("pilothouse_upstream_latency_seconds_bucket", "0.000064"), 0);
    assert_eq!(bucket("pilothouse_upstream_latency_seconds_bucket", "0.000128"), 1);
    assert_eq!(bucket("pilothouse_upstream_latency_seconds_bucket", "0.000192"), 2);
    assert_eq!(bucket("pilothouse_backend_latency_seconds_bucket", "67.108864"), 2);
    assert_eq!(bucket("pilothouse_backend_latency_seconds_bucket", "+Inf"), 3);
    let sum = only(&page, "pilothouse_backend_latency_seconds_sum", &[]).value;
    assert!((sum - 200.000_228).abs() < 1e-9, "{sum}");
    let (_, states) = &page["pilothouse_backend_state"];
    let up: Vec<&str> = states
        .iter()
        .filter(|sample| sample.value > 0.0)
        .map(|sample| sample.labels[2].1.as_str())
        .collect();
    assert_eq!((states.len(), up), (6, vec!["draining"]));
    assert!(only(&page, "pilothouse_worker_state", &[("state", "down")]).value > 0.0);
}

/// Names are what dashboards are made of.
#[test]
fn every_family_is_there_even_without_a_row() {
    let nothing = Figures {
        snapshot: Rc::default(),
        loads: Loads::default(),
        workers: Vec::new(),
        upstreams: Vec::new(),
        backends: Vec::new(),
        tcp_routes: Vec::new(),
        firewall: crate::scoreboard::firewall::Figures::default(),
    };
    let (nothing, something) = (written(&nothing), written(&figures("a", "b", &[])));
    assert_eq!(nothing.keys().collect::<Vec<_>>(), something.keys().collect::<Vec<_>>());
    assert!(nothing.keys().all(|name| name.starts_with("pilothouse_")));
}

/// As many backends as there may be: large, but of one size.
#[test]
fn a_full_page_is_bounded() {
    let mut figures = figures("api", "x", &[1]);
    let snapshot = Rc::get_mut(&mut figures.snapshot).expect("ours alone");
    snapshot.backends = (0..512)
        .map(|n| backend_row("api", &format!("10.0.{}.{}:8080", n / 256, n % 256)))
        .collect();
    let latency = || latencies(&[1_000]);
    figures.backends = (0..512).map(|_| Backend { latency: latency(), is_passing: None }).collect();
    let bytes = page::write(&figures).len();
    assert!((1 << 20..4 << 20).contains(&bytes), "{bytes}");
}

proptest! {
    #[test]
    fn any_names_and_any_latencies_make_a_page(
        upstream in "(\\PC|[\"\\\\\n\r\t{}, =]){1,12}",
        backend in "(\\PC|[\"\\\\\n\r\t{}, =]){1,12}",
        values in prop::collection::vec(any::<u32>(), 0..60),
    ) {
        let page = written(&figures(&upstream, &backend, &values));
        check_histograms(&page);
        let labels = [("upstream", upstream.as_str()), ("backend", backend.as_str())];
        let count = only(&page, "pilothouse_backend_latency_seconds_count", &labels);
        prop_assert_eq!(count.value as usize, values.len());
    }
}

//! Rates and series from the engine's samples, one a second.

use crate::control::listener::Kind;
use crate::control::sample::{BackendSample, Sample};

use super::Model;

/// Rates are averages over this many seconds: calm enough to read, quick enough to trust.
const RATE_SECONDS: usize = 3;
/// The window of "peak" and of the trend.
const WINDOW_SECONDS: usize = 60;

/// The numbers of the Overview's traffic section.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Traffic {
    pub(crate) requests_per_s: f64,
    pub(crate) requests_peak: u32,
    /// Against the average of the window before, in percent; none without enough samples.
    pub(crate) trend_percent: Option<f64>,
    pub(crate) p50_us: u32,
    pub(crate) p95_us: u32,
    pub(crate) p99_us: u32,
    pub(crate) p99_peak_us: u32,
    /// Shares of the finished requests, zero to one.
    pub(crate) client_errors: f64,
    pub(crate) server_errors: f64,
    pub(crate) retries_per_s: f64,
    pub(crate) active: u32,
    pub(crate) connections: u32,
    pub(crate) bytes_out_per_s: u64,
    pub(crate) bytes_in_per_s: u64,
}

/// What is finished each second, as the head of a column.
pub(crate) fn per_second(kind: Kind) -> &'static str {
    match kind {
        Kind::Http | Kind::Both => "req/s",
        Kind::Tcp => "conn/s",
    }
}

/// The same for all upstreams together.
pub(crate) fn unit(model: &Model) -> &'static str {
    let mut kinds = model.moment.upstreams.iter().map(|row| row.kind);
    let first = kinds.next().unwrap_or_default();
    if kinds.all(|kind| kind == first) { per_second(first) } else { per_second(Kind::Both) }
}

pub(crate) fn traffic(model: &Model) -> Traffic {
    let Some(last) = model.history.back() else { return Traffic::default() };
    let requests_per_s = mean(latest(model, RATE_SECONDS), |sample| f64::from(sample.requests));
    let window = || latest(model, WINDOW_SECONDS);
    let finished: f64 = window().map(|sample| f64::from(sample.requests)).sum();
    let share = |count: fn(&Sample) -> u32| {
        if finished == 0.0 {
            0.0
        } else {
            window().map(|sample| f64::from(count(sample))).sum::<f64>() / finished
        }
    };
    let before = mean(window(), |sample| f64::from(sample.requests));
    let is_trend_known = model.history.len() >= WINDOW_SECONDS / 4 && before > 0.0;
    Traffic {
        requests_per_s,
        requests_peak: window().map(|sample| sample.requests).max().unwrap_or(0),
        trend_percent: is_trend_known.then(|| (requests_per_s / before - 1.0) * 100.0),
        p50_us: last.p50_us,
        p95_us: last.p95_us,
        p99_us: last.p99_us,
        p99_peak_us: window().map(|sample| sample.p99_us).max().unwrap_or(0),
        client_errors: share(|sample| sample.client_errors),
        server_errors: share(|sample| sample.server_errors),
        retries_per_s: mean(latest(model, RATE_SECONDS), |sample| f64::from(sample.retries)),
        active: last.active,
        connections: last.connections,
        bytes_out_per_s: mean(latest(model, RATE_SECONDS), |sample| sample.bytes_out as f64) as u64,
        bytes_in_per_s: mean(latest(model, RATE_SECONDS), |sample| sample.bytes_in as f64) as u64,
    }
}

pub(crate) fn upstream_rate(model: &Model, name: &str) -> f64 {
    model.backends_of(name).map(|row| backend_rate(model, row.key)).sum()
}

/// The slowest backend's p95 of the last second, as the upstream's.
pub(crate) fn upstream_p95_us(model: &Model, name: &str) -> u32 {
    model.backends_of(name).map(|row| backend_p95_us(model, row.key)).max().unwrap_or(0)
}

pub(crate) fn backend_rate(model: &Model, key: u32) -> f64 {
    mean(latest(model, RATE_SECONDS), |sample| {
        backend_in(sample, key).map_or(0.0, |backend| f64::from(backend.requests))
    })
}

pub(crate) fn backend_p95_us(model: &Model, key: u32) -> u32 {
    latest(model, RATE_SECONDS)
        .filter_map(|sample| backend_in(sample, key))
        .map(|backend| backend.p95_us)
        .max()
        .unwrap_or(0)
}

pub(crate) fn worker_rate(model: &Model, slot: u16) -> f64 {
    mean(latest(model, RATE_SECONDS), |sample| {
        sample
            .workers
            .iter()
            .find(|worker| worker.slot == slot)
            .map_or(0.0, |worker| f64::from(worker.requests))
    })
}

/// A backend's samples, oldest first; seconds in which it did not exist are zero.
pub(crate) fn backend_samples(
    model: &Model,
    key: u32,
) -> impl DoubleEndedIterator<Item = BackendSample> {
    model.history.iter().map(move |sample| {
        backend_in(sample, key).copied().unwrap_or(BackendSample { key, ..Default::default() })
    })
}

/// When, and what a backend did then, in each of the last `seconds`; oldest first.
pub(crate) fn latest_of_backend(
    model: &Model,
    key: u32,
    seconds: usize,
) -> impl Iterator<Item = (u64, BackendSample)> {
    latest(model, seconds)
        .filter_map(move |sample| Some((sample.wall_ms, *backend_in(sample, key)?)))
}

fn backend_in(sample: &Sample, key: u32) -> Option<&BackendSample> {
    let backends = &sample.backends;
    // They mostly stand in the order of their keys; a search that is misled by one that does not
    // finds nothing, never another.
    match backends.binary_search_by_key(&key, |backend| backend.key) {
        Ok(at) => backends.get(at),
        Err(_) => backends.iter().find(|backend| backend.key == key),
    }
}

fn latest(model: &Model, seconds: usize) -> impl Iterator<Item = &Sample> {
    model.history.iter().skip(model.history.len().saturating_sub(seconds))
}

fn mean<'a>(samples: impl Iterator<Item = &'a Sample>, value: impl Fn(&Sample) -> f64) -> f64 {
    let (sum, count) =
        samples.fold((0.0, 0_u32), |(sum, count), sample| (sum + value(sample), count + 1));
    if count == 0 { 0.0 } else { sum / f64::from(count) }
}

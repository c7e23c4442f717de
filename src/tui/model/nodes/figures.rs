//! The seconds of several nodes as one.

use std::collections::{BTreeMap, VecDeque};

use crate::control::sample::Sample;
use crate::tui::model::SAMPLES_MAX;

pub(super) fn by_second(samples: impl Iterator<Item = Sample>) -> VecDeque<Sample> {
    let mut seconds: BTreeMap<u64, Sample> = BTreeMap::new();
    for sample in samples {
        match seconds.get_mut(&(sample.wall_ms / 1000)) {
            Some(whole) => sum(whole, sample),
            None => drop(seconds.insert(sample.wall_ms / 1000, sample)),
        }
    }
    let surplus = seconds.len().saturating_sub(SAMPLES_MAX);
    seconds.into_values().skip(surplus).collect()
}

/// To the second it is of, if that is among the newest, else as one more.
pub(crate) fn add(history: &mut VecDeque<Sample>, sample: Sample) {
    const LOOK_BACK: usize = 3;
    let is_same = |whole: &&mut Sample| whole.wall_ms / 1000 == sample.wall_ms / 1000;
    match history.iter_mut().rev().take(LOOK_BACK).find(is_same) {
        Some(whole) => sum(whole, sample),
        None => history.push_back(sample),
    }
}

/// Counts add up; of latencies the slowest node's is told, since no sum of them is one.
fn sum(whole: &mut Sample, more: Sample) {
    for (count, more) in [
        (&mut whole.requests, more.requests),
        (&mut whole.client_errors, more.client_errors),
        (&mut whole.server_errors, more.server_errors),
        (&mut whole.retries, more.retries),
        (&mut whole.active, more.active),
        (&mut whole.connections, more.connections),
    ] {
        *count = count.saturating_add(more);
    }
    whole.p50_us = whole.p50_us.max(more.p50_us);
    whole.p95_us = whole.p95_us.max(more.p95_us);
    whole.p99_us = whole.p99_us.max(more.p99_us);
    whole.bytes_out += more.bytes_out;
    whole.bytes_in += more.bytes_in;
    whole.wall_ms = whole.wall_ms.max(more.wall_ms);
    whole.backends.extend(more.backends);
    whole.workers.extend(more.workers);
}

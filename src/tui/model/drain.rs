//! How far a drain has come and when it will be over: estimated from what left in the last seconds.

use crate::control::wire::BackendRow;

use super::{Model, traffic};

/// Seconds of samples that the leaving rate is taken over.
const RATE_SECONDS: usize = 5;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Progress {
    pub(crate) left: u32,
    pub(crate) of: u32,
    /// Zero to one.
    pub(crate) done: f64,
    pub(crate) leaving_per_s: f64,
    /// None when nothing has left lately: better no estimate than a guess.
    pub(crate) eta_ms: Option<u64>,
    /// Until the requests still there are cut off.
    pub(crate) hard_stop_ms: u64,
    pub(crate) for_ms: u64,
}

impl Progress {
    /// `17 left, empty in 9s; cut in 18s`.
    pub(crate) fn sentence(&self) -> String {
        let (left, stop_s) = (self.left, self.hard_stop_ms.div_ceil(1000));
        match self.eta_ms {
            Some(eta_ms) => {
                let eta_s = eta_ms.div_ceil(1000);
                format!("{left} left, empty in {eta_s}s; cut in {stop_s}s")
            }
            None => format!("{left} left, cut in {stop_s}s; none has left lately"),
        }
    }
}

pub(crate) fn progress(model: &Model, row: &BackendRow) -> Option<Progress> {
    let drain = row.drain.as_ref()?;
    let left = row.backend.active;
    let of = drain.active_at_start.max(left);
    let done = if of == 0 { 1.0 } else { f64::from(of - left) / f64::from(of) };
    let leaving_per_s = leaving_per_s(model, row.key);
    let hard_stop_ms = drain.deadline_ms.saturating_sub(model.now_ms);
    let eta_ms = if left == 0 {
        Some(0)
    } else if leaving_per_s > 0.0 {
        Some(((f64::from(left) / leaving_per_s * 1000.0) as u64).min(hard_stop_ms))
    } else {
        None
    };
    let for_ms = model.now_ms.saturating_sub(drain.since_ms);
    Some(Progress { left, of, done, leaving_per_s, eta_ms, hard_stop_ms, for_ms })
}

fn leaving_per_s(model: &Model, key: u32) -> f64 {
    let active: Vec<u32> = traffic::backend_samples(model, key)
        .rev()
        .take(RATE_SECONDS + 1)
        .map(|sample| sample.active)
        .collect();
    match (active.first(), active.last()) {
        (Some(newest), Some(oldest)) if active.len() > 1 && oldest > newest => {
            f64::from(oldest - newest) / (active.len() - 1) as f64
        }
        _ => 0.0,
    }
}

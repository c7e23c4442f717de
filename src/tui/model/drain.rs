//! How far a drain has come and when it will be over, as the engine tells it.

use crate::control::wire::BackendRow;

use super::Model;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Progress {
    /// Requests.
    pub(crate) left: u32,
    /// Connections that were upgraded: they end as they please.
    pub(crate) upgraded: u32,
    pub(crate) of: u32,
    /// Zero to one.
    pub(crate) done: f64,
    pub(crate) oldest_ms: Option<u64>,
    pub(crate) leaving_per_s: f64,
    /// None when nothing has left lately: better no estimate than a guess.
    pub(crate) eta_ms: Option<u64>,
    /// Until the requests still there are cut off.
    pub(crate) hard_stop_ms: u64,
    pub(crate) end: End,
}

/// What becomes of the backend when it is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Stays,
    Leaves,
}

impl Progress {
    /// `17 left, empty in 9s; cut in 18s`.
    pub(crate) fn sentence(&self) -> String {
        let left = match self.upgraded {
            0 => format!("{} left", self.left),
            upgraded => format!("{} left and {upgraded} upgraded", self.left),
        };
        let stop_s = self.hard_stop_ms.div_ceil(1000);
        match (self.eta_ms, self.upgraded) {
            (Some(eta_ms), _) => {
                let eta_s = eta_ms.div_ceil(1000);
                format!("{left}, empty in {eta_s}s; cut in {stop_s}s")
            }
            (None, 0) => format!("{left}, cut in {stop_s}s; none has left lately"),
            (None, _) => format!("{left}, cut in {stop_s}s"),
        }
    }
}

pub(crate) fn progress(model: &Model, row: &BackendRow) -> Option<Progress> {
    let drain = row.backend.drain.as_ref()?;
    let left = drain.in_flight + drain.upgraded;
    let of = drain.active_at_start.max(left);
    let done = if of == 0 { 1.0 } else { f64::from(of - left) / f64::from(of) };
    let hard_stop_ms = drain.deadline_ms.saturating_sub(model.seen_ms());
    Some(Progress {
        left: drain.in_flight,
        upgraded: drain.upgraded,
        of,
        done,
        oldest_ms: drain.oldest_ms,
        leaving_per_s: drain.leaving_per_s,
        eta_ms: drain.eta_ms.map(|eta_ms| eta_ms.min(hard_stop_ms)),
        hard_stop_ms,
        end: if drain.is_removal { End::Leaves } else { End::Stays },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_not_guessed() {
        let progress = Progress {
            left: 17,
            upgraded: 0,
            of: 64,
            done: 0.73,
            oldest_ms: None,
            leaving_per_s: 4.0,
            eta_ms: Some(4_250),
            hard_stop_ms: 18_000,
            end: End::Stays,
        };
        assert_eq!(progress.sentence(), "17 left, empty in 5s; cut in 18s");
        let silent = Progress { eta_ms: None, ..progress };
        assert_eq!(silent.sentence(), "17 left, cut in 18s; none has left lately");
        let switched = Progress { upgraded: 3, ..silent };
        assert_eq!(switched.sentence(), "17 left and 3 upgraded, cut in 18s");
    }
}

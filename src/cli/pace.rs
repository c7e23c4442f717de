//! How `pilothouse program roll` goes, where it should not go as the file says.

use clap::Args;

use super::arguments::duration_ms;
use crate::control::call;

#[derive(Debug, Args)]
pub(crate) struct Pace {
    /// Instances that may be missing at a time.
    #[arg(long, value_name = "N")]
    max_unavailable: Option<u32>,
    /// Instances beyond the usual number that may run meanwhile; they serve before the first of the
    /// others is stopped, so a program of one instance serves all the time.
    #[arg(long, value_name = "N")]
    max_surge: Option<u32>,
    /// How long a new process must run before the next instance is touched.
    #[arg(long, value_name = "DURATION", value_parser = duration_ms)]
    min_ready: Option<u64>,
    /// Whether the rest stays as it is when one does not come back.
    #[arg(long, value_name = "BOOL")]
    stop_on_failure: Option<bool>,
}

impl From<Pace> for call::Pace {
    fn from(pace: Pace) -> Self {
        let Pace { max_unavailable, max_surge, min_ready, stop_on_failure } = pace;
        Self { max_unavailable, max_surge, min_ready_ms: min_ready, stop_on_failure }
    }
}

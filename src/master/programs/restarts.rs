//! What the configuration says of restarts, in the terms that `supervise` decides with.

use crate::config::model::restart::{self, AutoRestart, OnFatal, Restart};
use crate::supervise::{pause, policy};

pub(super) fn restart(restart: &Restart) -> policy::Restart {
    match restart.when {
        AutoRestart::Never => policy::Restart::Never,
        AutoRestart::OnSuccess => policy::Restart::OnSuccess,
        AutoRestart::Unexpected => policy::Restart::Unexpected,
        AutoRestart::OnAbnormal => policy::Restart::OnAbnormal,
        AutoRestart::OnAbort => policy::Restart::OnAbort,
        AutoRestart::Always => policy::Restart::Always,
    }
}

pub(super) fn backoff(restart: &Restart) -> pause::Backoff {
    let restart::Backoff { initial_ms, max_ms, growth, jitter_percent } = restart.backoff;
    let growth = match growth {
        restart::Growth::Linear => pause::Growth::Linear,
        restart::Growth::Exponential { factor_hundredths } => {
            pause::Growth::Exponential { factor_hundredths }
        }
    };
    pause::Backoff { initial_us: initial_ms * 1000, max_us: max_ms * 1000, growth, jitter_percent }
}

pub(super) fn crash_limit(restart: &Restart) -> pause::CrashLimit {
    let restart::CrashLimit { restarts, within_ms, then } = restart.crash_limit;
    let then = match then {
        restart::Beyond::Pause => pause::Beyond::Pause,
        restart::Beyond::Fail => pause::Beyond::Fail,
    };
    pause::CrashLimit { restarts, within_us: within_ms * 1000, then }
}

pub(super) fn on_fatal(on_fatal: &OnFatal) -> Option<policy::Escalation> {
    match on_fatal {
        OnFatal::Ignore => None,
        OnFatal::StopGroup => Some(policy::Escalation::StopGroup),
        OnFatal::RestartGroup => Some(policy::Escalation::RestartGroup),
        OnFatal::Shutdown => Some(policy::Escalation::Shutdown),
        OnFatal::Command(_) => Some(policy::Escalation::Command),
    }
}

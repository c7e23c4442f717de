//! What is said to people about an instance: reasons in its row, marks in its log, notes in the
//! audit trail. One wording for all three.

use super::instance::Instance;
use super::instance::vitals::Course;
use crate::supervise::policy::{Ending, Hook, Kind, Policy};
use crate::supervise::state::{
    After, Cause, Fault, Next, Phase, Shown, Stage, StartCheck, State, Sweep,
};
use crate::sys;

pub(super) fn ending(ending: Ending) -> String {
    match ending {
        Ending::Code(code) => format!("exit {code}"),
        Ending::Signal(number) => format!("killed by {}", sys::signal::name(number)),
        Ending::Unknown => "ended, nobody knows how".to_owned(),
    }
}

/// `exit 1 after 0.8 s`, or why there was nothing to exit. `doubt`: what was last known of an unfit
/// one.
pub(super) fn cause(cause: &Cause, doubt: &str) -> String {
    match cause {
        Cause::None => String::new(),
        Cause::Spawn { error } => error.clone(),
        Cause::Exit { ending: how, lived_us, fault: None } => {
            format!("{} after {}", ending(*how), duration(*lived_us))
        }
        Cause::Exit { ending: how, lived_us, fault: Some(found) } => {
            let (found, how) = (fault(*found, doubt), ending(*how));
            format!("{found}, {how} after {}", duration(*lived_us))
        }
    }
}

/// Of a start that the kernel has not answered.
const HELD_UP: &str = "held up before its command runs, as by a file system that does not answer";

/// What is wrong with an unfit process.
pub(super) fn fault(fault: Fault, doubt: &str) -> String {
    let what = match fault {
        Fault::Late { after_us } => format!("not ready within {}", duration(after_us)),
        Fault::Liveness if doubt.is_empty() => "liveness failed".to_owned(),
        Fault::Liveness => return doubt.to_owned(),
        Fault::Silent { for_us: 0 } => "called for its watchdog".to_owned(),
        Fault::Silent { for_us } => format!("no WATCHDOG=1 for {}", duration(for_us)),
    };
    if doubt.is_empty() { what } else { format!("{what}: {doubt}") }
}

/// What an exit led to, whether or not others of its group must be swept first.
pub(super) fn outcome(state: &State) -> Next {
    match state.phase {
        Phase::Waiting
        | Phase::PreStart
        | Phase::Spawning { .. }
        | Phase::Starting { .. }
        | Phase::Ready { .. }
        | Phase::Unready { .. } => Next::Spawn,
        Phase::Delay { until_us } => Next::Delay { until_us },
        Phase::Held { until_us } => Next::Held { until_us },
        Phase::Sweeping { next, .. } | Phase::PostStop { next } => next,
        Phase::Done => Next::Done,
        Phase::GaveUp => Next::GaveUp,
        Phase::Idle | Phase::Stopping { .. } => Next::Idle,
        Phase::Gone => Next::Gone,
    }
}

/// The same in words: `start 4 of 5 in 4 s`.
pub(super) fn consequence(state: &State, policy: &Policy, now_us: u64) -> String {
    match outcome(state) {
        Next::Delay { until_us } if state.fails == 0 => {
            format!("started again in {}", duration(until_us.saturating_sub(now_us)))
        }
        Next::Delay { until_us } => {
            let start = u64::from(state.fails) + 1;
            let of = policy
                .start_retries
                .map_or(String::new(), |retries| format!(" of {}", u64::from(retries) + 1));
            format!("start {start}{of} in {}", duration(until_us.saturating_sub(now_us)))
        }
        Next::Held { .. } => "started again with its group".to_owned(),
        Next::Spawn => "started again".to_owned(),
        Next::GaveUp => format!("gave up after {}", starts(state.fails)),
        Next::Done => match (policy.kind, &state.cause) {
            (Kind::OneShot, Cause::Exit { ending, .. }) if policy.is_expected(*ending) => {
                "completed".to_owned()
            }
            _ => "not restarted".to_owned(),
        },
        Next::Idle => "stopped".to_owned(),
        Next::Gone => "removed".to_owned(),
    }
}

/// Why the instance is in the state that its row shows; empty when that needs no words.
pub(super) fn reason(instance: &Instance) -> String {
    let state = &instance.state;
    match state.phase {
        Phase::Idle | Phase::Gone => instance.asked.clone(),
        Phase::Starting { check: StartCheck::Probe { .. }, .. } => {
            listed(&[&instance.ready.borrow().to_string(), &instance.status])
        }
        Phase::Ready { .. } => listed(&[
            course(instance.course),
            &instance.live.borrow().to_string(),
            &instance.status,
        ]),
        Phase::Unready { .. } => {
            let why = match course(instance.course) {
                "" => instance.ready.borrow().to_string(),
                course => course.to_owned(),
            };
            listed(&[&format!("not ready: {why}"), &instance.status])
        }
        Phase::Spawning { .. } if instance.birth.is_some() => HELD_UP.to_owned(),
        Phase::Waiting | Phase::Spawning { .. } | Phase::Starting { .. } => instance.status.clone(),
        Phase::PreStart => hook(instance, Hook::PreStart),
        Phase::PostStop { .. } => hook(instance, Hook::PostStop),
        Phase::Held { .. } => "waits for the others of its group".to_owned(),
        Phase::Delay { .. } if state.fails == 0 && state.window.beyond > 0 => {
            format!("{}, restarted too often", instance.cause())
        }
        Phase::Delay { .. } | Phase::Done => instance.cause(),
        Phase::Stopping { stage, after, .. } => {
            let stage = match stage {
                Stage::Draining => "draining".to_owned(),
                Stage::Hook { hook: runs } => hook(instance, runs),
                Stage::Terminating { rung: 0 } => "stop signal sent".to_owned(),
                Stage::Terminating { rung } => format!("stop signal {} sent", rung + 1),
                Stage::Killing { kills } => format!("SIGKILL sent {}", times(kills)),
            };
            match after {
                After::Unfit(found) => format!("{}, {stage}", fault(found, &instance.doubt(found))),
                After::Idle | After::Again | After::Held | After::Gone => stage,
            }
        }
        Phase::Sweeping { stage, .. } => match stage {
            Sweep::Look => String::new(),
            Sweep::Terminate { .. } => "ends what it left running".to_owned(),
            Sweep::Kill { .. } => "kills what it left running".to_owned(),
            Sweep::Hopeless => {
                "not even SIGKILL ends what it left running; not started beside it".to_owned()
            }
        },
        // What it needed failed before it was ever started.
        Phase::GaveUp if state.fails == 0 => instance.cause(),
        Phase::GaveUp => format!("gave up after {}: {}", starts(state.fails), instance.cause()),
    }
}

/// `pre_start runs, 30 s at most`.
fn hook(instance: &Instance, hook: Hook) -> String {
    let most = about(instance.definition.hook_ms(hook).saturating_mul(1000));
    format!("{} runs, {most} at most", hook.name())
}

fn course(course: Course) -> &'static str {
    match course {
        Course::Steady => "",
        Course::Reloading => "reloading",
        Course::Stopping => "about to stop by itself",
    }
}

fn listed(parts: &[&str]) -> String {
    parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join("; ")
}

pub(super) fn state_name(shown: Shown) -> &'static str {
    match shown {
        Shown::Stopped => "STOPPED",
        Shown::Starting => "STARTING",
        Shown::Running => "RUNNING",
        Shown::Backoff => "BACKOFF",
        Shown::Stopping => "STOPPING",
        Shown::Exited => "EXITED",
        Shown::Fatal => "FATAL",
    }
}

/// Three digits are enough for anybody: `0.85 s`, `12.3 s`, `3 min`.
pub(in crate::master) fn duration(us: u64) -> String {
    let seconds = us as f64 / 1e6;
    if us < 1_000_000 {
        format!("{seconds:.2} s")
    } else if us < 100_000_000 {
        let text = format!("{seconds:.1}");
        format!("{} s", text.strip_suffix(".0").unwrap_or(&text))
    } else if us < 7_200_000_000 {
        format!("{:.0} min", seconds / 60.0)
    } else {
        format!("{:.0} h", seconds / 3600.0)
    }
}

/// A time that is left, in one unit: `4 h`, `12 min`, `3 d`.
pub(super) fn about(us: u64) -> String {
    match us.div_ceil(1_000_000) {
        seconds @ 0..100 => format!("{seconds} s"),
        seconds @ 100..7_200 => format!("{} min", seconds.div_ceil(60)),
        seconds @ 7_200..172_800 => format!("{} h", (seconds + 1_800) / 3_600),
        seconds => format!("{} d", (seconds + 43_200) / 86_400),
    }
}

fn starts(count: u32) -> String {
    if count == 1 { "1 start".to_owned() } else { format!("{count} starts") }
}

fn times(count: u32) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

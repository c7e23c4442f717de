//! What follows for others once an instance has given up.

use super::super::policy::Escalation;
use super::*;

fn fatal(on_fatal: Escalation) -> Bench {
    let mut bench =
        Bench::new(Policy { start_retries: Some(0), on_fatal: Some(on_fatal), ..policy() });
    bench.say(Event::Start).exits(Ending::Code(1));
    bench
}

#[test]
fn giving_up_is_told_once() {
    for on_fatal in [Escalation::StopGroup, Escalation::Command, Escalation::Shutdown] {
        let told = [Effect::Spawn, Effect::Escalate(on_fatal)];
        fatal(on_fatal).expect(Shown::Fatal, &told).wait(SECOND).expect(Shown::Fatal, &[]);
    }
    Bench::new(Policy { start_retries: Some(0), ..policy() })
        .say(Event::Start)
        .exits(Ending::Code(1))
        .expect(Shown::Fatal, &[Effect::Spawn]);
}

#[test]
fn a_crash_limit_that_fails_leads_to_it_too() {
    let crash_limit = CrashLimit { restarts: 1, within_us: 10 * SECOND, then: Beyond::Fail };
    let on_fatal = Some(Escalation::Shutdown);
    let mut bench = Bench::new(Policy {
        start_us: 0,
        start_retries: Some(0),
        crash_limit,
        on_fatal,
        ..policy()
    });
    bench.say(Event::Start).exits(Ending::Signal(11));
    bench.seen.clear();
    let told = [Effect::Leave, Effect::Escalate(Escalation::Shutdown)];
    bench.exits(Ending::Signal(11)).expect(Shown::Fatal, &told);
}

#[test]
fn an_engine_that_ends_is_told_nothing() {
    let mut bench = Bench::new(Policy {
        start_retries: Some(0),
        on_fatal: Some(Escalation::Shutdown),
        ..policy()
    });
    bench.say(Event::Start).say(Event::Retire).exits(Ending::Code(1));
    bench.expect(Shown::Fatal, &[Effect::Spawn]);
}

#[test]
fn a_group_is_restarted_a_few_times_and_then_stopped() {
    let mut bench = fatal(Escalation::RestartGroup);
    for _ in 0..5 {
        assert_eq!(bench.seen.pop(), Some(Effect::Escalate(Escalation::RestartGroup)));
        bench.say(Event::Hold).say(Event::Release).exits(Ending::Code(1));
        assert_eq!(bench.state.shown(), Shown::Fatal);
    }
    assert_eq!(bench.seen.pop(), Some(Effect::Escalate(Escalation::StopGroup)));
    // Whoever starts it by hand has mended something.
    bench.say(Event::Start).exits(Ending::Code(1));
    assert_eq!(bench.seen.pop(), Some(Effect::Escalate(Escalation::RestartGroup)));
    // So has time.
    for _ in 0..20 {
        bench.wait(600 * SECOND).say(Event::Hold).say(Event::Release).exits(Ending::Code(1));
        assert_eq!(bench.seen.pop(), Some(Effect::Escalate(Escalation::RestartGroup)));
    }
}

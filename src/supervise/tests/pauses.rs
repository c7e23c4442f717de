//! Invariants of tries and pauses, for any policy: how many spawns there are, how far apart, and that
//! what came before a stop is forgotten.

use proptest::prelude::*;

use super::super::pause::{Backoff, Growth};
use super::super::policy::{Ending, Kind, Policy};
use super::super::state::Shown;
use super::super::step::Event;
use super::{Bench, SECOND, policy};

fn backoffs() -> impl Strategy<Value = Backoff> {
    let growth = prop_oneof![
        Just(Growth::Linear),
        (100..500u32).prop_map(|factor_hundredths| Growth::Exponential { factor_hundredths }),
    ];
    (1..5 * SECOND, 5 * SECOND..90 * SECOND, growth, 0..=100u32).prop_map(
        |(initial_us, max_us, growth, jitter_percent)| Backoff {
            initial_us,
            max_us,
            growth,
            jitter_percent,
        },
    )
}

fn tried() -> impl Strategy<Value = Policy> {
    let kind = prop_oneof![Just(Kind::Service), Just(Kind::OneShot)];
    (backoffs(), 0..12u32, kind).prop_map(|(backoff, retries, kind)| Policy {
        kind,
        backoff,
        start_retries: Some(retries),
        ..policy()
    })
}

/// Dies at once until it is given up: the instants of its spawns.
fn spawns_us(bench: &mut Bench) -> Vec<u64> {
    let mut spawns_us = vec![bench.now_us];
    bench.exits(Ending::Code(1));
    while bench.state.shown() == Shown::Backoff {
        bench.wait_deadline();
        spawns_us.push(bench.now_us);
        bench.exits(Ending::Code(1));
    }
    assert_eq!(bench.state.shown(), Shown::Fatal);
    spawns_us
}

proptest! {
    /// Invariants 3 and 4.
    #[test]
    fn tries_are_one_more_than_the_retries_and_as_far_apart_as_the_formula_says(policy in tried()) {
        let mut bench = Bench::new(policy.clone());
        bench.say(Event::Start);
        let spawns_us = spawns_us(&mut bench);
        prop_assert_eq!(spawns_us.len() as u32, policy.start_retries.unwrap() + 1);
        for (fails, pair) in (1..).zip(spawns_us.windows(2)) {
            let Backoff { initial_us, max_us, growth, jitter_percent } = policy.backoff;
            let grown = match growth {
                Growth::Linear => f64::from(fails),
                Growth::Exponential { factor_hundredths } => {
                    (f64::from(factor_hundredths) / 100.0).powi(fails - 1)
                }
            };
            let even_us = (initial_us as f64 * grown).min(max_us as f64);
            let span_us = even_us * f64::from(jitter_percent) / 100.0;
            let off_us = ((pair[1] - pair[0]) as f64 - even_us).abs();
            prop_assert!(off_us <= span_us + 2.0, "gap {} of {:?}", fails, policy.backoff);
        }
    }

    /// Supervisor counts what failed before a stop: a later start may go FATAL after one failure.
    #[test]
    fn a_start_after_a_stop_has_every_try(policy in tried(), failures in 1..12u32) {
        let mut bench = Bench::new(policy.clone());
        bench.say(Event::Start);
        for _ in 0..failures {
            bench.exits(Ending::Code(1));
            if bench.state.shown() != Shown::Backoff {
                break;
            }
            bench.wait_deadline();
        }
        bench.say(Event::Stop);
        if bench.state.shown() == Shown::Stopping {
            bench.exits(Ending::Signal(15));
        }
        bench.say(Event::Start);
        let spawns = spawns_us(&mut bench).len() as u32;
        prop_assert_eq!(spawns, policy.start_retries.unwrap() + 1);
    }
}

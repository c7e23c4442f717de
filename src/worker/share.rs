//! Whether this worker takes the next connection or leaves it to another.
//!
//! All workers accept from the same queues, and the kernel wakes whoever is idle, which is the same
//! worker again and again. So a worker that holds more than its part looks away for a moment. Pure:
//! what the others hold comes off the scoreboard (`Shared::takes_next`).

use crate::scoreboard::crew::Others;

/// Connections above its part that a worker still takes, so that a burst is not handed over one by
/// one: one, and a 32nd of the part.
const SLACK_DIVISOR: u64 = 32;

/// At any time at least one of the workers takes the next connection: whoever holds the fewest does
/// not hold more than the average.
pub(crate) fn takes_next(own: u64, others: Others) -> bool {
    let workers = others.workers + 1;
    let all = own + others.connections;
    let slack = 1 + all / workers / SLACK_DIVISOR;
    own * workers < all + slack * workers
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_part_and_a_little_more_is_taken() {
        for (own, workers, connections, expected) in [
            (0, 0, 0, true),
            (16_000, 0, 0, true),
            (0, 1, 0, true),
            (1, 1, 0, true),
            (2, 1, 0, false),
            (31, 1, 30, true),
            (32, 1, 30, false),
            (1030, 1, 970, true),
            (1040, 1, 960, false),
            (9, 3, 15, false),
        ] {
            let taken = takes_next(own, Others { workers, connections });
            assert_eq!(taken, expected, "{own} beside {connections} on {workers}");
        }
    }

    proptest! {
        #[test]
        fn somebody_always_takes(held in prop::collection::vec(0u64..20_000, 1..64)) {
            let others = |own: u64| Others {
                workers: held.len() as u64 - 1,
                connections: held.iter().sum::<u64>() - own,
            };
            prop_assert!(held.iter().any(|own| takes_next(*own, others(*own))));
        }

        #[test]
        fn parts_stay_even(workers in 2usize..16, eager in any::<prop::sample::Index>()) {
            // The same worker is always the first to look.
            let mut held = vec![0u64; workers];
            let first = eager.index(workers);
            for _ in 0..64 * workers {
                let all: u64 = held.iter().sum();
                let others = |own: u64| Others {
                    workers: workers as u64 - 1,
                    connections: all - own,
                };
                let taker = (0..workers)
                    .map(|step| (first + step) % workers)
                    .find(|taker| takes_next(held[*taker], others(held[*taker])));
                held[taker.expect("somebody always takes")] += 1;
            }
            let most = held.iter().max().copied().unwrap_or_default();
            prop_assert!(most <= 64 + 64 / SLACK_DIVISOR + 2, "{held:?}");
        }
    }
}

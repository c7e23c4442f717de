//! Which backends serve so much worse than the others that they are left alone for a while.
//!
//! Pure: figures of one interval in, ejections out, within a bound on how much may be out. How long
//! an ejection lasts is decided here, too; who keeps the figures and carries it out is not.

/// From when on a backend is an outlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    /// Of its requests, how many are errors; `None`: errors do not count.
    pub(crate) error_percent: Option<u32>,
    /// Its median latency, in hundredths of the others'; `None`: latency does not count.
    pub(crate) latency_hundredths: Option<u32>,
    /// Medians up to this are fast whatever the others' are.
    pub(crate) latency_us_min: u64,
    /// With fewer requests nobody is judged, nor compared with.
    pub(crate) requests_min: u64,
    /// Of the weights of all, how much may be out at a time.
    pub(crate) weight_percent_max: u32,
}

/// One backend in one interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) weight: u32,
    pub(crate) standing: Standing,
    /// Answered or failed.
    pub(crate) requests: u64,
    /// Of them, those that failed or were answered with 5xx.
    pub(crate) errors: u64,
    pub(crate) median_us: u64,
}

/// Whether a backend serves. One that the operator took out is not among them at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Serving,
    /// Out for its window after failures, as `failure` says.
    Resting,
    Ejected,
    /// By its checks.
    Failed,
}

/// Why a backend is ejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Errors { percent: u32 },
    Slow { median_us: u64, others_us: u64 },
}

/// Who is to be ejected, the worst first. Never the last one that serves, and never so many that
/// more than the allowed part of the weights is out.
pub(crate) fn judge(rules: &Rules, all: &[Figures]) -> Vec<(usize, Verdict)> {
    let weight_of = |figures: &Figures| u64::from(figures.weight);
    let total: u64 = all.iter().map(weight_of).sum();
    let allowed = total * u64::from(rules.weight_percent_max) / 100;
    let is = |standing| move |figures: &&Figures| figures.standing == standing;
    let mut out: u64 = all.iter().filter(is(Standing::Ejected)).map(weight_of).sum();
    let mut serving = all.iter().filter(is(Standing::Serving)).count();
    let mut ejected = outliers(rules, all);
    ejected.retain(|(index, _)| {
        let figures = &all[*index];
        let left = serving - usize::from(figures.standing == Standing::Serving);
        let is_allowed = left > 0 && out + weight_of(figures) <= allowed;
        if is_allowed {
            (serving, out) = (left, out + weight_of(figures));
        }
        is_allowed
    });
    ejected
}

/// Everyone who is one, whatever may be done about it: those with errors first, the most of them
/// first, then the slow, the slowest first.
fn outliers(rules: &Rules, all: &[Figures]) -> Vec<(usize, Verdict)> {
    let is_judged = |figures: &Figures| {
        let is_in = matches!(figures.standing, Standing::Serving | Standing::Resting);
        is_in && figures.requests >= rules.requests_min.max(1)
    };
    let judged: Vec<usize> = (0..all.len()).filter(|index| is_judged(&all[*index])).collect();
    let mut found: Vec<(usize, Verdict)> = judged
        .iter()
        .filter_map(|index| Some((*index, verdict(rules, all, &judged, *index)?)))
        .collect();
    found.sort_by_key(|(index, verdict)| {
        let (class, badness) = match verdict {
            Verdict::Errors { percent } => (0, u64::from(*percent)),
            Verdict::Slow { median_us, others_us } => (1, median_us * 100 / (*others_us).max(1)),
        };
        (class, std::cmp::Reverse(badness), *index)
    });
    found
}

fn verdict(rules: &Rules, all: &[Figures], judged: &[usize], index: usize) -> Option<Verdict> {
    let figures = &all[index];
    if let Some(bound) = rules.error_percent {
        let errors = figures.errors.min(figures.requests);
        // Compared crosswise, so that no rounding makes 49.9 % a half.
        if errors * 100 >= figures.requests * u64::from(bound) {
            return Some(Verdict::Errors { percent: (errors * 100 / figures.requests) as u32 });
        }
    }
    let times = u64::from(rules.latency_hundredths?);
    let others = judged.iter().filter(|other| **other != index).map(|other| all[*other].median_us);
    let (median_us, others_us) = (figures.median_us, median(others.collect())?);
    let is_slow = median_us > rules.latency_us_min
        && u128::from(median_us) * 100 > u128::from(others_us) * u128::from(times);
    is_slow.then_some(Verdict::Slow { median_us, others_us })
}

/// The lower one of two in the middle; `None` without any.
fn median(mut values: Vec<u64>) -> Option<u64> {
    values.sort_unstable();
    values.get(values.len().checked_sub(1)? / 2).copied()
}

/// How long the `count`-th ejection lasts: longer each time, up to `count_max` times the first.
pub(crate) fn lasts_ms(first_ms: u64, count: u32, count_max: u32) -> u64 {
    first_ms.saturating_mul(u64::from(count.clamp(1, count_max)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RULES: Rules = Rules {
        error_percent: Some(50),
        latency_hundredths: Some(300),
        latency_us_min: 1_000,
        requests_min: 20,
        weight_percent_max: 50,
    };

    fn serving(requests: u64, errors: u64, median_us: u64) -> Figures {
        Figures { weight: 1, standing: Standing::Serving, requests, errors, median_us }
    }

    fn check(all: &[Figures], expected: &[(usize, Verdict)]) {
        assert_eq!(judge(&RULES, all), expected, "{all:?}");
    }

    #[test]
    fn errors_eject_from_the_bound_on() {
        let well = serving(100, 1, 5_000);
        check(&[well, well], &[]);
        check(&[well, serving(100, 49, 5_000)], &[]);
        check(&[well, serving(100, 50, 5_000)], &[(1, Verdict::Errors { percent: 50 })]);
        check(&[well, serving(1000, 499, 5_000)], &[]);
        check(&[well, serving(19, 19, 5_000)], &[]);
        check(&[well, serving(20, 20, 5_000)], &[(1, Verdict::Errors { percent: 100 })]);
    }

    #[test]
    fn slowness_is_measured_by_the_others() {
        let (fast, slow) = (serving(100, 0, 2_000), serving(100, 0, 6_001));
        let verdict = Verdict::Slow { median_us: 6_001, others_us: 2_000 };
        check(&[fast, fast, slow], &[(2, verdict)]);
        check(&[fast, slow], &[(1, verdict)]);
        check(&[fast, serving(100, 0, 6_000)], &[]);
        check(&[slow], &[]);
        check(&[slow, serving(19, 0, 2_000)], &[]);
        // Of 30 microseconds, and of 900: both are fast.
        check(&[serving(100, 0, 30), serving(100, 0, 900)], &[]);
        let rules = Rules { latency_hundredths: None, ..RULES };
        assert_eq!(judge(&rules, &[fast, slow]), []);
    }

    #[test]
    fn the_worst_goes_first_and_the_last_one_stays() {
        let (well, bad, worse) =
            (serving(100, 0, 2_000), serving(100, 60, 2_000), serving(100, 90, 2_000));
        let slow = serving(100, 0, 90_000);
        check(
            &[bad, worse, well, well],
            &[(1, Verdict::Errors { percent: 90 }), (0, Verdict::Errors { percent: 60 })],
        );
        check(&[slow, worse], &[(1, Verdict::Errors { percent: 90 })]);
        check(&[worse], &[]);
        let all_out = Rules { weight_percent_max: 100, ..RULES };
        assert_eq!(judge(&all_out, &[worse, worse, bad]).len(), 2, "never the last one");
        let failed = Figures { standing: Standing::Failed, ..well };
        assert_eq!(judge(&all_out, &[worse, failed]), [], "who fails its checks serves nobody");
        let resting = Figures { standing: Standing::Resting, ..worse };
        assert_eq!(judge(&all_out, &[resting, well]).len(), 1);
        assert_eq!(judge(&all_out, &[resting]), []);
    }

    #[test]
    fn weights_are_what_may_be_out() {
        let heavy = Figures { weight: 3, ..serving(100, 90, 2_000) };
        let light = serving(100, 80, 2_000);
        let verdict = Verdict::Errors { percent: 80 };
        // Of five, two may be out: the worst is too much of it.
        check(&[heavy, light, light], &[(1, verdict), (2, verdict)]);
        let gone = Figures { standing: Standing::Ejected, ..light };
        check(&[light, gone, serving(100, 0, 2_000)], &[]);
    }

    #[test]
    fn repeated_ejections_last_longer_up_to_a_bound() {
        let lasts = [0, 1, 2, 9, 10, 11, u32::MAX].map(|count| lasts_ms(30, count, 10));
        assert_eq!(lasts, [30, 30, 60, 270, 300, 300, 300]);
    }

    fn any_figures() -> impl Strategy<Value = Figures> {
        let standing = prop::sample::select(vec![
            Standing::Serving,
            Standing::Serving,
            Standing::Serving,
            Standing::Resting,
            Standing::Ejected,
            Standing::Failed,
        ]);
        let numbers = (1u32..1000, 0u64..10_000, 0u64..10_000, 0u64..100_000_000);
        (numbers, standing).prop_map(|((weight, requests, errors, median_us), standing)| Figures {
            weight,
            standing,
            requests,
            errors,
            median_us,
        })
    }

    proptest! {
        #[test]
        fn the_bounds_hold_for_any_figures(
            all in prop::collection::vec(any_figures(), 0..64),
            error_percent in prop::option::of(1u32..=100),
            latency_hundredths in prop::option::of(110u32..1000),
            requests_min in 1u64..200,
            weight_percent_max in 1u32..=100,
        ) {
            let rules = Rules {
                error_percent, latency_hundredths, requests_min, weight_percent_max, ..RULES
            };
            let ejected = judge(&rules, &all);
            let weight = |standing| -> u64 {
                let of = all.iter().filter(|figures| figures.standing == standing);
                of.map(|figures| u64::from(figures.weight)).sum()
            };
            let total: u64 = all.iter().map(|figures| u64::from(figures.weight)).sum();
            let new: u64 = ejected.iter().map(|(index, _)| u64::from(all[*index].weight)).sum();
            if !ejected.is_empty() {
                let out = weight(Standing::Ejected) + new;
                prop_assert!(out * 100 <= total * u64::from(weight_percent_max));
                let is_left = |index: &usize| {
                    all[*index].standing == Standing::Serving
                        && !ejected.iter().any(|(gone, _)| gone == index)
                };
                prop_assert!((0..all.len()).any(|index| is_left(&index)), "somebody serves");
            }
            for (index, verdict) in &ejected {
                let figures = &all[*index];
                prop_assert!(figures.requests >= requests_min);
                prop_assert!(!matches!(figures.standing, Standing::Ejected | Standing::Failed));
                match verdict {
                    Verdict::Errors { percent } => {
                        prop_assert!(*percent >= error_percent.unwrap());
                    }
                    Verdict::Slow { median_us, others_us } => {
                        let times = u64::from(latency_hundredths.unwrap());
                        prop_assert!(median_us * 100 > others_us * times);
                    }
                }
            }
            let mut once: Vec<usize> = ejected.iter().map(|(index, _)| *index).collect();
            once.sort_unstable();
            once.dedup();
            prop_assert_eq!(once.len(), ejected.len());
        }
    }
}

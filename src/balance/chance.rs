//! Did chance choose as it should? For strategies that draw: the counts against the shares they were
//! drawn from, as a G-test with its p and the size of the effect beside it.
//!
//! Only for draws. A strategy that takes turns is far more even than chance would be, and would be
//! found suspicious for it.

/// A cell that expects fewer makes the test's approximation a bad one.
const EXPECTED_MIN: f64 = 5.0;
/// Steps of a series or fraction that converges long before.
const STEPS_MAX: u32 = 500;
const PRECISION: f64 = 1e-12;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Chance {
    pub(crate) g: f64,
    pub(crate) chi_square: f64,
    pub(crate) degrees: usize,
    /// How often such draws would differ as much as these, of G.
    pub(crate) p: f64,
    /// Cohen's w: with many draws the smallest difference has a small p, but no size.
    pub(crate) effect: f64,
}

/// `None` when there is nothing to choose between, or too little was drawn. Cells that expect
/// nothing are left out.
pub(crate) fn test(observed: &[u64], parts: &[f64]) -> Option<Chance> {
    let cells = || observed.iter().copied().zip(parts.iter().copied()).filter(|cell| cell.1 > 0.0);
    let drawn = cells().map(|(count, _)| count).sum::<u64>() as f64;
    let whole: f64 = cells().map(|(_, part)| part).sum();
    let degrees = cells().count().checked_sub(1).filter(|degrees| *degrees > 0)?;
    let (mut g, mut chi_square) = (0.0, 0.0);
    for (count, part) in cells() {
        let (count, expected) = (count as f64, drawn * part / whole);
        if expected < EXPECTED_MIN {
            return None;
        }
        if count > 0.0 {
            g += 2.0 * count * (count / expected).ln();
        }
        chi_square += (count - expected).powi(2) / expected;
    }
    // The terms of a perfect fit cancel to less than nothing now and then.
    let g = g.max(0.0);
    let p = upper_gamma(degrees as f64 / 2.0, g / 2.0);
    Some(Chance { g, chi_square, degrees, p, effect: (chi_square / drawn).sqrt() })
}

/// The regularized upper incomplete gamma function: what is left of a distribution beyond `x`.
fn upper_gamma(a: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 1.0;
    }
    let scale = (a * x.ln() - x - ln_gamma(a)).exp();
    let upper = if x < a + 1.0 { 1.0 - scale * series(a, x) } else { scale * fraction(a, x) };
    upper.clamp(0.0, 1.0)
}

fn series(a: f64, x: f64) -> f64 {
    let mut term = 1.0 / a;
    let mut sum = term;
    for step in 1..STEPS_MAX {
        term *= x / (a + f64::from(step));
        sum += term;
        if term < sum * PRECISION {
            break;
        }
    }
    sum
}

/// Lentz's way through the continued fraction.
fn fraction(a: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let apart = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut term = x + 1.0 - a;
    let mut above = 1.0 / TINY;
    let mut below = 1.0 / term;
    let mut value = below;
    for step in 1..STEPS_MAX {
        let step = f64::from(step);
        let numerator = -step * (step - a);
        term += 2.0;
        below = 1.0 / apart(numerator * below + term);
        above = apart(term + numerator / above);
        let factor = above * below;
        value *= factor;
        if (factor - 1.0).abs() < PRECISION {
            break;
        }
    }
    value
}

/// Lanczos' approximation; `a` is half a count of degrees, so never below a half.
fn ln_gamma(a: f64) -> f64 {
    const COEFFICIENTS: [f64; 6] = [
        76.180_091_729_471_46,
        -86.505_320_329_416_77,
        24.014_098_240_830_91,
        -1.231_739_572_450_155,
        0.120_865_097_386_617_9e-2,
        -0.539_523_938_495_3e-5,
    ];
    let base = a + 5.5;
    let mut sum = 1.000_000_000_190_015;
    for (at, coefficient) in (1..).zip(COEFFICIENTS) {
        sum += coefficient / (a + f64::from(at));
    }
    (2.506_628_274_631_000_5 * sum / a).ln() + (a + 0.5) * base.ln() - base
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tables at the back of every book on statistics.
    #[test]
    fn known_quantiles_have_their_p() {
        for (x, degrees, p) in [
            (3.841, 1.0, 0.05),
            (6.635, 1.0, 0.01),
            (5.991, 2.0, 0.05),
            (9.488, 4.0, 0.05),
            (16.919, 9.0, 0.05),
            (2.558, 10.0, 0.99),
            (82.529, 63.0, 0.05),
        ] {
            let found = upper_gamma(degrees / 2.0, x / 2.0);
            assert!((found - p).abs() < 2e-4, "{x} with {degrees}: {found}, not {p}");
        }
        assert!(upper_gamma(1.0, 0.0) >= 1.0);
    }

    #[test]
    fn a_fit_and_a_misfit() {
        let fit = test(&[502, 498, 1003], &[1.0, 1.0, 2.0]).unwrap();
        assert_eq!(fit.degrees, 2);
        assert!(fit.p > 0.9 && fit.effect < 0.01, "{fit:?}");
        let misfit = test(&[700, 300], &[1.0, 1.0]).unwrap();
        assert!((misfit.chi_square - 160.0).abs() < 1e-9, "{misfit:?}");
        assert!((misfit.g - 164.565).abs() < 0.01, "{misfit:?}");
        assert!(misfit.p < 1e-30 && (misfit.effect - 0.4).abs() < 1e-9, "{misfit:?}");
    }

    #[test]
    fn many_draws_make_p_small_and_leave_the_effect() {
        let chance = test(&[5_020_000, 4_980_000], &[1.0, 1.0]).unwrap();
        assert!(chance.p < 1e-20 && chance.effect < 0.005, "{chance:?}");
    }

    #[test]
    fn too_little_to_tell() {
        assert_eq!(test(&[4, 5], &[1.0, 1.0]), None, "a cell expects fewer than five");
        assert_eq!(test(&[1000], &[1.0]), None, "nothing to choose between");
        assert_eq!(test(&[1000, 0], &[1.0, 0.0]), None, "the other is never drawn");
        assert_eq!(test(&[], &[]), None);
    }
}

//! Shares of examples that are right, and how far they may be off by the choice of the examples.

use super::confidence_interval::ConfidenceInterval;
use super::normal;

/// The interval of a share that was found in `n` examples, if other examples of their kind were drawn (Wilson 1927, "Probable
/// inference, the law of succession, and statistical inference"). `share` is in [0, 1]; `n` above 0.
pub(crate) fn wilson_interval(share: f64, n: f64, level: f64) -> ConfidenceInterval {
    let z = normal::quantile(0.5 + level / 2.0);
    let square = z * z / n;
    let middle = (share + square / 2.0) / (1.0 + square);
    let half = z / (1.0 + square) * (share * (1.0 - share) / n + square / (4.0 * n)).sqrt();
    let found = ConfidenceInterval::around(middle, half);
    ConfidenceInterval { low: found.low.clamp(0.0, share), high: found.high.clamp(share, 1.0) }
}

/// The interval of the difference `a − b` of two shares that were found in `n` examples each (Newcombe 1998, "Interval
/// estimation for the difference between independent proportions", Statistics in Medicine 17, method 10). Where they
/// are the same examples, and who gets one right rather gets the other right, too, it is wider than it need be.
pub(crate) fn newcombe_interval(a: f64, b: f64, n: f64, level: f64) -> ConfidenceInterval {
    let (of_a, of_b) = (wilson_interval(a, n, level), wilson_interval(b, n, level));
    let difference = a - b;
    ConfidenceInterval {
        low: difference - (a - of_a.low).hypot(of_b.high - b),
        high: difference + (of_a.high - a).hypot(b - of_b.low),
    }
}

/// The interval of an estimate whose error is the sum of two independent ones, from its interval for each of them: the
/// distances add up by their squares on each side (Zou & Donner 2008, "Construction of confidence limits about effect
/// measures", Statistics in Medicine 27).
pub(crate) fn combined_interval(
    estimate: f64,
    first: ConfidenceInterval,
    second: ConfidenceInterval,
) -> ConfidenceInterval {
    ConfidenceInterval {
        low: estimate - (estimate - first.low).hypot(estimate - second.low),
        high: estimate + (first.high - estimate).hypot(second.high - estimate),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: ConfidenceInterval, low: f64, high: f64, tolerance: f64) {
        assert!(
            (found.low - low).abs() < tolerance && (found.high - high).abs() < tolerance,
            "{found:?} instead of {low} to {high}"
        );
    }

    /// Table I of Newcombe 1998, "Two-sided confidence intervals for the single proportion", method 3: 81/263, 15/148,
    /// 0/20, 1/29.
    #[test]
    fn the_interval_of_a_share_is_the_published_one() {
        near(wilson_interval(81.0 / 263.0, 263.0, 0.95), 0.2553, 0.3662, 5e-5);
        near(wilson_interval(15.0 / 148.0, 148.0, 0.95), 0.0624, 0.1605, 5e-5);
        near(wilson_interval(0.0, 20.0, 0.95), 0.0, 0.1611, 5e-5);
        near(wilson_interval(1.0 / 29.0, 29.0, 0.95), 0.0061, 0.1718, 5e-5);
    }

    /// The ends by hand, from Wilson's: 0.7 of 100 is 0.604_151 to 0.781_051, 0.6 is 0.502_003 to 0.690_599, so that the
    /// difference 0.1 reaches √(0.095_849² + 0.090_599²) down and √(0.081_051² + 0.097_997²) up.
    #[test]
    fn the_interval_of_a_difference_is_newcombes() {
        near(newcombe_interval(0.7, 0.6, 100.0, 0.95), -0.031_890, 0.227_172, 1e-6);
    }

    #[test]
    fn two_errors_add_up_by_their_squares() {
        let found = combined_interval(
            1.0,
            ConfidenceInterval { low: 0.7, high: 1.3 },
            ConfidenceInterval { low: 0.6, high: 1.0 },
        );
        near(found, 0.5, 1.3, 1e-12);
    }
}

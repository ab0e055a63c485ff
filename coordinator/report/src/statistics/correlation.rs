//! The rank correlation of several runs, with its interval: the same in a figure and in a claim.

use super::bootstrap::bca_interval;
use super::confidence_interval::ConfidenceInterval;
use super::normal;
use super::rank::spearman;
use super::summary::LEVEL;

/// The fewest runs whose rank correlation can say anything: four stand in order by chance once in 4! = 24 times, more often
/// than an interval of 95 % may err on one side.
pub(crate) const MIN_PAIRS_OF_INTERVAL: usize = 5;

/// A correlation nearer to ±1 than this is ±1: two neighbours exchanged among 10,000 runs make it 10⁻¹¹ less.
const ROUNDING: f64 = 1e-12;

/// The random numbers of every bootstrap of a correlation: the same pairs have the same interval wherever they are looked at.
const STREAM: &str = "rank correlation";

/// A rank correlation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Correlation {
    /// Spearman's.
    pub(crate) estimate: f64,
    /// Its 95 % bootstrap interval, bias-corrected and accelerated, or [`interval_of_order`] where the pairs stand in perfect
    /// order: none of fewer than [`MIN_PAIRS_OF_INTERVAL`] pairs, or where too many resamples have no correlation.
    pub(crate) interval: Option<ConfidenceInterval>,
}

impl Correlation {
    /// Whether the pairs stand in order without exception.
    pub(crate) fn is_perfect(self) -> bool {
        1.0 - self.estimate.abs() < ROUNDING
    }
}

/// The rank correlation of finite pairs (x, y); none where [`spearman`] has none.
pub(crate) fn rank_correlation(pairs: &[(f64, f64)]) -> Option<Correlation> {
    let of = |indices: &[usize]| {
        let (x, y): (Vec<f64>, Vec<f64>) = indices.iter().map(|&index| pairs[index]).unzip();
        spearman(&x, &y)
    };
    let estimate = of(&(0..pairs.len()).collect::<Vec<_>>())?;
    let found = Correlation { estimate, interval: None };
    let interval = if pairs.len() < MIN_PAIRS_OF_INTERVAL {
        None
    } else if found.is_perfect() {
        Some(interval_of_order(pairs.len(), estimate))
    } else {
        bca_interval(pairs.len(), of, LEVEL, STREAM)
    };
    Some(Correlation { interval, ..found })
}

/// The interval of n pairs in perfect order, of which every resample is in perfect order too: a bootstrap would have no
/// width, as if nothing were left to learn.
///
/// Its far end is that of the interval of Fisher's z with the standard error √((1 + ρ²/2)/(n − 3)) (Bonett & Wright 2000,
/// "Sample size requirements for estimating Pearson, Kendall and Spearman correlations", Psychometrika 65).
/// At ρ = 1 z is infinite; it is taken where ranks can't tell a correlation from 1: half of the way to the next value
/// that they can have, 1 − 12/(n(n² − 1)), with two neighbours exchanged. The near end is the estimate.
fn interval_of_order(pairs: usize, estimate: f64) -> ConfidenceInterval {
    let n = pairs as f64;
    let correlation = 1.0 - 6.0 / (n * (n * n - 1.0));
    let error = ((1.0 + correlation * correlation / 2.0) / (n - 3.0)).sqrt();
    let z = correlation.atanh() - normal::quantile(0.5 + LEVEL / 2.0) * error;
    let far = z.tanh();
    let rising = ConfidenceInterval { low: far, high: 1.0 };
    if estimate > 0.0 { rising } else { rising.negated() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_pairs_have_no_interval_and_pairs_without_variation_no_correlation() {
        let pairs = |n: u32| (0..n).map(|i| (f64::from(i), f64::from(i * i % 7))).collect::<Vec<_>>();
        assert_eq!(rank_correlation(&pairs(4)).unwrap().interval, None);
        let ConfidenceInterval { low, high } = rank_correlation(&pairs(30)).unwrap().interval.unwrap();
        assert!(low < high && low >= -1.0 && high <= 1.0);
        assert_eq!(rank_correlation(&[(1.0, 2.0); 9]), None);
    }

    /// The ends by hand, with Python's math: `tanh(atanh(r) - 1.959963984540054 * sqrt((1 + r*r/2) / (n - 3)))` with
    /// `r = 1 - 6 / (n * (n*n - 1))`. Five pairs are in one of the two perfect orders by chance in 2 of 5! = 120 cases:
    /// less often than an interval of 95 % may err, so that it leaves 0 out.
    #[test]
    fn pairs_in_perfect_order_have_an_interval_that_narrows_with_their_number() {
        let ordered = |n: u32, sign: f64| {
            let pairs: Vec<_> = (0..n).map(|i| (f64::from(i), sign * f64::from(i * i))).collect();
            rank_correlation(&pairs).unwrap()
        };
        for (n, expected) in [(5, 0.160_804_506_802), (6, 0.631_688_983_021), (15, 0.992_884_843_673)] {
            let Correlation { estimate, interval } = ordered(n, 1.0);
            let ConfidenceInterval { low, high } = interval.unwrap();
            assert_eq!((estimate, high), (1.0, 1.0));
            assert!((low - expected).abs() < 1e-6, "{n}: {low}");
            assert_eq!(
                ordered(n, -1.0),
                Correlation { estimate: -1.0, interval: Some(ConfidenceInterval { low: -1.0, high: -low }) }
            );
        }
    }
}

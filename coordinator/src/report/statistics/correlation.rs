//! The rank correlation of several runs, with its interval: the same in a figure and in a claim.

use super::bootstrap::bca_interval;
use super::rank::spearman;
use super::summary::LEVEL;

/// The fewest runs whose rank correlation can say anything: four stand in order by chance once in 4! = 24 times, more often
/// than an interval of 95 % may err on one side.
pub(crate) const FEWEST_OF_CORRELATION: usize = 5;

/// The random numbers of every bootstrap of a correlation: the same pairs have the same interval wherever they are looked at.
const STREAM: &str = "rank correlation";

/// A rank correlation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Correlation {
    /// Spearman's.
    pub(crate) estimate: f64,
    /// Its 95 % bootstrap interval, bias-corrected and accelerated: none of fewer than [`FEWEST_OF_CORRELATION`] pairs, or
    /// where too many resamples have no correlation.
    pub(crate) interval: Option<(f64, f64)>,
}

/// The rank correlation of finite pairs (x, y); none where [`spearman`] has none.
pub(crate) fn rank_correlation(pairs: &[(f64, f64)]) -> Option<Correlation> {
    let of = |indices: &[usize]| {
        let (x, y): (Vec<f64>, Vec<f64>) = indices.iter().map(|&index| pairs[index]).unzip();
        spearman(&x, &y)
    };
    let estimate = of(&(0..pairs.len()).collect::<Vec<_>>())?;
    let interval = if pairs.len() >= FEWEST_OF_CORRELATION {
        bca_interval(pairs.len(), of, LEVEL, STREAM)
    } else {
        None
    };
    Some(Correlation { estimate, interval })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_pairs_have_no_interval_and_pairs_without_variation_no_correlation() {
        let pairs = |n: u32| (0..n).map(|i| (f64::from(i), f64::from(i * i % 7))).collect::<Vec<_>>();
        assert_eq!(rank_correlation(&pairs(4)).unwrap().interval, None);
        let (low, high) = rank_correlation(&pairs(30)).unwrap().interval.unwrap();
        assert!(low < high && low >= -1.0 && high <= 1.0);
        assert_eq!(rank_correlation(&[(1.0, 2.0); 9]), None);
    }
}

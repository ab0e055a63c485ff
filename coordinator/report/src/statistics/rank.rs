//! Ranks and their correlation.

use super::pearson::pearson;

/// The fewest pairs that have a rank correlation.
const MIN_PAIRS: usize = 3;

/// The ranks of `values` from 1; equal values share the mean of their ranks. Needs values that aren't NaN.
pub(super) fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    // −0 and 0 stand side by side in the order and are equal.
    for ties in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let mean = before as f64 + (ties.len() + 1) as f64 / 2.0;
        for &index in ties {
            ranks[index] = mean;
        }
        before += ties.len();
    }
    ranks
}

/// Spearman's rank correlation of the pairs (x, y) (Spearman 1904, "The proof and measurement of association between two
/// things"): Pearson's correlation of their ranks, where ties share a rank. None of fewer than three pairs, where all x, or
/// all y, are the same, or where one isn't finite: who wants such pairs left out counts them first.
pub(crate) fn spearman(x: &[f64], y: &[f64]) -> Option<f64> {
    if x.len() < MIN_PAIRS || x.iter().chain(y).any(|value| !value.is_finite()) {
        return None;
    }
    pearson(&ranks(x), &ranks(y))
}

#[cfg(test)]
mod tests {
    use super::*;

    const X: [f64; 10] = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0, 5.0, 3.0];
    const Y: [f64; 10] = [2.0, 7.0, 1.0, 8.0, 2.0, 8.0, 1.0, 8.0, 2.0, 8.0];

    /// `scipy.stats.rankdata(X)` of SciPy 1.17.1.
    #[test]
    fn ties_share_the_mean_of_their_ranks() {
        assert_eq!(ranks(&X), [4.5, 1.5, 6.0, 1.5, 7.5, 10.0, 3.0, 9.0, 7.5, 4.5]);
        assert_eq!(ranks(&[0.0, -0.0, -1.0]), [2.5, 2.5, 1.0]);
        assert_eq!(ranks(&[]), [0.0; 0]);
    }

    /// `scipy.stats.spearmanr(x, y).statistic` of SciPy 1.17.1.
    #[test]
    fn correlations_agree_with_scipy() {
        let few = spearman(&[1.0, 2.0, 3.0, 4.0, 5.0], &[5.0, 6.0, 7.0, 8.0, 7.0]).unwrap();
        assert!((few - 0.820_782_681_668_123_3).abs() < 1e-14, "{few}");
        let with_ties = spearman(&X, &Y).unwrap();
        assert!((with_ties - 0.134_715_062_810_912_67).abs() < 1e-14, "{with_ties}");
    }

    #[test]
    fn only_the_order_counts() {
        let x = [1.0, 2.0, 3.0, 4.0];
        assert_eq!(spearman(&x, &x.map(f64::exp)), Some(1.0));
        assert_eq!(spearman(&x, &x.map(|x| -x * x * x)), Some(-1.0));
    }

    #[test]
    fn pairs_that_are_not_finite_have_no_correlation_rather_than_that_of_the_others() {
        let (x, y) = ([1.0, f64::NAN, 2.0, 3.0, 4.0], [1.0, 9.0, 2.0, f64::INFINITY, 3.0]);
        assert_eq!(spearman(&x, &y), None);
        assert_eq!(spearman(&x[2..], &[1.0, 2.0, 3.0]), Some(1.0));
    }

    #[test]
    fn without_variation_there_is_no_correlation() {
        assert_eq!(spearman(&[1.0; 5], &[1.0, 2.0, 3.0, 4.0, 5.0]), None);
        assert_eq!(spearman(&[1.0, 2.0, 3.0], &[0.0, -0.0, 0.0]), None);
        assert_eq!(spearman(&[], &[]), None);
    }
}

//! Quantiles of a sample.

/// The value below which this share of `sorted` lies, between two values by their weighted mean: the seventh definition of
/// Hyndman & Fan 1996, "Sample Quantiles in Statistical Packages", which most programs have. Needs a value, and a share from 0 to 1. Of values
/// in descending order it is the value above which the share lies.
pub(crate) fn quantile_of_sorted(sorted: &[f64], share: f64) -> f64 {
    let place = share.clamp(0.0, 1.0) * (sorted.len() - 1) as f64;
    let (low, part) = (place.floor() as usize, place.fract());
    let high = (low + 1).min(sorted.len() - 1);
    let (below, above) = (sorted[low], sorted[high]);
    // Between two infinite values there is nothing to be weighted.
    if part == 0.0 || below == above { below } else { below + part * (above - below) }
}

/// The median of some values, one at least.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    f64::midpoint(sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: the place of a share of n values is share·(n − 1), counted from 0.
    #[test]
    fn a_quantile_lies_between_the_values_at_its_place() {
        let sorted = [1.0, 2.0, 4.0, 8.0];
        let found = [0.0, 0.25, 0.5, 0.75, 1.0].map(|share| quantile_of_sorted(&sorted, share));
        assert_eq!(found, [1.0, 1.75, 3.0, 5.0, 8.0]);
        assert_eq!(quantile_of_sorted(&[5.0], 0.3), 5.0);
    }

    #[test]
    fn an_infinite_value_is_a_quantile_like_any_other() {
        let sorted = [1.0, 2.0, f64::INFINITY];
        assert_eq!([0.5, 1.0].map(|share| quantile_of_sorted(&sorted, share)), [2.0, f64::INFINITY]);
        assert_eq!(quantile_of_sorted(&[f64::INFINITY; 2], 0.5), f64::INFINITY);
    }

    #[test]
    fn the_median_of_an_even_number_is_the_middle_of_the_two_in_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
    }
}

//! Pearson's correlation.

/// Pearson's correlation of the pairs (x, y). None of fewer than two pairs, where all x, or all y, are the same, or where one isn't
/// finite.
pub(crate) fn pearson(x: &[f64], y: &[f64]) -> Option<f64> {
    let varies = |values: &[f64]| values.windows(2).any(|two| two[0] != two[1]);
    if !varies(x) || !varies(y) || x.iter().chain(y).any(|value| !value.is_finite()) {
        return None;
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (mean_of_x, mean_of_y) = (mean(x), mean(y));
    let (mut products, mut squares_of_x, mut squares_of_y) = (0.0, 0.0, 0.0);
    for (x, y) in x.iter().zip(y) {
        let (x, y) = (x - mean_of_x, y - mean_of_y);
        products += x * y;
        squares_of_x += x * x;
        squares_of_y += y * y;
    }
    if squares_of_x == 0.0 || squares_of_y == 0.0 {
        return None;
    }
    Some((products / (squares_of_x * squares_of_y).sqrt()).clamp(-1.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: x has the deviations −1.5, −0.5, 0.5, 1.5, y has −2, 0, −1, 3; products sum to 7, squares to 5 and 14.
    #[test]
    fn a_correlation_is_that_of_the_textbook() {
        let found = pearson(&[1.0, 2.0, 3.0, 4.0], &[1.0, 3.0, 2.0, 6.0]).unwrap();
        assert!((found - 7.0 / 70.0_f64.sqrt()).abs() < 1e-15, "{found}");
        assert_eq!(pearson(&[1.0, 2.0], &[5.0, -5.0]), Some(-1.0));
    }

    #[test]
    fn without_variation_or_with_a_value_that_is_not_finite_there_is_none() {
        // Means of 0.1 are rounded: the deviations of equal values needn't be 0.
        assert_eq!(pearson(&[0.1; 3], &[1.0, 2.0, 3.0]), None);
        assert_eq!(pearson(&[1.0], &[2.0]), None);
        assert_eq!(pearson(&[1.0, 2.0, f64::INFINITY], &[1.0, 2.0, 3.0]), None);
        assert_eq!(pearson(&[], &[]), None);
    }
}

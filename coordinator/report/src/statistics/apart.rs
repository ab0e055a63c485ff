//! Values that lie apart from the others.

use super::quantile::median;

/// The critical ratio of the gap beside the farthest of 3, 4, … values to their range, at 95 % on two sides (Dixon
/// 1951, "Ratios involving extreme values"; corrected values of Rorabacher 1991, "Statistical treatment for rejection
/// of deviant values", Analytical Chemistry 63).
const DIXON: [f64; 5] = [0.970, 0.829, 0.710, 0.625, 0.568];

/// A value whose distance to the median is more than so many standard deviations lies apart, these being estimated by
/// the median of all such distances (Iglewicz & Hoaglin 1993, "How to Detect and Handle Outliers").
const MOST_DEVIATIONS: f64 = 3.5;

/// The upper quartile of the standard normal distribution: the median distance of a normal number to its mean.
const MEDIAN_DEVIATION: f64 = 0.674_489_750_196_081_7;

/// The places of the finite `values` that lie apart from the others, in rising order: of three to seven at most one, by
/// Dixon's ratio; of more, by their distances to the median. Runs that end in several ways are no sample of one normal
/// distribution, which Student's interval takes them for.
pub(crate) fn apart(values: &[f64]) -> Vec<usize> {
    let n = values.len();
    if n < 3 || values.iter().any(|value| !value.is_finite()) {
        return Vec::new();
    }
    match DIXON.get(n - 3) {
        Some(&critical) => farthest(values, critical).into_iter().collect(),
        None => far_from_median(values),
    }
}

/// The lowest or the highest value, if the gap beside it is more than this share of the range.
fn farthest(values: &[f64], critical: f64) -> Option<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let at = |place: usize| values[order[place]];
    let last = order.len() - 1;
    let range = at(last) - at(0);
    let (below, above) = (at(1) - at(0), at(last) - at(last - 1));
    if below.max(above) <= critical * range {
        return None;
    }
    Some(if below > above { order[0] } else { order[last] })
}

fn far_from_median(values: &[f64]) -> Vec<usize> {
    let middle = median(values);
    let distances: Vec<f64> = values.iter().map(|value| (value - middle).abs()).collect();
    let deviation = median(&distances) / MEDIAN_DEVIATION;
    let is_apart = |&place: &usize| deviation > 0.0 && distances[place] > MOST_DEVIATIONS * deviation;
    (0..values.len()).filter(is_apart).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: the gap of 0.167,
    /// 0.014, is 0.64 of the range 0.022, above 0.568; beside 0.175 instead of 0.181 it is 0.008, 0.36 of it.
    #[test]
    fn of_few_values_one_may_lie_apart_by_dixons_ratio() {
        let values = [0.189, 0.167, 0.187, 0.183, 0.186, 0.182, 0.181];
        assert_eq!(apart(&values), [1]);
        let mut nearer = values;
        nearer[6] = 0.175;
        assert_eq!(apart(&nearer), [0; 0]);
    }

    #[test]
    fn of_three_values_only_a_very_far_one_lies_apart() {
        // Gaps as shares of the range: 0.48 of 0.52 is 0.92, 0.518 of 0.52 is 0.996.
        assert_eq!(apart(&[0.41, 0.93, 0.45]), [0; 0]);
        assert_eq!(apart(&[0.410, 0.930, 0.412]), [1]);
        assert_eq!(apart(&[1.0, 2.0]), [0; 0]);
        assert_eq!(apart(&[1.0, f64::NAN, 2.0]), [0; 0]);
        assert_eq!(apart(&[3.0; 6]), [0; 0]);
    }

    #[test]
    fn of_many_values_several_may_lie_apart() {
        let mut values: Vec<f64> = (0..20).map(|i| f64::from(i % 5)).collect();
        assert_eq!(apart(&values), [0; 0]);
        values[3] = 40.0;
        values[17] = 41.0;
        assert_eq!(apart(&values), [3, 17]);
        assert_eq!(apart(&[&[7.0; 9][..], &[8.0]].concat()), [0; 0], "no spread to compare with");
    }
}

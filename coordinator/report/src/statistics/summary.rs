//! The middle of several runs' values at one place, and its interval.

use basin_charts::scale::Scale;
use basin_domain::claim::{Check, Middle};

use super::confidence_interval::ConfidenceInterval;
use super::interquartile::{interquartile_interval, interquartile_mean};
use super::student;
use crate::exclusions::{Filtered, finite, positive};

/// The level of every interval.
pub(crate) const LEVEL: f64 = 0.95;

/// The fewest runs that get an interval.
pub(crate) const MIN_RUNS: usize = Check::FEWEST_RUNS;

/// The kind of middle of several runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Center {
    /// The arithmetic mean.
    Mean,
    /// The geometric mean, with its interval computed from logarithms: what belongs on a logarithmic axis, where an
    /// interval around an arithmetic mean could reach below zero.
    GeometricMean,
    /// The mean of the middle half of the values.
    InterquartileMean {
        /// Whether values that aren't positive have no part in it, as on a logarithmic axis.
        only_positive: bool,
    },
}

impl Center {
    /// The middle that belongs on an axis of this scale.
    pub(crate) const fn of(scale: Scale) -> Self {
        match scale {
            Scale::Linear => Self::Mean,
            Scale::Logarithmic => Self::GeometricMean,
        }
    }

    /// The middle that a figure draws on an axis of this scale: the one that it asks for, or that which belongs there.
    pub(crate) fn chosen(middle: Option<Middle>, scale: Scale) -> Self {
        match middle {
            Some(Middle::Iqm) => Self::InterquartileMean { only_positive: scale == Scale::Logarithmic },
            Some(Middle::Mean) => Self::Mean,
            Some(Middle::GeometricMean) => Self::GeometricMean,
            None => Self::of(scale),
        }
    }

    /// The middle of the values within one run where that of several runs is this: none of them is a run apart.
    pub(crate) const fn within_a_run(self) -> Self {
        match self {
            Self::Mean | Self::InterquartileMean { only_positive: false } => Self::Mean,
            Self::GeometricMean | Self::InterquartileMean { only_positive: true } => Self::GeometricMean,
        }
    }

    /// The middle of these values, on the scale on which it is computed; none of no value.
    pub(crate) fn middle(self, values: &[f64]) -> Option<f64> {
        match self {
            Self::Mean | Self::GeometricMean => {
                (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
            }
            Self::InterquartileMean { .. } => interquartile_mean(values),
        }
    }

    /// The interval of [`Center::middle`] at this level; none of too few values.
    pub(crate) fn interval(self, values: &[f64], level: f64) -> Option<ConfidenceInterval> {
        match self {
            Self::Mean | Self::GeometricMean => mean_interval(values, level),
            Self::InterquartileMean { .. } => interquartile_interval(values, level),
        }
    }

    /// Its name in files.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::GeometricMean => "geometric-mean",
            Self::InterquartileMean { .. } => "iqm",
        }
    }

    /// Its name in files where the runs are those of a value before.
    pub(crate) const fn as_str_of_duplicates(self) -> &'static str {
        match self {
            Self::Mean => "mean-again",
            Self::GeometricMean => "geometric-mean-again",
            Self::InterquartileMean { .. } => "iqm-again",
        }
    }

    /// Those of `values` that it is defined for, and the count of the others.
    pub(crate) fn filter(self, values: impl IntoIterator<Item = f64>) -> Filtered<f64> {
        match self {
            Self::Mean | Self::InterquartileMean { only_positive: false } => {
                Filtered::partition(values, finite)
            }
            Self::GeometricMean | Self::InterquartileMean { only_positive: true } => {
                Filtered::partition(values, positive)
            }
        }
    }

    /// Its name in sentences.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::GeometricMean => "geometric mean",
            Self::InterquartileMean { .. } => "interquartile mean",
        }
    }

    /// The kind of its interval, in sentences.
    pub(crate) const fn words_of_interval(self) -> &'static str {
        match self {
            Self::Mean | Self::GeometricMean => "95 % Student t interval",
            Self::InterquartileMean { .. } => "95 % stratified bootstrap interval, from six runs on",
        }
    }
}

/// The middle of several runs' values at one place, and its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Summary {
    /// Where.
    pub(crate) x: f64,
    /// The middle.
    pub(crate) value: f64,
    /// Its 95 % interval, if there are runs enough.
    pub(crate) interval: Option<ConfidenceInterval>,
    /// How many runs.
    pub(crate) n: usize,
}

/// Sums up the values at `x` that `center` has [kept](Center::filter): their middle, and its 95 % confidence interval, of a mean by
/// Student's t distribution (Student 1908, "The probable error of a mean"): mean ± t·s/√n. None without values. How many
/// were left out is for the caller to say, who has counted them.
pub(crate) fn summarise(x: f64, kept: &Filtered<f64>, center: Center) -> Option<Summary> {
    let n = kept.n();
    match (center, kept.values()) {
        (_, []) => None,
        (Center::Mean, values) => {
            let mean = values.iter().sum::<f64>() / n as f64;
            Some(Summary { x, value: mean, interval: mean_interval(values, LEVEL), n })
        }
        (Center::InterquartileMean { .. }, values) => {
            let value = interquartile_mean(values)?;
            Some(Summary { x, value, interval: interquartile_interval(values, LEVEL), n })
        }
        // One value is its own geometric mean; the detour over logarithms would change its last digits.
        (Center::GeometricMean, &[value]) => Some(Summary { x, value, interval: None, n }),
        (Center::GeometricMean, values) => {
            let logarithms: Vec<f64> = values.iter().map(|value| value.ln()).collect();
            let mean = logarithms.iter().sum::<f64>() / n as f64;
            let interval = mean_interval(&logarithms, LEVEL).map(|interval| interval.map(f64::exp));
            Some(Summary { x, value: mean.exp(), interval, n })
        }
    }
}

/// The interval of the mean of `values` at this level by Student's t distribution: mean ± t·s/√n with n − 1 degrees of
/// freedom. None of fewer than [`MIN_RUNS`] values, or of values that aren't all finite.
pub(crate) fn mean_interval(values: &[f64], level: f64) -> Option<ConfidenceInterval> {
    let n = values.len();
    if n < MIN_RUNS || !values.iter().all(|value| value.is_finite()) {
        return None;
    }
    let (mean, variance) = moments(values);
    let half = student::two_sided_quantile(level, (n - 1) as f64) * (variance / n as f64).sqrt();
    Some(ConfidenceInterval::around(mean, half))
}

/// The smallest and the largest of `values`.
pub(crate) fn range(values: &[f64]) -> (f64, f64) {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    (low, values.iter().copied().fold(f64::NEG_INFINITY, f64::max))
}

/// The geometric mean of `values`. None without values, or where one is negative; 0 where one is 0.
pub(crate) fn geometric_mean(values: &[f64]) -> Option<f64> {
    match values {
        [] => None,
        values if values.iter().any(|value| *value < 0.0) => None,
        // The detour over logarithms would change its last digits.
        &[value] => Some(value),
        values => {
            let logarithms: Vec<f64> = values.iter().map(|value| value.ln()).collect();
            Center::GeometricMean.middle(&logarithms).map(f64::exp)
        }
    }
}

/// The standard deviation of `values` with n − 1 in the denominator. None of fewer than two.
pub(crate) fn standard_deviation(values: &[f64]) -> Option<f64> {
    (values.len() > 1).then(|| moments(values).1.sqrt())
}

/// The mean of `values` and their variance with n − 1 in the denominator; needs two values.
pub(super) fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, variance)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(x: f64, values: &[f64], center: Center) -> Option<Summary> {
        summarise(x, &center.filter(values.iter().copied()), center)
    }

    #[test]
    fn the_interval_of_a_mean_is_that_of_the_textbook() {
        // s = √(5/2)·… for 1..5: mean 3, s² = 2.5, t(4) = 2.776 445, half = 2.776 445·√(2.5/5).
        let point = of(7.0, &[1.0, 2.0, 3.0, 4.0, 5.0], Center::Mean).unwrap();
        let ConfidenceInterval { low, high } = point.interval.unwrap();
        assert_eq!((point.x, point.value, point.n), (7.0, 3.0, 5));
        assert!(
            (high - 3.0 - 1.963_243).abs() < 1e-6 && (3.0 - low - 1.963_243).abs() < 1e-6,
            "{low} {high}"
        );
    }

    #[test]
    fn an_interquartile_mean_takes_six_runs_for_an_interval() {
        let center = Center::InterquartileMean { only_positive: false };
        let five = of(0.0, &[1.0, 2.0, 3.0, 4.0, 90.0], center).unwrap();
        assert_eq!((five.value, five.interval, five.n), (3.0, None, 5));
        let six = of(0.0, &[1.0, 2.0, 3.0, 4.0, 5.0, 90.0], center).unwrap();
        let interval = six.interval.unwrap();
        assert!(six.value == 3.5 && interval.low >= 1.0 && interval.low < 3.5 && 3.5 < interval.high);
        let kept = Center::InterquartileMean { only_positive: true }.filter([1.0, -1.0, 2.0]);
        assert_eq!((kept.n(), kept.exclusions().words().as_str()), (2, "1 without a positive value"));
        assert_eq!(center.within_a_run(), Center::Mean);
    }

    #[test]
    fn two_runs_have_no_interval() {
        assert_eq!(of(0.0, &[1.0, 2.0], Center::Mean).unwrap().interval, None);
    }

    #[test]
    fn values_that_arent_finite_are_not_averaged_and_are_counted() {
        let kept = Center::Mean.filter([1.0, f64::NAN, 3.0, f64::INFINITY]);
        assert_eq!((kept.n(), kept.exclusions().words().as_str()), (2, "2 without a finite value"));
        let kept = Center::GeometricMean.filter([1.0, f64::NAN, 0.0, -1.0]);
        assert_eq!(kept.exclusions().words(), "1 without a finite value, 2 without a positive value");
        let point = of(0.0, &[1.0, f64::NAN, 3.0, f64::INFINITY], Center::Mean).unwrap();
        assert_eq!((point.value, point.n), (2.0, 2));
        assert_eq!(of(0.0, &[f64::NAN], Center::Mean), None);
        assert_eq!(of(0.0, &[], Center::Mean), None);
    }

    #[test]
    fn a_geometric_mean_stays_positive_with_its_interval() {
        let point = of(0.0, &[1e-1, 1e-3, 1e-5, 0.0, -2.0], Center::GeometricMean).unwrap();
        assert!((point.value / 1e-3 - 1.0).abs() < 1e-12 && point.n == 3);
        assert!(point.interval.unwrap().low > 0.0);
        assert_eq!(of(0.0, &[0.1], Center::GeometricMean).unwrap().value, 0.1);
    }

    #[test]
    fn a_geometric_mean_is_that_of_the_product_and_a_deviation_has_n_minus_one_below() {
        assert!((geometric_mean(&[1.0, 10.0, 100.0]).unwrap() - 10.0).abs() < 1e-12);
        assert_eq!([geometric_mean(&[0.0, 4.0]), geometric_mean(&[0.3])], [Some(0.0), Some(0.3)]);
        assert_eq!([geometric_mean(&[-1.0, 4.0]), geometric_mean(&[])], [None, None]);
        // By hand: 1..5 have the squares 4 + 1 + 0 + 1 + 4, over 4.
        assert_eq!(standard_deviation(&[1.0, 2.0, 3.0, 4.0, 5.0]), Some(2.5_f64.sqrt()));
        assert_eq!(standard_deviation(&[1.0]), None);
    }

    /// `scipy.stats.t.interval(0.95, 3, np.mean(v), scipy.stats.sem(v))` of SciPy 1.17.1.
    #[test]
    fn the_interval_of_a_mean_agrees_with_scipy() {
        let ConfidenceInterval { low, high } = mean_interval(&[0.9, 0.8, 0.85, 0.95], 0.95).unwrap();
        assert!((low - 0.772_286_987_161_974).abs() < 1e-12, "{low}");
        assert!((high - 0.977_713_012_838_026).abs() < 1e-12, "{high}");
        assert_eq!(mean_interval(&[0.9, 0.8], 0.95), None);
        assert_eq!(mean_interval(&[0.9, 0.8, f64::NAN, 0.7], 0.95), None);
    }
}

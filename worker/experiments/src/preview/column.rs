//! A column of numbers in a few numbers.

/// The bars of a column's histogram.
const BARS: usize = 16;

/// The training examples' numbers in one channel of an array, one column of a table, or one value to predict.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnSummary {
    /// The least.
    pub minimum: f64,
    /// The greatest.
    pub maximum: f64,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation.
    pub deviation: f64,
    /// How many lie in each of sixteen parts of the range, all as wide; the last includes its end.
    pub histogram: Vec<u64>,
}

impl ColumnSummary {
    /// The summary of some numbers, all finite, which are gone through three times. None if there are none.
    pub(super) fn of<I: Iterator<Item = f64>>(numbers: impl Fn() -> I) -> Option<Self> {
        let (mut minimum, mut maximum, mut sum, mut count) = (f64::INFINITY, f64::NEG_INFINITY, 0.0, 0.0);
        for number in numbers() {
            minimum = minimum.min(number);
            maximum = maximum.max(number);
            sum += number;
            count += 1.0;
        }
        if count == 0.0 {
            return None;
        }
        let mean = sum / count;
        let squares: f64 = numbers().map(|number| (number - mean) * (number - mean)).sum();
        let mut histogram = vec![0; BARS];
        let scale = BARS as f64 / (maximum - minimum);
        for number in numbers() {
            // Of a range without width, all lie in the first part.
            let bar = ((number - minimum) * scale) as usize;
            histogram[bar.min(BARS - 1)] += 1;
        }
        Some(Self { minimum, maximum, mean, deviation: (squares / count).sqrt(), histogram })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_summed_up_and_its_ends_are_counted() {
        let numbers: Vec<f64> = (0..32).map(f64::from).collect();
        let summary = ColumnSummary::of(|| numbers.iter().copied()).unwrap();
        assert_eq!((summary.minimum, summary.maximum, summary.mean), (0.0, 31.0, 15.5));
        assert!((summary.deviation - (1023.0_f64 / 12.0).sqrt()).abs() < 1e-12);
        assert_eq!(summary.histogram, [2; 16]);
    }

    #[test]
    fn a_constant_column_and_none_at_all() {
        let summary = ColumnSummary::of(|| [3.0; 5].into_iter()).unwrap();
        assert_eq!((summary.deviation, summary.histogram[0]), (0.0, 5));
        assert_eq!(ColumnSummary::of(std::iter::empty), None);
    }
}

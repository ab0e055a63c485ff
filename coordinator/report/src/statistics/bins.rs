//! Long series in bins: what happens at every iteration, in as many points as a plot can show.

use super::summary::{Center, summarise};

/// The values of a series in a bin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bin {
    /// The middle of the bin.
    pub(crate) x: f64,
    /// The mean of its values.
    pub(crate) value: f64,
    /// The smallest of its values.
    pub(crate) low: f64,
    /// The largest of its values.
    pub(crate) high: f64,
}

/// The bins of `points`, each `width` wide, the first beginning at `start`. Bins without a finite value (without a
/// positive one, for a geometric mean) have no place among them: how many values a series has that the middle isn't
/// defined for is counted where the series is ([`Center::filter`]).
pub(crate) fn binned(points: &[(f64, f64)], start: f64, width: f64, center: Center) -> Vec<Bin> {
    let bin_of = |x: f64| ((x - start) / width).floor();
    points
        .chunk_by(|a, b| bin_of(a.0) == bin_of(b.0))
        .filter_map(|chunk| {
            let kept = center.filter(chunk.iter().map(|point| point.1));
            let x = start + (bin_of(chunk[0].0) + 0.5) * width;
            let middle = summarise(x, &kept, center)?;
            let low = kept.values().iter().copied().fold(f64::INFINITY, f64::min);
            let high = kept.values().iter().copied().fold(f64::NEG_INFINITY, f64::max);
            Some(Bin { x, value: middle.value, low, high })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bin_holds_the_mean_and_the_extremes_of_its_values() {
        let points = [(1.0, 2.0), (2.0, 4.0), (3.0, 9.0), (4.0, 1.0), (5.0, f64::NAN)];
        let bins = binned(&points, 1.0, 2.0, Center::Mean);
        assert_eq!(
            bins,
            [
                Bin { x: 2.0, value: 3.0, low: 2.0, high: 4.0 },
                Bin { x: 4.0, value: 5.0, low: 1.0, high: 9.0 },
            ]
        );
    }

    #[test]
    fn binning_keeps_the_extremes_of_the_whole_series() {
        let points: Vec<(f64, f64)> =
            (1..=23_400).map(|i| (f64::from(i), f64::from(i * 7919 % 10_007))).collect();
        let bins = binned(&points, 1.0, 117.0, Center::Mean);
        assert_eq!(bins.len(), 200);
        let low = bins.iter().map(|bin| bin.low).fold(f64::MAX, f64::min);
        let high = bins.iter().map(|bin| bin.high).fold(f64::MIN, f64::max);
        assert_eq!((low, high), (0.0, 10_006.0));
    }
}

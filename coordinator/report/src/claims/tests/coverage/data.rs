//! Made-up runs of which the truth is known.

use basin_domain::random::Stream;

use crate::statistics::Pair;

/// The numbers of runs, or of points, that are tried.
pub(super) const SIZES: [usize; 5] = [3, 5, 8, 20, 100];

pub(super) fn normal(stream: &mut Stream, n: usize) -> Vec<f64> {
    (0..n).map(|_| stream.normal()).collect()
}

/// Numbers whose logarithms are standard normal: their median is 1, their mean √e.
pub(super) fn lognormal(stream: &mut Stream, n: usize) -> Vec<f64> {
    normal(stream, n).into_iter().map(f64::exp).collect()
}

/// Normal numbers of which each one in five, at random, lies 10 standard deviations above: their mean is 2.
pub(super) fn one_in_five_apart(stream: &mut Stream, n: usize) -> Vec<f64> {
    (0..n).map(|_| stream.normal() + if stream.below(5) == 0 { 10.0 } else { 0.0 }).collect()
}

/// Two samples whose runs of one seed have a part in common as large as the rest.
pub(super) fn by_seed(stream: &mut Stream, n: usize) -> [Vec<(usize, f64)>; 2] {
    let common = normal(stream, n);
    [(), ()].map(|()| common.iter().enumerate().map(|(seed, part)| (seed, part + stream.normal())).collect())
}

/// Pairs of a bivariate normal distribution with this correlation, a run a point.
pub(super) fn correlated(stream: &mut Stream, n: usize, correlation: f64) -> Vec<Pair<usize>> {
    let rest = (1.0 - correlation * correlation).sqrt();
    let pair = |point: usize| {
        let (x, noise) = (stream.normal(), stream.normal());
        Pair { point, x, y: correlation * x + rest * noise }
    };
    (0..n).map(pair).collect()
}

/// The rank correlation of that distribution (Kruskal 1958, "Ordinal measures of association").
pub(super) fn rank_correlation_of(correlation: f64) -> f64 {
    6.0 / std::f64::consts::PI * (correlation / 2.0).asin()
}

/// Three runs at each of `n` points in a row, that differ by an effect of the point of this size beside the runs' own
/// spread of 1, and not by x.
pub(super) fn grouped(stream: &mut Stream, n: usize, effect: f64) -> Vec<Pair<usize>> {
    let mut pairs = Vec::new();
    for point in 0..n {
        let own = effect * stream.normal();
        pairs.extend((0..3).map(|_| Pair { point, x: point as f64, y: own + stream.normal() }));
    }
    pairs
}

/// The shares of `examples` images that `runs` networks classify rightly. Each image has its own probability of being
/// classified rightly, uniform in 0.4 to 1, so that networks err on the same ones; over all images the share is 0.7,
/// but for a part of each network's own.
pub(super) fn accuracies(stream: &mut Stream, runs: usize, examples: usize) -> Vec<f64> {
    let images: Vec<f64> = (0..examples).map(|_| 0.4 + 0.6 * stream.uniform()).collect();
    let of_run = |_| {
        let own = 0.02 * stream.normal();
        let right = images.iter().filter(|&&probability| stream.uniform() < probability + own).count();
        right as f64 / examples as f64
    };
    (0..runs).map(of_run).collect()
}

/// The distances of `n` runs that each walk from a common beginning in 40 dimensions: between the ends of each two, and
/// of each from its first place to its last.
pub(super) fn walks(stream: &mut Stream, n: usize) -> (Vec<(usize, usize, f64)>, Vec<f64>) {
    let ends: Vec<Vec<f64>> = (0..n).map(|_| normal(stream, 40)).collect();
    let apart = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
    let mut between = Vec::new();
    for a in 0..n {
        for b in a + 1..n {
            between.push((a, b, apart(&ends[a], &ends[b])));
        }
    }
    (between, ends.iter().map(|end| apart(end, &[0.0; 40])).collect())
}

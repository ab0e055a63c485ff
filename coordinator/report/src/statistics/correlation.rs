//! The rank correlation of several runs, with its interval: the same in a figure and in a claim.

use std::collections::BTreeMap;

use basin_domain::claim::Check;

use super::bootstrap::bca_interval;
use super::confidence_interval::ConfidenceInterval;
use super::normal;
use super::permutation::chance_of_order;
use super::rank::{ranks, spearman};

/// The fewest independent pairs whose rank correlation can say anything.
pub(crate) const MIN_PAIRS_OF_INTERVAL: usize = Check::FEWEST_PAIRS;

/// From so many pairs on the interval is that of the bootstrap. Fewer have too few different resamples: of five
/// uncorrelated pairs, 8 % instead of 5 % have an interval without 0.
pub(crate) const MIN_PAIRS_OF_BOOTSTRAP: usize = 20;

/// A correlation nearer to ±1 than this is ±1: two neighbours exchanged among 10,000 runs make it 10⁻¹¹ less.
const ROUNDING: f64 = 1e-12;

/// The random numbers of every bootstrap of a correlation: the same pairs have the same interval wherever they are looked at.
const STREAM: &str = "rank correlation";

/// A run in a rank correlation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Pair<P> {
    /// Its point: runs of one point differ in their seed alone.
    pub(crate) point: P,
    /// The place.
    pub(crate) x: f64,
    /// The value.
    pub(crate) y: f64,
}

/// The rank correlation of finite pairs over what of them is independent.
///
/// Runs of one point share whatever effect their parameters have beside that of x: several such runs are no several
/// pieces of evidence about x. So where there are several points and a point has several runs, a pair is a point, with
/// the mean ranks of its runs among all runs. Where every point has one run, or all runs are of one point, a pair is a
/// run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RankCorrelation {
    x: Vec<f64>,
    y: Vec<f64>,
    runs: usize,
    points: usize,
}

impl RankCorrelation {
    /// The rank correlation of these runs.
    pub(crate) fn of<P: Ord>(pairs: &[Pair<P>]) -> Self {
        let mut members: BTreeMap<&P, Vec<usize>> = BTreeMap::new();
        for (place, pair) in pairs.iter().enumerate() {
            members.entry(&pair.point).or_default().push(place);
        }
        let x: Vec<f64> = pairs.iter().map(|pair| pair.x).collect();
        let y: Vec<f64> = pairs.iter().map(|pair| pair.y).collect();
        let (runs, points) = (pairs.len(), members.len());
        if points == 1 || points == runs {
            return Self { x, y, runs, points };
        }
        let (ranks_of_x, ranks_of_y) = (ranks(&x), ranks(&y));
        let mean =
            |ranks: &[f64], of: &[usize]| of.iter().map(|&place| ranks[place]).sum::<f64>() / of.len() as f64;
        Self {
            x: members.values().map(|of| mean(&ranks_of_x, of)).collect(),
            y: members.values().map(|of| mean(&ranks_of_y, of)).collect(),
            runs,
            points,
        }
    }

    /// How many runs it is of.
    pub(crate) const fn runs(&self) -> usize {
        self.runs
    }

    /// The number of points, if the pairs are points and not runs.
    pub(crate) fn points(&self) -> Option<usize> {
        (self.x.len() < self.runs).then_some(self.points)
    }

    /// How many independent pairs there are.
    pub(crate) fn pairs(&self) -> usize {
        self.x.len()
    }

    /// Spearman's rank correlation of the pairs; none where [`spearman`] has none.
    pub(crate) fn estimate(&self) -> Option<f64> {
        spearman(&self.x, &self.y)
    }

    /// Whether the pairs stand in order without exception.
    pub(crate) fn is_perfect(&self) -> bool {
        self.estimate().is_some_and(|estimate| 1.0 - estimate.abs() < ROUNDING)
    }

    /// Whether the interval is that of the bootstrap, and not that of Fisher's z.
    fn is_bootstrapped(&self) -> bool {
        self.pairs() >= MIN_PAIRS_OF_BOOTSTRAP && !self.is_perfect()
    }

    /// The interval at this level: of 20 pairs or more that of the bootstrap, bias-corrected and accelerated, of fewer
    /// that of Fisher's z. It reaches to 0 where the test by permutation of the pairs ([`chance_of_order`]) doesn't
    /// exclude 0 at its level, so that it leaves 0 out by chance no more often than it may, however few pairs there
    /// are. None of fewer than [`MIN_PAIRS_OF_INTERVAL`] pairs, or where too many resamples have no correlation.
    pub(crate) fn interval(&self, level: f64) -> Option<ConfidenceInterval> {
        let estimate = self.estimate()?;
        let n = self.pairs();
        if n < MIN_PAIRS_OF_INTERVAL {
            return None;
        }
        let found = if self.is_bootstrapped() {
            let of = |indices: &[usize]| {
                let (x, y): (Vec<f64>, Vec<f64>) = indices.iter().map(|&i| (self.x[i], self.y[i])).unzip();
                spearman(&x, &y)
            };
            bca_interval(n, of, level, STREAM)?
        } else {
            fisher_interval(n, estimate, level)
        };
        let chance = chance_of_order(&ranks(&self.x), &ranks(&self.y), estimate);
        let tail = (1.0 - level) / 2.0 + ROUNDING;
        if chance.as_great.min(chance.as_small) <= tail {
            return Some(found);
        }
        Some(ConfidenceInterval { low: found.low.min(0.0), high: found.high.max(0.0) })
    }
}

/// The interval of a rank correlation of n pairs by Fisher's z with the standard error √((1 + ρ²/2)/(n − 3)) (Bonett & Wright
/// 2000, "Sample size requirements for estimating Pearson, Kendall and Spearman correlations", Psychometrika 65).
///
/// At ρ = ±1 z is infinite, as if nothing were left to learn. It is taken where ranks can't tell a correlation from 1:
/// half of the way to the next value that they can have, 1 − 12/(n(n² − 1)), with two neighbours exchanged; the near
/// end of pairs in perfect order is the estimate.
fn fisher_interval(pairs: usize, estimate: f64, level: f64) -> ConfidenceInterval {
    if estimate < 0.0 {
        return fisher_interval(pairs, -estimate, level).negated();
    }
    let n = pairs as f64;
    let most = 1.0 - 6.0 / (n * (n * n - 1.0));
    let correlation = estimate.min(most);
    let error = ((1.0 + correlation * correlation / 2.0) / (n - 3.0)).sqrt();
    let half = normal::quantile(0.5 + level / 2.0) * error;
    let found = ConfidenceInterval::around(correlation.atanh(), half).map(f64::tanh);
    if estimate > most { ConfidenceInterval { high: 1.0, ..found } } else { found }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::LEVEL;

    /// Runs of a point each.
    fn of_runs(pairs: impl IntoIterator<Item = (f64, f64)>) -> RankCorrelation {
        let pairs: Vec<Pair<usize>> =
            pairs.into_iter().enumerate().map(|(point, (x, y))| Pair { point, x, y }).collect();
        RankCorrelation::of(&pairs)
    }

    /// Three runs at each of the points 0, 1, 2, … with these values.
    fn of_points(values: &[[f64; 3]]) -> RankCorrelation {
        let pairs: Vec<Pair<usize>> = values
            .iter()
            .enumerate()
            .flat_map(|(point, of)| of.map(|y| Pair { point, x: point as f64, y }))
            .collect();
        RankCorrelation::of(&pairs)
    }

    #[test]
    fn four_pairs_have_no_interval_and_pairs_without_variation_no_correlation() {
        let pairs = |n: u32| of_runs((0..n).map(|i| (f64::from(i), f64::from(i * i % 7))));
        assert_eq!(pairs(4).interval(LEVEL), None);
        let ConfidenceInterval { low, high } = pairs(30).interval(LEVEL).unwrap();
        assert!(low < high && low >= -1.0 && high <= 1.0);
        assert_eq!(of_runs([(1.0, 2.0); 9]).estimate(), None);
    }

    /// The ends by hand, with Python's math: `tanh(atanh(r) - 1.959963984540054 * sqrt((1 + r*r/2) / (n - 3)))` with
    /// `r = 1 - 6 / (n * (n*n - 1))`. Five pairs are in one of the two perfect orders by chance in 2 of 5! = 120 cases:
    /// less often than an interval of 95 % may err, so that it leaves 0 out.
    #[test]
    fn pairs_in_perfect_order_have_an_interval_that_narrows_with_their_number() {
        let ordered = |n: u32, sign: f64| {
            let found = of_runs((0..n).map(|i| (f64::from(i), sign * f64::from(i * i))));
            (found.estimate().unwrap(), found.interval(LEVEL).unwrap())
        };
        for (n, expected) in [(5, 0.160_804_506_802), (6, 0.631_688_983_021), (15, 0.992_884_843_673)] {
            let (estimate, ConfidenceInterval { low, high }) = ordered(n, 1.0);
            assert_eq!((estimate, high), (1.0, 1.0));
            assert!((low - expected).abs() < 1e-6, "{n}: {low}");
            assert_eq!(ordered(n, -1.0), (-1.0, ConfidenceInterval { low: -1.0, high: -low }));
        }
    }

    /// ρ = 0.9 of five pairs: one exchange of neighbours, which chance makes or betters in 5 of 120 orders, 4.2 %. At ρ
    /// = 0.943 of six it does so in 6 of 720.
    #[test]
    fn an_interval_leaves_zero_out_only_where_chance_seldom_gives_such_an_order() {
        let exchanged = |n: u32| {
            let y = |i: u32| f64::from(if i < 2 { 1 - i } else { i });
            of_runs((0..n).map(|i| (f64::from(i), y(i)))).interval(LEVEL).unwrap()
        };
        assert!(exchanged(5).low <= 0.0, "{:?}", exchanged(5));
        assert!(exchanged(6).low > 0.0, "{:?}", exchanged(6));
        let ordered = of_runs((0..5).map(|i| (f64::from(i), f64::from(i))));
        assert!(ordered.interval(0.999).unwrap().low <= 0.0);
        // 20 pairs at two places: at a level at which chance gives such an order as often as the interval may err, it
        // reaches to 0.
        let found = of_runs((0..20).map(|i| (f64::from(i % 2), f64::from(i + 8 * (i % 2)))));
        let chance = chance_of_order(&ranks(&found.x), &ranks(&found.y), found.estimate().unwrap());
        let interval = found.interval(1.0 - 1.9 * chance.as_great).unwrap();
        assert!(interval.low <= 0.0, "{interval:?}");
    }

    #[test]
    fn runs_of_one_point_are_one_pair_where_there_are_several_points() {
        let found = of_points(&[[1.0, 1.1, 1.2], [0.9, 1.3, 1.4], [1.5, 1.6, 1.7]]);
        assert_eq!((found.runs(), found.points(), found.pairs()), (9, Some(3), 3));
        assert_eq!((found.estimate(), found.interval(LEVEL)), (Some(1.0), None), "nine runs, three points");
        let five = of_points(&[[1.0; 3], [2.0; 3], [3.0; 3], [4.0; 3], [5.0; 3]]);
        assert!(five.interval(LEVEL).unwrap().low > 0.0);
        // As many runs in order, but for two points: 15 runs would pass for proof.
        let exchanged = of_points(&[[2.0; 3], [1.0; 3], [3.0; 3], [4.0; 3], [5.0; 3]]);
        assert!(exchanged.interval(LEVEL).unwrap().low <= 0.0);
    }

    #[test]
    fn seeds_of_one_point_are_a_pair_each() {
        let pairs: Vec<Pair<()>> =
            (0..30).map(|i| Pair { point: (), x: f64::from(i), y: f64::from(i % 11) }).collect();
        let found = RankCorrelation::of(&pairs);
        assert_eq!((found.runs(), found.points(), found.pairs()), (30, None, 30));
    }
}

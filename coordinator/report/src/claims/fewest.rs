//! The fewest runs of which a check can be decided at all.

use basin_domain::claim::{Check, Claim, Middle, Setting};

use super::levels::DecisionLevels;
use crate::statistics::{MIN_PAIRS_OF_INTERVAL, MIN_RUNS, Pair, RankCorrelation, fewest_of_bootstrap};

/// More pairs than this are never needed for pairs in perfect order to say something.
const MOST_PAIRS: usize = 40;

/// The fewest runs of each point of which a check can be decided; the fewest points, where points are what is independent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fewest {
    /// For it to hold.
    pub(crate) to_hold: usize,
    /// For it to be refused.
    pub(crate) to_be_refused: usize,
}

/// The fewest runs of which this check of a claim can be decided, under all settings that the claim varies; `others` is the number
/// of points that one which should be best is held against.
pub(crate) fn fewest(claim: &Claim, check: &Check, others: usize) -> Fewest {
    let varied =
        || claim.analysis.vary.iter().filter(|variation| variation.is_of(check)).flat_map(|of| &of.settings);
    let levels = DecisionLevels::of_claim(claim.checks.len());
    let levels = if matches!(check, Check::Best { .. }) { levels.of_each(others) } else { levels };
    let strictest = varied().filter_map(|setting| match setting {
        Setting::Level(level) => Some(*level),
        Setting::ReadAt(_)
        | Setting::AverageLast(_)
        | Setting::Smoothing(_)
        | Setting::Middle(_)
        | Setting::Measure(..)
        | Setting::Bound(..)
        | Setting::Condition(_)
        | Setting::Recomputed(..)
        | Setting::Parameter(..) => None,
    });
    let levels = strictest.reduce(f64::max).map_or(levels, |level| levels.at(level.max(levels.to_hold())));
    let is_iqm = claim.analysis.middle == Some(Middle::Iqm)
        || varied().any(|setting| *setting == Setting::Middle(Middle::Iqm));
    let at = |level: f64| match check {
        Check::Correlation { .. } => pairs_in_order(level),
        _ if is_iqm && check.has_a_middle() => fewest_of_bootstrap(level).max(MIN_RUNS),
        Check::Equivalent { .. }
        | Check::Greater { .. }
        | Check::Trend { .. }
        | Check::Within { .. }
        | Check::Best { .. }
        | Check::Together { .. }
        | Check::Smooth { .. } => MIN_RUNS,
    };
    Fewest { to_hold: at(levels.to_hold()), to_be_refused: at(levels.to_refuse()) }
}

/// The fewest pairs in perfect order whose rank correlation has an interval at this level without 0.
fn pairs_in_order(level: f64) -> usize {
    let says_something = |&n: &usize| {
        let pairs: Vec<Pair<usize>> =
            (0..n).map(|at| Pair { point: at, x: at as f64, y: at as f64 }).collect();
        RankCorrelation::of(&pairs).interval(level).is_some_and(|interval| interval.low > 0.0)
    };
    (MIN_PAIRS_OF_INTERVAL..=MOST_PAIRS).find(says_something).unwrap_or(MOST_PAIRS)
}

#[cfg(test)]
mod tests {
    use basin_domain::claim::{Analysis, Best, Direction, Variation};

    use super::*;
    use crate::claims::tests::{all, width, y};

    fn of(check: &Check, checks: usize, analysis: Analysis) -> (usize, usize) {
        let claim = Claim { text: String::new(), checks: vec![check.clone(); checks], analysis };
        let found = fewest(&claim, check, 9);
        (found.to_hold, found.to_be_refused)
    }

    #[test]
    fn three_runs_or_five_pairs_in_perfect_order_decide() {
        let within = Check::Within { of: all(), y: y(), low: 0.0, high: 1.0 };
        assert_eq!(of(&within, 3, Analysis::default()), (3, 3));
        let correlation = Check::Correlation {
            of: all(),
            x: "width".to_owned(),
            y: y(),
            direction: Direction::Rises,
            only_if: None,
        };
        assert_eq!(of(&correlation, 1, Analysis::default()), (5, 5));
        // One of 120 orders is more than 2.5 % of a third.
        assert_eq!(of(&correlation, 4, Analysis::default()), (5, 6));
    }

    #[test]
    fn an_interquartile_mean_takes_six_runs_and_more_where_a_claim_can_be_refused_in_many_ways() {
        let iqm = Analysis { middle: Some(Middle::Iqm), ..Analysis::default() };
        let within = Check::Within { of: all(), y: y(), low: 0.0, high: 1.0 };
        assert_eq!(of(&within, 1, iqm.clone()), (6, 6));
        let best = Check::Best { of: width(1), y: y(), best: Best::Lowest };
        assert_eq!(of(&best, 1, iqm), (6, 9));
        let varied = |settings| Analysis {
            vary: vec![Variation { name: "it".to_owned(), settings }],
            ..Analysis::default()
        };
        let middles = varied(vec![Setting::Middle(Middle::Mean), Setting::Middle(Middle::Iqm)]);
        assert_eq!(of(&within, 1, middles), (6, 6));
        let correlation = Check::Correlation {
            of: all(),
            x: "width".to_owned(),
            y: y(),
            direction: Direction::Rises,
            only_if: None,
        };
        assert_eq!(of(&correlation, 1, varied(vec![Setting::Level(0.95), Setting::Level(0.99)])), (6, 6));
    }
}

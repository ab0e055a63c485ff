//! Rules that end training before its budget does: pure functions of what was recorded, asked at every recorded point.

use serde::{Deserialize, Serialize};

use super::series::{SeriesDeclaration, training};
use super::stop_reason::StopReason;
use crate::claim::Best;
use crate::metrics::Metrics;

/// A rule that ends training.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "snake_case")]
pub enum StopRule {
    /// The recorded training loss is below a value.
    TrainLossBelow {
        /// The value.
        value: f64,
    },
    /// The recorded training accuracy is above a value.
    TrainAccuracyAbove {
        /// The value, from 0 up to but not including 1.
        value: f64,
    },
    /// The test loss is below a value.
    TestLossBelow {
        /// The value.
        value: f64,
    },
    /// The test accuracy is above a value.
    TestAccuracyAbove {
        /// The value, from 0 up to but not including 1.
        value: f64,
    },
    /// The gradient norm of the step that led to the recorded point is below a value.
    GradientNormBelow {
        /// The value.
        value: f64,
    },
    /// The last so many recorded points of a series are no better than the best one before them.
    NoImprovement {
        /// The series.
        of: WatchedSeries,
        /// The number of points, at least 1.
        #[serde(rename = "for")]
        points: u32,
    },
}

/// A series of which one end is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WatchedSeries {
    /// The training loss.
    TrainLoss,
    /// The training accuracy.
    TrainAccuracy,
    /// The test loss.
    TestLoss,
    /// The test accuracy.
    TestAccuracy,
}

impl WatchedSeries {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::TrainLoss, Self::TrainAccuracy, Self::TestLoss, Self::TestAccuracy];

    /// The series.
    pub const fn declaration(self) -> SeriesDeclaration {
        match self {
            Self::TrainLoss => training::TRAIN_LOSS,
            Self::TrainAccuracy => training::TRAIN_ACCURACY,
            Self::TestLoss => training::TEST_LOSS,
            Self::TestAccuracy => training::TEST_ACCURACY,
        }
    }
}

impl StopRule {
    /// The rule's name in outcomes.
    pub const fn reason(&self) -> StopReason {
        match self {
            Self::TrainLossBelow { .. } => StopReason::TrainLossBelow,
            Self::TrainAccuracyAbove { .. } => StopReason::TrainAccuracyAbove,
            Self::TestLossBelow { .. } => StopReason::TestLossBelow,
            Self::TestAccuracyAbove { .. } => StopReason::TestAccuracyAbove,
            Self::GradientNormBelow { .. } => StopReason::GradientNormBelow,
            Self::NoImprovement { .. } => StopReason::NoImprovement,
        }
    }

    /// The series that it looks at.
    pub const fn series(&self) -> SeriesDeclaration {
        match self {
            Self::TrainLossBelow { .. } => training::TRAIN_LOSS,
            Self::TrainAccuracyAbove { .. } => training::TRAIN_ACCURACY,
            Self::TestLossBelow { .. } => training::TEST_LOSS,
            Self::TestAccuracyAbove { .. } => training::TEST_ACCURACY,
            Self::GradientNormBelow { .. } => training::GRADIENT_NORM,
            Self::NoImprovement { of, .. } => of.declaration(),
        }
    }

    /// Whether training ends with this record. A value that isn't finite ends nothing.
    pub fn holds(&self, record: &Metrics) -> bool {
        let last = || record.last(self.series().name).filter(|value| value.is_finite());
        match *self {
            Self::TrainLossBelow { value }
            | Self::TestLossBelow { value }
            | Self::GradientNormBelow { value } => last().is_some_and(|last| last < value),
            Self::TrainAccuracyAbove { value } | Self::TestAccuracyAbove { value } => {
                last().is_some_and(|last| last > value)
            }
            Self::NoImprovement { points, .. } => {
                let recorded = record.series.get(self.series().name).map_or(&[][..], |series| &series.points);
                has_not_improved(recorded, self.series().best, points as usize)
            }
        }
    }
}

/// The first of these rules that ends training with this record.
pub fn first_that_holds(rules: &[StopRule], record: &Metrics) -> Option<StopReason> {
    rules.iter().find(|rule| rule.holds(record)).map(StopRule::reason)
}

/// Whether the last so many points are no better than the best before them.
fn has_not_improved(recorded: &[(f64, f64)], best: Option<Best>, last: usize) -> bool {
    let Some(before) = recorded.len().checked_sub(last).filter(|before| *before > 0) else { return false };
    let better = |a: f64, b: f64| match best {
        Some(Best::Highest) => a > b,
        Some(Best::Lowest) | None => a < b,
    };
    let (earlier, later) = recorded.split_at(before);
    let best_of_earlier = earlier.iter().map(|point| point.1).reduce(|a, b| if better(b, a) { b } else { a });
    best_of_earlier.is_some_and(|best| later.iter().all(|point| !better(point.1, best)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Axis;

    fn record(name: &str, values: &[f64]) -> Metrics {
        let mut record = Metrics::default();
        for (x, value) in (0..).zip(values) {
            record.push(name, Axis::Epoch, f64::from(x), *value);
        }
        record
    }

    #[test]
    fn a_bound_is_held_against_the_last_value_alone() {
        let rule = StopRule::TrainLossBelow { value: 0.5 };
        assert!(rule.holds(&record("train_loss", &[0.9, 0.6, 0.4])));
        assert!(!rule.holds(&record("train_loss", &[0.9, 0.4, 0.6])));
        assert!(!rule.holds(&record("train_loss", &[0.9, 0.5])), "at the bound is not below it");
        assert!(!rule.holds(&record("test_loss", &[0.1])) && !rule.holds(&Metrics::default()));
        let rule = StopRule::TestAccuracyAbove { value: 0.9 };
        assert!(rule.holds(&record("test_accuracy", &[0.2, 0.91])));
        assert!(!rule.holds(&record("test_accuracy", &[0.95, 0.9])));
        let rule = StopRule::GradientNormBelow { value: 1e-3 };
        assert!(rule.holds(&record("gradient_norm", &[1.0, 1e-4])));
    }

    #[test]
    fn a_value_that_is_not_finite_ends_nothing() {
        for value in [f64::NAN, f64::NEG_INFINITY] {
            assert!(!StopRule::TrainLossBelow { value: 1.0 }.holds(&record("train_loss", &[value])));
        }
        let rule = StopRule::TrainAccuracyAbove { value: 0.0 };
        assert!(!rule.holds(&record("train_accuracy", &[f64::INFINITY])));
    }

    #[test]
    fn no_improvement_counts_from_the_best_point() {
        let rule = StopRule::NoImprovement { of: WatchedSeries::TestLoss, points: 3 };
        let holds = |values: &[f64]| rule.holds(&record("test_loss", values));
        assert!(!holds(&[1.0, 1.1, 1.2]), "three points are none after the best");
        assert!(holds(&[1.0, 1.1, 1.2, 1.0]), "as good is no better");
        assert!(!holds(&[1.0, 1.1, 1.2, 0.9]));
        assert!(holds(&[2.0, 1.0, 1.5, 1.4, 1.3]), "better than the one before, and not than the best");
        let rule = StopRule::NoImprovement { of: WatchedSeries::TestAccuracy, points: 1 };
        assert!(rule.holds(&record("test_accuracy", &[0.5, 0.4])));
        assert!(!rule.holds(&record("test_accuracy", &[0.5, 0.6])));
    }

    #[test]
    fn the_first_rule_that_holds_is_the_reason() {
        let rules = [
            StopRule::TrainLossBelow { value: 0.1 },
            StopRule::NoImprovement { of: WatchedSeries::TrainLoss, points: 1 },
        ];
        assert_eq!(
            first_that_holds(&rules, &record("train_loss", &[1.0, 0.05])),
            Some(StopReason::TrainLossBelow)
        );
        assert_eq!(
            first_that_holds(&rules, &record("train_loss", &[1.0, 1.05])),
            Some(StopReason::NoImprovement)
        );
        assert_eq!(first_that_holds(&rules, &record("train_loss", &[1.0, 0.5])), None);
    }

    #[test]
    fn a_rule_is_written_with_its_name() {
        let rule = StopRule::NoImprovement { of: WatchedSeries::TestLoss, points: 10 };
        let text = serde_json::to_string(&rule).unwrap();
        assert_eq!(text, r#"{"rule":"no_improvement","of":"test_loss","for":10}"#);
        assert_eq!(serde_json::from_str::<StopRule>(&text).unwrap(), rule);
        for rule in [
            StopRule::TrainLossBelow { value: 0.5 },
            StopRule::TrainAccuracyAbove { value: 0.5 },
            StopRule::TestLossBelow { value: 0.5 },
            StopRule::TestAccuracyAbove { value: 0.5 },
            StopRule::GradientNormBelow { value: 0.5 },
        ] {
            let word = format!("{{\"rule\":\"{}\",\"value\":0.5}}", rule.reason().as_str());
            assert_eq!(serde_json::to_string(&rule).unwrap(), word);
        }
    }
}

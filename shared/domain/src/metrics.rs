//! The metrics of a run: named series of points.

use std::collections::BTreeMap;

use crate::experiment::StopReason;
use serde::{Deserialize, Serialize};

/// The unit of a series' x.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Axis {
    /// Passes over the training data; 0 is before the first.
    Epoch,
    /// Steps of the optimiser; the first leads to 1, and 0 is where training begins.
    Iteration,
    /// The input of a fitted function.
    Input,
    /// The ratio α of an interpolation between two solutions; 0 is the first, 1 the second.
    Ratio,
    /// The cells of a surface, counted row by row from 0.
    Cell,
    /// An eigenvalue.
    Eigenvalue,
    /// Nothing: the series is one number (x is 0).
    Once,
}

impl Axis {
    /// Every axis.
    pub const ALL: [Self; 7] =
        [Self::Epoch, Self::Iteration, Self::Input, Self::Ratio, Self::Cell, Self::Eigenvalue, Self::Once];

    /// The axis as a word, as it stands in files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Epoch => "epoch",
            Self::Iteration => "iteration",
            Self::Input => "input",
            Self::Ratio => "ratio",
            Self::Cell => "cell",
            Self::Eigenvalue => "eigenvalue",
            Self::Once => "once",
        }
    }

    /// The axis of this word, if there is one.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|axis| axis.as_str() == word)
    }
}

/// One measured quantity: points in the order in which they were measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// The unit of x.
    pub axis: Axis,
    /// (x, value); the value may be NaN or infinite where training diverged.
    pub points: Vec<(f64, f64)>,
}

/// All that a run measured, by series name (`train_loss`, `gradient_norm`, `parameters`).
///
/// The standard names: `train_loss`, `test_loss` (nats, mean over examples), `train_accuracy`, `test_accuracy` (a share
/// of 1) against epochs or ratios; `loss`, `gradient_norm` against iterations; `prediction`, `target` against inputs;
/// `alpha`, `beta` (coordinates) beside `train_loss` against cells; `spectral_density` against eigenvalues; `parameters`
/// once. What an experiment's runs record is said by [`crate::experiment::Experiment::series`] and
/// [`crate::experiment::Experiment::numbers`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Metrics {
    /// The series, by name.
    pub series: BTreeMap<String, Series>,
}

impl Metrics {
    /// Adds a point to the series `name`, which is begun if it is new.
    pub fn push(&mut self, name: &str, axis: Axis, x: f64, value: f64) {
        match self.series.get_mut(name) {
            Some(series) => series.points.push((x, with_one_nan(value))),
            None => {
                self.series.insert(name.to_owned(), Series { axis, points: vec![(x, with_one_nan(value))] });
            }
        }
    }

    /// The last value of the series `name`.
    pub fn last(&self, name: &str) -> Option<f64> {
        self.series.get(name)?.points.last().map(|&(_, value)| value)
    }

    /// Keeps a single number.
    pub fn set(&mut self, name: &str, value: f64) {
        self.series
            .insert(name.to_owned(), Series { axis: Axis::Once, points: vec![(0.0, with_one_nan(value))] });
    }
}

/// The longest name of a series that others may choose, in bytes.
const LONGEST_NAME: usize = 64;

/// Whether a series may be called so where Basin doesn't choose the name: letters, digits and `_`, the first of them a letter.
pub fn is_series_name(name: &str) -> bool {
    let is_word = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_word && name.len() <= LONGEST_NAME && name.starts_with(|first: char| first.is_ascii_alphabetic())
}

/// NaN as one pattern of bits: which of many an operation gives differs between processors.
fn with_one_nan(value: f64) -> f64 {
    if value.is_nan() { f64::NAN } else { value }
}

/// How a committed run ended. Divergence is a result, not a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// It ran to its end.
    Completed,
    /// Loss or parameters stopped being finite; the run ended there.
    Diverged {
        /// The step of the optimiser at which it was noticed.
        iteration: u64,
    },
    /// A rule of its sweep file ended it before its budget did. Its results are complete: all that is measured at the end was measured.
    Stopped {
        /// The steps of the optimiser that it took.
        iteration: u64,
        /// The rule.
        rule: StopReason,
    },
}

impl Outcome {
    /// The outcome as JSON, `{"outcome":"completed"}`: what [`Outcome`]'s `FromStr` reads.
    pub fn to_json(self) -> String {
        serde_json::to_string(&self).expect("an outcome has no maps and no floats")
    }
}

impl std::str::FromStr for Outcome {
    type Err = serde_json::Error;

    fn from_str(json: &str) -> Result<Self, Self::Err> {
        serde_json::from_str(json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ending_comes_back_and_nothing_else_is_taken_for_one() {
        let stopped = Outcome::Stopped { iteration: 7, rule: StopReason::NoImprovement };
        for outcome in [Outcome::Completed, Outcome::Diverged { iteration: 7 }, stopped] {
            assert_eq!(outcome.to_json().parse::<Outcome>().ok(), Some(outcome));
        }
        assert_eq!(Outcome::Completed.to_json(), "{\"outcome\":\"completed\"}");
        assert_eq!(
            stopped.to_json(),
            "{\"outcome\":\"stopped\",\"iteration\":7,\"rule\":\"no_improvement\"}"
        );
        assert!("".parse::<Outcome>().is_err() && "{}".parse::<Outcome>().is_err());
    }
}

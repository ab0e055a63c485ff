//! The middle of a measure's runs that a check compares.

use std::collections::BTreeSet;

use basin_domain::claim::Middle;
use basin_domain::experiment::series::{
    self, SeriesDeclaration, Split, Unit, critical_point, probe, training,
};

use super::check_result::formatted;
use crate::exclusions::{ExclusionReason, positive};
use crate::runs::Run;
use crate::statistics::{Center, ConfidenceInterval};

/// From so many times the smallest value on, a positive measure of which Basin doesn't know what it is spans decades.
const DECADE: f64 = 10.0;

/// The middle that belongs to the measure `y` of these runs, and its scale.
///
/// Losses and norms are positive and have no upper end; those of several seeds are nearer to a lognormal distribution
/// than to a normal one. They are compared by their logarithms, and so is any other measure whose values are all
/// positive and span a decade, but for accuracies. What spans less is compared by its means.
pub(super) fn center(y: &str, runs: &[&Run]) -> Center {
    if let Some(declared) = declaration(y, runs) {
        const NORMS: [&str; 4] = [
            training::GRADIENT_NORM.name,
            critical_point::FINAL_GRADIENT_NORM.name,
            probe::SENSITIVITY.name,
            probe::INPUT_GRADIENT.name,
        ];
        if declared.unit == Unit::Loss || NORMS.contains(&declared.name) {
            return Center::GeometricMean;
        }
        if is_accuracy(declared.name) {
            return Center::Mean;
        }
    }
    let values: Vec<f64> =
        runs.iter().filter_map(|run| run.completed()?.last(y)).filter(|value| value.is_finite()).collect();
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(0.0, f64::max);
    if low > 0.0 && high >= DECADE * low { Center::GeometricMean } else { Center::Mean }
}

/// The middle that a claim asks for, or that belongs to the measure `y` of these runs.
pub(super) fn chosen(middle: Option<Middle>, y: &str, runs: &[&Run]) -> Center {
    match middle {
        Some(Middle::Mean) => Center::Mean,
        Some(Middle::GeometricMean) => Center::GeometricMean,
        Some(Middle::Iqm) => Center::InterquartileMean { only_positive: false },
        None => center(y, runs),
    }
}

/// The measure as Basin declares it; none of what a kind records that isn't Basin's own.
fn declaration(y: &str, runs: &[&Run]) -> Option<&'static SeriesDeclaration> {
    let is_own = runs.iter().all(|run| run.declaration.is_none());
    let kinds: BTreeSet<&str> = runs.iter().map(|run| run.task.spec.experiment.kind()).collect();
    if is_own { series::find(y, kinds) } else { None }
}

/// Whether a declared measure is a share of examples that are classified rightly.
fn is_accuracy(name: &str) -> bool {
    [
        training::TRAIN_ACCURACY.name,
        training::FINAL_TRAIN_ACCURACY.name,
        training::TEST_ACCURACY.name,
        training::AVERAGE_TEST_ACCURACY.name,
    ]
    .contains(&name)
}

/// What a measure says of test examples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OfTestExamples {
    /// The share of them that is classified rightly: its sampling error follows from their number.
    Share,
    /// Something else, of which the store keeps no values of single examples.
    Other,
}

/// What the measure says of test examples, if it is measured on them.
pub(super) fn of_test_examples(y: &str, runs: &[&Run]) -> Option<OfTestExamples> {
    let declared = declaration(y, runs)?;
    (declared.split == Some(Split::Test))
        .then(|| if is_accuracy(declared.name) { OfTestExamples::Share } else { OfTestExamples::Other })
}

/// A value on the scale on which it is averaged.
pub(super) fn scaled(center: Center, value: f64) -> Result<f64, ExclusionReason> {
    match center {
        Center::Mean | Center::InterquartileMean { .. } => Ok(value),
        Center::GeometricMean => Ok(positive(value)?.ln()),
    }
}

/// The number that stands for `value` on the scale of the average.
pub(super) fn unscaled(center: Center, value: f64) -> f64 {
    match center {
        Center::Mean | Center::InterquartileMean { .. } => value,
        Center::GeometricMean => value.exp(),
    }
}

/// The same of an interval.
pub(super) fn unscaled_interval(center: Center, interval: ConfidenceInterval) -> ConfidenceInterval {
    interval.map(|end| unscaled(center, end))
}

/// A bound on the scale of the average; below all values where it has no logarithm.
pub(super) fn scaled_bound(center: Center, bound: f64) -> f64 {
    match center {
        Center::Mean | Center::InterquartileMean { .. } => bound,
        Center::GeometricMean => {
            if bound > 0.0 {
                bound.ln()
            } else {
                f64::NEG_INFINITY
            }
        }
    }
}

/// How two middles compare, in words: their difference, or their ratio.
pub(super) fn comparison(center: Center, difference: f64) -> String {
    match center {
        Center::Mean | Center::InterquartileMean { .. } => format!("difference {}", formatted(difference)),
        Center::GeometricMean => format!("ratio {}", formatted(difference.exp())),
    }
}

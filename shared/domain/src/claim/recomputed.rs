//! Measures that follow from what a run stored, at other values of a parameter than the one it ran with.

use serde::{Deserialize, Serialize};

use crate::experiment::series::critical_point;
use crate::experiment::{CriticalPoint, Experiment};

/// A measure of a `critical-point` run that a threshold makes of what the run stored: for another threshold nothing has
/// to be trained again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecomputedMeasure {
    /// The share of the Hessian's eigenvalues above a number, from the stored eigenvalues.
    PositiveEigenvalues,
    /// The share of weights and biases with a magnitude below a number, from the stored weights.
    WeightsNearZero,
    /// Whether the gradient's norm is below a number where the search ended, from the recorded norms. The search isn't run again: at a
    /// lower threshold it would have gone on.
    Converged,
}

impl RecomputedMeasure {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::PositiveEigenvalues, Self::WeightsNearZero, Self::Converged];

    /// The parameter that is the threshold.
    pub const fn parameter(self) -> &'static str {
        match self {
            Self::PositiveEigenvalues => "minimal_ratio.positive",
            Self::WeightsNearZero => "minimal_ratio.near_zero",
            Self::Converged => "search.threshold",
        }
    }

    /// The number that runs record of it.
    pub const fn measure(self) -> &'static str {
        match self {
            Self::PositiveEigenvalues => critical_point::MINIMAL_RATIO_POSITIVE_EIGENVALUES.name,
            Self::WeightsNearZero => critical_point::MINIMAL_RATIO_NEAR_ZERO.name,
            Self::Converged => critical_point::CONVERGED.name,
        }
    }

    /// The kind whose runs record it.
    pub const KIND: &'static str = CriticalPoint::KIND;

    /// The threshold with which an experiment ran, if it is of that kind.
    pub const fn threshold(self, experiment: &Experiment) -> Option<f64> {
        let Experiment::CriticalPoint(point) = experiment else { return None };
        Some(match self {
            Self::PositiveEigenvalues => point.minimal_ratio.positive,
            Self::WeightsNearZero => point.minimal_ratio.near_zero,
            Self::Converged => point.threshold,
        })
    }
}

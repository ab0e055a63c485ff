//! The series of `critical-point`.

use super::declaration::{SeriesDeclaration, Unit};
use super::{probe, training};
use crate::metrics::Axis;

/// The loss over all points at each iteration.
pub const LOSS: SeriesDeclaration =
    SeriesDeclaration::new("loss", Axis::Iteration, "loss").in_unit(Unit::Loss).lower_is_better();
/// Whether the search converged: 1, else 0.
pub const CONVERGED: SeriesDeclaration = SeriesDeclaration::new("converged", Axis::Once, "converged");
/// The steps on the loss.
pub const TRAINED_ITERATIONS: SeriesDeclaration =
    SeriesDeclaration::new("trained_iterations", Axis::Once, "trained iterations");
/// The steps of the search.
pub const SEARCH_ITERATIONS: SeriesDeclaration =
    SeriesDeclaration::new("search_iterations", Axis::Once, "search iterations");
/// The loss where the search ended.
pub const FINAL_LOSS: SeriesDeclaration = SeriesDeclaration { name: "final_loss", axis: Axis::Once, ..LOSS };
/// The gradient's norm where the search ended.
pub const FINAL_GRADIENT_NORM: SeriesDeclaration =
    SeriesDeclaration { name: "final_gradient_norm", axis: Axis::Once, ..training::GRADIENT_NORM };
/// The minimal ratio by weights near zero.
pub const MINIMAL_RATIO_NEAR_ZERO: SeriesDeclaration =
    SeriesDeclaration::new("minimal_ratio_near_zero", Axis::Once, "minimal ratio: near zero");
/// The minimal ratio by positive eigenvalues.
pub const MINIMAL_RATIO_POSITIVE_EIGENVALUES: SeriesDeclaration =
    SeriesDeclaration::new("minimal_ratio_positive_eigenvalues", Axis::Once, "minimal ratio: eigenvalues");
/// The minimal ratio by sampled points.
pub const MINIMAL_RATIO_SAMPLED: SeriesDeclaration =
    SeriesDeclaration::new("minimal_ratio_sampled", Axis::Once, "minimal ratio: sampled");
/// The smallest eigenvalue of the Hessian.
pub const SMALLEST_EIGENVALUE: SeriesDeclaration =
    SeriesDeclaration::new("smallest_eigenvalue", Axis::Once, "smallest eigenvalue of the Hessian");
/// The largest eigenvalue of the Hessian.
pub const LARGEST_EIGENVALUE: SeriesDeclaration = probe::LARGEST_EIGENVALUE.against(Axis::Once);

/// All that its runs may record.
pub const DECLARED: &[SeriesDeclaration] = &[
    LOSS,
    training::GRADIENT_NORM,
    training::PARAMETERS,
    CONVERGED,
    TRAINED_ITERATIONS,
    SEARCH_ITERATIONS,
    FINAL_LOSS,
    FINAL_GRADIENT_NORM,
    MINIMAL_RATIO_NEAR_ZERO,
    MINIMAL_RATIO_POSITIVE_EIGENVALUES,
    MINIMAL_RATIO_SAMPLED,
    SMALLEST_EIGENVALUE,
    LARGEST_EIGENVALUE,
];

//! The series of `critical-point`.

use super::declaration::{SeriesDeclaration, Unit, ValueRange, declarations};
use super::{probe, training};
use crate::metrics::Axis;

declarations! {
    /// The loss over all points at each iteration.
    pub const LOSS: SeriesDeclaration = SeriesDeclaration::new("loss", Axis::Iteration, "loss")
        .in_unit(Unit::Loss)
        .within(ValueRange::NotNegative)
        .lower_is_better();
    /// Whether the search got the gradient's norm below its threshold: 1, else 0.
    pub const CONVERGED: SeriesDeclaration = SeriesDeclaration::new("converged", Axis::Once, "converged");
    /// Whether there is provably a critical point near the one where the run ended: 1, else 0.
    pub const CERTIFIED: SeriesDeclaration = SeriesDeclaration::new("certified", Axis::Once, "certified");
    /// Whether the point is certified, and all eigenvalues are positive: 1, else 0.
    pub const CERTIFIED_MINIMUM: SeriesDeclaration =
        SeriesDeclaration::new("certified_minimum", Axis::Once, "certified minimum");
    /// Whether the point is certified, and an eigenvalue is negative: 1, else 0.
    pub const CERTIFIED_SADDLE: SeriesDeclaration =
        SeriesDeclaration::new("certified_saddle", Axis::Once, "certified saddle");
    /// Whether the point is certified, no eigenvalue is negative, and one is zero: 1, else 0.
    pub const CERTIFIED_DEGENERATE: SeriesDeclaration =
        SeriesDeclaration::new("certified_degenerate", Axis::Once, "certified degenerate point");
    /// Whether Newton's steps come to rest, and the bound doesn't reach for a proof: 1, else 0.
    pub const CAUSE_UNPROVEN: SeriesDeclaration =
        SeriesDeclaration::new("cause_unproven", Axis::Once, "not certified: unproven");
    /// Whether the run ended where the gradient is flat: 1, else 0.
    pub const CAUSE_FLAT: SeriesDeclaration =
        SeriesDeclaration::new("cause_flat", Axis::Once, "not certified: flat");
    /// Whether the gradient is small and no critical point is near: 1, else 0.
    pub const CAUSE_SLOW: SeriesDeclaration =
        SeriesDeclaration::new("cause_slow", Axis::Once, "not certified: slow");
    /// Whether the iterations were used up before the gradient was small: 1, else 0.
    pub const CAUSE_LIMIT: SeriesDeclaration =
        SeriesDeclaration::new("cause_limit", Axis::Once, "not certified: at the limit");
    /// Whether a number wasn't finite any more: 1, else 0.
    pub const CAUSE_DIVERGED: SeriesDeclaration =
        SeriesDeclaration::new("cause_diverged", Axis::Once, "not certified: diverged");
}

/// All ways in which a run ends: exactly one of them is 1.
pub const ENDINGS: &[SeriesDeclaration] = &[
    CERTIFIED_MINIMUM,
    CERTIFIED_SADDLE,
    CERTIFIED_DEGENERATE,
    CAUSE_UNPROVEN,
    CAUSE_FLAT,
    CAUSE_SLOW,
    CAUSE_LIMIT,
    CAUSE_DIVERGED,
];

declarations! {
    /// The Newton decrement, over the eigenvectors whose eigenvalues aren't zero.
    pub const NEWTON_DECREMENT: SeriesDeclaration =
        SeriesDeclaration::new("newton_decrement", Axis::Once, "Newton decrement");
    /// The length of Newton's step, over the eigenvectors whose eigenvalues aren't zero.
    pub const NEWTON_STEP: SeriesDeclaration =
        SeriesDeclaration::new("newton_step", Axis::Once, "length of Newton's step");
    /// Kantorovich's h: at most 1/2 where there is a zero of the gradient.
    pub const KANTOROVICH_H: SeriesDeclaration =
        SeriesDeclaration::new("kantorovich_h", Axis::Once, "Kantorovich's h");
    /// The bound of the Hessian's Lipschitz constant near the point.
    pub const HESSIAN_LIPSCHITZ: SeriesDeclaration =
        SeriesDeclaration::new("hessian_lipschitz", Axis::Once, "Lipschitz constant of the Hessian");
    /// The bound of the distance to the nearest zero of the gradient; infinite where none is proven.
    pub const DISTANCE_BOUND: SeriesDeclaration =
        SeriesDeclaration::new("distance_bound", Axis::Once, "distance to the critical point, at most");
    /// The gradient's norm along eigenvectors whose eigenvalues are zero.
    pub const REMAINING_GRADIENT: SeriesDeclaration =
        SeriesDeclaration::new("remaining_gradient", Axis::Once, "gradient left along flat directions");
    /// The steps on the loss.
    pub const TRAINED_ITERATIONS: SeriesDeclaration =
        SeriesDeclaration::new("trained_iterations", Axis::Once, "trained iterations");
    /// The step on the loss from which the search began.
    pub const START_ITERATION: SeriesDeclaration =
        SeriesDeclaration::new("start_iteration", Axis::Once, "start of the search");
    /// The steps of the search.
    pub const SEARCH_ITERATIONS: SeriesDeclaration =
        SeriesDeclaration::new("search_iterations", Axis::Once, "search iterations");
    /// The steps after the search, of all attempts.
    pub const POLISH_ITERATIONS: SeriesDeclaration =
        SeriesDeclaration::new("polish_iterations", Axis::Once, "polishing iterations");
    /// The attempts after the first.
    pub const RESTARTS: SeriesDeclaration = SeriesDeclaration::new("restarts", Axis::Once, "restarts");
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
    /// The gradient's norm where the run ended, in those of the Hessian and of the weights.
    pub const RELATIVE_GRADIENT_NORM: SeriesDeclaration =
        SeriesDeclaration::new("relative_gradient_norm", Axis::Once, "gradient norm, relative");
    /// The minimal ratio by positive eigenvalues, relative to the largest.
    pub const MINIMAL_RATIO_POSITIVE_RELATIVE: SeriesDeclaration = SeriesDeclaration::new(
        "minimal_ratio_positive_relative",
        Axis::Once,
        "minimal ratio: relative eigenvalues",
    );
    /// The share of eigenvalues that are negative, relative to the largest.
    pub const INDEX: SeriesDeclaration =
        SeriesDeclaration::new("index", Axis::Once, "index: share of negative eigenvalues");
    /// The number of eigenvalues that are negative, relative to the largest.
    pub const NEGATIVE_EIGENVALUES: SeriesDeclaration =
        SeriesDeclaration::new("negative_eigenvalues", Axis::Once, "negative eigenvalues");
    /// The number of eigenvalues that are zero, relative to the largest.
    pub const DEGENERATE_EIGENVALUES: SeriesDeclaration =
        SeriesDeclaration::new("degenerate_eigenvalues", Axis::Once, "eigenvalues that are zero");
    /// The largest magnitude of an eigenvalue of the Hessian.
    pub const HESSIAN_NORM: SeriesDeclaration =
        SeriesDeclaration::new("hessian_norm", Axis::Once, "largest magnitude of an eigenvalue of the Hessian");
    /// The smallest eigenvalue of the Hessian.
    pub const SMALLEST_EIGENVALUE: SeriesDeclaration =
        SeriesDeclaration::new("smallest_eigenvalue", Axis::Once, "smallest eigenvalue of the Hessian");
    /// The largest eigenvalue of the Hessian.
    pub const LARGEST_EIGENVALUE: SeriesDeclaration = probe::LARGEST_EIGENVALUE.against(Axis::Once);
}

/// All that its runs may record.
pub const DECLARED: &[SeriesDeclaration] = &[
    LOSS,
    training::GRADIENT_NORM,
    training::PARAMETERS,
    CONVERGED,
    CERTIFIED,
    CERTIFIED_MINIMUM,
    CERTIFIED_SADDLE,
    CERTIFIED_DEGENERATE,
    CAUSE_UNPROVEN,
    CAUSE_FLAT,
    CAUSE_SLOW,
    CAUSE_LIMIT,
    CAUSE_DIVERGED,
    TRAINED_ITERATIONS,
    START_ITERATION,
    SEARCH_ITERATIONS,
    POLISH_ITERATIONS,
    RESTARTS,
    FINAL_LOSS,
    FINAL_GRADIENT_NORM,
    RELATIVE_GRADIENT_NORM,
    NEWTON_DECREMENT,
    NEWTON_STEP,
    KANTOROVICH_H,
    HESSIAN_LIPSCHITZ,
    DISTANCE_BOUND,
    REMAINING_GRADIENT,
    MINIMAL_RATIO_NEAR_ZERO,
    MINIMAL_RATIO_POSITIVE_EIGENVALUES,
    MINIMAL_RATIO_POSITIVE_RELATIVE,
    MINIMAL_RATIO_SAMPLED,
    INDEX,
    NEGATIVE_EIGENVALUES,
    DEGENERATE_EIGENVALUES,
    HESSIAN_NORM,
    SMALLEST_EIGENVALUE,
    LARGEST_EIGENVALUE,
];

//! The series of `surface` beside the loss of its cells.

use super::declaration::{SeriesDeclaration, declarations};
use super::training;
use crate::metrics::Axis;

declarations! {
    /// The first coordinate of a cell.
    pub const ALPHA: SeriesDeclaration = SeriesDeclaration::new("alpha", Axis::Cell, "alpha");
    /// The second coordinate of a cell.
    pub const BETA: SeriesDeclaration = SeriesDeclaration::new("beta", Axis::Cell, "beta");
    /// The first coordinate of the recorded weights.
    pub const TRAJECTORY_ALPHA: SeriesDeclaration =
        SeriesDeclaration::new("trajectory_alpha", Axis::Epoch, "trajectory alpha");
    /// The second coordinate of the recorded weights.
    pub const TRAJECTORY_BETA: SeriesDeclaration =
        SeriesDeclaration::new("trajectory_beta", Axis::Epoch, "trajectory beta");
    /// The share of the recorded weights' variance along the first direction.
    pub const EXPLAINED_VARIANCE_ALPHA: SeriesDeclaration =
        SeriesDeclaration::new("explained_variance_alpha", Axis::Once, "explained variance alpha");
    /// The share of the recorded weights' variance along the second direction.
    pub const EXPLAINED_VARIANCE_BETA: SeriesDeclaration =
        SeriesDeclaration::new("explained_variance_beta", Axis::Once, "explained variance beta");
}

/// All that its runs may record.
pub const DECLARED: &[SeriesDeclaration] = &[
    ALPHA,
    BETA,
    training::TRAIN_LOSS.against(Axis::Cell),
    training::TRAIN_ACCURACY.against(Axis::Cell),
    TRAJECTORY_ALPHA,
    TRAJECTORY_BETA,
    EXPLAINED_VARIANCE_ALPHA,
    EXPLAINED_VARIANCE_BETA,
];

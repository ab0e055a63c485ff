//! The series of `fit-function` beside its losses.

use super::declaration::{SeriesDeclaration, declarations};
use super::training;
use crate::metrics::Axis;

declarations! {
    /// The network's output at each training point, at the end.
    pub const PREDICTION: SeriesDeclaration = SeriesDeclaration::new("prediction", Axis::Input, "prediction");
    /// The function's value at each training point.
    pub const TARGET: SeriesDeclaration = SeriesDeclaration::new("target", Axis::Input, "target");
}

/// All that its runs may record beside what every kind does that trains.
pub const DECLARED: &[SeriesDeclaration] =
    &[training::TRAIN_LOSS, training::AVERAGE_TRAIN_LOSS, PREDICTION, TARGET];

//! The series of `fit-function` beside its losses.

use super::declaration::SeriesDeclaration;
use super::{probe, training};
use crate::metrics::Axis;

/// The network's output at each training point, at the end.
pub const PREDICTION: SeriesDeclaration = SeriesDeclaration::new("prediction", Axis::Input, "prediction");
/// The function's value at each training point.
pub const TARGET: SeriesDeclaration = SeriesDeclaration::new("target", Axis::Input, "target");

/// All that its runs may record.
pub const DECLARED: &[SeriesDeclaration] = &[
    training::TRAIN_LOSS,
    PREDICTION,
    TARGET,
    training::BATCH_LOSS,
    training::GRADIENT_NORM,
    training::PARAMETERS,
    training::FINAL_TRAIN_LOSS,
    probe::SENSITIVITY,
    probe::INPUT_GRADIENT,
    probe::SHARPNESS,
    probe::LARGEST_EIGENVALUE,
    probe::LARGEST_EIGENVALUE_RESIDUAL,
    probe::SPECTRAL_DENSITY,
];

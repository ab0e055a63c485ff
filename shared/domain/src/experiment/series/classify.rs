//! The series of `classify`.

use super::declaration::SeriesDeclaration;
use super::{probe, training};

/// All that its runs may record.
pub const DECLARED: &[SeriesDeclaration] = &[
    training::TRAIN_LOSS,
    training::TRAIN_ACCURACY,
    training::TEST_LOSS,
    training::TEST_ACCURACY,
    training::BATCH_LOSS,
    training::GRADIENT_NORM,
    training::PARAMETERS,
    training::FINAL_TRAIN_LOSS,
    training::FINAL_TRAIN_ACCURACY,
    probe::SENSITIVITY,
    probe::INPUT_GRADIENT,
    probe::SHARPNESS,
    probe::LARGEST_EIGENVALUE,
    probe::LARGEST_EIGENVALUE_RESIDUAL,
    probe::SPECTRAL_DENSITY,
];

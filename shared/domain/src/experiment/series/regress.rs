//! The series of `regress`.

use super::declaration::SeriesDeclaration;
use super::training;

/// All that its runs may record beside what every kind does that trains.
pub const DECLARED: &[SeriesDeclaration] =
    &[training::TRAIN_LOSS, training::TEST_LOSS, training::TEST_R_SQUARED, training::AVERAGE_TEST_LOSS];

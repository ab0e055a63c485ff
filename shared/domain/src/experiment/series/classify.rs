//! The series of `classify`.

use super::declaration::SeriesDeclaration;
use super::training;

/// All that its runs may record beside what every kind does that trains.
pub const DECLARED: &[SeriesDeclaration] = &[
    training::TRAIN_LOSS,
    training::TRAIN_ACCURACY,
    training::TEST_LOSS,
    training::TEST_ACCURACY,
    training::AVERAGE_TEST_LOSS,
    training::AVERAGE_TEST_ACCURACY,
    training::FINAL_TRAIN_ACCURACY,
];

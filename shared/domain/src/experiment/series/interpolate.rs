//! The series of `interpolate`: losses and accuracies against ratios, and the barriers between the ends.

use super::declaration::{SeriesDeclaration, Split, Unit, declarations};
use super::training;
use crate::metrics::Axis;

const LOSS_BARRIER: SeriesDeclaration =
    SeriesDeclaration::new("loss_barrier", Axis::Once, "barrier of the loss").in_unit(Unit::Loss);
const ERROR_BARRIER: SeriesDeclaration =
    SeriesDeclaration::new("error_barrier", Axis::Once, "barrier of the share of errors");

declarations! {
    /// How much larger the loss over the training examples is at most between the ends than the mean of theirs.
    pub const TRAIN_LOSS_BARRIER: SeriesDeclaration =
        SeriesDeclaration { name: "train_loss_barrier", ..LOSS_BARRIER.on(Split::Train) };
    /// How much larger the share of training examples that are classified wrongly is at most between the ends than the mean of theirs.
    pub const TRAIN_ERROR_BARRIER: SeriesDeclaration =
        SeriesDeclaration { name: "train_error_barrier", ..ERROR_BARRIER.on(Split::Train) };
    /// How much larger the loss over the test examples is at most between the ends than the mean of theirs.
    pub const TEST_LOSS_BARRIER: SeriesDeclaration =
        SeriesDeclaration { name: "test_loss_barrier", ..LOSS_BARRIER.on(Split::Test) };
    /// How much larger the share of test examples that are classified wrongly is at most between the ends than the mean of theirs.
    pub const TEST_ERROR_BARRIER: SeriesDeclaration =
        SeriesDeclaration { name: "test_error_barrier", ..ERROR_BARRIER.on(Split::Test) };
}

/// Each series with the height of its barrier; of an accuracy, of the errors.
pub const BARRIERS: [(SeriesDeclaration, SeriesDeclaration); 4] = [
    (training::TRAIN_LOSS, TRAIN_LOSS_BARRIER),
    (training::TRAIN_ACCURACY, TRAIN_ERROR_BARRIER),
    (training::TEST_LOSS, TEST_LOSS_BARRIER),
    (training::TEST_ACCURACY, TEST_ERROR_BARRIER),
];

/// All that its runs may record.
pub const DECLARED: &[SeriesDeclaration] = &[
    training::TRAIN_LOSS.against(Axis::Ratio),
    training::TRAIN_ACCURACY.against(Axis::Ratio),
    training::TEST_LOSS.against(Axis::Ratio),
    training::TEST_ACCURACY.against(Axis::Ratio),
    TRAIN_LOSS_BARRIER,
    TRAIN_ERROR_BARRIER,
    TEST_LOSS_BARRIER,
    TEST_ERROR_BARRIER,
];

//! The series of `interpolate`: losses and accuracies against ratios, and the barriers between the ends.

use super::declaration::{SeriesDeclaration, Split, Unit};
use super::training;
use crate::metrics::Axis;

const LOSS_BARRIER: SeriesDeclaration =
    SeriesDeclaration::new("loss_barrier", Axis::Once, "barrier of the loss").in_unit(Unit::Loss);
const ERROR_BARRIER: SeriesDeclaration =
    SeriesDeclaration::new("error_barrier", Axis::Once, "barrier of the share of errors");

/// Each series with the height of its barrier; of an accuracy, of the errors.
pub const BARRIERS: [(SeriesDeclaration, SeriesDeclaration); 4] = [
    (training::TRAIN_LOSS, SeriesDeclaration { name: "train_loss_barrier", ..LOSS_BARRIER.on(Split::Train) }),
    (
        training::TRAIN_ACCURACY,
        SeriesDeclaration { name: "train_error_barrier", ..ERROR_BARRIER.on(Split::Train) },
    ),
    (training::TEST_LOSS, SeriesDeclaration { name: "test_loss_barrier", ..LOSS_BARRIER.on(Split::Test) }),
    (
        training::TEST_ACCURACY,
        SeriesDeclaration { name: "test_error_barrier", ..ERROR_BARRIER.on(Split::Test) },
    ),
];

/// All that its runs may record.
pub const DECLARED: &[SeriesDeclaration] = &[
    training::TRAIN_LOSS.against(Axis::Ratio),
    training::TRAIN_ACCURACY.against(Axis::Ratio),
    training::TEST_LOSS.against(Axis::Ratio),
    training::TEST_ACCURACY.against(Axis::Ratio),
    BARRIERS[0].1,
    BARRIERS[1].1,
    BARRIERS[2].1,
    BARRIERS[3].1,
];
